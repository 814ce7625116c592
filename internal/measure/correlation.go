package measure

import (
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// pair is how many rows have a predicted and an actual class, by number.
type pair struct {
	predicted, actual int
	n                 int64
}

// contingency is the confusion of k classes.
type contingency struct {
	pairs             []pair
	predicted, actual []float64 // shares of all rows
	correct, n        float64   // share, rows
}

func contingencyOf(pairs []pair, k int) *contingency {
	t := &contingency{pairs: pairs, predicted: make([]float64, k), actual: make([]float64, k)}
	for _, p := range pairs {
		t.n += float64(p.n)
	}
	for _, p := range pairs {
		share := float64(p.n) / t.n
		t.predicted[p.predicted] += share
		t.actual[p.actual] += share
		if p.predicted == p.actual {
			t.correct += share
		}
	}
	return t
}

// variance is that of a smooth function of the table by the delta method, from
// its slope in each pair.
func (t *contingency) variance(slope func(p *pair) float64) float64 {
	var sum, mean float64
	for i := range t.pairs {
		p := &t.pairs[i]
		g, share := slope(p), float64(p.n)/t.n
		sum += share * g * g
		mean += share * g
	}
	return max(0, sum-mean*mean) / t.n
}

// correlation is Gorodkin's R_K (2004), of two classes Matthews' coefficient;
// its interval is by the delta method, normal on Fisher's scale.
func (t *contingency) correlation() Value {
	n := int64(t.n)
	var both, pp, aa float64
	for i := range t.predicted {
		both += t.predicted[i] * t.actual[i]
		pp += t.predicted[i] * t.predicted[i]
		aa += t.actual[i] * t.actual[i]
	}
	den := math.Sqrt(1-pp) * math.Sqrt(1-aa)
	if !(den > 1e-12) {
		return undefined(OneClass, n)
	}
	v := defined((t.correct-both)/den, n)
	r := v.Value
	if math.Abs(r) >= 1-1e-12 {
		return v
	}
	se := math.Sqrt(t.variance(func(p *pair) float64 {
		x, y := t.predicted[p.predicted], t.actual[p.actual]
		slope := t.correct - t.actual[p.predicted] - t.predicted[p.actual]
		if p.predicted == p.actual {
			slope++
		}
		return slope/den - r*((1-x)/(1-pp)+(1-y)/(1-aa))
	}))
	half, z := z95*se/(1-r*r), math.Atanh(r)
	return v.between(math.Tanh(z-half), math.Tanh(z+half), "delta_fisher")
}

// pairsOf lists the confusion by number of class, in order.
func pairsOf(q *profile.Quality, number map[string]int) []pair {
	out := make([]pair, 0, len(q.Confusion))
	for at, n := range q.Confusion {
		out = append(out, pair{number[at[0]], number[at[1]], n})
	}
	slices.SortFunc(out, func(a, b pair) int {
		if a.predicted != b.predicted {
			return a.predicted - b.predicted
		}
		return a.actual - b.actual
	})
	return out
}
