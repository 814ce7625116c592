package detector

import "math"

// standard gives an algorithm values in standard deviations from the mean, by
// the first values, which it keeps and hands on once there is a scale.
type standard struct {
	inner       algorithm
	first       []float64 // the latest of those without a scale
	next        int
	level, unit float64 // a unit of 0 is none yet
}

func newStandard(inner algorithm, n int) *standard {
	return &standard{inner: inner, first: make([]float64, 0, n)}
}

func (s *standard) reset() {
	s.inner.reset()
	s.first, s.next, s.unit = s.first[:0], 0, 0
}

func (s *standard) update(x float64) State {
	if s.unit > 0 {
		return s.inner.update(s.scaled(x))
	}
	if len(s.first) < cap(s.first) {
		s.first = append(s.first, x)
	} else {
		s.first[s.next] = x
		s.next = (s.next + 1) % len(s.first)
	}
	if len(s.first) < cap(s.first) || !s.measure() {
		return Stable
	}
	state := Stable
	for i := range s.first {
		if state = s.inner.update(s.scaled(s.first[(s.next+i)%len(s.first)])); state == Drift {
			break
		}
	}
	return state
}

func (s *standard) scaled(x float64) float64 {
	return max(-huge, min(huge, (x-s.level)/s.unit))
}

// measure finds the scale; there is none while all values are the same up to
// rounding.
func (s *standard) measure() bool {
	var m mean
	for _, x := range s.first {
		m.add(x)
	}
	m2 := 0.0
	for _, x := range s.first {
		m2 += (x - m.value) * (x - m.value)
	}
	sd := math.Sqrt(m2 / (m.n - 1))
	if !(sd > 1e-12*math.Abs(m.value)) {
		return false
	}
	s.level, s.unit = m.value, sd
	return true
}
