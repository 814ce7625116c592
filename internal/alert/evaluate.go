package alert

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
)

// evaluate is called by the manager once for each group and interval.
func (e *Engine) evaluate(ctx context.Context, g *rules.Group, ts time.Time) {
	if e.cfg.Now().Sub(ts) > g.Interval() {
		e.met.late.Inc()
	}
	for _, r := range g.Rules() {
		if ar, ok := r.(*rules.AlertingRule); ok {
			ar.SetRestored(false) // it writes no ALERTS of its own; written does
		}
	}
	began := time.Now()
	rules.DefaultEvalIterationFunc(ctx, g, ts)
	names := newRefs(g.File(), g.Name())
	for _, r := range g.Rules() {
		e.met.evaluations.Inc()
		ar, alerting := r.(*rules.AlertingRule)
		ref := ""
		if alerting {
			ref = names.next(ar.Name(), ar.Labels())
		}
		if r.Health() != rules.HealthGood {
			if ctx.Err() == nil {
				e.met.failures.Inc()
			}
			continue
		}
		if alerting {
			e.observe(ctx, ref, ar, ts)
		}
	}
	e.met.duration.Observe(time.Since(began).Seconds())
}

// observe carries what holds now into the life of the alerts.
func (e *Engine) observe(ctx context.Context, ref string, ar *rules.AlertingRule, ts time.Time) {
	sp := e.specs.Load().byRef[ref]
	if sp == nil {
		return // the rule was changed while its old group still ran
	}
	active := ar.ActiveAlerts()
	results := make([]observed, 0, len(active))
	for _, a := range active {
		if sp.threshold != nil && math.IsNaN(a.Value) {
			continue // undefined breaks no limit
		}
		results = append(results, observed{labels: a.Labels, annotations: a.Annotations, value: a.Value})
	}
	changed, err := e.life.step(ctx, sp, ts, results)
	if err != nil {
		if ctx.Err() == nil && !errors.As(err, new(promql.ErrQueryCanceled)) {
			e.met.failures.Inc()
			e.log.Warn("rule not followed", "rule", sp.rule, "err", err)
		}
		return
	}
	e.send(ctx, changed)
	if err := e.written.write(ctx, ref, e.life.activeOf(ref), ts); err != nil {
		e.met.failures.Inc()
		e.log.Warn("ALERTS series not written", "rule", sp.rule, "err", err)
	}
}

// lookup reads what a threshold's series are now, whether beyond the limit or
// not, by the hash of the labels that their alerts would have.
func (e *Engine) lookup(ctx context.Context, sp *spec, ts time.Time) (map[uint64]float64, error) {
	vector, err := e.query(ctx, sp.base, ts)
	if err != nil {
		return nil, err
	}
	out := make(map[uint64]float64, len(vector))
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, s := range vector {
		b.Reset(s.Metric)
		b.Del(labels.MetricName)
		for k, v := range sp.labels {
			b.Set(k, v)
		}
		b.Set(labels.AlertName, sp.rule)
		out[b.Labels().Hash()] = s.F
	}
	return out, nil
}
