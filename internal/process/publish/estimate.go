package publish

import (
	"context"
	"math"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/estimate"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// estimateSamples puts the estimated quality of the predictions of the last
// hour and, of the labels that came in the last hour, how far the realised
// quality is from the estimate of the same rows.
func (p *Publisher) estimateSamples(ctx context.Context, d *dataOf, task event.Task, put func(series, feature string, v float64)) error {
	if task != event.Binary || d.ref == nil {
		return nil
	}
	ref, reason := p.drifts[d.model].learnt.FromProfile(d.ref)
	if reason != "" {
		return nil
	}
	if d.cur != nil {
		putEstimate(ref, d.cur, put)
	}
	came, err := p.cfg.Profiles.Merged(ctx, profiles.Query{Set: profiles.ByEvaluation, Model: d.model, From: d.now.Add(-p.cfg.DriftWindow).UnixMilli()})
	if err != nil || came == nil {
		return err
	}
	putGaps(ref, came, put)
	return nil
}

func putEstimate(ref *estimate.Reference, cur *profile.Profile, put func(series, feature string, v float64)) {
	result := ref.OfProfile(cur)
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
// others are made of the same counts.
func putGaps(ref *estimate.Reference, came *profile.Profile, put func(series, feature string, v float64)) {
	realised := measure.Quality(came, event.Binary)
	gaps := ref.Gaps(&realised, came.Quality)
	stale := 0.0
	for _, g := range gaps {
		put("model_estimate_gap_"+g.Key, "", g.Value())
		if g.Key == "accuracy" || g.Key == "auc_roc" {
			stale = math.Max(stale, g.Stale())
		}
	}
	if len(gaps) > 0 {
		put("model_estimate_excess", "", stale)
	}
}
