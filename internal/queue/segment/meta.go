package segment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	lockName    = "LOCK"
	metaName    = "queue.json"
	skippedName = "skipped.json"
	maxJSON     = 1 << 20 // bytes of either file
)

// meta is what does not change during a log's life.
type meta struct {
	Format     int `json:"format"`
	Partitions int `json:"partitions"`
}

// loadMeta returns the number of partitions, and writes the meta file of a new
// log. Want is 0 if the configuration leaves it open.
func loadMeta(fs vfs.FS, dir string, want int) (int, error) {
	m, err := readMeta(fs, dir)
	switch {
	case oserror.IsNotExist(err):
		return newMeta(fs, dir, want)
	case err != nil:
		return 0, err
	case want != 0 && want != m.Partitions:
		return 0, fmt.Errorf("queue: %s has %d partitions and the configuration says %d: "+
			"the number cannot change, since a prediction and its label must meet; "+
			"set it back, or to 0; another number needs a new, empty data folder", dir, m.Partitions, want)
	}
	return m.Partitions, nil
}

func readMeta(fs vfs.FS, dir string) (meta, error) {
	var m meta
	if err := readJSON(fs, fs.PathJoin(dir, metaName), &m); err != nil {
		return m, err
	}
	if m.Format != formatVersion {
		return m, fmt.Errorf("queue: %s has format %d, this program knows %d", dir, m.Format, formatVersion)
	}
	if m.Partitions < 1 || m.Partitions > maxPartitions {
		return m, fmt.Errorf("queue: %s: %s says %d partitions", dir, metaName, m.Partitions)
	}
	return m, nil
}

func newMeta(fs vfs.FS, dir string, want int) (int, error) {
	names, err := fs.List(dir)
	if err != nil {
		return 0, fmt.Errorf("queue: list directory: %w", err)
	}
	for _, n := range names {
		if _, ok := partitionNumber(n); ok {
			if segments, _ := listSegments(fs, fs.PathJoin(dir, n)); len(segments) > 0 {
				return 0, fmt.Errorf("queue: %s has segments but no %s: put the file back, it says how many partitions there are", dir, metaName)
			}
		}
	}
	if want == 0 {
		want = defaultPartitions()
	}
	return want, writeJSON(fs, dir, metaName, meta{Format: formatVersion, Partitions: want})
}

func readJSON(fs vfs.FS, path string, v any) error {
	f, err := fs.Open(path)
	if err != nil {
		return fmt.Errorf("queue: open %s: %w", path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxJSON))
	if err = errors.Join(err, f.Close()); err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("queue: read %s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a small file so that a crash leaves the old or the new one.
func writeJSON(fs vfs.FS, dir, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("queue: encode %s: %w", name, err)
	}
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+".tmp", vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("queue: create %s: %w", name, err)
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fs.Rename(path+".tmp", path)
	}
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return fmt.Errorf("queue: write %s: %w", name, err)
	}
	return nil
}

// makeDir makes a directory and those above it, so that they outlive a power
// cut: a directory is only as durable as the entry in its parent. The nearest
// parent is synced even if nothing was made, for the process that made it may
// have died before it came to that.
func makeDir(fs vfs.FS, dir string) error {
	parents := []string{fs.PathDir(dir)}
	for d := fs.PathDir(dir); d != fs.PathDir(d); d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil {
			break
		}
		parents = append(parents, fs.PathDir(d))
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	for _, d := range parents {
		if err := syncDir(fs, d); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

func fileName(segment uint32) string { return fmt.Sprintf("%010d.log", segment) }

func (l *Log) partitionDir(i int) string { return l.cfg.FS.PathJoin(l.cfg.Dir, partitionName(i)) }

func partitionName(i int) string { return fmt.Sprintf("p%04d", i) }

func partitionNumber(name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "p"))
	return n, err == nil && n >= 0 && name == partitionName(n)
}

// listSegments returns the numbers of the segment files of a partition, sorted.
func listSegments(fs vfs.FS, dir string) ([]uint32, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var numbers []uint32
	for _, name := range names {
		n, err := strconv.ParseUint(strings.TrimSuffix(name, ".log"), 10, 32)
		if err == nil && n > 0 && name == fileName(uint32(n)) {
			numbers = append(numbers, uint32(n))
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
