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
	low, high = wilson(float64(k)/float64(n), float64(n))
	// At the ends the formula is 0 and 1 up to rounding.
	if k == 0 {
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high
}

// wilson is the same of a share p of n rows, which may be fractions of rows.
func wilson(p, nn float64) (low, high float64) {
	z2 := z95 * z95
	centre := p + z2/(2*nn)
	half := z95 * math.Sqrt(p*(1-p)/nn+z2/(4*nn*nn))
	scale := 1 + z2/nn
	return max(0, (centre-half)/scale), min(1, (centre+half)/scale)
}

// newcombe is the 95 % interval of a - b of two independent proportions (Newcombe
// 1998, method 10).
func newcombe(a, b share) (low, high float64) {
	al, ah := Wilson(a.k, a.n)
	bl, bh := Wilson(b.k, b.n)
	d := a.value() - b.value()
	return d - math.Hypot(a.value()-al, bh-b.value()), d + math.Hypot(ah-a.value(), b.value()-bl)
}

// share is a proportion of k in n.
type share struct{ k, n int64 }

func (s share) value() float64 { return float64(s.k) / float64(s.n) }

// meanOf is the mean of independent proportions and its 95 % interval, which
// recovers the variances from each one's Wilson interval (MOVER, Zou and
// Donner 2008). Every share must have trials.
func meanOf(shares []share) (mean, low, high float64) {
	weights := make([]float64, len(shares))
	for i := range weights {
		weights[i] = 1
	}
	return weightedMeanOf(shares, weights)
}

// weightedMeanOf takes the weights as given, whatever their sum is.
func weightedMeanOf(shares []share, weights []float64) (mean, low, high float64) {
	var below, above, sum float64
	for i, s := range shares {
		v, w := s.value(), weights[i]
		l, h := Wilson(s.k, s.n)
		mean += w * v
		below += w * w * (v - l) * (v - l)
		above += w * w * (h - v) * (h - v)
		sum += w
	}
	mean /= sum
	return mean, math.Max(0, mean-math.Sqrt(below)/sum), math.Min(1, mean+math.Sqrt(above)/sum)
}
