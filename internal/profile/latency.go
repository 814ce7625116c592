package profile

import (
	"math"
	"slices"
)

// Latency is a column of response times in milliseconds on a grid of relative
// width 1/128.
type Latency struct {
	N        int64
	Invalid  int64   // negative, NaN or infinite; in no other field
	Sum      float64 // ms
	Min, Max float64 // ms; 0 when N is 0
	cells    []cell  // of the grid about 0
}

// Merge adds o to l; there is no exact form, so limit does not matter.
func (l *Latency) Merge(o *Latency, limit int) {
	l.Invalid += o.Invalid
	switch {
	case o.N == 0:
		return
	case l.N == 0:
		l.Min, l.Max, l.cells = o.Min, o.Max, slices.Clone(o.cells)
	default:
		l.Min, l.Max = min(l.Min, o.Min), max(l.Max, o.Max)
		l.cells = addCells(l.cells, o.cells)
	}
	l.N += o.N
	l.Sum += o.Sum
}

// Mean is NaN when there is none.
func (l *Latency) Mean() float64 { return l.Sum / float64(l.N) }

// Quantile has a relative error of at most 0.8 %. NaN when there is none.
func (l *Latency) Quantile(q float64) float64 { return quantileOf(l.spans(), l.N, q) }

// CDF is the share of times that are at most v; NaN when there is none.
func (l *Latency) CDF(v float64) float64 {
	if l.N == 0 {
		return math.NaN()
	}
	return massUpTo(l.spans(), v, false) / float64(l.N)
}

// Cells calls fn for each interval that holds times, ascending.
func (l *Latency) Cells(fn func(lo, hi float64, count int64)) {
	for _, s := range l.spans() {
		fn(s.lo, s.hi, s.count)
	}
}

func (l *Latency) spans() []span {
	about0 := grid{lo: math.Inf(-1), hi: math.Inf(1)}
	out := make([]span, len(l.cells))
	for i, c := range l.cells {
		out[i] = about0.span(c.key, l.Min, l.Max)
		out[i].count = c.count
	}
	return out
}
