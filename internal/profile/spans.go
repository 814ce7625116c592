package profile

import (
	"math"
	"slices"
)

// span is an interval that holds values. lo equals hi where they are taken to
// be equal; sure tells that this is known. A span of whole numbers has lo and
// hi in it and none between two of them.
type span struct {
	lo, hi float64
	count  int64
	sure   bool
	whole  bool
}

// An isolated cell with this many values or more is read as an atom that lies
// on the bound nearest the centre, though its error is still stated in full.
const (
	isolatedCount = 9
	isolatedShare = 1000
)

// view is a Numeric ready to be read: on the grid of one epoch, or all values.
type view struct {
	values []float64 // when exact
	exact  bool
	grids  []grid // by centre
	moved  int64  // mass of the largest cell that came from another grid
}

// grid is the cells about one centre.
type grid struct {
	centre   float64
	lo, hi   float64 // what is nearest to this centre, lo included
	cells    []cell
	integral bool
}

// target is the grid that an inexact summary is read on.
type target struct {
	epoch   uint32
	centres []float64 // ascending
}

// view puts all parts on the grid of the newest epoch that has one.
func (x *Numeric) view() view {
	t, gridded := x.target()
	if !gridded {
		return view{exact: true, values: x.allValues()}
	}
	return x.viewOn(t)
}

func (x *Numeric) target() (t target, gridded bool) {
	for i := range x.parts {
		if p := &x.parts[i]; p.gridded() {
			if p.epoch != t.epoch {
				t = target{epoch: p.epoch}
			}
			t.centres, gridded = append(t.centres, p.centre), true
		}
	}
	return t, gridded
}

func (x *Numeric) allValues() []float64 {
	if len(x.parts) == 1 {
		return x.parts[0].values
	}
	var all []float64
	for i := range x.parts {
		all = mergeSorted(all, x.parts[i].values)
	}
	return all
}

// viewOn is the whole summary on one grid.
func (x *Numeric) viewOn(t target) view {
	v := view{grids: make([]grid, len(t.centres))}
	for i, c := range t.centres {
		v.grids[i] = grid{centre: c, integral: true}
		v.grids[i].lo, v.grids[i].hi = reach(t.centres, i)
	}
	for i := range x.parts {
		p := &x.parts[i]
		at, own := slices.BinarySearch(t.centres, p.centre)
		switch {
		case !p.gridded():
			v.addValues(t.centres, p)
		case own && p.epoch == t.epoch:
			v.grids[at].add(p.cells, p.integral)
		default:
			v.moved += x.regrid(&v, t.centres, p)
		}
	}
	return v
}

// add counts cells in.
func (g *grid) add(cells []cell, integral bool) {
	if len(cells) > 0 {
		g.cells, g.integral = addCells(g.cells, cells), g.integral && integral
	}
}

// addValues puts the values of a part on the grid.
func (v *view) addValues(centres []float64, p *part) {
	values := p.values
	for i := range v.grids {
		near := values
		if i+1 < len(centres) {
			end, _ := slices.BinarySearch(values, v.grids[i].hi)
			near, values = values[:end], values[end:]
		}
		v.grids[i].add(cellsOf(near, centres[i]), p.integral)
	}
}

// regrid moves the cells of a part of another epoch, each by its middle, but
// for those that this grid has as well; worst is the count of the largest that
// moved and was not an atom.
func (x *Numeric) regrid(v *view, centres []float64, p *part) (worst int64) {
	from := grid{centre: p.centre, lo: math.Inf(-1), hi: math.Inf(1), cells: p.cells, integral: p.integral}
	moved := make([][]cell, len(centres))
	blurred := make([]bool, len(centres))
	for i, s := range from.appendSpans(nil, x, totalOf(p.cells)) {
		middle := s.lo + (s.hi-s.lo)/2
		to := nearestOf(centres, middle)
		g := &v.grids[to]
		c := cell{gridKey(middle, g.centre), s.count}
		if g.centre == p.centre && s.lo >= g.lo && s.hi <= g.hi {
			c.key = p.cells[i].key
		} else if !s.sure {
			worst, blurred[to] = max(worst, s.count), true
		}
		moved[to] = append(moved[to], c)
	}
	for i := range moved {
		v.grids[i].add(gather(moved[i]), p.integral && !blurred[i])
	}
	return worst
}

func (v *view) total() (n int64) {
	for i := range v.grids {
		n += totalOf(v.grids[i].cells)
	}
	return n
}

// spans are the intervals of a view, ascending.
func (x *Numeric) spans(v view) (out []span) {
	if v.exact {
		return valueSpans(v.values)
	}
	total := v.total()
	for i := range v.grids {
		out = v.grids[i].appendSpans(out, x, total)
	}
	return out
}

