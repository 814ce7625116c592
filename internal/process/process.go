// Package process folds the log into profiles. One worker owns each partition:
// it reads records from the offset that is stored with its state, joins labels
// to predictions, folds columns into windows of one minute of event time, and
// commits what one step changed together with the offset, in one write.
//
// # Order of a step
//
// Join entries are appended to their files and synced, then profiles, names,
// batch ids, the join's extent and the queue offset become visible in one
// commit of the profile store, and only then is anything published. A crash at
// any place in between leaves the last commit; the records behind it are folded
// again, to the same result.
//
// # Two clocks
//
// Windows by prediction (profiles.ByPrediction) are the truth and are revised
// as labels come in. Windows by evaluation (profiles.ByEvaluation) hold live
// rows and labels by the minute in which they arrived; rules and series are made
// of them and they are not revised: imported rows and predictions that arrive
// late stay out of them, a corrected label does not change them.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/shirou/gopsutil/v4/mem"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// Config is what the processor needs. Zero values mean the defaults.
type Config struct {
	Log      queue.Log
	Profiles *profiles.Store
	// JoinDir holds a folder of pending predictions for each partition, kept for
	// Horizon of arrival time (30 days).
	JoinDir string
	Horizon time.Duration
	// JoinMemory bounds the index of pending predictions of all partitions; when
	// it is full the oldest go early, counted. 0 is a quarter of the machine.
	JoinMemory int64
	// StepTime and StepBytes end a step: 200 ms, 64 MiB.
	StepTime  time.Duration
	StepBytes int
	// LateAfter keeps predictions out of the evaluation clock that arrive so
	// long after their event: 1 h.
	LateAfter time.Duration
	// BatchMemory is how long a client's batch id is remembered: 24 h.
	BatchMemory time.Duration
	// Logs takes log lines; nil drops them, counted.
	Logs LogSink
	// Samples takes metric samples; nil drops them, counted.
	Samples SampleSink
	// AcceptLoss makes a log that lacks what was committed go on behind it, and
	// returns where to read on; nil refuses to start over such a log.
	AcceptLoss func(partition int, committed queue.Offset) (queue.Offset, error)
	// Published is called after each commit, from the worker's goroutine.
	Published  func(*Update)
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// LogSink keeps log lines. Append may be called again for the same offset
// after a crash and must not count it twice; Flush makes what was appended for
// a partition durable and is called before the offset is committed.
type LogSink interface {
	// Rewind forgets what was appended for a partition and not flushed: the step
	// was undone and will be folded again.
	Rewind(partition int)
	Append(ctx context.Context, partition int, offset uint64, batches []*event.Batch) error
	Flush(ctx context.Context, partition int) error
}

// SampleSink keeps metric samples. Append may be called again with the same
// batch after a crash, and must take that for one; it keeps nothing of the
// batch. Flush makes what was appended durable and is called before the offset
// is committed. Calls for several partitions come at one time.
type SampleSink interface {
	Append(ctx context.Context, partition int, b *event.Batch) error
	Flush(ctx context.Context) error
}

// Update is what one commit changed.
type Update struct {
	Partition int
	Deltas    []profiles.Delta // read only
	// Imported is what came as history, by model: it changed the windows by
	// prediction and nothing else.
	Imported map[string]Span
}

// Span is the time of windows, first to last, unix ms.
type Span struct{ From, To int64 }

// Extend makes the span reach t.
func (s Span) Extend(t int64) Span {
	if s == (Span{}) {
		return Span{t, t}
	}
	return Span{min(s.From, t), max(s.To, t)}
}

func (c *Config) setDefaults() {
	orDefault(&c.Horizon, 30*24*time.Hour)
	orDefault(&c.StepTime, 200*time.Millisecond)
	orDefault(&c.StepBytes, 64<<20)
	orDefault(&c.LateAfter, time.Hour)
	orDefault(&c.BatchMemory, 24*time.Hour)
	orDefault(&c.JoinMemory, quarterOfMemory())
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Published == nil {
		c.Published = func(*Update) {}
	}
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// quarterOfMemory is the default budget; 1 GiB where the machine does not tell.
func quarterOfMemory() int64 {
	m, err := mem.VirtualMemory()
	if err != nil || m.Total == 0 {
		return 1 << 30
	}
	return int64(m.Total / 4)
}

// joinSlots is a partition's share of the memory for pending predictions, at
// the size that a slot takes when the index has just grown.
func (c *Config) joinSlots() uint64 {
	const slotMemory = 20
	return uint64(c.JoinMemory) / slotMemory / uint64(c.Log.Partitions())
}

// Processor is the workers of all partitions.
type Processor struct {
	cfg     Config
	workers []*worker
	stop    context.CancelFunc
	running sync.WaitGroup
}

// ErrBehind is the class of the error that the log lacks records which were
// acknowledged and folded: its disk lost them.
var ErrBehind = errors.New("process: the queue ends before what was already processed")

// Open brings every partition to its committed state. It starts nothing.
func Open(cfg Config) (*Processor, error) {
	cfg.setDefaults()
	p := &Processor{cfg: cfg}
	m := newMetrics(cfg.Registerer)
	for part := range cfg.Log.Partitions() {
		w := newWorker(&p.cfg, m, part)
		if err := w.recover(); err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.workers = append(p.workers, w)
		if err := w.checkLoss(); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

// checkLoss compares the committed offset with the end of the log. A log that
// ends before it has lost records which were acknowledged.
func (w *worker) checkLoss() error {
	_, end, err := w.cfg.Log.Bounds(w.partition)
	if err != nil || end >= w.next {
		return err
	}
	if w.cfg.AcceptLoss == nil {
		return fmt.Errorf("%w: partition %d ends at %d, %d was committed; what was folded is safe, what was appended after it may be gone; restore the queue folder, or start with --accept-loss to go on", ErrBehind, w.partition, end, w.next)
	}
	next, err := w.cfg.AcceptLoss(w.partition, w.next)
	if err != nil {
		return fmt.Errorf("process: going on behind a loss in partition %d: %w", w.partition, err)
	}
	w.metrics.losses.Inc()
	w.cfg.Logger.Error("going on behind a loss in the queue, as asked", "partition", w.partition, "committed", w.next, "end", end, "next", next)
	w.next = next
	return w.commit(context.Background())
}

func (c *Config) joinDir(partition int) string {
	return filepath.Join(c.JoinDir, fmt.Sprintf("%03d", partition))
}

// Start runs the workers until Close.
func (p *Processor) Start() {
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	for _, w := range p.workers {
		if err := p.cfg.Log.Trim(w.partition, w.next); err != nil {
			p.cfg.Logger.Warn("telling the queue what is processed failed", "partition", w.partition, "err", err)
		}
		p.running.Go(func() { w.run(ctx) })
	}
}

// Close lets each worker finish its step, and releases the files.
func (p *Processor) Close() error {
	if p.stop != nil {
		p.stop()
		p.running.Wait()
		p.stop = nil
	}
	var err error
	for _, w := range p.workers {
		err = errors.Join(err, w.close())
	}
	p.workers = nil
	return err
}

// Status is how far one partition is.
type Status struct {
	Partition int
	Next      uint64 // committed
	End       uint64 // of the log
	Err       error  // why the partition stands still, if it does
}

// Status tells how far each partition is. A partition that is at the end of
// the log has Next >= End.
func (p *Processor) Status() []Status {
	out := make([]Status, len(p.workers))
	for i, w := range p.workers {
		next, err := w.progress()
		_, end, boundsErr := p.cfg.Log.Bounds(w.partition)
		out[i] = Status{Partition: w.partition, Next: uint64(next), End: uint64(end), Err: errors.Join(err, boundsErr)}
	}
	return out
}
