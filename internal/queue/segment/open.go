package segment

import (
	"errors"
	"fmt"

	"github.com/leewayhq/leeway/internal/queue"
)

// open finds out what the partition's files hold.
func (p *partition) open() error {
	fs := p.log.cfg.FS
	if err := makeDir(fs, p.dir); err != nil {
		return err
	}
	if err := p.damages.load(fs, p.dir); err != nil {
		return err
	}
	numbers, err := listSegments(fs, p.dir)
	if err != nil {
		return err
	}
	for i, n := range numbers {
		for i > 0 && p.newest().number+1 < n { // files that somebody took away
			p.addMissing(fs)
		}
		s := closedSegment(n, fs.PathJoin(p.dir, fileName(n)))
		if err := p.openSegment(s); err != nil {
			return err
		}
		p.segments = append(p.segments, s)
	}
	return p.findEnds()
}

func closedSegment(number uint32, path string) *segment {
	s := &segment{number: number, path: path}
	s.closed.Store(true)
	return s
}

func (p *partition) openSegment(s *segment) error {
	r, f, err := openReader(p.log.cfg.FS, s.path, p.number, s.number)
	if err != nil {
		return err
	}
	p.grew(s, r.limit)
	s.start, err = r.startEntry()
	return errors.Join(err, f.Close())
}

// findEnds sets how far each segment goes: as its successor says, or else as
// its own bytes show. The last has no successor.
func (p *partition) findEnds() error {
	for i, s := range p.segments {
		last := i == len(p.segments)-1
		if !last && p.segments[i+1].start.ok && !s.missing {
			s.advance(p.segments[i+1].start.prevEnd)
			s.last = p.segments[i+1].start.prevLast
			continue
		}
		var before queue.Offset
		if i > 0 {
			before = p.segments[i-1].last
		}
		if err := p.findEnd(s, before, last); err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
	}
	return nil
}

func (p *partition) findEnd(s *segment, before queue.Offset, last bool) error {
	if s.missing {
		s.last = offsetAt(s.number+1, 0) - 1 // may have held anything
		return nil
	}
	r, f, err := openReader(p.log.cfg.FS, s.path, p.number, s.number)
	if err != nil {
		return err
	}
	defer f.Close()
	r.producer = s.start.producer
	c, ok := r.orderlyEnd()
	if !ok {
		if c, err = r.scan(); err != nil {
			return err
		}
		// A reader may act on what it is shown, so it must be durable now.
		if err := f.Sync(); err != nil {
			return fmt.Errorf("sync after an unclean stop: %w", err)
		}
	}
	s.advance(c.end)
	s.last = max(before, c.last)
	if c.torn > 0 {
		p.log.metrics.tornBytes.Add(float64(c.torn))
		p.logger().Warn("dropped the end of a write that a crash cut off", "file", s.path, "position", c.end, "bytes", c.torn)
	}
	for _, d := range c.damaged {
		p.report(s, d)
	}
	return nil
}
