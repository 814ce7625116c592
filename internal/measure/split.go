package measure

import (
	"fmt"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// sums is n numbers known by their sum and sum of squares: what a share or a
// mean is made of, and what one part of the rows can be taken away from.
type sums struct {
	n           int64
	sum, square float64
	share       bool // each number is 0 or 1
}

func countsOf(k, n int64) sums {
	return sums{n: n, sum: float64(k), square: float64(k), share: true}
}

func (s sums) mean() float64 { return s.sum / float64(s.n) }

// variance is that of the n numbers (ddof 0).
func (s sums) variance() float64 {
	m := s.mean()
	return max(0, s.square/float64(s.n)-m*m)
}

func (s sums) minus(o sums) sums {
	return sums{n: s.n - o.n, sum: s.sum - o.sum, square: s.square - o.square, share: s.share}
}

func (s sums) value() Value {
	if s.share {
		return proportion(int64(s.sum), s.n, NoLabels)
	}
	if s.n <= 0 {
		return undefined(NoLabels, 0)
	}
	return meanError(s.mean(), s.square/float64(s.n), s.n)
}

// differ is the difference of two means, its 95 % interval and two-sided
// p-value: for shares Newcombe's interval (1998, method 10) and the pooled z
// test, else Welch's with the normal distribution.
func differ(a, b sums) (diff, low, high, p float64) {
	diff = a.mean() - b.mean()
	na, nb := float64(a.n), float64(b.n)
	se := math.Sqrt(a.variance()/na + b.variance()/nb)
	low, high = diff-z95*se, diff+z95*se
	if a.share {
		pooled := (a.sum + b.sum) / (na + nb)
		se = math.Sqrt(pooled * (1 - pooled) * (1/na + 1/nb))
		al, ah := Wilson(int64(a.sum), a.n)
		bl, bh := Wilson(int64(b.sum), b.n)
		low = diff - math.Hypot(a.mean()-al, bh-b.mean())
		high = diff + math.Hypot(ah-a.mean(), b.mean()-bl)
	}
	switch {
	case diff == 0:
		p = 1
	case se > 0:
		p = math.Erfc(math.Abs(diff) / se / math.Sqrt2)
	}
	return diff, low, high, p
}

// splittable is a metric that is a share or a mean over rows, so that it can be
// cut into parts that add up.
type splittable struct {
	key    string
	higher bool // more is better
	tasks  []event.Task
	of     func(p *profile.Profile, positive string) sums
}

func splittables() []splittable {
	binary, classes := []event.Task{event.Binary}, []event.Task{event.Binary, event.Multiclass}
	regression, ranking := []event.Task{event.Regression}, []event.Task{event.Ranking}
	return []splittable{
		{"accuracy", true, classes, func(p *profile.Profile, _ string) sums { return accuracyOf(p) }},
		{"precision", true, binary, ofQuality(func(q *profile.Quality) sums { return countsOf(q.TP, q.TP+q.FP) })},
		{"recall", true, binary, ofQuality(func(q *profile.Quality) sums { return countsOf(q.TP, q.TP+q.FN) })},
		{"specificity", true, binary, ofQuality(func(q *profile.Quality) sums { return countsOf(q.TN, q.TN+q.FP) })},
		{"mae", false, regression, ofErrors(func(g *profile.Regression) (sum float64) { return g.AbsE.Float64() })},
		{"me", false, regression, ofErrors(func(g *profile.Regression) (sum float64) { return g.E.Float64() })},
		{"ndcg_at_10", true, ranking, ofQueries(func(at *profile.AtCutoff) profile.MeanSum { return at.NDCG })},
		{"map_at_10", true, ranking, ofQueries(func(at *profile.AtCutoff) profile.MeanSum { return at.AP })},
		{"hit_rate_at_10", true, ranking, ofQuality(func(q *profile.Quality) sums { return countsOf(placesOf(q).Hits, orEmpty(q.Ranking).Queries) })},
		{"precision_at_10", true, ranking, ofQueries(func(at *profile.AtCutoff) profile.MeanSum { return at.Precision })},
		{"recall_at_10", true, ranking, ofQueries(func(at *profile.AtCutoff) profile.MeanSum { return at.Recall })},
		{"error_rate", false, nil, func(p *profile.Profile, _ string) sums { return countsOf(p.Errors, p.Predictions) }},
		{"positive_rate", true, binary, positives},
	}
}

func accuracyOf(p *profile.Profile) sums {
	q := orEmpty(p.Quality)
	if right, n := q.TP+q.TN, q.TP+q.TN+q.FP+q.FN; n > 0 {
		return countsOf(right, n)
	}
	n := q.ConfusionOther
	for _, count := range q.Confusion {
		n += count
	}
	return countsOf(q.Correct, n)
}

// positives is how often the positive class was predicted, labelled or not.
func positives(p *profile.Profile, positive string) sums {
	if p.Classes == nil {
		return countsOf(0, 0)
	}
	return countsOf(p.Classes.Counts[positive], p.Classes.N)
}

func ofQuality(f func(q *profile.Quality) sums) func(*profile.Profile, string) sums {
	return func(p *profile.Profile, _ string) sums { return f(orEmpty(p.Quality)) }
}

func ofErrors(sum func(g *profile.Regression) float64) func(*profile.Profile, string) sums {
	return func(p *profile.Profile, _ string) sums {
		g := orEmpty(orEmpty(p.Quality).Regression)
		return sums{n: g.N, sum: sum(g), square: g.SqE.Float64()}
	}
}

// placesOf is the sums over the places that the catalogue is about.
func placesOf(q *profile.Quality) *profile.AtCutoff {
	cutoffs := profile.Cutoffs()
	return &orEmpty(q.Ranking).At[slices.Index(cutoffs[:], RankingPlaces)]
}

func ofQueries(of func(at *profile.AtCutoff) profile.MeanSum) func(*profile.Profile, string) sums {
	return ofQuality(func(q *profile.Quality) sums {
		s := of(placesOf(q))
		return sums{n: orEmpty(q.Ranking).Queries, sum: s.Sum.Float64(), square: s.Squares.Float64()}
	})
}

// SegmentMetrics lists the metrics by which segments of a task can be compared;
// the first is the usual one.
func SegmentMetrics(task event.Task) []string {
	var keys []string
	for _, m := range splittables() {
		if m.tasks == nil || slices.Contains(m.tasks, task) {
			keys = append(keys, m.key)
		}
	}
	return keys
}

func findSplittable(key string, task event.Task) (splittable, error) {
	usable := SegmentMetrics(task)
	if key == "" {
		key = usable[0]
	}
	if !slices.Contains(usable, key) {
		return splittable{}, fmt.Errorf("%q cannot be compared by segment for this model; use one of %v", key, usable)
	}
	all := splittables()
	return all[slices.IndexFunc(all, func(m splittable) bool { return m.key == key })], nil
}
