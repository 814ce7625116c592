package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// imported is history that came in and is not in the series yet.
type imported struct {
	span process.Span
	last time.Time // when the latest of it was committed
}

// settle is how long an import must be quiet before its series are written.
const settle = 3 * time.Second

// runHistory writes imported history into the series, one model at a time.
func (p *Publisher) runHistory(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		name, span, ok := p.settled(p.cfg.Now())
		if !ok {
			continue
		}
		start := time.Now()
		n, err := p.writeHistory(ctx, name, span)
		if err != nil && ctx.Err() == nil {
			p.metrics.failures.Inc()
			p.cfg.Logger.Error("writing imported history into the series failed", "model", name, "err", err)
			continue
		}
		p.cfg.Logger.Info("imported history is in the series", "model", name, "samples", n, "took", time.Since(start).Round(time.Millisecond))
	}
}

func (p *Publisher) settled(now time.Time) (string, process.Span, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, h := range p.history {
		if now.Sub(h.last) >= settle {
			delete(p.history, name)
			return name, h.span, true
		}
	}
	return "", process.Span{}, false
}

// historyStep is the resolution of a span.
func historyStep(s process.Span) int64 {
	switch d := time.Duration(s.To-s.From) * time.Millisecond; {
	case d <= 3*24*time.Hour:
		return time.Minute.Milliseconds()
	case d <= 21*24*time.Hour:
		return (10 * time.Minute).Milliseconds()
	}
	return time.Hour.Milliseconds()
}

// writeHistory replaces the series of a span of imported windows. What came
// live is never rewritten: history ends where the model's live rows begin.
func (p *Publisher) writeHistory(ctx context.Context, name string, span process.Span) (int, error) {
	m, err := p.cfg.Registry.Get(name)
	if err != nil {
		return 0, err
	}
	first, _, live, err := p.cfg.Profiles.Extent(profiles.ByEvaluation, name)
	if err != nil {
		return 0, err
	}
	step := historyStep(span)
	end := min(span.To+step, p.cfg.Now().UnixMilli()-step)
	if live {
		end = min(end, first-1)
	}
	if end <= span.From {
		return 0, nil
	}
	matchers := []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, "model", name),
		labels.MustNewMatcher(labels.MatchRegexp, "__name__", "model_.+"),
	}
	if err := p.cfg.Series.Delete(ctx, span.From, end, matchers...); err != nil {
		return 0, err
	}
	written := 0
	for _, segment := range append([]string{""}, m.SegmentValues...) {
		h := history{step: step, end: end, task: event.Task(m.Task), points: map[subject]map[string][]series.Point{}}
		q := profiles.Query{Set: profiles.ByPrediction, Model: name, Segment: segment, From: span.From, To: end}
		if err := h.read(ctx, p.cfg.Profiles, q); err != nil {
			return written, err
		}
		done, err := p.cfg.Series.Import(ctx, h.all)
		if err != nil {
			return written, fmt.Errorf("segment %q: %w", segment, err)
		}
		written += int(done.Stored)
	}
	return written, nil
}

// history makes points of windows.
type history struct {
	step, end int64
	task      event.Task
	points    map[subject]map[string][]series.Point
}

type bucketKey struct {
	version string
	start   int64
}

// read merges the windows of a query into steps, and turns these into points.
func (h *history) read(ctx context.Context, store *profiles.Store, q profiles.Query) error {
	buckets := map[bucketKey]*profile.Profile{}
	err := store.Scan(ctx, q, func(w *profiles.Window) error {
		p, err := profile.Decode(w.Bytes)
		if err != nil {
			return err
		}
		p.Features = nil
		k := bucketKey{w.Version, w.Start - w.Start%max(h.step, w.Width)}
		if sum := buckets[k]; sum != nil {
			sum.Merge(p, profile.WindowExact)
		} else {
			buckets[k] = p
		}
		return nil
	})
	keys := slices.SortedFunc(maps.Keys(buckets), func(a, b bucketKey) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.version, b.version))
	})
	for _, k := range keys {
		h.add(subject{q.Model, k.version, q.Segment}, k.start, buckets[k])
	}
	return errors.Join(err, ctx.Err())
}

// add turns one step into points at its end.
func (h *history) add(s subject, start int64, p *profile.Profile) {
	at := start + h.step
	if at > h.end {
		return
	}
	of := h.points[s]
	if of == nil {
		of = map[string][]series.Point{}
		h.points[s] = of
	}
	put := func(name string, v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			of[name] = append(of[name], series.Point{T: at, V: v})
		}
	}
	putService(put, p, float64(p.Predictions)*1000/float64(h.step))
	putQuality(put, p, h.task)
}

// all yields the series.
func (h *history) all(yield func(series.History) bool) {
	for s, byName := range h.points {
		for name, points := range byName {
			if !yield(series.History{Labels: s.labels(name), Points: points}) {
				return
			}
		}
	}
}
