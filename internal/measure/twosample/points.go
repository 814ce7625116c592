package twosample

import (
	"math"
	"slices"
)

// Point is an edge of two distributions: the counts of both samples above the
// edge before and at or below this one, between which they rise in a straight
// line. A value that is known has a point without counts at the same X before
// it, so that all of its mass is a step. Slices of points ascend.
type Point struct {
	X        float64
	Cur, Ref int64
}

// Points counts two plain samples. NaN is left out; infinities are values.
func Points(cur, ref []float64) []Point {
	a, b := sorted(cur), sorted(ref)
	out := make([]Point, 0, 2*(len(a)+len(b)))
	for len(a) > 0 || len(b) > 0 {
		x := math.Inf(1)
		if len(a) > 0 {
			x = a[0]
		}
		if len(b) > 0 && (b[0] < x || len(a) == 0) {
			x = b[0]
		}
		p := Point{X: x}
		for len(a) > 0 && a[0] == x {
			p.Cur++
			a = a[1:]
		}
		for len(b) > 0 && b[0] == x {
			p.Ref++
			b = b[1:]
		}
		out = append(out, Point{X: x}, p)
	}
	return out
}

func sorted(v []float64) []float64 {
	s := slices.DeleteFunc(slices.Clone(v), math.IsNaN)
	slices.Sort(s)
	return s
}

// totals are the sizes of the two samples.
func totals(pts []Point) (cur, ref int64) {
	for _, p := range pts {
		cur += p.Cur
		ref += p.Ref
	}
	return cur, ref
}
