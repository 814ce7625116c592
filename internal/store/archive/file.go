package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is a Parquet file, as its name describes it.
type file struct {
	partition   int
	first, last uint64 // offsets
	min, max    int64  // times of lines, unix ms
	hour        string // the folder: when its first line arrived, UTC
	size        int64
	grams       int64 // bytes of the file of grams; 0 when there is none
	checked     int32 // what is known of it; atomic
}

// What is known of a file of grams.
const (
	gramsUnchecked = iota
	gramsGood
	gramsBad
)

// total is the bytes on disk.
func (f *file) total() int64 { return f.size + f.grams }

const (
	hourLayout = "2006-01-02T15"
	suffix     = ".parquet"
	gramSuffix = ".grams"
	tmpSuffix  = ".tmp"
)

func hourOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(hourLayout) }

// name is partition-first-last-min-max.parquet, offsets with leading zeros.
func (f *file) name() string {
	return fmt.Sprintf("%03d-%020d-%020d-%d-%d%s", f.partition, f.first, f.last, f.min, f.max, suffix)
}

func (a *Archive) path(f *file) string {
	return a.cfg.FS.PathJoin(a.cfg.Dir, f.hour, f.name())
}

// gramsPath is that of the file of grams of a Parquet file.
func gramsPath(path string) string { return strings.TrimSuffix(path, suffix) + gramSuffix }

func parseName(hour, name string) (*file, bool) {
	s, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return nil, false
	}
	f := &file{hour: hour}
	var errs [5]error
	var part string
	part, s, _ = strings.Cut(s, "-")
	f.partition, errs[0] = strconv.Atoi(part)
	part, s, _ = strings.Cut(s, "-")
	f.first, errs[1] = strconv.ParseUint(part, 10, 64)
	part, s, _ = strings.Cut(s, "-")
	f.last, errs[2] = strconv.ParseUint(part, 10, 64)
	i := strings.LastIndexByte(s, '-') // times before 1970 have a sign of their own
	if i > 0 && s[i-1] == '-' {
		i--
	}
	if i <= 0 {
		return nil, false
	}
	f.min, errs[3] = strconv.ParseInt(s[:i], 10, 64)
	f.max, errs[4] = strconv.ParseInt(s[i+1:], 10, 64)
	return f, errors.Join(errs[:]...) == nil && f.first <= f.last && f.min <= f.max
}

// load lists the files, and removes unfinished ones and those that a merged
// file replaces.
func (a *Archive) load() error {
	fs := a.cfg.FS
	hours, err := fs.List(a.cfg.Dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, hour := range hours {
		if _, err := time.Parse(hourLayout, hour); err != nil {
			continue // not ours
		}
		if err := a.loadHour(hour); err != nil {
			return err
		}
	}
	slices.SortFunc(a.files, byOffset)
	return a.removeReplaced()
}

func (a *Archive) loadHour(hour string) error {
	fs := a.cfg.FS
	dir := fs.PathJoin(a.cfg.Dir, hour)
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		if strings.HasSuffix(name, tmpSuffix) {
			if err := fs.Remove(path); err != nil {
				return fmt.Errorf("archive: %w", err)
			}
			continue
		}
		if parquet, ok := strings.CutSuffix(name, gramSuffix); ok {
			if !slices.Contains(names, parquet+suffix) {
				if err := fs.Remove(path); err != nil { // a crash came between the two
					return fmt.Errorf("archive: %w", err)
				}
			}
			continue
		}
		f, ok := parseName(hour, name)
		if !ok {
			a.cfg.Logger.Warn("a file in the archive is none of its own", "file", path)
			continue
		}
		info, err := fs.Stat(path)
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		f.size = info.Size()
		if info, err := fs.Stat(gramsPath(path)); err == nil {
			f.grams = info.Size()
		}
		a.files = append(a.files, f)
	}
	return nil
}

func byOffset(x, y *file) int {
	return cmp.Or(cmp.Compare(x.partition, y.partition), cmp.Compare(x.first, y.first), cmp.Compare(y.last, x.last))
}

// removeReplaced removes the files whose range lies inside another's: a crash
// came between the rename of a merged file and the removal of its parts.
func (a *Archive) removeReplaced() error {
	var kept *file
	var err error
	a.files = slices.DeleteFunc(a.files, func(f *file) bool {
		inside := kept != nil && kept.partition == f.partition && f.last <= kept.last
		if !inside {
			kept = f
			return false
		}
		err = errors.Join(err, a.cfg.FS.Remove(a.path(f)), removeIfThere(a.cfg.FS, gramsPath(a.path(f))))
		return true
	})
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

func (a *Archive) insert(f *file) {
	i, _ := slices.BinarySearchFunc(a.files, f, byOffset)
	a.files = slices.Insert(a.files, i, f)
}

// write makes a file of lines, which it sorts. The file has its name only once
// it is whole and on disk.
func (a *Archive) write(f *file, lines []Line) error {
	slices.SortFunc(lines, func(x, y Line) int { return compare(&x, &y) })
	f.min, f.max = lines[0].Time, lines[len(lines)-1].Time
	var buf bytes.Buffer
	grams, err := encode(&buf, lines)
	if err != nil {
		return err
	}
	f.size, f.grams = int64(buf.Len()), int64(len(grams))
	atomic.StoreInt32(&f.checked, gramsGood)
	fs := a.cfg.FS
	dir := fs.PathJoin(a.cfg.Dir, f.hour)
	if _, err := fs.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := fs.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := syncDir(fs, a.cfg.Dir); err != nil {
			return err
		}
	}
	// The grams come first: a file without them is searched line by line.
	if err := putInPlace(fs, gramsPath(a.path(f)), grams); err != nil {
		return err
	}
	if err := putInPlace(fs, a.path(f), buf.Bytes()); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

// putInPlace makes a file that is whole once it has its name.
func putInPlace(fs vfs.FS, path string, b []byte) error {
	tmp := path + tmpSuffix
	if err := writeSynced(fs, tmp, b); err != nil {
		return errors.Join(err, removeIfThere(fs, tmp))
	}
	return fs.Rename(tmp, path)
}

func writeSynced(fs vfs.FS, path string, b []byte) error {
	w, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}

func removeIfThere(fs vfs.FS, path string) error {
	if err := fs.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// compare orders lines from old to new.
func compare(x, y *Line) int {
	return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.at.partition, y.at.partition),
		cmp.Compare(x.at.offset, y.at.offset), cmp.Compare(x.at.row, y.at.row))
}

// Size is the number of files and their bytes.
func (a *Archive) Size() (files int, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.files {
		bytes += f.total()
	}
	return len(a.files), bytes
}
