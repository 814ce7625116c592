package measure

import (
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// column is one column of two samples, ready to be compared: numbers or
// categories, unless a side is empty.
type column struct {
	name, kind string
	n, m       int64
	numbers    *twosample.Numbers
	categories *twosample.Categories
}

// reader makes columns one after the other in the same memory, so a column is
// good until the next one is made.
type reader struct {
	numbers twosample.Numbers
	points  []twosample.Point
}

// feature compares by the kind that most of the reference has; values of the
// other kind are type errors, which data quality counts.
func (r *reader) feature(name string, cur, ref *profile.Feature) column {
	if kindOf(ref) == KindNumeric {
		return r.numeric(name, orEmpty(cur.Num), orEmpty(ref.Num))
	}
	return categoryColumn(name, orEmpty(cur.Cat), orEmpty(ref.Cat))
}

// kindOf is the kind of most values; numeric when there is none.
func kindOf(f *profile.Feature) string {
	if f.Cat != nil && f.Cat.N > 0 && (f.Num == nil || f.Cat.N > f.Num.N) {
		return KindCategorical
	}
	return KindNumeric
}

// cellWidth is the width of a cell of a profile's grid relative to its distance
// from the centre.
const cellWidth = 1. / 128

func (r *reader) numeric(name string, cur, ref *profile.Numeric) column {
	c := column{name: name, kind: KindNumeric, n: cur.N, m: ref.N}
	if cur.N == 0 || ref.N == 0 {
		return c
	}
	r.points = r.points[:0]
	// The reference first: where the grids differ, its edges are the ones kept.
	rankError := profile.PairsError(ref, cur, func(x float64, nref, ncur int64) {
		r.points = append(r.points, twosample.Point{X: x, Cur: ncur, Ref: nref})
	})
	centres := ref.Centres()
	if len(centres) == 0 {
		centres = cur.Centres()
	}
	r.numbers = twosample.Numbers{
		Points: r.points, N: cur.N, M: ref.N,
		Cur:       twosample.Moments{Mean: cur.Mean(), SD: cur.SD(0)},
		Ref:       twosample.Moments{Mean: ref.Mean(), SD: ref.SD(0)},
		RankError: rankError,
		Centres:   centres, CellWidth: cellWidth,
	}
	c.numbers = &r.numbers
	return c
}

func (r *reader) scores(name string, cur, ref *profile.ScoreSet) column {
	c := column{name: name, kind: KindNumeric, n: cur.N(), m: ref.N()}
	if c.n == 0 || c.m == 0 {
		return c
	}
	r.points = r.points[:0]
	profile.ScoreEdges(cur, ref, func(x float64, ncur, nref int64) {
		r.points = append(r.points, twosample.Point{X: x, Cur: ncur, Ref: nref})
	})
	r.numbers = twosample.Numbers{
		Points: r.points, N: c.n, M: c.m,
		Cur:       momentsOf(r.points, func(p *twosample.Point) int64 { return p.Cur }),
		Ref:       momentsOf(r.points, func(p *twosample.Point) int64 { return p.Ref }),
		RankError: cur.QuantileError() + ref.QuantileError(),
	}
	c.numbers = &r.numbers
	return c
}

// momentsOf takes the rows of a cell to lie in its middle.
func momentsOf(pts []twosample.Point, count func(*twosample.Point) int64) twosample.Moments {
	var n, mean, squares, off, last float64
	for i := range pts {
		at, half := pts[i].X, 0.0
		if i > 0 {
			at, half = (at+last)/2, (at-last)/2
		}
		last = pts[i].X
		if w := float64(count(&pts[i])); w > 0 {
			n += w
			d := at - mean
			mean += d * w / n
			squares += w * d * (at - mean)
			off += w * half * half
		}
	}
	return twosample.Moments{Mean: mean, SD: math.Sqrt(squares / n), Off: math.Sqrt(off / n)}
}

func categoryColumn(name string, cur, ref *profile.Categories) column {
	c := column{name: name, kind: KindCategorical, n: cur.N, m: ref.N}
	if cur.N > 0 && ref.N > 0 {
		c.categories = twosample.NewCategories(categoryBins(cur, ref))
	}
	return c
}

// categoryBins is one bin a category, by name. Where a side does not keep all
// names, a name that only the other side has may be among those it dropped: it
// goes to the bin of the others, the last, which cannot be told apart.
func categoryBins(cur, ref *profile.Categories) []twosample.Bin {
	other := twosample.Bin{Name: "(other)", Cur: cur.Other, Ref: ref.Other}
	named := make([]twosample.Bin, 0, len(ref.Counts)+1)
	for _, name := range slices.Sorted(maps.Keys(ref.Counts)) {
		n, kept := cur.Counts[name]
		if !kept && cur.Other > 0 {
			other.Ref += ref.Counts[name]
			continue
		}
		named = append(named, twosample.Bin{Name: name, Cur: n, Ref: ref.Counts[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(cur.Counts)) {
		if _, kept := ref.Counts[name]; kept {
			continue
		}
		if ref.Other > 0 {
			other.Cur += cur.Counts[name]
			continue
		}
		named = append(named, twosample.Bin{Name: name, Cur: cur.Counts[name]})
	}
	return append(named, other)
}

func (c *column) empty() bool { return c.numbers == nil && c.categories == nil }

// result is what a method says of the column; ok is false when the method is
// not for its kind.
func (c *column) result(m *twosample.Method) (r twosample.Result, ok bool) {
	switch {
	case c.empty():
		return twosample.Result{Value: math.NaN(), P: math.NaN(), Reason: twosample.NoRows},
			c.kind == KindNumeric && m.Numeric() || c.kind == KindCategorical && m.Categorical()
	case c.numbers != nil && m.Numeric():
		return m.Numbers(c.numbers), true
	case c.categories != nil && m.Categorical():
		return m.Categories(c.categories), true
	}
	return r, false
}

// effect is what the limit of a method is compared with; NaN when there is
// none.
func (c *column) effect(m *twosample.Method, value float64) float64 {
	switch m.Effect {
	case twosample.EffectOfPSI:
		return c.psi()
	case twosample.PerSD:
		// A constant reference has no scale of its own: any move is a large one.
		if value == 0 {
			return 0
		}
		return value / c.numbers.Ref.SD
	}
	return value
}

func (c *column) psi() float64 {
	if c.numbers != nil {
		return twosample.PSI(c.numbers.Deciles())
	}
	return twosample.PSI(c.categories.Pooled)
}

// verdictP is the p-value that the verdict rests on: Kolmogorov-Smirnov for
// numbers; for categories the chi-square over bins pooled to Cochran's rule,
// or the chance of the never-seen ones, whichever says more (Bonferroni).
func (c *column) verdictP() float64 {
	if c.numbers != nil {
		return twosample.KSPValue(c.numbers.KS(), c.n, c.m)
	}
	_, p, _ := twosample.ChiSquare(twosample.Pool(c.categories.Pooled))
	if c.unseen() > 0 {
		p = min(1, 2*min(p, c.unseenP()))
	}
	return p
}

// unseen is how many rows are in categories that the reference never had.
func (c *column) unseen() int64 {
	if c.categories == nil {
		return 0
	}
	return c.categories.Unseen()
}

func (c *column) unseenP() float64 { return unseenP(c.unseen(), c.n, c.m) }
