package measure

import (
	"cmp"
	"math"
	"slices"
)

// unseenP is the probability that k or more rows of one category all fall into
// the n rows of the current sample and none into the m of the reference, when
// both are drawn alike.
func unseenP(k, n, m int64) float64 {
	if k == 0 {
		return 1
	}
	if k > n {
		return math.NaN()
	}
	lg := func(v int64) float64 { l, _ := math.Lgamma(float64(v) + 1); return l }
	if n+m < 1e6 {
		return math.Exp(lg(n) - lg(n-k) + lg(n+m-k) - lg(n+m))
	}
	return math.Pow(float64(n)/float64(n+m), float64(k))
}

// BenjaminiHochberg tells which hypotheses are rejected when the false
// discovery rate is held at q. A NaN is no test and is not rejected.
func BenjaminiHochberg(p []float64, q float64) []bool {
	order := make([]int, 0, len(p))
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	rejected := make([]bool, len(p))
	for i := len(order) - 1; i >= 0; i-- {
		if p[order[i]] <= q*float64(i+1)/float64(len(order)) {
			for _, j := range order[:i+1] {
				rejected[j] = true
			}
			break
		}
	}
	return rejected
}
