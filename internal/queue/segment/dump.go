package segment

import (
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
)

// DumpOptions choose what Dump shows. The zero value shows everything.
type DumpOptions struct {
	FS         vfs.FS // the disk
	Partitions []int  // all if empty
	From       queue.Offset
	NoRecords  bool // segments and damage only
	Location   *time.Location
}

// Dump lists segments, entries and damage as text. It only reads, and takes no
// lock, so it works on the directory of a running server: what is being written
// then shows as an unfinished end.
func Dump(w io.Writer, dir string, opts DumpOptions) error {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.Location == nil {
		opts.Location = time.UTC
	}
	m, err := readMeta(opts.FS, dir)
	if err != nil {
		return err
	}
	d := &dumper{w: w, dir: dir, opts: opts}
	d.printf("queue %s: format %d, %d partitions\n", dir, m.Format, m.Partitions)
	list := opts.Partitions
	for i := range m.Partitions {
		if len(opts.Partitions) == 0 {
			list = append(list, i)
		}
	}
	for _, i := range list {
		if i < 0 || i >= m.Partitions {
			return fmt.Errorf("%w: %d of %d", queue.ErrPartition, i, m.Partitions)
		}
		if err := d.partition(i); err != nil {
			return err
		}
	}
	d.printf("total: %d records, %d bytes of data, %d damaged places\n", d.records, d.bytes, d.damaged)
	return d.err
}

type dumper struct {
	w    io.Writer
	dir  string
	opts DumpOptions
	err  error // the first of w

	records, bytes, damaged int64
}

func (d *dumper) printf(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format, args...)
	}
}

func (d *dumper) time(ms int64) string {
	return time.UnixMilli(ms).In(d.opts.Location).Format("2006-01-02T15:04:05.000Z07:00")
}

func (d *dumper) partition(i int) error {
	dir := d.opts.FS.PathJoin(d.dir, partitionName(i))
	numbers, err := listSegments(d.opts.FS, dir)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	d.printf("partition %d: %d segments\n", i, len(numbers))
	for k, n := range numbers {
		if k > 0 && numbers[k-1]+1 < n {
			d.damage("segments %d to %d are missing", numbers[k-1]+1, n-1)
		}
		if from, _ := split(d.opts.From); n < from {
			continue
		}
		next := uint32(0)
		if k+1 < len(numbers) {
			next = numbers[k+1]
		}
		if err := d.segment(dir, uint16(i), n, next); err != nil {
			return err
		}
	}
	return nil
}

// segment dumps one file. Next is the number of the file after it, or 0.
func (d *dumper) segment(dir string, partition uint16, number, next uint32) error {
	path := d.opts.FS.PathJoin(dir, fileName(number))
	r, f, err := openReader(d.opts.FS, path, partition, number)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	defer f.Close() // only read
	start, err := r.startEntry()
	if err != nil {
		return fmt.Errorf("queue: %s: %w", path, err)
	}
	d.printf("  segment %s: %d bytes, %s\n", fileName(number), r.limit, d.describe(start))
	r.producer = start.producer
	if next == number+1 {
		if err := d.cut(r, dir, partition, next); err != nil {
			return err
		}
	}
	return d.entries(r)
}

func (d *dumper) describe(s startEntry) string {
	if !s.ok {
		return "start entry damaged"
	}
	return fmt.Sprintf("created %s, producer %016x, previous segment ends at byte %d", d.time(s.created), s.producer, s.prevEnd)
}

// cut ends the reading where the next segment says that this one ends.
func (d *dumper) cut(r *reader, dir string, partition uint16, next uint32) error {
	n, f, err := openReader(d.opts.FS, d.opts.FS.PathJoin(dir, fileName(next)), partition, next)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	defer f.Close() // only read
	s, err := n.startEntry()
	if err == nil && s.ok {
		if r.limit < s.prevEnd {
			d.damage("the file has %d bytes of %d", r.limit, s.prevEnd)
		}
		r.limit = min(r.limit, s.prevEnd)
	}
	return err
}

func (d *dumper) entries(r *reader) error {
	seq := uint64(0)
	for pos := int64(0); pos < r.limit && !r.trailer(pos); {
		h, end, err := r.entry(pos)
		if err == nil {
			err = r.verify(pos, h)
		}
		if err == nil {
			d.entry(h, pos)
			pos, seq = end, h.seq
			continue
		}
		if !isBad(err) {
			return fmt.Errorf("queue: %w", err)
		}
		bad, err := r.damageAt(pos, &seq, err)
		if err != nil {
			return fmt.Errorf("queue: %w", err)
		}
		d.bad(r, bad)
		pos = bad.to
	}
	return d.err
}

func (d *dumper) entry(h header, pos int64) {
	switch {
	case h.kind == kindData:
		d.records++
		d.bytes += int64(h.length)
		if !d.opts.NoRecords && h.offset >= d.opts.From {
			d.printf("    %d\tat byte %d\tseq %d\t%s\t%d bytes\tsums ok\n", h.offset, pos, h.seq, d.time(h.arrived), h.length)
		}
	case h.kind == kindEnd:
		d.printf("    closed %s at byte %d\n", d.time(h.arrived), pos)
	}
}

func (d *dumper) bad(r *reader, b damage) {
	if b.to == r.limit && b.records < 0 {
		d.damage("from byte %d to the end at %d: %s (damage, or a write that is not finished)", b.from, b.to, b.reason)
		return
	}
	d.damage("offsets %d to below %d (bytes %d to %d, noticed at %d), %d records: %s",
		offsetAt(r.segment, b.from), offsetAt(r.segment, b.to), b.from, b.to, b.at, b.records, b.reason)
}

func (d *dumper) damage(format string, args ...any) {
	d.damaged++
	d.printf("    DAMAGED: "+format+"\n", args...)
}
