package profile

import "math"

// moments is the count, mean and squared deviation of finite values. The mean
// has two parts, so that a large offset costs a small spread nothing. m2 is
// +Inf when squares leave float64.
type moments struct {
	n            int64
	mean, meanLo float64
	m2           float64
}

// cancels is how far, as a square in variances, a pivot may lie from the mean
// before the sums are taken again about the mean: ten deviations, which costs
// two of sixteen digits.
const cancels = 100

// momentsAbout makes moments of the sums of d and d² where d = x - pivot. ok
// is false when the pivot was too far from the mean for them to be good.
func momentsAbout(pivot float64, n int64, s1, s2 float64) (m moments, ok bool) {
	if n == 0 {
		return moments{}, true
	}
	off := s1 / float64(n)
	m = moments{n: n, m2: max(0, s2-s1*off)}
	m.mean, m.meanLo = twoSum(pivot, off)
	return m, finite(s2) && s1*off <= cancels*m.m2
}

// momentsOf goes over finite values twice: about a pivot near them, then
// about the mean if that was needed.
func momentsOf(values []float64, pivot float64) moments {
	var m moments
	for range 3 {
		var s1, s2 float64
		for _, x := range values {
			d := x - pivot
			s1 += d
			s2 += d * d
		}
		var ok bool
		if m, ok = momentsAbout(pivot, int64(len(values)), s1, s2); ok {
			return m
		}
		if !finite(s2) {
			return hugeMoments(values)
		}
		pivot = m.mean
	}
	return m // a constant: all deviations are rounding
}

// hugeMoments is for values whose squares leave float64.
func hugeMoments(values []float64) moments {
	m := moments{n: int64(len(values)), m2: math.Inf(1)}
	for _, x := range values {
		m.mean += x / float64(len(values))
	}
	return m
}

func (m *moments) merge(o moments) {
	if o.n == 0 {
		return
	}
	if m.n == 0 {
		*m = o
		return
	}
	n := m.n + o.n
	mine, share := float64(m.n)/float64(n), float64(o.n)/float64(n)
	delta := (o.mean - m.mean) + (o.meanLo - m.meanLo)
	m2 := m.m2 + o.m2 + delta*delta*float64(m.n)*share
	if !finite(m2) {
		*m = moments{n: n, mean: m.mean*mine + o.mean*share, m2: math.Inf(1)}
		return
	}
	hi, lo := twoSum(m.mean, delta*share)
	hi, lo = twoSum(hi, lo+m.meanLo)
	*m = moments{n: n, mean: hi, meanLo: lo, m2: m2}
}

func (m *moments) sd(ddof int) float64 {
	if m.n <= int64(ddof) || m.n == 0 {
		return math.NaN()
	}
	return math.Sqrt(m.m2 / float64(m.n-int64(ddof)))
}

// twoSum is a+b and what its rounding lost.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	t := sum - a
	return sum, (a - (sum - t)) + (b - t)
}

func finite(x float64) bool { return x-x == 0 }
