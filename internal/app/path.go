package app

import (
	"context"
	"strconv"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/process/publish"
	"github.com/leewayhq/leeway/internal/queue"
)

func itoa(i int) string { return strconv.Itoa(i) }

func (a *App) driftOptions() measure.DriftOptions {
	d := &a.cfg.Drift
	opt := measure.DriftOptions{Preset: d.Preset, Q: d.Significance, Limits: map[string]float64{measure.MethodPSI: d.PSILimit}}
	if d.Preset == measure.PresetLeeway { // another one chooses for each column
		opt.Method = d.Method
	}
	return opt
}

func (a *App) openPublisher(ctx context.Context) (err error) {
	a.publisher, err = publish.New(ctx, publish.Config{
		Registry: a.registry, Profiles: a.profiles, References: a.references, Series: a.series,
		Drift: a.driftOptions(), Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.steps.background("publisher", a.publisher.Run)
	return nil
}

func (a *App) openProcessor(context.Context) (err error) {
	var accept func(int, queue.Offset) (queue.Offset, error)
	if a.opts.AcceptLoss {
		accept = a.goBehindLoss
	}
	a.processor, err = process.Open(process.Config{
		Log: a.queue, Profiles: a.profiles, JoinDir: a.dir("join"), Horizon: a.cfg.Join.Horizon, JoinMemory: a.cfg.Join.MemoryBytes,
		LateAfter: a.cfg.Ingest.LateAfter, Logs: a.archive, Samples: a.series.NewSink(a.queue.Partitions()), AcceptLoss: accept,
		Published: a.published, Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.warnOfLogs()
	a.processor.Start()
	a.steps.closer("processor", a.processor.Close)
	return nil
}

// goBehindLoss makes the queue go on above all that anybody has read of it, so
// that the log archive, too, takes what comes next.
func (a *App) goBehindLoss(partition int, committed queue.Offset) (queue.Offset, error) {
	return a.queue.Advance(partition, max(committed, queue.Offset(a.archive.Committed(partition))))
}

// warnOfLogs tells when the log archive knows offsets that the queue has still
// to give out, though the state does not: the archive takes an offset once.
func (a *App) warnOfLogs() {
	for _, s := range a.processor.Status() {
		if known := a.archive.Committed(s.Partition); known > s.End {
			a.log.Error("log lines are passed over until the queue has caught up; move the folder archive away to keep them", "partition", s.Partition, "queue_end", s.End, "archive_end", known)
		}
	}
}

func (a *App) openDoor(context.Context) error {
	a.door = collect.New(collect.Config{
		Log: a.queue, Registry: a.registry, RateLimit: a.cfg.Ingest.RateLimit,
		DataDir: a.cfg.Data, Backlog: a.queue.Backlog, Logger: a.log, Registerer: a.reg,
	})
	a.steps.closer("door", func() error { a.door.Close(); return nil })
	return nil
}
