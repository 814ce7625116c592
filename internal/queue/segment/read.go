package segment

import (
	"context"
	"fmt"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
)

const (
	maxCursors = 4        // idle ones kept open a partition: one consumer, and a replay or two
	arenaSize  = 64 << 10 // small records of one Read share allocations of this size
)

// cursor is an open place in a partition. A reader that goes on where it
// stopped finds its cursor again and pays for nothing twice. It belongs to one
// Read at a time.
type cursor struct {
	s    *segment
	f    vfs.File
	r    *reader
	pos  int64        // of the next entry
	low  queue.Offset // no record between low and pos is still to be returned
	seq  uint64       // of the entry before pos, if seqs
	seqs bool
}

func (c *cursor) at() queue.Offset { return offsetAt(c.s.number, c.pos) }

func (c *cursor) close() {
	if c.f != nil {
		c.f.Close() // opened for reading: nothing can be lost
		c.f = nil
	}
}

// enter moves the cursor to the beginning of a segment.
func (c *cursor) enter(fs vfs.FS, partition uint16, s *segment) error {
	c.close()
	c.s, c.pos, c.seqs = s, 0, false
	if s.missing {
		return nil
	}
	f, err := fs.Open(s.path)
	if err != nil {
		return fmt.Errorf("queue: open segment: %w", err)
	}
	var buf []byte
	if c.r != nil {
		buf = c.r.buf[:0]
	}
	c.f, c.r = f, &reader{f: f, segment: s.number, partition: partition, producer: s.start.producer, buf: buf}
	return nil
}

// Read implements queue.Log.
func (l *Log) Read(ctx context.Context, partition int, from queue.Offset, maxBytes int) ([]queue.Record, error) {
	p, err := l.partition(partition)
	if err != nil {
		return nil, err
	}
	for {
		grown := p.grown.wait()
		records, err := p.read(from, maxBytes)
		if err != nil || len(records) > 0 {
			return records, err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-l.done:
			return nil, queue.ErrClosed
		}
	}
}

// read returns what is durable now, nothing if there is nothing.
func (p *partition) read(from queue.Offset, maxBytes int) ([]queue.Record, error) {
	for {
		first, next := p.bounds()
		if from < first {
			return nil, &queue.TrimmedError{Partition: int(p.number), From: from, First: first}
		}
		if from > next {
			return nil, &queue.BeyondError{Partition: int(p.number), From: from, Next: next}
		}
		if records, known := p.tail.read(from, maxBytes); known {
			p.log.metrics.fromTail.Add(float64(len(records)))
			return records, nil
		}
		c, err := p.cursor(from)
		if c == nil && err == nil {
			return nil, nil
		}
		var records []queue.Record
		if err == nil {
			records, err = p.collect(c, from, maxBytes)
			p.log.metrics.fromDisk.Add(float64(len(records)))
			p.keep(c)
		}
		if oserror.IsNotExist(err) {
			if now, _ := p.bounds(); now != first {
				continue // trimmed between the look at the bounds and the opening
			}
		}
		return records, err
	}
}

// cursor returns an idle cursor for from, or opens one. It is nil if there is
// no segment yet.
func (p *partition) cursor(from queue.Offset) (*cursor, error) {
	from = max(from, 1) // nothing is at 0
	p.mu.Lock()
	for i, c := range p.cursors {
		if c.low < from && from <= c.at() {
			p.cursors = append(p.cursors[:i], p.cursors[i+1:]...)
			p.mu.Unlock()
			return c, nil
		}
	}
	number, pos := split(from)
	s := p.atOrAfter(number)
	p.mu.Unlock()
	if s == nil {
		return nil, nil
	}
	c := &cursor{low: from - 1}
	if err := c.enter(p.log.cfg.FS, p.number, s); err != nil {
		return nil, err
	}
	if s.number == number && !s.missing {
		c.seek(pos)
	}
	return c, nil
}

// atOrAfter returns the first segment with at least this number, or nil. The
// caller holds the mutex.
func (p *partition) atOrAfter(number uint32) *segment {
	if len(p.segments) == 0 || number > p.newest().number {
		return nil
	}
	first := p.segments[0].number
	return p.segments[max(number, first)-first]
}

func (p *partition) after(s *segment) *segment {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.atOrAfter(s.number + 1)
}

// seek goes near pos without reading the file from its beginning: pos is the
// place of an entry, or one above it, for anybody who goes on from what a Read
// returned. Elsewhere collect walks over the headers.
func (c *cursor) seek(pos int64) {
	c.r.limit = c.s.durable.Load()
	if pos == 0 {
		return
	}
	if h, end, err := c.r.entry(pos - 1); err == nil {
		c.pos, c.seq, c.seqs = end, h.seq, true
	} else if _, _, err := c.r.entry(pos); err == nil {
		c.pos = pos
	}
}

