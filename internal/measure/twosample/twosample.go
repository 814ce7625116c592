// Package twosample compares two samples of one column: distances, divergences
// and tests, each by the exact definition that its name stands for. The same
// word means different numbers in different tools, so a name says whose number
// it is (`js@nannyml`); a plain name is Leeway's own definition. Methods is the
// table of all of them.
//
// It knows nothing of profiles, windows or verdicts: it takes counts by value
// (Numbers), counts by bin (Categories) or plain slices. Where numbers come
// from a grid, a result says how far it can be from that of the values behind
// it, or that it cannot be had without them. Formulas are taken from the
// sources that the table names. Everything here is a pure function, except that
// a Numbers remembers its scan, so one Numbers belongs to one goroutine.
package twosample

import (
	"math"
	"slices"
)

// Numbers is two samples of a column of numbers. NewNumbers makes it of plain
// values; who has counts fills in all fields.
type Numbers struct {
	Points   []Point // ascending
	N, M     int64   // rows of the current sample and of the reference
	Cur, Ref Moments

	// RankError is how far both distribution functions together can be off, as
	// a share, where points come from a grid; 0 when they are the values.
	RankError float64
	// Centres are the origins of that grid, ascending, and CellWidth the width of
	// a cell relative to its distance from the nearest. A cell that is shown as
	// one value lies on its bound nearest the centre.
	Centres   []float64
	CellWidth float64

	read    bool
	scanned scan
}

// Moments describe one sample; SD divides by n. Off is how far either can be
// from that of the values.
type Moments struct{ Mean, SD, Off float64 }

// NewNumbers is two plain samples. NaN is left out.
func NewNumbers(cur, ref []float64) *Numbers {
	x := &Numbers{Points: Points(cur, ref)}
	x.N, x.M = totals(x.Points)
	x.Cur = momentsOf(x.Points, x.N, func(p *Point) int64 { return p.Cur })
	x.Ref = momentsOf(x.Points, x.M, func(p *Point) int64 { return p.Ref })
	return x
}

// momentsOf are the moments of values that are known; in two passes, so that
// nothing large cancels.
func momentsOf(pts []Point, n int64, count func(*Point) int64) Moments {
	var sum, left, squares float64
	for i := range pts {
		sum += float64(count(&pts[i])) * pts[i].X
	}
	mean := sum / float64(n)
	for i := range pts {
		left += float64(count(&pts[i])) * (pts[i].X - mean)
	}
	mean += left / float64(n)
	for i := range pts {
		d := pts[i].X - mean
		squares += float64(count(&pts[i])) * d * d
	}
	return Moments{Mean: mean, SD: math.Sqrt(squares / float64(n))}
}

// centre is the origin of the grid about v; 0 where there is none.
func (x *Numbers) centre(v float64) (nearest float64) {
	for i, c := range x.Centres {
		if i == 0 || math.Abs(v-c) < math.Abs(v-nearest) {
			nearest = c
		}
	}
	return nearest
}

// Exact tells that the points are the values.
func (x *Numbers) Exact() bool { return x.RankError == 0 }

func (x *Numbers) empty() bool { return x.N == 0 || x.M == 0 }

// Categories is two samples of a column of strings.
type Categories struct {
	Every  []Bin // one a category; names that a side did not keep are one bin
	Pooled []Bin // those that the reference never had are one bin, the last
	N, M   int64
}

// NewCategories counts categories; bins that both samples leave empty are left
// out.
func NewCategories(every []Bin) *Categories {
	c := &Categories{}
	unseen := Bin{Name: "(unseen)"}
	for _, b := range every {
		if b.Cur+b.Ref == 0 {
			continue
		}
		c.N, c.M = c.N+b.Cur, c.M+b.Ref
		c.Every = append(c.Every, b)
		if b.Ref == 0 {
			unseen.Cur += b.Cur
		} else {
			c.Pooled = append(c.Pooled, b)
		}
	}
	c.Pooled = append(c.Pooled, unseen)
	return c
}

// Unseen is how many rows are in categories that the reference never had.
func (c *Categories) Unseen() int64 {
	if len(c.Pooled) == 0 {
		return 0
	}
	return c.Pooled[len(c.Pooled)-1].Cur
}

// Result is what a method found.
type Result struct {
	Value float64 // the distance or the statistic; NaN when there is a Reason
	P     float64 // of a test; NaN otherwise
	DF    int     // degrees of freedom where the test has them
	// Bound is how far Value can be from that of the values behind a grid.
	Bound  float64
	Reason string // why there is no value
}

// Reasons why a method has no number.
const (
	NoRows      = "no_rows"
	NeedsValues = "needs_values"   // a grid does not hold what the definition asks for
	TooManyRows = "too_many_rows"  // the cost grows too fast with the rows
	NotTwo      = "not_two_values" // the test is one of two values
	NoSpread    = "no_spread"      // the definition divides by a spread that is 0
	TooFewRows  = "too_few_rows"   // fewer rows than the definition needs
	NotFinite   = "not_finite"     // a square or a quotient leaves float64
)

func none(reason string) Result { return Result{Value: math.NaN(), P: math.NaN(), Reason: reason} }

func distance(v, bound float64) Result {
	return Result{Value: v, P: math.NaN(), Bound: bound}
}

func test(statistic, p float64, df int) Result { return Result{Value: statistic, P: clip01(p), DF: df} }

// values are the plain values of one side, ascending. Only for exact points.
func (x *Numbers) values(count func(*Point) int64) []float64 {
	var out []float64
	for i := range x.Points {
		p := &x.Points[i]
		out = append(out, slices.Repeat([]float64{p.X}, int(count(p)))...)
	}
	return out
}

func curOf(p *Point) int64 { return p.Cur }
func refOf(p *Point) int64 { return p.Ref }
