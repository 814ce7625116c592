// Package segment is the embedded driver of queue.Log: a directory a partition,
// in it numbered segment files, written through the log writer of
// pebble/v2/record over pebble/v2/vfs. docs/formats/queue.md describes the bytes.
//
// # Invariants
//
//   - An offset is the number of the segment and the position of the entry in
//     its file, so that a reader finds its place without an index. Each opening
//     begins a new segment: no file is written by two processes.
//   - A reader goes only as far as segment.durable, which moves after the fsync.
//   - A reader at the end of the log gets records from memory (see tail), but
//     none before segment.durable has passed it.
//   - Each entry says how far the file was durable when it was written, and each
//     segment how far the one before it goes. What cannot be read below such a
//     mark is corruption: it is named, counted, and read past only after
//     SkipCorrupt. What cannot be read above it at the end of the last segment is
//     a write that a crash cut off, and is dropped with a warning.
//   - After a failed write or fsync the log takes no more records until it is
//     opened again. A second fsync proves nothing about the first one's pages.
//   - Only whole segments are removed, oldest first, and never the newest, whose
//     number keeps offsets increasing.
//
// What cannot be told: when the process or the machine died and, besides, bits
// flipped in the very last group of appends that was answered, this looks like a
// torn write. The consumer's committed offset tells (see package queue).
//
// # Goroutines
//
// The package starts none of its own. Pebble runs one for each active segment,
// which writes, syncs and wakes the appenders; it ends when the segment is
// closed. Rotation and retention happen inside Append and Trim.
package segment

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/leewayhq/leeway/internal/queue"
)

// Log is an open log. Open makes one.
type Log struct {
	cfg      Config
	metrics  *metrics
	producer uint64
	lock     io.Closer
	parts    []*partition

	size   atomic.Int64 // bytes of all files
	room   sync.Mutex   // one goroutine at a time makes room
	failed atomic.Pointer[error]
	done   chan struct{} // closed by Close
	close  func() error  // once
}

var _ queue.Log = (*Log)(nil)

// Open takes the directory's lock, makes the log if there is none, and finds
// the end of each partition. Damaged records do not make it fail: Read names
// them. A damaged or foreign directory layout does.
func Open(cfg Config) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if err := makeDir(cfg.FS, cfg.Dir); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	cfg = cfg.withDisk()
	lock, err := cfg.FS.Lock(cfg.FS.PathJoin(cfg.Dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("queue: %s is in use by another process: %w", cfg.Dir, err)
	}
	l := &Log{cfg: cfg, metrics: newMetrics(cfg.Registerer), lock: lock, done: make(chan struct{})}
	l.close = sync.OnceValue(l.shut)
	if err := l.open(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

func (l *Log) open() error {
	var err error
	if l.producer, err = randomID(); err != nil {
		return err
	}
	if l.cfg.Partitions, err = loadMeta(l.cfg.FS, l.cfg.Dir, l.cfg.Partitions); err != nil {
		return err
	}
	for i := range l.cfg.Partitions {
		p := newPartition(l, i)
		if err := p.open(); err != nil {
			return fmt.Errorf("queue: open partition %d: %w", i, err)
		}
		l.parts = append(l.parts, p)
	}
	if err := l.metrics.register(); err != nil {
		return fmt.Errorf("queue: register metrics: %w", err)
	}
	return nil
}

func randomID() (uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("queue: random producer id: %w", err)
	}
	return max(1, binary.LittleEndian.Uint64(b[:])), nil // 0 means unknown
}

// Partitions implements queue.Log.
func (l *Log) Partitions() int { return len(l.parts) }

func (l *Log) partition(i int) (*partition, error) {
	if i < 0 || i >= len(l.parts) {
		return nil, fmt.Errorf("%w: %d of %d", queue.ErrPartition, i, len(l.parts))
	}
	select {
	case <-l.done:
		return nil, queue.ErrClosed
	default:
		return l.parts[i], nil
	}
}

// Append implements queue.Log.
func (l *Log) Append(ctx context.Context, partition int, data []byte) (queue.Offset, error) {
	p, err := l.partition(partition)
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(data) > l.cfg.MaxRecordBytes {
		l.metrics.tooLarge.Inc()
		return 0, fmt.Errorf("%w: %d bytes, limit %d", queue.ErrTooLarge, len(data), l.cfg.MaxRecordBytes)
	}
	if err := l.makeRoom(entrySize(len(data))); err != nil {
		return 0, err
	}
	return p.append(ctx, data)
}

// Bounds implements queue.Log.
func (l *Log) Bounds(partition int) (first, next queue.Offset, err error) {
	p, err := l.partition(partition)
	if err != nil {
		return 0, 0, err
	}
	first, next = p.bounds()
	return first, next, nil
}

// fail makes the log read-only for good and returns the error for the caller.
func (l *Log) fail(err error) error {
	err = fmt.Errorf("%w: %w", queue.ErrReadOnly, err)
	if l.failed.CompareAndSwap(nil, &err) {
		l.metrics.readOnly.Set(1)
		l.cfg.Logger.Error("queue takes no more records until it is opened again", "error", err)
	}
	return *l.failed.Load()
}

func (l *Log) failure() error {
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Close implements queue.Log.
func (l *Log) Close() error { return l.close() }

func (l *Log) shut() error {
	close(l.done)
	var errs []error
	for _, p := range l.parts {
		errs = append(errs, p.close())
	}
	l.metrics.unregister()
	return errors.Join(append(errs, l.lock.Close())...)
}