func (p *partition) keep(c *cursor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || c.s.number < p.segments[0].number {
		c.close()
		return
	}
	if len(p.cursors) == maxCursors {
		p.cursors[0].close()
		p.cursors = append(p.cursors[:0], p.cursors[1:]...)
	}
	p.cursors = append(p.cursors, c)
}

// batch is what one Read has put together.
type batch struct {
	records []queue.Record
	bytes   int
	max     int
	arena   []byte
}

// full says whether n more bytes have no place. The first record always has.
func (b *batch) full(n int) bool { return len(b.records) > 0 && b.bytes+n > b.max }

// room returns n bytes that belong to the caller for good, at an address that
// columnar data can be used from in place.
func (b *batch) room(n int) []byte {
	if n > arenaSize/4 {
		return make([]byte, n)
	}
	const align = 64
	step := (n + align - 1) / align * align
	if len(b.arena) < step {
		b.arena = make([]byte, min(arenaSize, max(step, b.max-b.bytes)))
	}
	d := b.arena[:n:n]
	b.arena = b.arena[step:]
	return d
}

// collect reads entries from the cursor on.
func (p *partition) collect(c *cursor, from queue.Offset, maxBytes int) ([]queue.Record, error) {
	b := batch{max: maxBytes}
	for {
		closed := c.s.closed.Load() // before durable: it is final once closed is set
		limit := c.s.durable.Load()
		if c.s.missing {
			limit = 1
		}
		switch {
		case c.pos < limit:
			done, err := p.step(c, &b, limit, from)
			if done || err != nil {
				return b.records, err
			}
		case !closed:
			return b.records, nil
		default:
			s := p.after(c.s)
			if s == nil {
				return b.records, nil
			}
			if err := c.enter(p.log.cfg.FS, p.number, s); err != nil {
				return b.records, err
			}
		}
	}
}

// step reads the entry at the cursor. Done means that the batch ends before it.
func (p *partition) step(c *cursor, b *batch, limit int64, from queue.Offset) (done bool, err error) {
	if c.s.missing {
		return p.pass(c, b, from, damage{to: 1, reason: "the file is missing", records: -1})
	}
	c.r.limit = limit
	h, end, err := c.r.entry(c.pos)
	wanted := err == nil && h.kind == kindData && h.offset >= from
	var data []byte
	if wanted {
		if b.full(int(h.length)) {
			return true, nil
		}
		data = b.room(int(h.length))
		err = c.r.body(c.pos, h, data)
	}
	if isBad(err) {
		return p.damaged(c, b, from, err)
	} else if err != nil {
		return true, fmt.Errorf("queue: %s: %w", c.s.path, err)
	}
	if wanted {
		b.records = append(b.records, queue.Record{
			Offset: h.offset, Producer: h.producer, Seq: h.seq, Arrived: h.arrived, Data: data})
		b.bytes += len(data)
		c.low = h.offset
	}
	c.pos, c.seq, c.seqs = end, h.seq, true
	return false, nil
}

// damaged measures the damage at the cursor and passes over it if it may.
func (p *partition) damaged(c *cursor, b *batch, from queue.Offset, cause error) (done bool, err error) {
	if e := p.damages.known(c.at()); e != nil {
		_, to := split(e.To)
		if to == 0 {
			to = c.r.limit
		}
		return p.pass(c, b, from, damage{from: c.pos, to: to, at: e.Position, reason: e.Reason, records: e.Records})
	}
	var seq *uint64
	if c.seqs {
		seq = &c.seq
	}
	d, err := c.r.damageAt(c.pos, seq, cause)
	if err != nil {
		return true, fmt.Errorf("queue: %s: %w", c.s.path, err)
	}
	return p.pass(c, b, from, d)
}

// pass goes over a damaged place if no record that the reader asked for was in
// it, or if an operator gave it up. Else the records before it are returned
// first, and the next Read gets the error.
func (p *partition) pass(c *cursor, b *batch, from queue.Offset, d damage) (done bool, err error) {
	p.mu.Lock()
	last, start := c.s.last, c.s.start.end
	p.mu.Unlock()
	if start == 0 {
		start = entryEnd(0, startSize)
	}
	onlyFrame := d.from == 0 && d.to == start || offsetAt(c.s.number, d.from) > last
	if onlyFrame && !c.s.missing {
		d.records = 0
	}
	e := p.report(c.s, d)
	if to, ok := p.damages.past(e.From); ok {
		if number, pos := split(to); number == c.s.number {
			d.to = max(d.to, pos)
		}
	} else if d.records != 0 && e.To > from {
		return true, errorUnless(len(b.records) > 0, e)
	}
	c.pos, c.seqs = d.to, false
	return false, nil
}

func errorUnless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}
