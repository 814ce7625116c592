// Package archive keeps log lines, searchable by time, level, service and text.
//
// Lines come from the processor, partition by partition, in the order of their
// offsets in the queue. Append keeps them in a tail in memory; Flush writes the
// tail of a partition as one Parquet file and returns when it is on disk. A
// file's name tells its partition and its first and last offset, so the names
// alone tell where each partition stands: an offset that a file covers is never
// taken again, and a replay after a crash counts once. The format of names and
// files is docs/formats/logs.md.
//
// Invariants: a file appears whole, by rename after fsync; the ranges of one
// partition's files do not overlap, but for a merged file and those it replaces,
// which Open removes; a damaged file stays, is named in every answer that would
// have needed it, and is counted. Archive starts no goroutines; Maintain merges
// small files and removes old ones, and one caller at a time runs it.
package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/event"
)

// Config says where the archive is and what it keeps. Zeros are the defaults.
type Config struct {
	Dir       string
	Retention time.Duration // by arrival: 30 days
	MaxBytes  int64         // of all files: 10 GiB
	TailBytes int           // of lines in memory, a partition: 8 MiB
	// Files below SmallBytes are merged when MergeCount of one hour and
	// partition have gathered: 2 MiB, 16.
	SmallBytes int64
	MergeCount int
	FS         vfs.FS
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	// Kept is told of lines that a file has come to hold, each once, by the
	// goroutine that flushes. It must not keep the slice.
	Kept func([]Line)
}

func or[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func (c *Config) setDefaults() {
	or(&c.Retention, 30*24*time.Hour)
	or(&c.MaxBytes, 10<<30)
	or(&c.TailBytes, 8<<20)
	or(&c.SmallBytes, 2<<20)
	or(&c.MergeCount, 16)
	c.MergeCount = max(c.MergeCount, 2)
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Validate reports every problem of the configuration.
func (c *Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("archive: Dir is missing"))
	}
	for name, v := range map[string]int64{"Retention": int64(c.Retention), "MaxBytes": c.MaxBytes, "TailBytes": int64(c.TailBytes), "SmallBytes": c.SmallBytes, "MergeCount": int64(c.MergeCount)} {
		if v < 0 {
			errs = append(errs, fmt.Errorf("archive: %s is negative", name))
		}
	}
	return errors.Join(errs...)
}

// Archive is safe for use by many goroutines; each partition has one writer.
type Archive struct {
	cfg     Config
	metrics *metrics

	mu    sync.Mutex // tails and files
	tails map[int]*tail
	files []*file // by partition, then first offset

	followers map[*Follower]struct{} // under mu

	// removing is held for reading by those who may open a file that they saw in
	// files, and for writing by those who remove files.
	removing sync.RWMutex
	reported map[string]bool // damaged files that were logged; under mu
}

// Line is one log line.
type Line struct {
	Time    int64  // unix ms
	Level   string // lower case; may be empty
	Service string
	Model   string
	Message string
	Attrs   string // one JSON object, or empty
	at      position
}

// position orders lines of the same time, and is unique.
type position struct {
	partition int
	offset    uint64
	row       uint32 // within the offset
}

// tail is what a partition has gathered since its last file.
type tail struct {
	next        uint64 // the offset after the last that a file covers
	first, last uint64
	arrived     int64 // of the first batch: the hour that the file goes to
	row         uint32
	lines       []Line
	bytes       int
	told        position   // the last line that followers were told of
	writing     sync.Mutex // held while the tail becomes a file
}

// Open reads the names of the files and removes what a crash has left.
func Open(cfg Config) (*Archive, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	a := &Archive{cfg: cfg, tails: map[int]*tail{}, reported: map[string]bool{}}
	if err := cfg.FS.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if err := syncDir(cfg.FS, cfg.FS.PathDir(cfg.Dir)); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if err := a.load(); err != nil {
		return nil, err
	}
	a.metrics = newMetrics(cfg.Registerer, a)
	for _, f := range a.files {
		t := a.tail(f.partition)
		t.next = max(t.next, f.last+1)
	}
	return a, nil
}

// Close flushes what is in memory.
func (a *Archive) Close() error {
	a.mu.Lock()
	partitions := make([]int, 0, len(a.tails))
	for p := range a.tails {
		partitions = append(partitions, p)
	}
	a.mu.Unlock()
	var err error
	for _, p := range partitions {
		err = errors.Join(err, a.Flush(context.Background(), p))
	}
	return err
}

