package segment

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/prometheus/client_golang/prometheus"
)

// segment is one file. Its fields are guarded by the partition's mutex but for
// the atomic ones.
type segment struct {
	number  uint32
	path    string
	missing bool // the file is gone, though those around it are there
	start   startEntry
	size    int64        // bytes on disk; of the active segment: written
	last    queue.Offset // last data offset in this segment or before it
	durable atomic.Int64 // how far a reader may go
	closed  atomic.Bool  // durable is final; set after durable
}

func (s *segment) advance(end int64) {
	for {
		was := s.durable.Load()
		if was >= end || s.durable.CompareAndSwap(was, end) {
			return
		}
	}
}

func (s *segment) next() queue.Offset { return offsetAt(s.number, s.durable.Load()) }

// partition owns one directory. Lock order: log.room, then partition.mu, then
// the small locks inside damages, signal and tail.
type partition struct {
	log    *Log
	number uint16
	label  string
	dir    string

	appended, bytes     prometheus.Counter
	corrupt, corruptRec prometheus.Counter

	size    atomic.Int64 // of all files
	grown   signal       // broadcast when durable advances
	damages damages
	tail    tail
	waits   sync.Pool // of *wait

	mu       sync.Mutex
	closed   bool
	segments []*segment // by number, without a gap
	w        *record.LogWriter
	slots    chan struct{} // w's queue of syncs; pebble takes one out for each sync done
	seq      uint64
	head     [headerSize]byte
	released queue.Offset
	cursors  []*cursor // idle, at most maxCursors
	// floor is the number of the first segment of an empty partition, and
	// floorLast the last offset below it; see Advance.
	floor     uint32
	floorLast queue.Offset
}

// wait is one append that waits for its fsync.
type wait struct {
	wg  sync.WaitGroup
	err error
}

func newPartition(l *Log, number int) *partition {
	label := strconv.Itoa(number)
	p := &partition{
		log: l, number: uint16(number), label: label, dir: l.partitionDir(number),
		appended: l.metrics.appended.WithLabelValues(label), bytes: l.metrics.bytes.WithLabelValues(label),
		corrupt: l.metrics.corrupt.WithLabelValues(label), corruptRec: l.metrics.corruptRec.WithLabelValues(label),
	}
	p.tail = tail{max: int(l.cfg.TailBytes) / l.cfg.Partitions, broken: true}
	p.waits.New = func() any { return new(wait) }
	l.metrics.addSizes(number, func() float64 { return float64(p.size.Load()) }, func() float64 { return float64(p.tail.size()) })
	return p
}

// append returns when the record is durable. The wait for the mutex is short,
// since nobody holds it while waiting for another's fsync.
func (p *partition) append(ctx context.Context, data []byte) (queue.Offset, error) {
	h := header{kind: kindData, length: uint32(len(data)), dataSum: sumOf(data)}
	copied := p.tail.copy(data)
	w := p.waits.Get().(*wait)
	p.mu.Lock()
	s, end, err := p.write(ctx, &h, data, w)
	if err == nil {
		p.tail.add(kept{queue.Record{Offset: h.offset, Producer: h.producer, Seq: h.seq, Arrived: h.arrived, Data: copied}, s, end})
	}
	p.mu.Unlock()
	if err != nil {
		return 0, err
	}
	w.wg.Wait()
	err = w.err
	w.err = nil
	p.waits.Put(w)
	if err != nil {
		return 0, p.log.fail(fmt.Errorf("write %s: %w", s.path, err))
	}
	s.advance(end)
	p.grown.broadcast()
	p.appended.Inc()
	p.bytes.Add(float64(len(data)))
	return h.offset, nil
}

