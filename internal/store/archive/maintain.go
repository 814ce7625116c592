package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Maintain merges small files and removes what is over the limits of age and
// size. A caller runs it about once a minute, never two at a time.
func (a *Archive) Maintain(ctx context.Context) error {
	return errors.Join(a.merge(ctx), a.expire())
}

// merge joins the small files of an hour and partition, once enough have
// gathered, into one.
func (a *Archive) merge(ctx context.Context) error {
	var errs error
	for _, run := range a.runs() {
		if err := ctx.Err(); err != nil {
			return errors.Join(errs, err)
		}
		err := a.mergeRun(run)
		if errors.Is(err, ErrDamaged) {
			continue // named and counted where it was met; the files stay as they are
		}
		errs = errors.Join(errs, err)
	}
	return errs
}

// maxMerged bounds the compressed bytes that one merge holds in memory, some
// twenty times larger.
const maxMerged = 8 << 20

// runs are the sets of files to merge: neighbours by offset, in one folder.
func (a *Archive) runs() [][]*file {
	a.mu.Lock()
	defer a.mu.Unlock()
	var runs [][]*file
	var run []*file
	size := int64(0)
	end := func() {
		if len(run) >= a.cfg.MergeCount {
			runs = append(runs, run)
		}
		run, size = nil, 0
	}
	for _, f := range a.files {
		if len(run) > 0 && (run[0].partition != f.partition || run[0].hour != f.hour) {
			end()
		}
		if f.size >= a.cfg.SmallBytes || a.reported[a.path(f)] {
			end()
			continue
		}
		if size += f.size; size > maxMerged {
			end()
			size = f.size
		}
		run = append(run, f)
	}
	end()
	return runs
}

func (a *Archive) mergeRun(run []*file) error {
	var lines []Line
	for _, f := range run {
		more, err := a.readFile(f)
		if errors.Is(err, ErrDamaged) {
			a.report(f, err)
		}
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	merged := &file{partition: run[0].partition, hour: run[0].hour, first: run[0].first, last: run[len(run)-1].last}
	if err := a.write(merged, lines); err != nil {
		return fmt.Errorf("archive: merging %d files of partition %d: %w", len(run), merged.partition, err)
	}
	a.mu.Lock()
	a.forget(run)
	a.insert(merged)
	a.mu.Unlock()
	a.metrics.merged.Add(float64(len(run)))
	return a.remove(run)
}

func (a *Archive) readFile(f *file) ([]Line, error) {
	r, err := a.open(f)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var out []Line
	for g := range r.groups {
		lines, err := a.lines(r, g)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	return out, nil
}

func (a *Archive) forget(files []*file) {
	gone := make(map[*file]bool, len(files))
	for _, f := range files {
		gone[f] = true
	}
	a.files = slices.DeleteFunc(a.files, func(f *file) bool { return gone[f] })
}

// remove deletes files that are no longer listed, once no search can have seen
// them.
func (a *Archive) remove(files []*file) error {
	a.removing.Lock()
	defer a.removing.Unlock()
	var errs error
	for _, f := range files {
		errs = errors.Join(errs, removeIfThere(a.cfg.FS, a.path(f)), removeIfThere(a.cfg.FS, gramsPath(a.path(f))))
	}
	return errs
}

// expire removes the oldest files: those over the age, and then over the size.
// The newest of a partition stays, since it tells where the partition stands.
func (a *Archive) expire() error {
	a.mu.Lock()
	oldest := hourOf(a.cfg.Now().Add(-a.cfg.Retention).UnixMilli())
	newest := map[int]uint64{}
	total := int64(0)
	for _, f := range a.files {
		newest[f.partition] = max(newest[f.partition], f.last)
		total += f.total()
	}
	byHour := slices.Clone(a.files)
	slices.SortStableFunc(byHour, func(x, y *file) int { return strings.Compare(x.hour, y.hour) })
	var gone []*file
	for _, f := range byHour {
		reason := ""
		switch {
		case f.last == newest[f.partition]:
		case f.hour < oldest:
			reason = "age"
		case total > a.cfg.MaxBytes:
			reason = "size"
		}
		if reason == "" {
			continue
		}
		total -= f.total()
		gone = append(gone, f)
		a.metrics.removed.WithLabelValues(reason).Inc()
	}
	a.forget(gone)
	a.mu.Unlock()
	if err := a.remove(gone); err != nil {
		return fmt.Errorf("archive: removing old files: %w", err)
	}
	return a.removeEmptyHours(oldest)
}

// removeEmptyHours removes the folders of which retention has taken the files.
func (a *Archive) removeEmptyHours(oldest string) error {
	hours, err := a.cfg.FS.List(a.cfg.Dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, hour := range hours {
		dir := a.cfg.FS.PathJoin(a.cfg.Dir, hour)
		if _, err := time.Parse(hourLayout, hour); err != nil || hour >= oldest {
			continue
		}
		if names, err := a.cfg.FS.List(dir); err == nil && len(names) == 0 {
			if err := a.cfg.FS.Remove(dir); err != nil {
				return fmt.Errorf("archive: %w", err)
			}
		}
	}
	return nil
}
