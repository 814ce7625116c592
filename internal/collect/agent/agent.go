// Package agent carries readings from a model's machine to a Leeway server.
//
// A reading is written to a buffer on the disk first, with an fsync, as a
// request of Prometheus's remote write 1.0; another goroutine sends what is in
// the buffer, oldest first, and lets go of it after the answer 2xx. So what was
// measured while the server was away, or the agent was killed, arrives later
// with its own times. A request whose answer was lost is sent again; the server
// drops a second sample of one series, time and value, so that it counts once.
//
// # Invariants
//
//   - next is the first record that is not settled. It is on the disk before
//     the record is let go of. It may lie before the truth (a crash between
//     answer and file), never behind.
//   - The buffer never grows beyond MaxBytes: the oldest records go, counted.
//   - A request that the server will not take (400, 413, 422) is counted, told
//     and let go of. All else is tried again: a wrong token can be put right.
//
// Put and Run are for different goroutines; Run starts none.
package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// Agent is a buffer and what sends from it.
type Agent struct {
	cfg     Config
	client  *http.Client
	log     *segment.Log
	metrics *metrics
	failing bool // requests, as was told

	mu   sync.Mutex
	next queue.Offset
}

// Open takes the buffer's lock and finds where sending was left.
func Open(cfg Config) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	client, err := cfg.client()
	if err != nil {
		return nil, err
	}
	if err := cfg.FS.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	a := &Agent{cfg: cfg, client: client}
	if a.next, err = a.load(); err != nil {
		return nil, err
	}
	a.log, err = segment.Open(segment.Config{
		Dir: cfg.FS.PathJoin(cfg.Dir, "buffer"), Partitions: 1, FS: cfg.FS,
		MaxBytes: cfg.MaxBytes, MaxRecordBytes: minBytes, TailBytes: minBytes,
		SegmentBytes: min(16<<20, max(64<<10, cfg.MaxBytes/8)), RetentionAge: time.Nanosecond, RetentionBytes: 1,
		Logger: cfg.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	a.metrics = newMetrics(cfg.Registerer)
	return a, nil
}

// Close lets go of the buffer. What was not sent is sent by the next agent.
func (a *Agent) Close() error {
	a.client.CloseIdleConnections()
	return a.log.Close()
}

// Waiting is how many bytes of the buffer are not sent.
func (a *Agent) Waiting() uint64 { return a.log.Backlog() }

// Put makes readings durable. With an error some are lost, and counted.
func (a *Agent) Put(ctx context.Context, readings []collect.Reading) error {
	for len(readings) > 0 {
		n := min(len(readings), maxSamples)
		record, err := encode(readings[:n])
		if err == nil {
			err = a.append(ctx, record)
		}
		if err != nil {
			a.metrics.dropped.Add(float64(len(readings)))
			return fmt.Errorf("agent: buffer: %w", err)
		}
		readings = readings[n:]
	}
	return nil
}

// append writes a record; when the buffer is full, in the place of the oldest.
func (a *Agent) append(ctx context.Context, record []byte) error {
	for {
		_, err := a.log.Append(ctx, 0, record)
		if !errors.Is(err, queue.ErrFull) {
			return err
		}
		if dropErr := a.dropOldest(ctx); dropErr != nil {
			return errors.Join(err, dropErr)
		}
	}
}

// dropOldest gives up an eighth of the buffer.
func (a *Agent) dropOldest(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	first, end, err := a.log.Bounds(0)
	if err != nil {
		return err
	}
	if a.next = max(a.next, first); a.next >= end {
		return errors.New("nothing is left to give up")
	}
	before := a.next
	for size := 0; size < int(a.cfg.MaxBytes/8) && a.next < end; {
		records, err := a.log.Read(ctx, 0, a.next, minBytes)
		if errors.Is(err, queue.ErrCorrupt) {
			a.next, err = a.log.SkipCorrupt(0, a.next)
		}
		if err != nil {
			return err
		}
		for _, r := range records {
			size += len(r.Data)
			a.next = r.Offset + 1
			a.metrics.dropped.Add(float64(samplesOf(r.Data)))
		}
	}
	a.cfg.Logger.Warn("the buffer is full: the oldest samples are given up", "from", before, "to", a.next)
	return a.settle()
}

// settle keeps next and lets go of what is below. The lock is held.
func (a *Agent) settle() error {
	if err := a.save(); err != nil {
		return fmt.Errorf("agent: position: %w", err)
	}
	return a.log.Trim(0, a.next)
}

func (a *Agent) position() queue.Offset {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next
}

// done goes behind a record, unless somebody has gone further.
func (a *Agent) done(below queue.Offset) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if below <= a.next {
		return nil
	}
	a.next = below
	return a.settle()
}

// encode makes a record: the number of samples, and the body of a request.
func encode(readings []collect.Reading) ([]byte, error) {
	req := prompb.WriteRequest{Timeseries: make([]prompb.TimeSeries, len(readings))}
	for i := range readings {
		r, ts := &readings[i], &req.Timeseries[i]
		r.Labels.Range(func(l labels.Label) {
			ts.Labels = append(ts.Labels, prompb.Label{Name: l.Name, Value: l.Value})
		})
		ts.Samples = []prompb.Sample{{Value: r.Value, Timestamp: r.T}}
	}
	message, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	record := binary.LittleEndian.AppendUint32(nil, uint32(len(readings)))
	return append(record, snappy.Encode(nil, message)...), nil
}

func samplesOf(record []byte) uint32 {
	if len(record) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(record)
}

func (a *Agent) file() string { return a.cfg.FS.PathJoin(a.cfg.Dir, "sent") }

// load reads the position. A file that cannot be understood is no position: all
// that is kept is sent again, and the server drops what it has.
func (a *Agent) load() (queue.Offset, error) {
	f, err := a.cfg.FS.Open(a.file())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("agent: position: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return 0, fmt.Errorf("agent: position: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		a.cfg.Logger.Warn("the position of the buffer cannot be read; what is kept is sent again", "file", a.file())
	}
	return queue.Offset(n), nil
}

func (a *Agent) save() error {
	f, err := a.cfg.FS.Create(a.file()+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, uint64(a.next))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return a.cfg.FS.Rename(a.file()+".new", a.file())
}
