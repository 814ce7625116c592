package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// Point is one number at one time, in unix milliseconds.
type Point struct {
	T int64
	V float64
}

// History is the past of one series. Points may come in any order; of two at
// the same time the later in the slice counts.
type History struct {
	Labels labels.Labels
	Points []Point
}

// Imported tells what became of an import.
type Imported struct {
	Stored int // samples written
	TooOld int // samples older than the retention, which would be dropped at once
	Future int // samples beyond FutureLimit
	Blocks int
}

// Import writes history as blocks by event time: all of it is visible to
// queries when Import returns, or nothing of it is stored. Each series comes
// once in seq. Importing the same samples twice is harmless; where an imported
// sample meets a stored one of the same time and another value, which of them
// a query sees is not defined.
func (s *Store) Import(ctx context.Context, seq iter.Seq[History]) (Imported, error) {
	s.importing.Lock()
	defer s.importing.Unlock()
	im, err := s.newImporter()
	if err != nil {
		return Imported{}, fmt.Errorf("series: import: %w", err)
	}
	defer im.discard()
	for h := range seq {
		if err := im.add(ctx, h); err != nil {
			return Imported{}, fmt.Errorf("series: import: %s: %w", clip(h.Labels.String()), err)
		}
	}
	if err := im.finish(ctx); err != nil {
		return Imported{}, fmt.Errorf("series: import: %w", err)
	}
	s.metrics.imported.Add(float64(im.result.Stored))
	s.metrics.refused.WithLabelValues(reasonTooOld).Add(float64(im.result.TooOld))
	s.metrics.refused.WithLabelValues(reasonFuture).Add(float64(im.result.Future))
	return im.result, nil
}

// importer sorts samples into windows of time, each of which becomes a block.
//
// A block must not reach over the older end of the head: once it is merged
// with a block that came from the head, the TSDB takes all that it covers for
// written and drops that part of the head. So windows are wide (few blocks)
// only below the border, and exactly as wide as the head's own blocks above.
// For the same reason the blocks carry the out-of-order hint.
type importer struct {
	store          *Store
	folder         string // work folder, inside the TSDB's, so that a block can be renamed
	oldest, newest int64
	border         int64 // in ms; a multiple of minBlock
	wide           int64
	windows        map[int64]*window
	series         int
	result         Imported
}

func (s *Store) newImporter() (*importer, error) {
	now := time.Now()
	im := &importer{
		store:   s,
		folder:  filepath.Join(s.cfg.Dir, importFolder),
		oldest:  now.Add(-s.cfg.Retention).UnixMilli(),
		newest:  now.Add(s.cfg.FutureLimit).UnixMilli(),
		border:  min(s.db.Head().MinTime(), s.oldest(now).Add(-minBlock).UnixMilli()),
		wide:    widestRange(s.cfg.maxBlock()).Milliseconds(),
		windows: make(map[int64]*window),
	}
	im.border = floor(im.border, minBlock.Milliseconds())
	return im, os.MkdirAll(im.folder, 0o750)
}

// widestRange is the largest span that the compactor merges blocks to: two
// hours times a power of three, at most limit.
func widestRange(limit time.Duration) time.Duration {
	r := minBlock
	for 3*r <= limit {
		r *= 3
	}
	return r
}

// floor rounds down to a multiple of step, below zero too.
func floor(t, step int64) int64 {
	r := t % step
	if r < 0 {
		r += step
	}
	return t - r
}

