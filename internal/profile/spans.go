package profile

import (
	"math"
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

// view is a Numeric ready to be read: on one grid, or all values.
type view struct {
	values   []float64 // when exact
	exact    bool
	centre   float64
	cells    []cell
	integral bool
	moved    int64 // mass of the largest cell that came from another centre
}

// view puts all parts on the grid of the newest part that has one.
func (x *Numeric) view() view {
	target := x.target()
	if target == nil {
		return view{exact: true, values: x.allValues()}
	}
	return x.viewOn(target.centre)
}

// target is the part whose grid an inexact summary is read on.
func (x *Numeric) target() *part {
	var best *part
	for i := range x.parts {
		p := &x.parts[i]
		if p.gridded() && (best == nil || p.epoch > best.epoch || p.n() > best.n()) {
			best = p
		}
	}
	return best
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

// viewOn is the whole summary on the grid of a centre.
func (x *Numeric) viewOn(centre float64) view {
	v := view{centre: centre, integral: true}
	for i := range x.parts {
		p := &x.parts[i]
		switch {
		case !p.gridded():
			v.cells = addCells(v.cells, cellsOf(p.values, centre))
		case p.centre == centre:
			v.cells = addCells(v.cells, p.cells)
		default:
			moved, worst := x.regrid(p, centre)
			v.cells, v.moved = addCells(v.cells, moved), v.moved+worst
			v.integral = v.integral && worst == 0
		}
		v.integral = v.integral && p.integral
	}
	return v
}

// regrid moves the cells of a part to another centre, each by its middle;
// worst is the count of the largest that was not an atom.
func (x *Numeric) regrid(p *part, centre float64) (cells []cell, worst int64) {
	from := view{centre: p.centre, cells: p.cells, integral: p.integral}
	for _, s := range x.spans(from) {
		cells = append(cells, cell{gridKey(s.lo+(s.hi-s.lo)/2, centre), s.count})
		if !s.sure {
			worst = max(worst, s.count)
		}
	}
	return gather(cells), worst
}

// spans are the intervals of a view, ascending.
func (x *Numeric) spans(v view) []span {
	if v.exact {
		return valueSpans(v.values)
	}
	n := totalOf(v.cells)
	out := make([]span, len(v.cells))
	for i, c := range v.cells {
		out[i] = v.span(c.key, x.Min, x.Max)
		out[i].count = c.count
		alone := (i == 0 || v.cells[i-1].key+1 < c.key) && (i+1 == len(v.cells) || v.cells[i+1].key > c.key+1)
		if alone && !v.integral && c.count >= isolatedCount && c.count*isolatedShare >= n {
			out[i].toBound(c.key)
		}
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

// span is a key's interval within [least, most].
func (v *view) span(key uint32, least, most float64) span {
	lo, hi := keySpan(key)
	s := span{lo: clamp(v.centre+lo, least, most), hi: clamp(v.centre+hi, least, most)}
	if v.integral {
		s.lo, s.hi, s.whole = v.wholes(key, s)
	}
	s.sure = s.lo == s.hi && (v.integral || lo == hi)
	return s
}

// wholes narrows a span to the whole numbers that belong to the cell. Rounding
// to float32 moves its bounds a little, so the numbers next to them are tried.
func (v *view) wholes(key uint32, s span) (lo, hi float64, ok bool) {
	if math.Abs(s.lo) > 1<<52 || math.Abs(s.hi) > 1<<52 {
		return s.lo, s.hi, false
	}
	lo, hi = math.Floor(s.lo), math.Ceil(s.hi)
	for range 2 {
		if lo < hi && gridKey(lo, v.centre) != key {
			lo++
		}
		if hi > lo && gridKey(hi, v.centre) != key {
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
