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

// KSStatistic is the largest distance between the two distribution functions
// at an edge. It is NaN when a sample is empty.
func KSStatistic(pts []Point) float64 {
	n, m := totals(pts)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var d float64
	var c, r int64
	nf, mf := float64(n), float64(m)
	for _, p := range pts {
		if p.Cur|p.Ref != 0 {
			c += p.Cur
			r += p.Ref
			d = max(d, math.Abs(float64(c)/nf-float64(r)/mf))
		}
	}
	return d
}

// Wasserstein is W1, the mean distance by which mass must be moved to turn one
// sample into the other, in the feature's own unit: the area between the two
// distribution functions. It is NaN when a sample is empty.
func Wasserstein(pts []Point) float64 {
	n, m := totals(pts)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var area, before, last float64
	var c, r int64
	nf, mf := 1/float64(n), 1/float64(m)
	for _, p := range pts {
		c += p.Cur
		r += p.Ref
		gap := float64(c)*nf - float64(r)*mf
		if p.X > last && (before != 0 || gap != 0) {
			area += (p.X - last) * meanDistance(before, gap)
		}
		before, last = gap, p.X
	}
	return area
}

// meanDistance is the mean of |g| where g goes from a to b in a straight line.
func meanDistance(a, b float64) float64 {
	if (a < 0) == (b < 0) {
		return math.Abs(a+b) / 2
	}
	return (a*a + b*b) / (2 * (math.Abs(a) + math.Abs(b)))
}
