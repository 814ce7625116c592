package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// decision is the confusion at a threshold, and what it can be instead: of the
// rows in the cell that the threshold cuts, all or none may be above it.
type decision struct {
	counts
	others []counts
}

// decide takes a row for positive whose score is at least t.
func (x *scores) decide(t float64) decision {
	var d decision
	var doubtPos, doubtNeg int64 // in the cut cell
	var cutPos, cutNeg int64     // of them taken for positive
	for i, c := range x.cells {
		switch {
		case x.lo[i] >= t:
			d.tp += c.Pos
			d.fp += c.Neg
		case x.hi[i] < t, x.hi[i] == t && t <= 0.5: // a score on a bound has the cell nearer to a half
			d.fn += c.Pos
			d.tn += c.Neg
		default:
			above := (x.hi[i] - t) / (x.hi[i] - x.lo[i])
			doubtPos, doubtNeg = c.Pos, c.Neg
			cutPos, cutNeg = int64(math.Round(above*float64(c.Pos))), int64(math.Round(above*float64(c.Neg)))
		}
	}
	with := func(p, n int64) counts {
		return counts{tp: d.tp + p, fp: d.fp + n, fn: d.fn + doubtPos - p, tn: d.tn + doubtNeg - n}
	}
	if doubtPos > 0 || doubtNeg > 0 {
		d.others = []counts{with(0, 0), with(doubtPos, 0), with(0, doubtNeg), with(doubtPos, doubtNeg)}
	}
	d.counts = with(cutPos, cutNeg)
	return d
}

// metrics are those of the decision. Each rises or falls with every row that
// changes sides, so that its bound is that of the corners.
func (d *decision) metrics(of func(counts) []Metric) []Metric {
	out := of(d.counts)
	for _, other := range d.others {
		for i, m := range of(other) {
			if m.Defined && out[i].Defined {
				out[i].Bound = max(out[i].Bound, math.Abs(m.Value.Value-out[i].Value.Value))
			}
		}
	}
	return out
}

// atThreshold judges the scores rather than what the model decided.
func (r *Result) atThreshold(q *profile.Quality, o *Options) {
	d := scoresOf(&q.Pos, &q.Neg).decide(*o.Threshold)
	none := NoLabels
	if q.Labels > 0 {
		none = NoScores
	}
	r.Metrics = append(d.metrics(func(c counts) []Metric { return c.metrics(none, o.Beta) }), scoreMetrics(q)...)
	r.Confusion = d.confusion()
}