func (a *Archive) tail(partition int) *tail {
	t := a.tails[partition]
	if t == nil {
		t = &tail{}
		a.tails[partition] = t
	}
	return t
}

// Committed is the offset from which the partition's lines are wanted: all
// before it are in files.
func (a *Archive) Committed(partition int) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tail(partition).next
}

// Append takes the lines of the record at an offset. It may be called several
// times for one offset, one after another and without a Flush between; offsets
// that a file covers are passed over.
func (a *Archive) Append(ctx context.Context, partition int, offset uint64, batches []*event.Batch) error {
	a.mu.Lock()
	t := a.tail(partition)
	full := t.bytes >= a.cfg.TailBytes && offset > t.last
	a.mu.Unlock()
	if full {
		if err := a.Flush(ctx, partition); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if offset < t.next {
		a.metrics.replayed.Inc()
		return nil
	}
	if len(t.lines) > 0 && offset < t.last {
		return fmt.Errorf("archive: partition %d: offset %d after %d", partition, offset, t.last)
	}
	before := len(t.lines)
	for _, b := range batches {
		t.add(partition, offset, b)
		a.metrics.lines.Add(float64(b.Rows))
	}
	a.tell(t, t.lines[before:])
	return nil
}

// Rewind forgets the partition's lines that no file has yet: the step that
// appended them was undone, and its records come again from Committed on.
func (a *Archive) Rewind(partition int) {
	a.mu.Lock()
	t := a.tail(partition)
	a.mu.Unlock()
	t.writing.Lock() // a file that is being written keeps its lines
	defer t.writing.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	t.lines, t.bytes, t.row = nil, 0, 0
}

func (t *tail) add(partition int, offset uint64, b *event.Batch) {
	if len(t.lines) == 0 {
		t.first, t.arrived = offset, b.Arrived
	}
	if offset != t.last || len(t.lines) == 0 {
		t.last, t.row = offset, 0
	}
	cats := map[string]*event.Dict{}
	for i := range b.Cats {
		cats[b.Cats[i].Name] = &b.Cats[i]
	}
	at := func(name string, i int) string {
		d := cats[name]
		if d == nil {
			return ""
		}
		s, _ := d.At(i)
		return string(append([]byte(nil), s...)) // the batch's memory is the record's
	}
	for i := range b.Rows {
		l := Line{
			Time: b.Time[i], Level: at("level", i), Service: at("service", i), Model: at("model", i),
			Message: string(b.Message.At(i)), Attrs: string(b.Attrs.At(i)),
			at: position{partition, offset, t.row},
		}
		if l.Model == "" {
			l.Model = string(append([]byte(nil), b.Model...))
		}
		t.row++
		t.lines = append(t.lines, l)
		t.bytes += l.size()
	}
}

func (l *Line) size() int {
	return 120 + len(l.Level) + len(l.Service) + len(l.Model) + len(l.Message) + len(l.Attrs)
}

// Flush writes the partition's tail as a file. When it returns nil, every line
// that was appended before is on disk.
func (a *Archive) Flush(_ context.Context, partition int) error {
	a.mu.Lock()
	t := a.tail(partition)
	a.mu.Unlock()
	t.writing.Lock()
	defer t.writing.Unlock()
	a.mu.Lock()
	lines, f := t.lines, &file{partition: partition, first: t.first, last: t.last, hour: hourOf(t.arrived)}
	a.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	if err := a.write(f, slices.Clone(lines)); err != nil {
		return fmt.Errorf("archive: writing the lines of partition %d from offset %d to %d: %w", partition, f.first, f.last, err)
	}
	a.settle(t, f, len(lines))
	if a.cfg.Kept != nil {
		a.cfg.Kept(lines)
	}
	return nil
}

// settle takes the first n lines of a tail out of it: a file has them now.
func (a *Archive) settle(t *tail, f *file, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.insert(f)
	t.next = f.last + 1
	t.lines, t.bytes = slices.Clone(t.lines[n:]), 0
	for i := range t.lines {
		t.bytes += t.lines[i].size()
	}
	if len(t.lines) > 0 { // not with one writer a partition
		t.first = t.lines[0].at.offset
	}
	a.metrics.flushes.Inc()
}