// write hands an entry to the log writer. The caller holds the mutex and, after
// a nil error, waits on w.
func (p *partition) write(ctx context.Context, h *header, data []byte, w *wait) (*segment, int64, error) {
	if p.closed {
		return nil, 0, queue.ErrClosed
	}
	if err := p.log.failure(); err != nil {
		return nil, 0, err
	}
	now := time.Now()
	if p.w == nil || p.w.Size()+entrySize(len(data)) > p.log.cfg.SegmentBytes && p.hasData() || p.tooOld(now) {
		if err := p.rotate(now); err != nil {
			return nil, 0, err
		}
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	s := p.newest()
	h.seq, h.arrived = p.seq+1, now.UnixMilli()
	end, err := p.put(s, h, data, w)
	if err != nil {
		<-p.slots
		return nil, 0, p.log.fail(fmt.Errorf("write %s: %w", s.path, err))
	}
	p.seq++
	s.last = h.offset
	return s, end, nil
}

// put writes header and body and asks for a sync if w is not nil. It stamps
// into the header what the place decides.
func (p *partition) put(s *segment, h *header, data []byte, w *wait) (int64, error) {
	h.partition, h.producer = p.number, p.log.producer
	h.offset, h.synced = offsetAt(s.number, p.w.Size()), s.durable.Load()
	h.encode(&p.head)
	if len(data) == headerSize {
		data = append(data[:len(data):len(data)], 0) // see bodySize
	}
	if _, err := p.w.WriteRecord(p.head[:]); err != nil {
		return 0, err
	}
	var end int64
	var err error
	if w == nil {
		end, err = p.w.WriteRecord(data)
	} else {
		w.wg.Add(1)
		end, err = p.w.SyncRecord(data, &w.wg, &w.err)
	}
	if err != nil {
		return 0, err
	}
	p.grew(s, end-s.size)
	return end, nil
}

func (p *partition) grew(s *segment, by int64) {
	s.size += by
	p.size.Add(by)
	p.log.size.Add(by)
}

// entrySize is an upper bound of the bytes that a record takes on disk.
func entrySize(n int) int64 {
	chunks := int64(n)/(blockSize-chunkHeader) + 3
	return int64(n) + headerSize + chunks*2*chunkHeader
}

// newest is the segment that is being written, or if none is (p.w is nil) the
// last that was.
func (p *partition) newest() *segment { return p.segments[len(p.segments)-1] }

func (p *partition) hasData() bool { return p.w != nil && p.w.Size() > p.newest().start.end }

func (p *partition) tooOld(now time.Time) bool {
	return p.hasData() && now.UnixMilli()-p.newest().start.created >= p.log.cfg.SegmentAge.Milliseconds()
}

// rotate closes the active segment, if there is one, and begins the next. The
// start entry is durable, and the directory knows the file, before any record
// goes into it.
func (p *partition) rotate(now time.Time) error {
	if err := p.closeActive(now); err != nil {
		return err
	}
	s := &segment{number: max(1, p.floor), last: p.floorLast}
	s.start.prevLast = s.last
	if n := len(p.segments); n > 0 {
		prev := p.segments[n-1]
		s.number, s.last = prev.number+1, prev.last
		s.start.prevEnd, s.start.prevLast = prev.durable.Load(), prev.last
	}
	s.path = p.log.cfg.FS.PathJoin(p.dir, fileName(s.number))
	f, err := p.log.cfg.FS.Create(s.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("queue: create segment: %w", err)
	}
	p.slots = make(chan struct{}, record.SyncConcurrency)
	p.w = newLogWriter(record.NewLogWriter, syncData{f}, s.number, record.LogWriterConfig{
		WALFsyncLatency:     fsyncSeconds{p.log.metrics.fsync},
		QueueSemChan:        p.slots,
		WriteWALSyncOffsets: func() bool { return true },
	})
	p.segments = append(p.segments, s)
	if err := p.begin(s, now); err != nil {
		return p.log.fail(fmt.Errorf("begin %s: %w", s.path, err))
	}
	return nil
}

func (p *partition) begin(s *segment, now time.Time) error {
	var body [startSize]byte
	binary.LittleEndian.PutUint64(body[:], uint64(s.start.prevEnd))
	binary.LittleEndian.PutUint64(body[8:], uint64(s.start.prevLast))
	h := header{kind: kindStart, length: startSize, dataSum: sumOf(body[:]), seq: p.seq, arrived: now.UnixMilli()}
	var w wait
	p.slots <- struct{}{}
	end, err := p.put(s, &h, body[:], &w)
	if err != nil {
		return err
	}
	if w.wg.Wait(); w.err != nil {
		return w.err
	}
	if err := syncDir(p.log.cfg.FS, p.dir); err != nil {
		return err
	}
	s.start.ok, s.start.producer, s.start.created, s.start.seq, s.start.end = true, h.producer, h.arrived, h.seq, end
	s.advance(end)
	return nil
}

// closeActive ends the active segment. The appends that wait for it get their
// answer from the sync that is part of closing.
func (p *partition) closeActive(now time.Time) error {
	if p.w == nil {
		return nil
	}
	s, w := p.newest(), p.w
	var err error
	if p.log.failure() == nil {
		var body [endSize]byte
		binary.LittleEndian.PutUint64(body[:], uint64(s.last))
		h := header{kind: kindEnd, length: endSize, dataSum: sumOf(body[:]), seq: p.seq, arrived: now.UnixMilli()}
		_, err = p.put(s, &h, body[:], nil)
	}
	p.w = nil
	size := w.Size()
	if err := errors.Join(err, w.Close()); err != nil {
		return p.log.fail(fmt.Errorf("close %s: %w", s.path, err))
	}
	p.grew(s, size+trailerSize-s.size)
	s.advance(size)
	s.closed.Store(true)
	p.grown.broadcast()
	return nil
}

func (p *partition) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	err := p.closeActive(time.Now())
	for _, c := range p.cursors {
		c.close()
	}
	p.cursors = nil
	return err
}

// bounds: see queue.Log. Next is a place in the last segment, not the beginning
// of one still to come, so that a lost tail shows as a next that is too low.
func (p *partition) bounds() (first, next queue.Offset) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.segments) == 0 {
		return 0, offsetAt(1, 0)
	}
	s := p.segments[0]
	switch {
	case s.number == 1:
	case !s.start.ok:
		first = offsetAt(s.number, 0)
	case s.start.prevLast > 0:
		first = s.start.prevLast + 1
	}
	return first, p.newest().next()
}

func (p *partition) logger() *slog.Logger { return p.log.cfg.Logger.With("partition", p.label) }

// newLogWriter names pebble's internal type of file number by inference.
func newLogWriter[N ~uint64](
	open func(io.Writer, N, record.LogWriterConfig) *record.LogWriter,
	w io.Writer, number uint32, cfg record.LogWriterConfig,
) *record.LogWriter {
	return open(w, N(number), cfg)
}

// syncData leaves out of each sync what the file's data does not need.
type syncData struct{ vfs.File }

func (f syncData) Sync() error { return f.SyncData() }

// signal wakes all who wait for a change.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that the next broadcast closes. Take it before looking
// at what is waited for.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
