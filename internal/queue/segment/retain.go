package segment

import (
	"fmt"
	"time"

	"github.com/leewayhq/leeway/internal/queue"
)

// Trim implements queue.Log: it releases what lies below the offset, closes the
// active segment if it is old, and removes segments that are released and that
// the retention no longer keeps. The release lives in memory. After a start
// nothing is released until the consumer says so.
func (l *Log) Trim(partition int, below queue.Offset) error {
	p, err := l.partition(partition)
	if err != nil {
		return err
	}
	return p.trim(below)
}

func (p *partition) trim(below queue.Offset) error {
	if _, next := p.bounds(); below > next {
		return &queue.BeyondError{Partition: int(p.number), From: below, Next: next}
	}
	p.tail.release(below)
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = max(p.released, below)
	if p.closed {
		return queue.ErrClosed
	}
	if p.log.failure() == nil && p.tooOld(now) {
		if err := p.rotate(now); err != nil {
			return err
		}
	}
	cfg := p.log.cfg
	return p.remove(func(next *segment) bool {
		return p.log.size.Load() > cfg.RetentionBytes ||
			now.UnixMilli()-next.start.created > cfg.RetentionAge.Milliseconds()
	})
}

// remove deletes released segments from the oldest on while the condition
// holds; it is given the segment after, which says when the oldest ended. The
// caller holds the mutex.
func (p *partition) remove(while func(next *segment) bool) error {
	for len(p.segments) > 1 && p.segments[0].last < p.released && while(p.segments[1]) {
		s := p.segments[0]
		if !s.missing {
			if err := p.log.cfg.FS.Remove(s.path); err != nil {
				return fmt.Errorf("queue: remove segment: %w", err)
			}
		}
		p.segments = p.segments[1:]
		p.grew(s, -s.size)
		p.log.metrics.trimmed.Inc()
		p.dropCursors(s)
	}
	return nil
}

// dropCursors closes the idle cursors in a removed segment, whose file would
// else keep its place on the disk.
func (p *partition) dropCursors(s *segment) {
	kept := p.cursors[:0]
	for _, c := range p.cursors {
		if c.s == s {
			c.close()
			continue
		}
		kept = append(kept, c)
	}
	p.cursors = kept
}

// makeRoom lets n more bytes in or answers queue.ErrFull. At the cap, released
// segments go whatever their age. An active segment that is released as a whole
// goes too, after a new one has taken its place.
func (l *Log) makeRoom(n int64) error {
	if l.size.Load()+n <= l.cfg.MaxBytes {
		return nil
	}
	l.room.Lock()
	defer l.room.Unlock()
	tooFull := func(*segment) bool { return l.size.Load()+n > l.cfg.MaxBytes }
	for _, p := range l.parts {
		if err := p.giveUp(tooFull); err != nil {
			return err
		}
	}
	if !tooFull(nil) {
		return nil
	}
	l.metrics.full.Inc()
	return fmt.Errorf("%w: %d of at most %d bytes", queue.ErrFull, l.size.Load(), l.cfg.MaxBytes)
}

func (p *partition) giveUp(while func(*segment) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.remove(while); err != nil {
		return err
	}
	if p.closed || !while(nil) || !p.hasData() || p.newest().last >= p.released || p.log.failure() != nil {
		return nil
	}
	if err := p.rotate(time.Now()); err != nil {
		return err
	}
	return p.remove(while)
}

// Backlog is about how many bytes are not released yet, over all partitions.
// Right after a start that is everything, until the consumer says where it is.
func (l *Log) Backlog() uint64 {
	var n int64
	for _, p := range l.parts {
		n += p.backlog()
	}
	return uint64(max(n, 0))
}

func (p *partition) backlog() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, pos := split(p.released)
	for i, s := range p.segments {
		switch number := p.segments[i].number; {
		case number == at:
			n += s.size - pos
		case number > at:
			n += s.size
		}
	}
	return n
}
