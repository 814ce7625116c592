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
// reason is why there are none. Where a grid leaves the number of bins in doubt
// others are what it can be as well.
func (x *Numbers) nannymlSlots() (slots []Slot, others [][]Slot, reason string) {
	if x.empty() {
		return nil, nil, NoRows
	}
	distinct, sure := x.distinct()
	switch {
	case distinct > nannymlDistinct || sure && float64(distinct)/float64(x.M) > nannymlShare:
		return x.doaneSlots()
	case sure:
		return slotsOf(pool(x.byValue())), nil, ""
	}
	return nil, nil, NeedsValues
}

// maxDoubt is how many numbers of bins are tried out.
const maxDoubt = 8

// doaneSlots are the bins of numpy's rule "doane" over the reference.
func (x *Numbers) doaneSlots() (slots []Slot, others [][]Slot, reason string) {
	lo, hi := x.span(refOf)
	g, bound := x.skewness()
	k := doane(lo, hi, x.M, g)
	slots = x.slotsWithin(lo, hi, k)
	if x.Exact() {
		return slots, nil, ""
	}
	least, most := doane(lo, hi, x.M, max(0, math.Abs(g)-bound)), doane(lo, hi, x.M, math.Abs(g)+bound)
	if most-least > maxDoubt {
		return nil, nil, NeedsValues
	}
	for other := least; other <= most; other++ {
		if other != k {
			others = append(others, x.slotsWithin(lo, hi, other))
		}
	}
	return slots, others, ""
}

// slotsWithin are k bins of one width and one of the current rows outside.
func (x *Numbers) slotsWithin(lo, hi float64, k int) []Slot {
	slots := x.Slots(even(lo, hi, k))
	left := float64(x.N)
	for i := range slots {
		left -= slots[i].Cur.N
	}
	left = max(0, left)
	first, last := slots[0].Cur, slots[k-1].Cur
	return append(slots, Slot{Cur: Mass{
		N:    left,
		Low:  max(0, left-(first.High-first.N)-(last.High-last.N)),
		High: left + (first.N - first.Low) + (last.N - last.Low),
	}})
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
