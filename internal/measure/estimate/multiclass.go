package estimate

import (
	"cmp"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/measure"
)

// ClassRow is one prediction of a model with several classes: a score for each
// class, and the places of the predicted and the true class among them. Actual
// is not looked at where quality is estimated.
type ClassRow struct {
	Scores            []float64
	Predicted, Actual int
}

func (r *ClassRow) usable(classes int) bool {
	if len(r.Scores) != classes || r.Predicted < 0 || r.Predicted >= classes {
		return false
	}
	for _, s := range r.Scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return false
		}
	}
	return true
}

// Classes is what labelled rows taught of a model with several classes: a
// reference for each, the class against the rest.
type Classes struct {
	each    []*Reference
	correct spread
}

// FromClassRows learns from labelled rows. Rows without a finite score for each
// of the classes are left out; a class that no row has, or all, has no
// reference, and so the whole has none.
func FromClassRows(rows []ClassRow, classes int) (c *Classes, reason string) {
	one := make([][]Row, classes)
	var n, correct float64
	for i := range rows {
		r := &rows[i]
		if !r.usable(classes) {
			continue
		}
		n++
		if r.Predicted == r.Actual {
			correct++
		}
		for k, score := range r.Scores {
			one[k] = append(one[k], Row{Score: score, Predicted: r.Predicted == k, Actual: r.Actual == k})
		}
	}
	if n == 0 || classes < 2 {
		return nil, NoReference
	}
	share := correct / n
	c = &Classes{correct: spread{sd: math.Sqrt(share * (1 - share)), share: 1}}
	for _, rows := range one {
		ref, reason := FromRows(rows)
		if reason != "" {
			return nil, reason
		}
		c.each = append(c.each, ref)
	}
	return c, ""
}

// Calibrated tells for each class whether its scores are calibrated.
func (c *Classes) Calibrated() []bool {
	out := make([]bool, len(c.each))
	for i, r := range c.each {
		out[i] = r.Calibrated
	}
	return out
}

// probabilities are those of the classes, calibrated one by one and made to
// add up to 1; all the same where none has any.
func (c *Classes) probabilities(scores []float64) []float64 {
	out := make([]float64, len(scores))
	var sum float64
	for k, s := range scores {
		out[k] = c.each[k].Probability(s)
		sum += out[k]
	}
	for k := range out {
		if sum == 0 {
			out[k] = 1 / float64(len(out))
		} else {
			out[k] /= sum
		}
	}
	return out
}

// guess is one row from the point of view of one class.
type guess struct {
	score float64
	group
}

func groupOf(p float64, predicted bool) group {
	if predicted {
		return group{p: p, up: 1}
	}
	return group{p: p, down: 1}
}

// byScore sorts. Rows of one score may have different probabilities, since all
// scores of a row have a say in them; their order is that of the rows.
func byScore(guesses []guess) []group {
	slices.SortStableFunc(guesses, func(a, b guess) int { return cmp.Compare(a.score, b.score) })
	groups := make([]group, len(guesses))
	for i, g := range guesses {
		groups[i] = g.group
	}
	return groups
}

// Estimate is the quality that is to be expected: accuracy, and the mean over
// the classes of the others.
func (c *Classes) Estimate(rows []ClassRow) Result {
	each := make([][]guess, len(c.each))
	var out Result
	var right float64
	for i := range rows {
		if !rows[i].usable(len(c.each)) {
			continue
		}
		p := c.probabilities(rows[i].Scores)
		out.N++
		right += p[rows[i].Predicted]
		for k := range p {
			each[k] = append(each[k], guess{rows[i].Scores[k], groupOf(p[k], rows[i].Predicted == k)})
		}
	}
	out.Metrics = c.mean(each, out.N)
	out.Metrics[0] = out.ratio("accuracy", right, float64(out.N), measure.NoPredictions)
	for i := range out.Metrics {
		c.band(&out.Metrics[i], out.N)
	}
	return out
}

// mean is the mean of each metric over the classes; it is undefined where that
// of a class is.
func (c *Classes) mean(each [][]guess, n int64) []Metric {
	var mean []Metric
	for k, guesses := range each {
		one := expect(byScore(guesses))
		for i, m := range one.Metrics {
			if k == 0 {
				mean = append(mean, Metric{Key: m.Key, Value: measure.Value{Defined: true, N: n}})
			}
			if !m.Defined && mean[i].Defined {
				mean[i].Value = m.Value
			}
			if mean[i].Defined {
				mean[i].Value.Value += m.Value.Value / float64(len(each))
			}
		}
	}
	return mean
}

// aucClasses widens the error of the mean AUC of the classes, which are not
// independent of each other; the factor is NannyML's, found by experiment.
const aucClasses = 1.2

func (c *Classes) band(m *Metric, n int64) {
	m.SamplingError = math.NaN()
	if !m.Defined {
		return
	}
	m.Method = Method
	var variance float64
	for _, r := range c.each {
		e := r.SamplingError(m.Key, n)
		variance += e * e
	}
	e := math.Sqrt(variance) / float64(len(c.each))
	switch m.Key {
	case "accuracy":
		e = c.correct.sd / math.Sqrt(float64(n))
	case "auc_roc":
		e *= aucClasses
	}
	m.setBand(e)
}
