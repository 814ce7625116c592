package publish

import (
	"context"
	"math"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/estimate"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// estimateSamples puts the estimated quality of the predictions of the last
// hour and, of the labels that came in the last hour, how far the realised
// quality is from the estimate of the same rows.
func (p *Publisher) estimateSamples(ctx context.Context, d *dataOf, task event.Task, put func(series, feature string, v float64)) error {
	q := p.estimatorOf(d, task)
	if q == nil {
		return nil
	}
	if d.cur != nil {
		putEstimate(q.OfProfile(d.cur), put)
	}
	came, err := p.cfg.Profiles.Merged(ctx, profiles.Query{Set: profiles.ByEvaluation, Model: d.model, From: d.now.Add(-p.cfg.DriftWindow).UnixMilli()})
	if err != nil || came == nil {
		return err
	}
	putGaps(q.GapsOf(came), put)
	return nil
}

// estimatorOf is nil when there is none, or not yet.
func (p *Publisher) estimatorOf(d *dataOf, task event.Task) estimate.Estimator {
	q, _ := p.drifts[d.model].learnt.Learn(d.ref, task)
	return q
}

func putEstimate(result estimate.Result, put func(series, feature string, v float64)) {
	if result.N < estimate.MinGap {
		return
	}
	for _, m := range result.Metrics {
		if m.Defined {
			put("model_estimated_"+m.Key, "", m.Value.Value)
		}
	}
}

// putGaps also tells by how much the furthest of accuracy and AUC is out: the
// others are made of the same counts. Of errors, which have no scale of their
// own, it tells nothing.
func putGaps(gaps []estimate.Gap, put func(series, feature string, v float64)) {
	stale, known := 0.0, false
	for _, g := range gaps {
		put("model_estimate_gap_"+g.Key, "", g.Value())
		if g.Key == "accuracy" || g.Key == "auc_roc" {
			stale, known = math.Max(stale, g.Stale()), true
		}
	}
	if known {
		put("model_estimate_excess", "", stale)
	}
}
