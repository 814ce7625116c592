package segment

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
)

// damages are the damaged places of a partition: those met since Open, so that
// each is counted once, and those that an operator gave up, which are stored.
type damages struct {
	mu      sync.Mutex
	met     map[queue.Offset]*queue.CorruptError // by From
	skipped []skip
}

// skip is a stretch of offsets that readers pass over.
type skip struct {
	From    queue.Offset `json:"from"`
	To      queue.Offset `json:"to"`
	Records int64        `json:"records"` // -1: unknown
	At      int64        `json:"at"`      // unix ms
}

func (d *damages) load(fs vfs.FS, dir string) error {
	d.met = map[queue.Offset]*queue.CorruptError{}
	err := readJSON(fs, fs.PathJoin(dir, skippedName), &d.skipped)
	if oserror.IsNotExist(err) {
		return nil
	}
	return err
}

// past returns where reading goes on after a damaged place, if an operator
// allowed it.
func (d *damages) past(at queue.Offset) (queue.Offset, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.skipped {
		if s.From <= at && at < s.To {
			return s.To, true
		}
	}
	return 0, false
}

// known returns what was found at an offset before.
func (d *damages) known(from queue.Offset) *queue.CorruptError {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.met[from]
}

func (d *damages) add(e *queue.CorruptError) (isNew bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, seen := d.met[e.From]
	d.met[e.From] = e
	return !seen
}

// report makes the error of a damaged place, and counts and logs it when it is
// met for the first time.
func (p *partition) report(s *segment, d damage) *queue.CorruptError {
	to := offsetAt(s.number, d.to)
	if s.missing {
		to = offsetAt(s.number+1, 0)
	}
	e := &queue.CorruptError{
		Partition: int(p.number), File: s.path, Position: d.at, Reason: d.reason,
		From: offsetAt(s.number, d.from), To: to, Records: d.records,
	}
	if p.damages.add(e) {
		p.corrupt.Inc()
		if d.records != 0 {
			p.corruptRec.Add(float64(max(1, d.records)))
		}
		p.logger().Error("queue records are damaged", "error", e)
	}
	return e
}

// SkipCorrupt gives up the damaged place that Read reports at the offset, for
// good, and returns the offset at which reading goes on. It refuses to skip
// anything that can be read.
func (l *Log) SkipCorrupt(partition int, offset queue.Offset) (queue.Offset, error) {
	p, err := l.partition(partition)
	if err != nil {
		return 0, err
	}
	_, err = p.read(offset, 1)
	var bad *queue.CorruptError
	switch {
	case err == nil:
		return 0, fmt.Errorf("queue: partition %d has no damage at offset %d", partition, offset)
	case !errors.As(err, &bad):
		return 0, err
	}
	s := skip{From: bad.From, To: bad.To, Records: bad.Records, At: time.Now().UnixMilli()}
	if err := p.damages.skip(l.cfg.FS, p.dir, s); err != nil {
		return 0, err
	}
	l.metrics.skipped.Inc()
	p.logger().Warn("operator gave up damaged queue records", "error", bad)
	p.grown.broadcast()
	return s.To, nil
}

func (d *damages) skip(fs vfs.FS, dir string, s skip) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := append(d.skipped[:len(d.skipped):len(d.skipped)], s)
	if err := writeJSON(fs, dir, skippedName, all); err != nil {
		return err
	}
	d.skipped = all
	return nil
}
