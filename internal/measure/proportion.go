package measure

import "math"

// z95 is the two-sided 95 % point of the normal distribution.
const z95 = 1.959963984540054

// Wilson is the 95 % score interval of a proportion of k in n (Wilson 1927).
// Without trials nothing is known: it is the whole of [0, 1].
func Wilson(k, n int64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	nn, p := float64(n), float64(k)/float64(n)
	z2 := z95 * z95
	centre := p + z2/(2*nn)
	half := z95 * math.Sqrt(p*(1-p)/nn+z2/(4*nn*nn))
	scale := 1 + z2/nn
	low, high = (centre-half)/scale, (centre+half)/scale
	// At the ends the formula is 0 and 1 up to rounding.
	if k == 0 {
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high
}

// share is a proportion of k in n.
type share struct{ k, n int64 }

func (s share) value() float64 { return float64(s.k) / float64(s.n) }

// meanOf is the mean of independent proportions and its 95 % interval, which
// recovers the variances from each one's Wilson interval (MOVER, Zou and
// Donner 2008). Every share must have trials.
func meanOf(shares []share) (mean, low, high float64) {
	var below, above float64
	for _, s := range shares {
		v := s.value()
		l, h := Wilson(s.k, s.n)
		mean += v
		below += (v - l) * (v - l)
		above += (h - v) * (h - v)
	}
	n := float64(len(shares))
	mean /= n
	return mean, math.Max(0, mean-math.Sqrt(below)/n), math.Min(1, mean+math.Sqrt(above)/n)
}

// fisher is the 95 % interval of a correlation by Fisher's z.
func fisher(r float64, n int64) (low, high float64, ok bool) {
	if n <= 3 || math.Abs(r) >= 1 {
		return 0, 0, false
	}
	half := z95 / math.Sqrt(float64(n-3))
	z := math.Atanh(r)
	return math.Tanh(z - half), math.Tanh(z + half), true
}
