package measure

import (
	"maps"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// classAreas are the ROC AUC of each scored class against the rest, and their
// mean over the classes that occurred and were not all that did. The standard
// error of the mean is taken for the mean of theirs, as if the classes went
// together: it is not less than the true one.
func classAreas(q *profile.Quality) (areas map[string]Value, mean Value) {
	c := q.Classes
	switch {
	case q.Labels <= 0:
		return nil, undefined(NoLabels, 0)
	case c == nil || c.Rows <= 0:
		return nil, undefined(NeedsClassScores, 0)
	}
	areas = map[string]Value{}
	var sum, se, bound, k float64
	sure := true
	for _, name := range slices.Sorted(maps.Keys(c.Of)) {
		v := scoresOf(&c.Of[name].Pos, &c.Of[name].Neg).area(q.Labels)
		areas[name] = v
		if !v.Defined {
			continue
		}
		k++
		sum += v.Value
		bound += v.Bound
		se += (v.High - v.Low) / 2
		sure = sure && v.HasInterval
	}
	switch {
	case c.Other != 0:
		return areas, undefined(TooManyClasses, c.Rows)
	case k == 0:
		return areas, undefined(OneClass, c.Rows)
	}
	mean = defined(sum/k, c.Rows)
	mean.Bound = bound / k
	if sure {
		mean = mean.between(max(0, mean.Value-se/k), min(1, mean.Value+se/k), "delong_mean")
	}
	return areas, mean
}

// classLoss is the mean negative logarithm of the score of the true class. The
// spread that its interval needs is taken from the cells of these scores.
func classLoss(q *profile.Quality) Value {
	c := q.Classes
	switch {
	case q.Labels <= 0:
		return undefined(NoLabels, 0)
	case c == nil || c.ProbLabels <= 0:
		return undefined(NeedsClassScores, 0)
	}
	v := c.LogLoss.Float64() / float64(c.ProbLabels)
	s := spread{pivot: v}
	for _, name := range slices.Sorted(maps.Keys(c.Of)) {
		c.Of[name].Pos.Cells(func(lo, hi float64, count int64) {
			if count > 0 && lo >= 0 && hi <= 1 {
				s.add(logLoss(lo+(hi-lo)/2, true), count)
			}
		})
	}
	if c.Other != 0 {
		return defined(v, c.ProbLabels) // the spread of some classes is not known
	}
	return s.around(v, c.ProbLabels)
}
