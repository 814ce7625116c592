// Package publish turns what the processor commits into series: each second,
// for every model, version and segment that got something in it.
//
// Quality, latency and error rate are of a trailing window of the evaluation
// clock (labels and predictions by the minute in which they arrived), and come
// with the counts that they stand on (model_evaluated_window,
// model_predictions_window). Counts since the last publication
// (model_predictions, model_evaluated, model_correct, …) stand beside them, so
// that any longer range can be computed exactly. Response times are a native
// histogram too (model_latency_seconds, a counter), for any quantile of any range. Drift and data quality are of
// the windows of the last hour by prediction time, against the reference.
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
	"github.com/leewayhq/leeway/internal/profile"
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
	Logger        *slog.Logger
	Registerer    prometheus.Registerer
	Now           func() time.Time
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.Interval, time.Second}, {&c.Window, 5 * time.Minute}, {&c.DriftInterval, 30 * time.Second}, {&c.DriftWindow, time.Hour}} {
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

	drifts map[string]*drift // by model; for the goroutine of Run only
}

// New prepares a publisher and reads back the trailing window, so that the
// first numbers after a restart are those of before.
func New(ctx context.Context, cfg Config) (*Publisher, error) {
	cfg.setDefaults()
	p := &Publisher{cfg: cfg, metrics: newMetrics(cfg.Registerer), trails: map[subject]*trail{}, history: map[string]imported{}, drifts: map[string]*drift{}}
	from := cfg.Now().Add(-cfg.Window).UnixMilli()
	for _, m := range cfg.Registry.List() {
		for _, segment := range append([]string{""}, m.SegmentValues...) {
			q := profiles.Query{Set: profiles.ByEvaluation, Model: m.Name, Segment: segment, From: from}
			err := cfg.Profiles.Scan(ctx, q, func(w *profiles.Window) error {
				prof, err := profile.Decode(w.Bytes)
				if err == nil {
					p.trail(subject{m.Name, w.Version, segment}).add(w.Start, prof)
				}
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("publish: reading the trailing window of %q: %w", m.Name, err)
			}
		}
	}
	for _, t := range p.trails {
		t.fresh, t.latency = counts{}, latency{} // published by the process before this one
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
			if d.Key.Segment == "" && d.Profile != nil && len(d.Profile.Features) > 0 {
				p.trail(subject{model: d.Key.Model}).features = true
			}
		}
	}
}

// Run publishes until the context ends.
func (p *Publisher) Run(ctx context.Context) {
	var history sync.WaitGroup
	history.Go(func() { p.runHistory(ctx) })
	defer history.Wait()
	t := time.NewTicker(p.cfg.Interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := p.publish(ctx, p.cfg.Now()); err != nil && ctx.Err() == nil {
			p.metrics.failures.Inc()
			p.cfg.Logger.Error("publishing series failed", "err", err)
		}
	}
}

// publish writes the samples of one moment.
func (p *Publisher) publish(ctx context.Context, now time.Time) error {
	start := time.Now()
	samples, drifted := p.collect(now)
	for _, name := range drifted {
		s, err := p.driftSamples(ctx, name, now)
		if err != nil {
			p.cfg.Logger.Error("computing drift failed", "model", name, "err", err)
			p.metrics.failures.Inc()
		}
		samples = append(samples, s...)
	}
	if len(samples) == 0 {
		return nil
	}
	err := p.cfg.Series.Append(ctx, samples)
	var refused *series.RefusedError
	if errors.As(err, &refused) {
		p.cfg.Logger.Warn("some samples were refused", "err", err)
		err = nil
	}
	p.metrics.samples.Add(float64(len(samples)))
	p.metrics.took.Observe(time.Since(start).Seconds())
	return err
}

// collect computes the samples of the subjects that changed, and names the
// models whose drift is due.
func (p *Publisher) collect(now time.Time) (samples []series.Sample, drifted []string) {
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
		if t.features && p.driftDue(s.model, now) {
			t.features = false
			drifted = append(drifted, s.model)
		}
		if t.due(now) {
			samples = append(samples, t.samples(&subjectSeries{p.cfg.Series, s}, task, now)...)
		}
	}
	return samples, drifted
}
