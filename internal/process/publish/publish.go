// Package publish turns what the processor commits into series: each second,
// for every model, version and segment that got something in it.
//
// Quality, latency and error rate are of a trailing window of the evaluation
// clock (labels and predictions by the minute in which they arrived), and come
// with the counts that they stand on (model_evaluated_window,
// model_predictions_window). Counts since the last publication
// (model_predictions, model_evaluated, model_correct, …) stand beside them, so
// that any longer range can be computed exactly. Each of their samples stands
// inside the minute of arrival, so that they add up to the profile of that
// minute; New compares the two and writes what a crash kept from the series
// (restore.go, docs/decisions/0008). Response times are a native histogram too
// (model_latency_seconds, a counter), for any quantile of any range. Drift and
// data quality are of the windows of the last hour by prediction time, against
// the reference.
//
// Add is called by the processor's workers, Run owns the goroutine that writes.
// What Add remembers is bounded by the trailing window and dropped with it.
package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// Config is what the publisher needs. Zero values mean the defaults.
type Config struct {
	Registry   *model.Registry
	Profiles   *profiles.Store
	References *profiles.References
	Series     *series.Store
	Interval   time.Duration // 1 s
	// Window is what quality, latency and errors are taken over: 5 min.
	Window time.Duration
	// DriftInterval is how often a model's drift is computed: 30 s; of the
	// windows of the last DriftWindow: 1 h.
	DriftInterval time.Duration
	DriftWindow   time.Duration
	Drift         measure.DriftOptions
	// RepairSpan is how far back the series are compared with the profiles after
	// a stop that was not clean: 2 h. After RepairTime, 30 s, the start goes on
	// without the rest.
	RepairSpan time.Duration
	RepairTime time.Duration
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.Interval, time.Second}, {&c.Window, 5 * time.Minute}, {&c.DriftInterval, 30 * time.Second}, {&c.DriftWindow, time.Hour},
		{&c.RepairSpan, 2 * time.Hour}, {&c.RepairTime, 30 * time.Second}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
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

// subject is what a set of series is about.
type subject struct{ model, version, segment string }

// Publisher writes series.
type Publisher struct {
	cfg     Config
	metrics *metrics

	mu      sync.Mutex
	trails  map[subject]*trail
	history map[string]imported // by model

	// For the goroutine of Run only.
	drifts map[string]*drift // by model
	aged   time.Time         // when the ages of data were told last
}

// New prepares a publisher. It makes the series whole and reads back the
// trailing window, so that the first numbers after a restart are those of
// before. Nothing may be committed meanwhile.
func New(ctx context.Context, cfg Config) (*Publisher, error) {
	cfg.setDefaults()
	p := &Publisher{cfg: cfg, metrics: newMetrics(cfg.Registerer), trails: map[subject]*trail{}, history: map[string]imported{}, drifts: map[string]*drift{}}
	if err := p.restore(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return p, nil
}

// trail finds or makes the memory of a subject; mu must be held, or nobody else
// there yet.
func (p *Publisher) trail(s subject) *trail {
	t := p.trails[s]
	if t == nil {
		t = &trail{}
		p.trails[s] = t
	}
	return t
}

// Add takes what a commit changed.
func (p *Publisher) Add(u *process.Update) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, span := range u.Imported {
		h := p.history[name]
		h.span, h.last = h.span.Extend(span.From).Extend(span.To), p.cfg.Now()
		p.history[name] = h
	}
	for i := range u.Deltas {
		d := &u.Deltas[i]
		switch d.Key.Set {
		case profiles.ByEvaluation:
			p.trail(subject{d.Key.Model, d.Key.Version, d.Key.Segment}).add(d.Key.Start, d.Profile)
		case profiles.ByPrediction:
			if d.Key.Segment == "" && d.Profile != nil && (len(d.Profile.Features) > 0 || d.Profile.Scores != nil || d.Profile.Quality != nil) {
				p.trail(subject{model: d.Key.Model}).features = true
			}
		}
	}
}

// Run publishes until the context ends, and what is left then.
func (p *Publisher) Run(ctx context.Context) {
	var history sync.WaitGroup
	history.Go(func() { p.runHistory(ctx) })
	defer history.Wait()
	t := time.NewTicker(p.cfg.Interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			p.round(context.WithoutCancel(ctx), true)
			return
		case <-t.C:
			p.round(ctx, false)
		}
	}
}

func (p *Publisher) round(ctx context.Context, last bool) {
	if err := p.publish(ctx, p.cfg.Now(), last); err != nil && ctx.Err() == nil {
		p.metrics.failures.Inc()
		p.cfg.Logger.Error("publishing series failed", "err", err)
	}
}

// publish writes the samples of one moment; the last time nothing waits.
func (p *Publisher) publish(ctx context.Context, now time.Time, last bool) error {
	start := time.Now()
	samples, drifted := p.collect(now, last)
	for _, name := range drifted {
		s, err := p.driftSamples(ctx, name, now)
		if err != nil {
			p.cfg.Logger.Error("computing drift failed", "model", name, "err", err)
			p.metrics.failures.Inc()
		}
		samples = append(samples, s...)
	}
	ages, err := p.ages(now)
	if err != nil {
		p.cfg.Logger.Error("finding the newest rows failed", "err", err)
		p.metrics.failures.Inc()
	}
	samples = append(samples, ages...)
	if len(samples) == 0 {
		return nil
	}
	err = p.append(ctx, samples)
	p.metrics.took.Observe(time.Since(start).Seconds())
	return err
}

// append stores samples; those that the store refuses are counted there.
func (p *Publisher) append(ctx context.Context, samples []series.Sample) error {
	err := p.cfg.Series.Append(ctx, samples)
	var refused *series.RefusedError
	if errors.As(err, &refused) {
		p.cfg.Logger.Warn("some samples were refused", "err", err)
		err = nil
	}
	p.metrics.samples.Add(float64(len(samples)))
	return err
}

// collect computes the samples of the subjects that changed, and names the
// models whose drift is due.
func (p *Publisher) collect(now time.Time, last bool) (samples []series.Sample, drifted []string) {
	tasks := map[string]event.Task{}
	for _, m := range p.cfg.Registry.List() {
		tasks[m.Name] = event.Task(m.Task)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for s, t := range p.trails {
		task, known := tasks[s.model]
		if !known || t.expire(now, p.cfg.Window) {
			delete(p.trails, s)
			continue
		}
		if t.features && !last && p.driftDue(s.model, now) {
			t.features = false
			drifted = append(drifted, s.model)
		}
		if t.due(now) && !(last && !t.changed) {
			samples = append(samples, t.samples(&subjectSeries{p.cfg.Series, s, task}, now, last)...)
		}
	}
	return samples, drifted
}
