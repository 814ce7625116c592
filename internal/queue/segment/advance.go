package segment

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leewayhq/leeway/internal/queue"
)

// maxGap bounds how many segments Advance leaves out.
const maxGap = 1 << 20

// Advance is for a log that lost its end, or all: it begins a new segment above
// an offset up to which a consumer has read, so that no offset is given twice,
// and returns where reading goes on. What lies between is gone. It does nothing
// where the log goes on from there anyway.
func (l *Log) Advance(partition int, to queue.Offset) (queue.Offset, error) {
	p, err := l.partition(partition)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	end := offsetAt(1, 0)
	if len(p.segments) > 0 {
		end = p.newest().next()
	}
	if end >= to {
		return end, nil
	}
	if err := p.advance(to); err != nil {
		return 0, err
	}
	p.logger().Warn("the queue goes on behind a loss", "ended", end, "from", p.newest().next())
	p.grown.broadcast()
	return p.newest().next(), nil
}

// advance leaves out the segments up to the one of an offset, and begins the
// next.
func (p *partition) advance(to queue.Offset) error {
	now := time.Now()
	if err := p.closeActive(now); err != nil {
		return err
	}
	number, pos := split(to)
	if pos > 0 {
		number++
	}
	if len(p.segments) == 0 {
		p.floor, p.floorLast = number, to-1
	} else if gap := number - p.newest().number; gap > maxGap {
		return fmt.Errorf("queue: partition %d ends at segment %d and would go on at %d", p.number, p.newest().number, number)
	}
	for len(p.segments) > 0 && p.newest().number+1 < number {
		p.addMissing(p.log.cfg.FS)
	}
	return p.rotate(now)
}

// addMissing puts a segment behind the newest of which there is no file.
func (p *partition) addMissing(fs vfs.FS) {
	number := p.newest().number + 1
	s := closedSegment(number, fs.PathJoin(p.dir, fileName(number)))
	s.missing, s.last = true, offsetAt(number+1, 0)-1 // may have held anything
	p.segments = append(p.segments, s)
}
