package profile

import "golang.org/x/sys/cpu"

// lanes is the state of foldAVX2, four lanes a sum.
type lanes struct {
	s1, s2, min, max [4]float64
	fraction         [4]uint64 // not 0 where a value has a fraction
	centre           float64
}

// foldAVX2 folds values, a multiple of 8 and not none, as foldNumbers does. See
// kernel_amd64.s.
//
//go:noescape
func foldAVX2(values []float64, t *dense, l *lanes)

// foldVectors folds what it can of values and returns the rest.
func foldVectors(values []float64, centre float64, t *dense, s *sums) []float64 {
	n := len(values) &^ 7
	if n == 0 || !cpu.X86.HasAVX2 {
		return values
	}
	l := lanes{
		min: [4]float64{s.min, s.min, s.min, s.min},
		max: [4]float64{s.max, s.max, s.max, s.max}, centre: centre,
	}
	foldAVX2(values[:n], t, &l)
	s.s1 += (l.s1[0] + l.s1[1]) + (l.s1[2] + l.s1[3])
	s.s2 += (l.s2[0] + l.s2[1]) + (l.s2[2] + l.s2[3])
	s.min = min(l.min[0], l.min[1], l.min[2], l.min[3])
	s.max = max(l.max[0], l.max[1], l.max[2], l.max[3])
	switch {
	case l.fraction[0]|l.fraction[1]|l.fraction[2]|l.fraction[3] != 0:
		s.fraction = true
	case s.min <= -wholeLimit || s.max >= wholeLimit:
		s.fraction = s.fraction || !allWhole(values[:n])
	}
	return values[n:]
}