func (im *importer) add(ctx context.Context, h History) error {
	if err := im.store.checkLabels(h.Labels); err != nil {
		return err
	}
	if im.series++; im.series > im.store.cfg.MaxSeries {
		return fmt.Errorf("more than %d series in one import", im.store.cfg.MaxSeries)
	}
	points := ordered(h.Points)
	var w *window
	var ref storage.SeriesRef
	for i, p := range points {
		if i+1 < len(points) && points[i+1].T == p.T || !im.accepts(p.T) {
			continue
		}
		if w == nil || p.T >= w.end {
			var err error
			if w, err = im.window(ctx, p.T); err != nil {
				return err
			}
			ref = 0
			if w.holds(h.Labels) {
				return errors.New("the series comes twice")
			}
		}
		var err error
		if ref, err = w.app.Append(ref, h.Labels, 0, p.T, p.V, nil, nil, storage.AppendV2Options{}); err != nil {
			return err
		}
		if im.result.Stored++; im.result.Stored > im.store.cfg.MaxImportSamples {
			return fmt.Errorf("more than %d samples in one import", im.store.cfg.MaxImportSamples)
		}
		if err := w.appended(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (im *importer) accepts(t int64) bool {
	if t < im.oldest {
		im.result.TooOld++
		return false
	}
	if t > im.newest {
		im.result.Future++
		return false
	}
	return true
}

// ordered returns the points by time, equal times in the order given.
func ordered(points []Point) []Point {
	byTime := func(a, b Point) int { return cmp.Compare(a.T, b.T) }
	if slices.IsSortedFunc(points, byTime) {
		return points
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, byTime)
	return points
}

// span is the window that holds t.
func (im *importer) span(t int64) (start, end int64) {
	start = floor(t, im.wide)
	if start+im.wide <= im.border {
		return start, start + im.wide
	}
	start = floor(t, minBlock.Milliseconds())
	return start, start + minBlock.Milliseconds()
}

func (im *importer) window(ctx context.Context, t int64) (*window, error) {
	start, end := im.span(t)
	if w := im.windows[start]; w != nil {
		return w, nil
	}
	w, err := im.store.newWindow(ctx, filepath.Join(im.folder, fmt.Sprintf("head-%d", start)), start, end)
	if err != nil {
		return nil, err
	}
	im.windows[start] = w
	return w, nil
}

// finish writes the blocks beside the database first, then moves them in.
func (im *importer) finish(ctx context.Context) error {
	var blocks []string
	for _, start := range slices.Sorted(maps.Keys(im.windows)) {
		ids, err := im.windows[start].write(ctx, im.folder)
		if err != nil {
			return err
		}
		blocks = append(blocks, ids...)
	}
	if len(blocks) == 0 {
		return nil
	}
	if err := im.moveIn(blocks); err != nil {
		return err
	}
	im.result.Blocks = len(blocks)
	// The only public call that always loads new blocks; that it also writes
	// out what came late is a welcome side effect.
	return im.store.db.CompactOOOHead(ctx)
}

func (im *importer) moveIn(blocks []string) error {
	dir := im.store.cfg.Dir
	for i, id := range blocks {
		if err := fileutil.Rename(filepath.Join(im.folder, id), filepath.Join(dir, id)); err != nil {
			for _, done := range blocks[:i] {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, done)))
			}
			return err
		}
	}
	return nil
}

func (im *importer) discard() {
	for _, w := range im.windows {
		if err := w.head.Close(); err != nil {
			im.store.log.Warn("import: closing a work block", "error", err)
		}
	}
	if err := os.RemoveAll(im.folder); err != nil {
		im.store.log.Warn("import: clearing the work folder", "folder", im.folder, "error", err)
	}
}

// window collects the samples of one block in memory.
type window struct {
	head    *tsdb.Head
	app     storage.AppenderV2
	pending int
	start   int64
	end     int64 // exclusive
	log     *slog.Logger
}

func (s *Store) newWindow(ctx context.Context, folder string, start, end int64) (*window, error) {
	opts := tsdb.DefaultHeadOptions()
	// A head refuses what is older than its newest sample by half its range; a
	// series may come whose points are older than all of the one before.
	opts.ChunkRange = 2 * (end - start)
	opts.ChunkDirRoot = folder
	opts.ChunkWriteBufferSize = chunks.MinWriteBufferSize
	opts.StripeSize = 512 // the default is for a head of a million series
	head, err := tsdb.NewHead(nil, s.log, nil, nil, opts, tsdb.NewHeadStats())
	if err != nil {
		return nil, err
	}
	if err := head.Init(math.MinInt64); err != nil {
		return nil, errors.Join(err, head.Close())
	}
	return &window{head: head, app: head.AppenderV2(ctx), start: start, end: end, log: s.log}, nil
}

func (w *window) holds(ls labels.Labels) bool {
	known, ok := w.app.(storage.GetRef)
	if !ok {
		return false
	}
	ref, _ := known.GetRef(ls, ls.Hash())
	return ref != 0
}

// appended commits now and then, which bounds what the appender holds.
func (w *window) appended(ctx context.Context) error {
	if w.pending++; w.pending < 5000 {
		return nil
	}
	w.pending = 0
	if err := w.app.Commit(); err != nil {
		return err
	}
	w.app = w.head.AppenderV2(ctx)
	return nil
}

// write turns the window into a block in folder.
func (w *window) write(ctx context.Context, folder string) ([]string, error) {
	if err := w.app.Commit(); err != nil {
		return nil, err
	}
	c, err := tsdb.NewLeveledCompactor(ctx, nil, w.log, []int64{w.end - w.start}, chunkenc.NewPool(), nil)
	if err != nil {
		return nil, err
	}
	var hint tsdb.BlockMeta
	hint.Compaction.SetOutOfOrder()
	ids, err := c.Write(folder, w.head, w.head.MinTime(), w.head.MaxTime()+1, &hint)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	return names, nil
}
