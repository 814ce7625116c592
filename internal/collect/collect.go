// Package collect is where data comes in. Each source is a folder below; all of
// them end at the Door, which registers what is new, cuts a batch by partition,
// makes it durable in the queue, and only then lets the source answer.
//
// The Door owns one writer goroutine a partition. Small frames that arrive
// while the disk is busy share the next record and its fsync; large ones get a
// record of their own. Nothing is dropped: what has no room is refused, with a
// class of error that the sources turn into 429 or 503.
package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/queue"
)

// Config is what the door needs. Zero values mean the defaults.
type Config struct {
	Log      queue.Log
	Registry *model.Registry
	// RateLimit is the rows a second that one model may send; 0 is no limit. A
	// burst of ten seconds is allowed.
	RateLimit float64
	// DataDir is watched: below MinFree bytes or MinFreeShare of the disk
	// nothing more is taken, before any store can fail. 2 GiB and 5 %, whichever
	// is less, but never less than what Backlog needs.
	DataDir      string
	MinFree      uint64
	MinFreeShare float64
	// Backlog is the bytes that wait in the queue: what is made of them needs
	// space too. Nil is none.
	Backlog    func() uint64
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (c *Config) setDefaults() {
	if c.MinFree == 0 {
		c.MinFree = 2 << 30
	}
	if c.MinFreeShare == 0 {
		c.MinFreeShare = 0.05
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

// Door takes batches. It is safe for use by many goroutines.
type Door struct {
	cfg     Config
	metrics *metrics
	writers []*writer
	rates   rates
	disk    diskGuard
	running sync.WaitGroup
}

// New opens the door.
func New(cfg Config) *Door {
	cfg.setDefaults()
	d := &Door{cfg: cfg, metrics: newMetrics(cfg.Registerer)}
	d.rates.limit = cfg.RateLimit
	for p := range cfg.Log.Partitions() {
		w := newWriter(cfg.Log, p)
		d.writers = append(d.writers, w)
		d.running.Go(w.run)
	}
	return d
}

// Close waits for what is under way and ends the writers. Later batches are
// refused.
func (d *Door) Close() {
	for _, w := range d.writers {
		w.close()
	}
	d.running.Wait()
}

// Put makes a batch durable. When it returns nil every row is on disk. The
// batch is changed (completed by the registry) and must not be used after.
func (d *Door) Put(ctx context.Context, b *event.Batch) error {
	err := d.put(ctx, b)
	switch {
	case err == nil:
		d.metrics.accepted.WithLabelValues(b.Model, b.Kind.String()).Add(float64(b.Rows))
	default:
		d.metrics.refused.WithLabelValues(refusal(err)).Add(float64(b.Rows))
	}
	return err
}

// Room says why nothing may be written now, for sources that keep something of
// their own before they come to the door.
func (d *Door) Room() error { return d.disk.check(&d.cfg, d.cfg.Now()) }

func (d *Door) put(ctx context.Context, b *event.Batch) error {
	if b.Rows == 0 {
		return nil
	}
	now := d.cfg.Now()
	if err := d.disk.check(&d.cfg, now); err != nil {
		return err
	}
	if b.Kind != event.Samples { // which are of no model; their sources have limits of their own
		if err := d.rates.take(b.Model, b.Rows, now); err != nil {
			return err
		}
	}
	b.Arrived = now.UnixMilli()
	if b.Kind != event.Logs && b.Kind != event.Samples {
		dropped, err := d.cfg.Registry.Observe(b)
		if err != nil {
			return err
		}
		d.countDropped(b, dropped)
	}
	return d.write(ctx, b)
}

func (d *Door) countDropped(b *event.Batch, dropped model.Dropped) {
	for reason, n := range map[string]int{"feature_limit": dropped.Features, "segment_field_limit": dropped.Fields, "segment_limit": dropped.Segments, "version_limit": dropped.Versions} {
		if n > 0 {
			d.metrics.dropped.WithLabelValues(b.Model, reason).Add(float64(n))
		}
	}
}

// write cuts the batch and waits until every part is durable.
func (d *Door) write(ctx context.Context, b *event.Batch) error {
	var waits []chan error
	for p, part := range b.Split(len(d.writers)) {
		if part == nil {
			continue
		}
		done := make(chan error, 1)
		waits = append(waits, done)
		d.writers[p].submit(ctx, part, done)
	}
	var err error
	for _, done := range waits {
		err = errors.Join(err, <-done)
	}
	return translate(err)
}

// translate gives the queue's refusals the classes that sources know.
func translate(err error) error {
	switch {
	case errors.Is(err, queue.ErrFull):
		return &refusedError{&decode.RetryError{Class: decode.ErrFull, After: 5 * time.Second}, err}
	case errors.Is(err, queue.ErrTooLarge):
		return &refusedError{decode.ErrTooLarge, err}
	case errors.Is(err, queue.ErrReadOnly), errors.Is(err, queue.ErrClosed):
		return &refusedError{&decode.RetryError{Class: decode.ErrFull, After: 30 * time.Second}, err}
	}
	return err
}

// refusedError has the class for the answer and the cause for the log.
type refusedError struct{ class, cause error }

func (e *refusedError) Error() string   { return e.cause.Error() }
func (e *refusedError) Unwrap() []error { return []error{e.class, e.cause} }

func refusal(err error) string {
	for class, reason := range map[error]string{decode.ErrFull: "full", decode.ErrTooFast: "too_fast", decode.ErrTooLarge: "too_large", model.ErrLimit: "model_limit"} {
		if errors.Is(err, class) {
			return reason
		}
	}
	return "error"
}

// diskGuard looks at the free space once a second.
type diskGuard struct {
	mu    sync.Mutex
	until time.Time
	err   error
}

func (g *diskGuard) check(cfg *Config, now time.Time) error {
	if cfg.DataDir == "" {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return g.err
	}
	g.until, g.err = now.Add(time.Second), nil
	var fs unix.Statfs_t
	if err := unix.Statfs(cfg.DataDir, &fs); err != nil {
		return nil // a folder that cannot be asked is found out by the write itself
	}
	free, total := fs.Bavail*uint64(fs.Bsize), fs.Blocks*uint64(fs.Bsize)
	if need := cfg.reserve(total); free < need {
		cause := fmt.Errorf("the disk of %s has %d MiB free, %d are kept in reserve: free some, or move the data folder", cfg.DataDir, free>>20, need>>20)
		g.err = &refusedError{&decode.RetryError{Class: decode.ErrFull, After: 30 * time.Second}, cause}
	}
	return g.err
}

// reserve is the space that stays free on a disk of so many bytes: the state
// made of the backlog is at most as large again in its log and in its tables,
// and logs are laid out ahead by some 64 MiB.
func (c *Config) reserve(total uint64) uint64 {
	need := uint64(64 << 20)
	if c.Backlog != nil {
		need += 2 * c.Backlog()
	}
	return max(need, min(c.MinFree, uint64(c.MinFreeShare*float64(total))))
}
