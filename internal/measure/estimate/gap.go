package estimate

import (
	"math"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// Gap is how far the realised quality of labelled rows is from what was to be
// expected of the very same rows.
type Gap struct {
	Key       string
	Realised  float64
	Estimated float64
	// Noise is the standard error of the difference: that of the outcomes of
	// these rows, and that of the reference.
	Noise float64
	N     int64 // labelled rows with a score
}

// Value is realised less estimated: below zero the model is worse than its
// scores promise.
func (g *Gap) Value() float64 { return g.Realised - g.Estimated }

// Stale is by how much the gap, to either side, is beyond three standard
// errors; 0 within them. Above 0 the calibrator no longer holds.
func (g *Gap) Stale() float64 {
	return max(0, math.Abs(g.Value())-bandErrors*g.Noise)
}

// MinGap is the fewest labelled rows that a gap is told of.
const MinGap = 30

// missingScores is the greatest share of labelled rows without a score, one in
// so many, for which realised and estimated still speak of the same rows.
const missingScores = 100

// Gaps compares what was realised with what was to be expected, on the labelled
// rows of a binary model, whenever their labels came. Metrics that either side
// lacks are left out; average precision is too, since the two definitions treat
// ties differently.
func (r *Reference) Gaps(realised *measure.Result, q *profile.Quality) []Gap {
	if q == nil || q.ScoreLabels() < MinGap {
		return nil
	}
	n := q.ScoreLabels()
	if (q.Labels-n)*missingScores > q.Labels {
		return nil
	}
	var both profile.ScoreSet
	both.Merge(&q.Pos, int(n))
	both.Merge(&q.Neg, int(n))
	groups := r.groups(decidedOf(&q.Up, &both))
	estimate, noise := expect(groups), noiseOf(groups)
	decisions := (q.TP+q.FP-q.Up.N())*missingScores <= q.TP+q.FP
	var gaps []Gap
	for _, e := range estimate.Metrics {
		v, ok := realised.Get(e.Key)
		if !ok || !v.Defined || !e.Defined || e.Key == "average_precision" || e.Key != "auc_roc" && !decisions {
			continue
		}
		gaps = append(gaps, Gap{
			Key: e.Key, Realised: v.Value, Estimated: e.Value.Value, N: n,
			Noise: math.Hypot(noise[e.Key], r.SamplingError(e.Key, r.Rows)),
		})
	}
	return gaps
}

// noiseOf is the standard deviation of each metric when every row is positive
// with its probability, whatever the others are (delta method: how much the
// metric moves with one label).
func noiseOf(groups []group) map[string]float64 {
	e := expect(groups)
	pos, neg, up := e.TP+e.FN, e.FP+e.TN, e.TP+e.FP
	get := func(key string) float64 { m, _ := e.Get(key); return m.Value.Value }
	recall, specificity, f1, auc := get("recall"), get("specificity"), get("f1_score"), get("auc_roc")
	var accuracy, precision, recalls, specificities, f1s, aucs, posBelow, negBelow float64
	for _, g := range groups {
		v := g.p * (1 - g.p) // the variance of one label
		accuracy += v * g.rows()
		precision += v * g.up
		recalls += v * (g.up*(1-recall)*(1-recall) + g.down*recall*recall)
		specificities += v * (g.down*(1-specificity)*(1-specificity) + g.up*specificity*specificity)
		f1s += v * (g.up*(2-f1)*(2-f1) + g.down*f1*f1)
		here := g.p * g.rows()
		posAbove := pos - posBelow - here
		wins := negBelow + (g.rows()-here)/2 - posAbove - here/2
		slope := wins/(pos*neg) - auc/pos + auc/neg
		aucs += v * g.rows() * slope * slope
		posBelow, negBelow = posBelow+here, negBelow+g.rows()-here
	}
	return map[string]float64{
		"accuracy": math.Sqrt(accuracy) / (pos + neg), "precision": math.Sqrt(precision) / up,
		"recall": math.Sqrt(recalls) / pos, "specificity": math.Sqrt(specificities) / neg,
		"f1_score": math.Sqrt(f1s) / (up + pos), "auc_roc": math.Sqrt(aucs),
	}
}