// appendSpans are the intervals of the cells of one centre; n is the count of
// all centres.
func (g *grid) appendSpans(out []span, x *Numeric, n int64) []span {
	out = slices.Grow(out, len(g.cells))
	for i, c := range g.cells {
		s := g.span(c.key, x.Min, x.Max)
		s.count = c.count
		alone := (i == 0 || g.cells[i-1].key+1 < c.key) && (i+1 == len(g.cells) || g.cells[i+1].key > c.key+1)
		if alone && !g.integral && c.count >= isolatedCount && c.count*isolatedShare >= n {
			s.toBound(c.key)
		}
		out = append(out, s)
	}
	return out
}

func valueSpans(values []float64) []span {
	out := make([]span, 0, len(values))
	for _, v := range values {
		if n := len(out); n > 0 && out[n-1].lo == v {
			out[n-1].count++
			continue
		}
		out = append(out, span{lo: v, hi: v, count: 1, sure: true})
	}
	return out
}

// span is a key's interval within [least, most] and the centre's reach.
func (g *grid) span(key uint32, least, most float64) span {
	lo, hi := keySpan(key)
	least, most = max(least, g.lo), min(most, g.hi)
	s := span{lo: clamp(g.centre+lo, least, most), hi: clamp(g.centre+hi, least, most)}
	if g.integral {
		s.lo, s.hi, s.whole = g.wholes(key, s)
	}
	s.sure = s.lo == s.hi && (g.integral || lo == hi)
	return s
}

// wholes narrows a span to the whole numbers that belong to the cell. Rounding
// to float32 moves its bounds a little, so the numbers next to them are tried.
func (g *grid) wholes(key uint32, s span) (lo, hi float64, ok bool) {
	if math.Abs(s.lo) > 1<<52 || math.Abs(s.hi) > 1<<52 {
		return s.lo, s.hi, false
	}
	lo, hi = max(math.Floor(s.lo), math.Ceil(g.lo)), min(math.Ceil(s.hi), math.Ceil(g.hi)-1)
	if lo > hi {
		return s.lo, s.hi, false
	}
	for range 2 {
		if lo < hi && gridKey(lo, g.centre) != key {
			lo++
		}
		if hi > lo && gridKey(hi, g.centre) != key {
			hi--
		}
	}
	return lo, hi, true
}

func (s *span) toBound(key uint32) {
	if key >= zeroKey {
		s.hi = s.lo
	} else {
		s.lo = s.hi
	}
}

func clamp(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

// rankError is the greatest count in doubt.
func rankError(spans []span) (worst int64) {
	for _, s := range spans {
		if !s.sure {
			worst = max(worst, s.count)
		}
	}
	return worst
}

// quantileOf is the value below which a share q of n values lies.
func quantileOf(spans []span, n int64, q float64) float64 {
	if n <= 0 || len(spans) == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	rank := clamp(q, 0, 1) * float64(n)
	var below float64
	for _, s := range spans {
		if count := float64(s.count); below+count >= rank {
			return s.at(max(0, (rank-below)/count))
		} else {
			below += count
		}
	}
	return spans[len(spans)-1].hi
}

// at is the value at a share of the span's count.
func (s *span) at(share float64) float64 {
	if s.whole {
		return min(s.lo+math.Floor(share*(s.hi-s.lo+1)), s.hi)
	}
	return s.lo + (s.hi-s.lo)*share
}

// upTo is the share of the span's count at or below v, or below v when strict,
// for v within it.
func (s *span) upTo(v float64, strict bool) float64 {
	switch {
	case s.whole && strict:
		return (math.Ceil(v) - s.lo) / (s.hi - s.lo + 1)
	case s.whole:
		return (math.Floor(v) - s.lo + 1) / (s.hi - s.lo + 1)
	}
	return (v - s.lo) / (s.hi - s.lo)
}

// quantileOfValues lies between two values as numpy's default does.
func quantileOfValues(values []float64, q float64) float64 {
	if len(values) == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	at := clamp(q, 0, 1) * float64(len(values)-1)
	i := int(at)
	if i+1 >= len(values) {
		return values[len(values)-1]
	}
	return values[i] + (values[i+1]-values[i])*(at-float64(i))
}

// massUpTo is how many values are at most v, or less than v when strict.
func massUpTo(spans []span, v float64, strict bool) (mass float64) {
	for _, s := range spans {
		switch {
		case s.hi < v, s.hi == v && !strict, s.hi == v && s.lo < s.hi && !s.whole:
			mass += float64(s.count)
		case s.lo < v, s.lo == v && s.whole && !strict:
			mass += float64(s.count) * s.upTo(v, strict)
		default:
			return mass
		}
	}
	return mass
}
