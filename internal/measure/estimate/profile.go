package estimate

import (
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// maxShuffled is how many labelled rows decide whether a calibrator is used.
// Of more, every k-th of each class by ascending score is taken: chance no
// longer has a say in so many.
const maxShuffled = 50_000

// FromProfile learns from a profile with labels. Where it keeps scores on a
// grid, a score counts as the middle of its cell, in the reference and in what
// is estimated. The rows have no order, so the shuffles that decide about
// calibration are not those of FromRows: near the edge the two may decide apart.
func FromProfile(p *profile.Profile) (r *Reference, reason string) {
	if p == nil || p.Quality == nil {
		return nil, NoReference
	}
	q := p.Quality
	cells := labelled(q)
	if reason := learnable(cells); reason != "" {
		return nil, reason
	}
	c := confusion{tp: q.TP, fp: q.FP, fn: q.FN, tn: q.TN}
	r = newReference(cells, c, needsCalibration(rowsOf(cells, maxShuffled)))
	if q.Pos.Gridded() {
		r.place = profile.ScoreMiddle
	}
	return r, ""
}

// labelled are the labelled rows by score. A delta's negative counts are none.
func labelled(q *profile.Quality) (cells []measure.Scored) {
	profile.ScorePairs(&q.Pos, &q.Neg, func(score float64, pos, neg int64) {
		if pos, neg = max(pos, 0), max(neg, 0); pos+neg > 0 {
			cells = append(cells, measure.Scored{Score: score, Pos: pos, Neg: neg})
		}
	})
	return cells
}

// rowsOf is the rows of cells by ascending score, at most limit of them.
func rowsOf(cells []measure.Scored, limit int64) (rows []scored) {
	var total int64
	for _, c := range cells {
		total += c.Pos + c.Neg
	}
	every := max(1, (total+limit-1)/limit)
	var pos, neg int64
	for _, c := range cells {
		for range (pos+c.Pos)/every - pos/every {
			rows = append(rows, scored{c.Score, true})
		}
		for range (neg+c.Neg)/every - neg/every {
			rows = append(rows, scored{c.Score, false})
		}
		pos, neg = pos+c.Pos, neg+c.Neg
	}
	return rows
}

// OfProfile is the quality to be expected of all predictions of a window,
// labelled or not. Where some have no decision (they failed, or no class was
// sent), the metrics of decisions take them for negative and say in their
// Bound how large a share they are; without any decision there are none.
func (r *Reference) OfProfile(p *profile.Profile) Result {
	if p == nil || p.Scores == nil {
		return r.Estimate(nil)
	}
	up, decided := &profile.ScoreSet{}, int64(0)
	if p.Decided != nil {
		up, decided = &p.Decided.Up, p.Decided.N
	}
	out := r.Estimate(decidedOf(up, p.Scores))
	if r.place != nil || p.Scores.Gridded() {
		out.tied(r, p.Scores)
	}
	out.undecided(p.Scores.N()-decided, p.Scores.N())
	return out
}

func decidedOf(up, all *profile.ScoreSet) (cells []Decided) {
	profile.ScorePairs(up, all, func(score float64, up, all int64) {
		if up = min(max(up, 0), all); all > 0 {
			cells = append(cells, Decided{Score: score, Pos: up, Neg: all - up})
		}
	})
	return cells
}

// tied bounds the area under the ROC curve by the pairs of an expected positive
// and an expected negative that lie in one cell, of which half may be wrong.
func (r *Result) tied(ref *Reference, scores *profile.ScoreSet) {
	pos, neg, pairs := r.TP+r.FN, r.FP+r.TN, 0.0
	for _, g := range ref.groups(decidedOf(&profile.ScoreSet{}, scores)) {
		pairs += g.p * (1 - g.p) * g.rows() * g.rows()
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Key == "auc_roc" && m.Defined {
			m.Bound = pairs / (2 * pos * neg)
		}
	}
}

// undecided marks the metrics of decisions where some of n rows have none.
func (r *Result) undecided(missing, n int64) {
	if missing <= 0 {
		return
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		switch {
		case m.Key == "auc_roc" || m.Key == "average_precision" || !m.Defined:
		case missing >= n:
			*m = Metric{Key: m.Key, Value: measure.Value{Reason: NoDecision, N: n}, SamplingError: m.SamplingError}
		default:
			m.Bound = float64(missing) / float64(n)
		}
	}
}
