package profile

import (
	"math"
	"slices"
	"sort"
)

// Mean is NaN when there is no value.
func (x *Numeric) Mean() float64 {
	if x.N == 0 {
		return math.NaN()
	}
	return x.moments.mean + x.moments.meanLo
}

// SD is the standard deviation with n-ddof in the denominator; NaN when that is
// not positive, +Inf when squares leave float64.
func (x *Numeric) SD(ddof int) float64 { return x.moments.sd(ddof) }

// Quantile is the value at rank q of 0..1: between values as numpy's default
// does while they are kept, else within the cell. NaN when there is no value.
func (x *Numeric) Quantile(q float64) float64 {
	v := x.view()
	if v.exact {
		return quantileOfValues(v.values, q)
	}
	return quantileOf(x.spans(v), x.N, q)
}

// QuantileError is how far, at most, the rank of a quantile or a value of CDF
// is from the truth, as a share of N; 0 when values are kept. It is the mass of
// the largest cell that is not known to be one value.
func (x *Numeric) QuantileError() float64 {
	v := x.view()
	if v.exact || x.N == 0 {
		return 0
	}
	return min(1, float64(rankError(x.spans(v))+v.moved)/float64(x.N))
}

// CDF is the share of the finite values that are at most v.
func (x *Numeric) CDF(v float64) float64 {
	return massUpTo(x.spans(x.view()), v, false) / float64(x.N)
}

// MassOutside is the share of the finite values below lo or above hi.
func (x *Numeric) MassOutside(lo, hi float64) float64 {
	v := x.view()
	n := float64(x.N)
	if v.exact {
		below, _ := slices.BinarySearch(v.values, lo)
		upTo := sort.Search(len(v.values), func(i int) bool { return v.values[i] > hi })
		return (float64(below) + n - float64(upTo)) / n
	}
	spans := x.spans(v)
	return (massUpTo(spans, lo, true) + n - massUpTo(spans, hi, false)) / n
}

// Exact is all values, ascending, when they were kept. They are not to be
// changed.
func (x *Numeric) Exact() (values []float64, ok bool) {
	v := x.view()
	return v.values, v.exact
}

// Centres are the origins of the grid that the summary is read on, ascending;
// none while all values are kept. A value belongs to the nearest.
func (x *Numeric) Centres() []float64 {
	t, _ := x.target()
	return t.centres
}

// Cells calls fn for each interval that holds values, ascending; lo equals hi
// where the value is known.
func (x *Numeric) Cells(fn func(lo, hi float64, count int64)) {
	for _, s := range x.spans(x.view()) {
		fn(s.lo, s.hi, s.count)
	}
}

// Pairs walks two summaries side by side over edges in ascending order. At
// each, na and nb are the counts above the edge before and at or below this
// one; between edges both are taken to rise in a straight line, so an edge
// without counts comes before a gap's end and before each atom. All edges are
// exact when both keep their values, or share their centre, or one keeps its
// values; otherwise b's cells are moved to the grid of a.
func Pairs(a, b *Numeric, fn func(x float64, na, nb int64)) {
	t, gridded := jointTarget(a, b)
	if !gridded {
		pairValues(a.allValues(), b.allValues(), fn)
		return
	}
	va, vb := a.viewOn(t), b.viewOn(t)
	joint := Numeric{N: a.N}
	joint.Min, joint.Max = a.Min, a.Max
	if b.N > 0 {
		joint.stretch(b.Min, b.Max)
	}
	whole := view{grids: slices.Clone(va.grids)}
	for i := range whole.grids {
		whole.grids[i].add(vb.grids[i].cells, vb.grids[i].integral)
	}
	total, edge := whole.total(), math.Inf(-1)
	for i := range whole.grids {
		g := &whole.grids[i]
		for j, s := range g.appendSpans(nil, &joint, total) {
			na, nb := va.grids[i].take(g.cells[j].key), vb.grids[i].take(g.cells[j].key)
			edge = gapTo(s, edge, fn)
			fn(edge, na, nb)
		}
	}
}

// jointTarget is the grid of a, or of b where a keeps its values; of one epoch,
// the centres of both.
func jointTarget(a, b *Numeric) (target, bool) {
	t, ok := a.target()
	other, too := b.target()
	switch {
	case !ok:
		return other, too
	case too && t.epoch == other.epoch:
		t.centres = slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.centres, other.centres))))
	}
	return t, true
}

// take is the count of a key; keys come in ascending order.
func (g *grid) take(key uint32) int64 {
	if len(g.cells) == 0 || g.cells[0].key != key {
		return 0
	}
	n := g.cells[0].count
	g.cells = g.cells[1:]
	return n
}

// pairValues is pairSpans of ascending values.
func pairValues(a, b []float64, fn func(x float64, na, nb int64)) {
	for len(a) > 0 || len(b) > 0 {
		var x float64
		if len(b) == 0 || len(a) > 0 && a[0] <= b[0] {
			x = a[0]
		} else {
			x = b[0]
		}
		i, j := 0, 0
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		fn(x, 0, 0)
		fn(x, int64(i), int64(j))
		a, b = a[i:], b[j:]
	}
}

func pairSpans(a, b []span, fn func(x float64, na, nb int64)) {
	edge := math.Inf(-1)
	for len(a) > 0 || len(b) > 0 {
		var s span
		if len(b) == 0 || len(a) > 0 && a[0].lo <= b[0].lo {
			s = a[0]
		} else {
			s = b[0]
		}
		var na, nb int64
		if len(a) > 0 && a[0].lo == s.lo {
			na, a = a[0].count, a[1:]
		}
		if len(b) > 0 && b[0].lo == s.lo {
			nb, b = b[0].count, b[1:]
		}
		edge = gapTo(s, edge, fn)
		fn(edge, na, nb)
	}
}

// gapTo reports where a span begins unless the last one ended there, and
// returns where it ends.
func gapTo(s span, edge float64, fn func(x float64, na, nb int64)) float64 {
	if s.lo > edge || s.lo == s.hi {
		fn(s.lo, 0, 0)
	}
	return s.hi
}

// each walks the spans; those of kept values are not stored.
func (x *Numeric) each(fn func(s span)) {
	v := x.view()
	if !v.exact {
		for _, s := range x.spans(v) {
			fn(s)
		}
		return
	}
	for i := 0; i < len(v.values); {
		first := i
		for i < len(v.values) && v.values[i] == v.values[first] {
			i++
		}
		fn(span{lo: v.values[first], hi: v.values[first], count: int64(i - first), sure: true})
	}
}

// Distinct is how many different finite values there are: at least that many,
// and just as many when exact.
func (x *Numeric) Distinct() (n int64, exact bool) {
	exact = true
	x.each(func(s span) {
		n++
		exact = exact && s.sure
	})
	return n, exact
}

// Mode is the most frequent value among those that are known, and how often it
// came; count is 0 when no value is known.
func (x *Numeric) Mode() (value float64, count int64) {
	x.each(func(s span) {
		if s.sure && s.count > count {
			value, count = s.lo, s.count
		}
	})
	return value, count
}
