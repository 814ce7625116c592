package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// counts is the confusion of a binary decision.
type counts struct{ tp, fp, fn, tn int64 }

func (c counts) n() int64 { return c.tp + c.fp + c.fn + c.tn }

func (c counts) metrics() []Metric {
	none := NoLabels
	if c.n() > 0 {
		none = ""
	}
	because := func(reason string) string {
		if none != "" {
			return none
		}
		return reason
	}
	return []Metric{
		{"accuracy", proportion(c.tp+c.tn, c.n(), NoLabels)},
		{"precision", proportion(c.tp, c.tp+c.fp, because(NoPredictedPositives))},
		{"recall", proportion(c.tp, c.tp+c.fn, because(NoPositives))},
		{"f1_score", c.f1(because(NoPositives))},
		{"specificity", proportion(c.tn, c.tn+c.fp, because(NoNegatives))},
		{"balanced_accuracy", c.balanced(because(OneClass))},
		{"mcc", c.mcc(because(OneClass))},
	}
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

func (c counts) mcc(reason string) Value {
	tp, fp, fn, tn := float64(c.tp), float64(c.fp), float64(c.fn), float64(c.tn)
	den := math.Sqrt(tp+fp) * math.Sqrt(tp+fn) * math.Sqrt(tn+fp) * math.Sqrt(tn+fn)
	if !(den > 0) {
		return undefined(reason, c.n())
	}
	v := defined((tp*tn-fp*fn)/den, c.n())
	if low, high, ok := fisher(v.Value, c.n()); ok {
		v = v.between(low, high, "fisher")
	}
	return v
}

func (c counts) confusion() *Confusion {
	return &Confusion{Classes: []string{"negative", "positive"}, Matrix: [][]int64{{c.tn, c.fp}, {c.fn, c.tp}}}
}

// scoreMetrics are those that need the score of the positive class.
func scoreMetrics(q *profile.Quality) []Metric {
	var cells []Scored
	profile.ScorePairs(&q.Pos, &q.Neg, func(s float64, pos, neg int64) {
		cells = append(cells, Scored{s, pos, neg})
	})
	reason := NoScores
	if q.Labels <= 0 {
		reason = NoLabels
	}
	exact := q.Pos.QuantileError() == 0 && q.Neg.QuantileError() == 0
	auc, ap := rankMetrics(cells, reason, exact)
	return []Metric{
		{"auc_roc", auc},
		{"log_loss", meanLoss(q.LogLoss, q.ProbLabels, reason)},
		{"brier_score", meanLoss(q.Brier, q.ProbLabels, reason)},
		{"average_precision", ap},
	}
}

func rankMetrics(cells []Scored, reason string, exact bool) (auc, ap Value) {
	area, ok := AUC(cells)
	n := area.Pos + area.Neg
	switch {
	case n <= 0:
		return undefined(reason, 0), undefined(reason, 0)
	case ok:
		auc = defined(area.Value, n)
		if area.HasInterval {
			auc = auc.between(area.Low, area.High, "delong")
		}
		if !exact {
			auc.Bound = area.Bound()
		}
	default:
		auc = undefined(OneClass, n)
	}
	if v, ok := AveragePrecision(cells); ok {
		ap = defined(v, n)
	} else {
		ap = undefined(NoPositives, n)
	}
	return auc, ap
}

func meanLoss(sum profile.FixedSum, n int64, reason string) Value {
	if n <= 0 {
		return undefined(reason, 0)
	}
	return defined(sum.Float64()/float64(n), n)
}
