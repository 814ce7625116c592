package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// counts is the confusion of a binary decision.
type counts struct{ tp, fp, fn, tn int64 }

func (c counts) n() int64 { return c.tp + c.fp + c.fn + c.tn }

// metrics are those of the decision; none says why there is nothing when no row
// counts, and beta asks for an F of that weight.
func (c counts) metrics(none string, beta float64) []Metric {
	because := func(reason string) string {
		if c.n() <= 0 {
			return none
		}
		return reason
	}
	out := []Metric{
		{"accuracy", proportion(c.tp+c.tn, c.n(), none)},
		{"precision", proportion(c.tp, c.tp+c.fp, because(NoPredictedPositives))},
		{"recall", proportion(c.tp, c.tp+c.fn, because(NoPositives))},
		{"f1_score", c.f1(because(NoPositives))},
		{"specificity", proportion(c.tn, c.tn+c.fp, because(NoNegatives))},
		{"balanced_accuracy", c.balanced(because(OneClass))},
		{"mcc", c.mcc(because(OneClass))},
	}
	if beta > 0 {
		out = append(out, Metric{"f_beta", c.fBeta(beta, because(NoPositives))})
	}
	return out
}

// f1 is 2J/(1+J) of J = TP/(TP+FP+FN), a proportion; the map rises, so the
// Wilson interval of J maps to that of F1.
func (c counts) f1(reason string) Value {
	if c.tp+c.fn <= 0 {
		return undefined(reason, 0)
	}
	n := c.tp + c.fp + c.fn
	f := func(j float64) float64 { return 2 * j / (1 + j) }
	low, high := Wilson(c.tp, n)
	v := defined(float64(2*c.tp)/float64(2*c.tp+c.fp+c.fn), n)
	return v.between(f(low), f(high), "wilson_jaccard")
}

func (c counts) balanced(reason string) Value {
	if c.tp+c.fn <= 0 || c.tn+c.fp <= 0 {
		return undefined(reason, c.n())
	}
	mean, low, high := meanOf([]share{{c.tp, c.tp + c.fn}, {c.tn, c.tn + c.fp}})
	return defined(mean, c.n()).between(low, high, "mover")
}

// fBeta weighs recall beta times as much as precision. Its interval is by the
// delta method on the logit scale.
func (c counts) fBeta(beta float64, reason string) Value {
	if c.tp+c.fn <= 0 {
		return undefined(reason, 0)
	}
	b2 := beta * beta
	hits, misses := (1+b2)*float64(c.tp), b2*float64(c.fn)+float64(c.fp)
	v := defined(hits/(hits+misses), c.tp+c.fp+c.fn)
	if c.tp > 0 && misses > 0 {
		odds := math.Sqrt(1/float64(c.tp) + (b2*b2*float64(c.fn)+float64(c.fp))/(misses*misses))
		v = logitInterval(v, odds*v.Value*(1-v.Value), "delta_logit")
	}
	return v
}

func (c counts) mcc(reason string) Value {
	if c.n() <= 0 {
		return undefined(reason, 0)
	}
	v := contingencyOf([]pair{{0, 0, c.tn}, {0, 1, c.fn}, {1, 0, c.fp}, {1, 1, c.tp}}, 2).correlation()
	if !v.Defined {
		v.Reason = reason
	}
	return v
}

func (c counts) confusion() *Confusion {
	return &Confusion{Classes: []string{"negative", "positive"}, Matrix: [][]int64{{c.tn, c.fp}, {c.fn, c.tp}}}
}

// scoreMetrics are those that need the score of the positive class.
func scoreMetrics(q *profile.Quality) []Metric {
	x := scoresOf(&q.Pos, &q.Neg)
	return []Metric{
		{"auc_roc", x.area(q.Labels)},
		{"log_loss", x.meanLoss(q.LogLoss, q.ProbLabels, q.Labels, logLoss)},
		{"brier_score", x.meanLoss(q.Brier, q.ProbLabels, q.Labels, squaredLoss)},
		{"average_precision", x.averagePrecision(q.Labels)},
		{"calibration_error", x.calibrationError(q.Labels)},
		{"score_ks", x.kolmogorov(q.Labels)},
		{"lift_top_decile", x.lift(q.Labels)},
	}
}
