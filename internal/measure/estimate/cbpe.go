package estimate

import (
	"cmp"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/measure"
)

// Decided counts predictions of one score by what the model decided. Slices of
// them ascend strictly.
type Decided struct {
	Score    float64
	Pos, Neg int64 // predicted positive and negative
}

// DecidedOf counts single predictions; a score that is not finite is left out.
func DecidedOf(scores []float64, predicted []bool) []Decided {
	order := make([]int, 0, len(scores))
	for i, s := range scores {
		if !math.IsNaN(s) && !math.IsInf(s, 0) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(scores[i], scores[j]) })
	var cells []Decided
	for _, i := range order {
		if n := len(cells); n == 0 || cells[n-1].Score != scores[i] {
			cells = append(cells, Decided{Score: scores[i]})
		}
		if c := &cells[len(cells)-1]; predicted[i] {
			c.Pos++
		} else {
			c.Neg++
		}
	}
	return cells
}

// Estimate is the quality that is to be expected of predictions.
func (r *Reference) Estimate(cells []Decided) Result {
	out := expect(r.groups(cells))
	for i := range out.Metrics {
		r.band(&out.Metrics[i], out.N)
	}
	return out
}

// group is predictions of one score: how probable a positive is there, and how
// many of them the model called positive and negative.
type group struct{ p, up, down float64 }

func (r *Reference) groups(cells []Decided) []group {
	groups := make([]group, len(cells))
	for i, c := range cells {
		groups[i] = group{p: r.Probability(c.Score), up: float64(c.Pos), down: float64(c.Neg)}
	}
	return groups
}

func (g *group) rows() float64 { return g.up + g.down }

// expect adds up probabilities, without bands. Groups ascend by score.
func expect(groups []group) Result {
	var out Result
	for _, g := range groups {
		out.TP += g.p * g.up
		out.FP += (1 - g.p) * g.up
		out.FN += g.p * g.down
		out.TN += (1 - g.p) * g.down
		out.N += int64(g.rows())
	}
	out.Metrics = append(out.decisions(), out.ranks(groups)...)
	return out
}

func (r *Reference) band(m *Metric, n int64) {
	m.SamplingError = math.NaN()
	if m.Defined {
		m.Method = Method
		m.setBand(r.SamplingError(m.Key, n))
	}
}

// setBand is three sampling errors to either side. All metrics are of 0..1.
func (m *Metric) setBand(samplingError float64) {
	m.SamplingError = samplingError
	if !math.IsNaN(samplingError) {
		m.HasInterval = true
		m.Low = math.Max(0, m.Value.Value-bandErrors*samplingError)
		m.High = math.Min(1, m.Value.Value+bandErrors*samplingError)
	}
}

func (r *Result) decisions() []Metric {
	return []Metric{
		r.ratio("accuracy", r.TP+r.TN, r.TP+r.FP+r.FN+r.TN, measure.NoPredictions),
		r.ratio("precision", r.TP, r.TP+r.FP, measure.NoPredictedPositives),
		r.ratio("recall", r.TP, r.TP+r.FN, measure.NoPositives),
		r.ratio("f1_score", r.TP, r.TP+(r.FP+r.FN)/2, measure.NoPositives),
		r.ratio("specificity", r.TN, r.TN+r.FP, measure.NoNegatives),
	}
}

func (r *Result) ratio(key string, part, whole float64, reason string) Metric {
	v := measure.Value{N: r.N}
	switch {
	case r.N == 0:
		v.Reason = measure.NoPredictions
	case !(whole > 0):
		v.Reason = reason
	default:
		v.Value, v.Defined = part/whole, true
	}
	return Metric{Key: key, Value: v}
}

// ranks are the metrics of the order that the scores themselves give.
func (r *Result) ranks(groups []group) []Metric {
	pos, neg := r.TP+r.FN, r.FP+r.TN
	auc := Metric{Key: "auc_roc", Value: measure.Value{N: r.N, Reason: measure.OneClass}}
	ap := Metric{Key: "average_precision", Value: measure.Value{N: r.N, Reason: measure.NoPositives}}
	if r.N == 0 {
		auc.Reason, ap.Reason = measure.NoPredictions, measure.NoPredictions
	}
	// Less than this of a row is what rounding leaves.
	const none = 1e-9
	if pos > none && neg > none {
		auc.Value = measure.Value{Value: expectedAUC(groups, pos, neg), Defined: true, N: r.N}
	}
	if pos > none {
		ap.Value = measure.Value{Value: expectedPrecision(groups, pos), Defined: true, N: r.N}
	}
	return []Metric{auc, ap}
}

// expectedAUC is the area under the curve of expected true over expected false
// positives, by the trapezoid rule. Rows of one score lie on one line.
func expectedAUC(groups []group, pos, neg float64) float64 {
	var area, below float64
	for _, g := range groups {
		negatives := (1 - g.p) * g.rows()
		area += g.p * g.rows() * (below + negatives/2)
		below += negatives
	}
	return area / pos / neg
}

// expectedPrecision is the sum of expected precision times gain in recall, a
// row at a time by descending score. Within a score the rows are taken one
// after the other, as NannyML does, and not as one step, as the realised
// average precision has it.
func expectedPrecision(groups []group, pos float64) float64 {
	var ap, hits, rows float64
	for i := len(groups) - 1; i >= 0; i-- {
		// Row k of this score has precision (hits + k p)/(rows + k), which is
		// p + (hits - rows p)/(rows + k).
		p, n := groups[i].p, groups[i].rows()
		ap += p * (n*p + (hits-rows*p)*harmonic(rows, n))
		hits, rows = hits+p*n, rows+n
	}
	return math.Min(1, ap/pos)
}

// harmonic is the sum of 1/(from+k) for k of 1..n.
func harmonic(from, n float64) float64 {
	var sum float64
	for ; n > 0 && from < 32; n-- {
		from++
		sum += 1 / from
	}
	if n > 0 {
		sum += harmonicTail(from+n) - harmonicTail(from)
	}
	return sum
}

// harmonicTail is the harmonic number of x less Euler's constant, to 1e-15 for
// x of 32 and more.
func harmonicTail(x float64) float64 {
	q := 1 / (x * x)
	return math.Log(x) + 1/(2*x) - q*(1./12-q*(1./120-q/252))
}
