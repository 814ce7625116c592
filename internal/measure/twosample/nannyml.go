package twosample

import "math"

// NannyML's definitions (nannyml/drift/univariate/methods.py, version 0.13).

// A column of numbers whose reference has few values is compared value by
// value.
const (
	nannymlDistinct = 50
	nannymlShare    = 0.1
)

// nannymlSlots are its bins, the last of what lies outside of the reference's;
// reason is why there are none.
func (x *Numbers) nannymlSlots() (slots []Slot, reason string) {
	if x.empty() {
		return nil, NoRows
	}
	distinct, sure := x.distinct()
	switch {
	case distinct > nannymlDistinct || sure && float64(distinct)/float64(x.M) > nannymlShare:
		return x.doaneSlots()
	case sure:
		return slotsOf(pool(x.byValue())), ""
	}
	return nil, NeedsValues
}

// DoaneSlots are the bins of numpy's rule "doane" over the reference, and one
// of what lies outside.
func (x *Numbers) doaneSlots() (slots []Slot, reason string) {
	lo, hi := x.span(refOf)
	g, bound := x.skewness()
	k := doane(lo, hi, x.M, g)
	if !x.Exact() {
		least := max(0, math.Abs(g)-bound)
		if doane(lo, hi, x.M, least) != doane(lo, hi, x.M, math.Abs(g)+bound) {
			return nil, NeedsValues
		}
	}
	slots = x.Slots(even(lo, hi, k))
	outside := Slot{Cur: known(x.N)}
	for i := range slots {
		outside.Cur = Mass{outside.Cur.N - slots[i].Cur.N, 0, 0}
	}
	outside.Cur.N = max(0, outside.Cur.N)
	first, last := slots[0].Cur, slots[len(slots)-1].Cur
	outside.Cur.Low = max(0, outside.Cur.N-(first.High-first.N)-(last.High-last.N))
	outside.Cur.High = outside.Cur.N + (first.N - first.Low) + (last.N - last.Low)
	return append(slots, outside), ""
}

// pool joins what the reference never had.
func pool(bins []Bin) []Bin {
	return NewCategories(bins).Pooled
}

// nannymlJS is the Jensen-Shannon distance in bits.
func nannymlJS(slots []Slot, n, m int64) Result {
	sum, doubt := terms(slots, float64(n), float64(m), jensenShannon)
	return root(sum/math.Ln2, doubt/math.Ln2)
}

func nannymlHellinger(slots []Slot, n, m int64) Result {
	return root(terms(slots, float64(n), float64(m), hellinger))
}

// nannymlExact is the size of a reference from which on the distance is taken
// at quantiles of the reference, one for each 500 rows.
const nannymlExact, nannymlRows = 10_000, 500

func nannymlKS(x *Numbers) Result {
	if x.empty() {
		return none(NoRows)
	}
	if x.M < nannymlExact {
		return ks(x)
	}
	k := int(x.M / nannymlRows)
	edges := make([]float64, k+1)
	step := 1 / float64(k)
	for i := range edges {
		edges[i] = x.quantile(min(1, float64(i)*step), refOf, x.M)
	}
	slots := x.Slots(edges)
	walk := walker{x: x}
	c, r, d := walk.below(edges[0], false).Cur.N, 0.0, 0.0
	for i := range slots {
		c, r = c+slots[i].Cur.N, r+slots[i].Ref.N
		d = max(d, math.Abs(r/float64(x.M)-c/float64(x.N)))
	}
	en := float64(x.N) * float64(x.M) / float64(x.N+x.M)
	return Result{Value: d, P: clip01(KolmogorovSF(int64(math.RoundToEven(en)), d)), Bound: min(1, 2*x.RankError)}
}

// quantile is numpy's default for one sample; within a cell of a grid it is
// interpolated.
func (x *Numbers) quantile(q float64, count func(*Point) int64, n int64) float64 {
	at := q * float64(n-1)
	rank := int64(at)
	lo := x.order(rank, count)
	if share := at - float64(rank); share > 0 {
		hi := x.order(rank+1, count)
		return lo + (hi-lo)*share
	}
	return lo
}

// order is the value of a rank from 0.
func (x *Numbers) order(rank int64, count func(*Point) int64) float64 {
	var before int64
	for i := range x.Points {
		p := &x.Points[i]
		k := count(p)
		if before+k > rank {
			if i == 0 || x.Exact() {
				return p.X
			}
			from := x.Points[i-1].X
			return from + (p.X-from)*(float64(rank-before)+0.5)/float64(k)
		}
		before += k
	}
	return math.NaN()
}
