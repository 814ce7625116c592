package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// QualityDifference is one metric of two independent sets of rows: of two
// versions, or of two times.
type QualityDifference struct {
	Key  string
	A, B Value
	// Difference is A less B, with a 95 % interval and a two-sided p-value; nil
	// where either is not defined. Low, High and P are NaN where there is no
	// test, or a side is below the minimum support.
	Difference *Difference
	Method     string // of the test; empty when there is none
	// Significant is after Benjamini-Hochberg control over all metrics.
	Significant bool
}

// The tests of a difference.
const (
	TestShares  = "two_proportions" // pooled z, Newcombe's interval
	TestMeans   = "welch"           // with the normal distribution
	TestAreas   = "delong"          // of independent samples: the variances add up
	TestJaccard = "two_proportions_jaccard"
	TestMover   = "mover" // from both intervals, Zou and Donner 2008
)

// VersusQ is the share of false discoveries among the metrics that are called
// different.
const VersusQ = 0.05

// CompareQuality compares the quality of a with that of b, metric by metric,
// and the rate of errors.
func CompareQuality(a, b *profile.Profile, task event.Task) []QualityDifference {
	ra, rb := Quality(a, task), Quality(b, task)
	ra.Metrics = append(ra.Metrics, Metric{"error_rate", proportion(a.Errors, a.Predictions, NoPredictions)})
	rb.Metrics = append(rb.Metrics, Metric{"error_rate", proportion(b.Errors, b.Predictions, NoPredictions)})
	out := make([]QualityDifference, 0, len(ra.Metrics))
	ps := make([]float64, 0, len(ra.Metrics))
	for _, m := range ra.Metrics {
		other, ok := rb.Get(m.Key)
		if !ok {
			continue
		}
		d := QualityDifference{Key: m.Key, A: m.Value, B: other}
		if m.Defined && other.Defined {
			d.test(a, b, task)
		}
		out, ps = append(out, d), append(ps, d.p())
	}
	for i, significant := range BenjaminiHochberg(ps, VersusQ) {
		out[i].Significant = significant
	}
	return out
}

func (d *QualityDifference) p() float64 {
	if d.Difference == nil {
		return math.NaN()
	}
	return d.Difference.P
}

func (d *QualityDifference) test(a, b *profile.Profile, task event.Task) {
	d.Difference = &Difference{Value: d.A.Value - d.B.Value, Low: math.NaN(), High: math.NaN(), P: math.NaN()}
	if min(d.A.N, d.B.N) < defaultMinRows {
		return
	}
	switch {
	case d.Key == "auc_roc" && task == event.Binary:
		d.areas(orEmpty(a.Quality), orEmpty(b.Quality))
	case d.Key == "f1_score" && task == event.Binary:
		// F1 is 2J/(1+J) of the share J = TP/(TP+FP+FN): equal if J is.
		d.mover(TestJaccard)
		_, _, _, d.Difference.P = differ(jaccard(a), jaccard(b))
	default:
		if metric, err := findSplittable(d.Key, task); err == nil {
			d.sums(metric.of(a, ""), metric.of(b, ""))
			return
		}
		d.mover(TestMover)
	}
}

func jaccard(p *profile.Profile) sums {
	q := orEmpty(p.Quality)
	return countsOf(q.TP, q.TP+q.FP+q.FN)
}

func (d *QualityDifference) sums(a, b sums) {
	if a.n <= 0 || b.n <= 0 {
		return
	}
	x := d.Difference
	x.Value, x.Low, x.High, x.P = differ(a, b)
	d.Method = TestMeans
	if a.share {
		d.Method = TestShares
	}
}

// areas is DeLong's test of two areas under ROC curves of different rows.
func (d *QualityDifference) areas(a, b *profile.Quality) {
	x, ok1 := AUC(scoresOf(&a.Pos, &a.Neg).cells)
	y, ok2 := AUC(scoresOf(&b.Pos, &b.Neg).cells)
	if !ok1 || !ok2 || !x.HasInterval || !y.HasInterval {
		return
	}
	se := math.Hypot(x.SE, y.SE)
	v := d.Difference
	v.Low, v.High, v.P = v.Value-z95*se, v.Value+z95*se, normalP(v.Value, se)
	d.Method = TestAreas
}

// mover makes the interval of a difference from those of both sides; the
// p-value is that at which it would begin at zero.
func (d *QualityDifference) mover(method string) {
	a, b, v := &d.A, &d.B, d.Difference
	if !a.HasInterval || !b.HasInterval {
		return
	}
	v.Low = v.Value - math.Hypot(a.Value-a.Low, b.High-b.Value)
	v.High = v.Value + math.Hypot(a.High-a.Value, b.Value-b.Low)
	toZero := v.Value - v.Low
	if v.Value < 0 {
		toZero = v.High - v.Value
	}
	v.P = normalP(v.Value, toZero/z95)
	d.Method = method
}

// normalP is the two-sided p-value of a difference with a standard error.
func normalP(diff, se float64) float64 {
	switch {
	case diff == 0:
		return 1
	case !(se > 0):
		return 0
	}
	return math.Erfc(math.Abs(diff) / se / math.Sqrt2)
}
