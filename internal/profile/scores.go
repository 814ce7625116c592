package profile

import (
	"cmp"
	"math"
	"slices"
)

// ScoreSet is a multiset of scores with signed counts: a delta may take back
// what an earlier one added. On its grid a score below a half has the cell of
// its float32 bits and one above has the mirrored cell of 1-score, so that both
// ends are as fine as a rare class needs. Sets of other numbers than scores
// differ in their grid alone, which setKind is.
type ScoreSet struct {
	kind    setKind
	n       int64        // net
	values  []scoreCount // ascending, none zero, while exact
	cells   []cell       // ascending, none zero, when gridded
	gridded bool
	open    *openScores // what was added since the set was last settled
}

type scoreCount struct {
	value float64
	count int64
}

// openScores takes additions at the price of a store each.
type openScores struct {
	pending []scoreCount
	table   *scoreTable
	pool    *tables // where the table goes back to; nil when it has none
	wide    []int32 // the table of a set that is not of scores
}

const (
	// pendingScores is how many additions wait before they are sorted in.
	pendingScores = 1024
	// tableAfter is how many different scores make a dense table worth its
	// memory. It is above WindowExact, so a set that came so far is not exact.
	tableAfter = 512
	// halfKey is the key of one half and of the mirror.
	halfKey  = 0x8000 | 0x3f00
	scoreMax = 2*halfKey + 1
)

// scoreKey is the cell of a score; it never falls when the score rises.
func scoreKey(s float64) uint32 {
	if s < 0.5 {
		return min(gridKey(s, 0), halfKey)
	}
	return scoreMax - min(gridKey(1-s, 0), halfKey)
}

func scoreSpan(key uint32) span {
	if key <= halfKey {
		lo, hi := keySpan(key)
		return span{lo: max(lo, -math.MaxFloat64), hi: min(hi, 0.5), sure: lo == hi}
	}
	lo, hi := keySpan(scoreMax - key)
	return span{lo: max(1-hi, 0.5), hi: min(1-lo, math.MaxFloat64), sure: lo == hi}
}

// Add counts a score sign times. One that is not finite is ignored.
func (s *ScoreSet) Add(score float64, sign int64) {
	if !finite(score) {
		return
	}
	s.n += sign
	o := s.open
	if o == nil {
		o = &openScores{}
		s.open = o
	}
	if o.table != nil && score >= 0 && score <= 1 {
		o.table.counts[tableIndex(score)] += int32(sign)
		return
	}
	if o.wide != nil {
		if i, ok := s.kind.index(score); ok {
			o.wide[i] += int32(sign)
			return
		}
	}
	o.pending = append(o.pending, scoreCount{score + 0, sign})
	if len(o.pending) >= pendingScores {
		s.sortIn()
	}
}

// sortIn brings the pending additions into order, or opens a table where that
// pays: the net count, or so many different scores, can no longer come to be
// exact, since the labels of a window never get fewer.
func (s *ScoreSet) sortIn() {
	o := s.open
	switch {
	case s.gridded:
		s.cells = addCells(s.cells, s.kind.cellsOf(o.pending))
		o.pending = o.pending[:0]
		if o.table == nil && o.wide == nil {
			s.openTable()
		}
	case s.n > WindowExact:
		s.openTable()
	default:
		s.values = gatherScores(append(s.values, o.pending...))
		o.pending = o.pending[:0]
		if len(s.values) >= tableAfter {
			s.openTable()
		}
	}
}

// openTable puts the set on its grid and counts into a table from here on.
func (s *ScoreSet) openTable() {
	s.toGrid()
	o := s.open
	if s.kind == ofScores {
		o.table = o.pool.takeScores()
	} else {
		o.wide = make([]int32, s.kind.size())
	}
	waiting := o.pending
	o.pending = nil
	for _, v := range waiting {
		s.n -= v.count
		s.Add(v.value, v.count)
	}
}

// settle ends the additions: afterwards the set is its values or its cells.
func (s *ScoreSet) settle() {
	o := s.open
	if o == nil {
		return
	}
	s.open = nil
	if len(o.pending) > 0 {
		if s.gridded {
			s.cells = addCells(s.cells, s.kind.cellsOf(o.pending))
		} else {
			s.values = gatherScores(append(s.values, o.pending...))
		}
	}
	if o.table != nil {
		s.cells = addCells(s.cells, o.table.drain())
		o.pool.giveScores(o.table)
	}
	if o.wide != nil {
		s.cells = addCells(s.cells, s.kind.drain(o.wide))
	}
}

func (s *ScoreSet) toGrid() {
	if !s.gridded {
		s.cells, s.values, s.gridded = s.kind.cellsOf(s.values), nil, true
	}
}

func gatherScores(values []scoreCount) []scoreCount {
	slices.SortFunc(values, func(a, b scoreCount) int { return cmp.Compare(a.value, b.value) })
	out := values[:0]
	for _, v := range values {
		if n := len(out); n > 0 && out[n-1].value == v.value {
			out[n-1].count += v.count
			continue
		}
		out = append(out, v)
	}
	return slices.DeleteFunc(out, func(v scoreCount) bool { return v.count == 0 })
}

// Merge adds o to s. Scores are kept if both kept theirs and the net count is
// at most limit.
func (s *ScoreSet) Merge(o *ScoreSet, limit int) {
	s.add(o)
	if s.n > int64(limit) {
		s.toGrid()
	}
}

func (s *ScoreSet) add(o *ScoreSet) {
	s.settle()
	o.settle()
	s.n += o.n
	if !s.gridded && !o.gridded {
		if len(o.values) > 0 {
			s.values = gatherScores(slices.Concat(s.values, o.values))
		}
		return
	}
	s.toGrid()
	theirs := o.cells
	if !o.gridded {
		theirs = s.kind.cellsOf(o.values)
	}
	s.cells = addCells(s.cells, theirs)
}

// N is the net count.
func (s *ScoreSet) N() int64 { return s.n }

func (s *ScoreSet) spans() []span {
	s.settle()
	out := make([]span, 0, len(s.values)+len(s.cells))
	for _, v := range s.values {
		out = append(out, span{lo: v.value, hi: v.value, count: v.count, sure: true})
	}
	for _, c := range s.cells {
		sp := s.kind.span(c.key)
		sp.count = c.count
		out = append(out, sp)
	}
	return out
}

// Exact is all scores, ascending, when they were kept, none is negative in
// count and they are at most MergeExact.
func (s *ScoreSet) Exact() (values []float64, ok bool) {
	s.settle()
	if s.gridded || s.n > MergeExact {
		return nil, false
	}
	for _, v := range s.values {
		if v.count < 0 || v.count > s.n-int64(len(values)) {
			return nil, false
		}
		for range v.count {
			values = append(values, v.value)
		}
	}
	return values, true
}

// Mean is NaN when there is none; on the grid it is that of the cells' middles.
func (s *ScoreSet) Mean() float64 {
	var sum float64
	for _, sp := range s.spans() {
		sum += sp.middle() * float64(sp.count)
	}
	return sum / float64(s.n)
}

// Quantile is the score at rank q of 0..1; NaN when there is none.
func (s *ScoreSet) Quantile(q float64) float64 {
	if values, ok := s.Exact(); ok {
		return quantileOfValues(values, q)
	}
	return quantileOf(s.spans(), s.n, q)
}

// QuantileError is the greatest error of a rank, as a share of N.
func (s *ScoreSet) QuantileError() float64 {
	if s.n <= 0 {
		return 0
	}
	return float64(rankError(s.spans())) / float64(s.n)
}

// CDF is the share of scores that are at most v; NaN when there is none.
func (s *ScoreSet) CDF(v float64) float64 {
	return massUpTo(s.spans(), v, false) / float64(s.n)
}

// MassOutside is the share of scores below lo or above hi.
func (s *ScoreSet) MassOutside(lo, hi float64) float64 {
	spans, n := s.spans(), float64(s.n)
	return (massUpTo(spans, lo, true) + n - massUpTo(spans, hi, false)) / n
}

// Cells calls fn for each interval that holds scores, ascending; lo equals hi
// where scores are kept.
func (s *ScoreSet) Cells(fn func(lo, hi float64, count int64)) {
	for _, sp := range s.spans() {
		fn(sp.lo, sp.hi, sp.count)
	}
}

// ScorePairs walks two sets by ascending score. Scores of one call are ties:
// equal while both are exact, else of one cell, whose middle is given. The
// error of an AUC made of it is at most half the share of tied pairs.
func ScorePairs(pos, neg *ScoreSet, fn func(score float64, pos, neg int64)) {
	ScoreCells(pos, neg, func(lo, hi float64, p, n int64) { fn(lo+(hi-lo)/2, p, n) })
}

// ScoreCells walks two sets by ascending score. Scores of one call lie from lo
// to hi and are known to be equal where these are; on the grid that is up to the
// rounding of a score to float32.
func ScoreCells(pos, neg *ScoreSet, fn func(lo, hi float64, pos, neg int64)) {
	pos.settle()
	neg.settle()
	if !pos.gridded && !neg.gridded {
		pairSpans(pos.spans(), neg.spans(), func(score float64, p, n int64) {
			if p != 0 || n != 0 {
				fn(score, score, p, n)
			}
		})
		return
	}
	p, n := pos.onGrid(), neg.onGrid()
	for len(p) > 0 || len(n) > 0 {
		var key uint32
		if len(n) == 0 || len(p) > 0 && p[0].key <= n[0].key {
			key = p[0].key
		} else {
			key = n[0].key
		}
		var np, nn int64
		if len(p) > 0 && p[0].key == key {
			np, p = p[0].count, p[1:]
		}
		if len(n) > 0 && n[0].key == key {
			nn, n = n[0].count, n[1:]
		}
		sp := pos.kind.span(key)
		fn(sp.lo, sp.hi, np, nn)
	}
}

func (s *ScoreSet) onGrid() []cell {
	if s.gridded {
		return s.cells
	}
	return s.kind.cellsOf(s.values)
}

func (s *span) middle() float64 { return s.lo + (s.hi-s.lo)/2 }

// addAll counts each of values once. Past pendingScores, which is more than
// WindowExact, the set can never be exact again and goes to a table.
func (s *ScoreSet) addAll(values []float64) {
	if s.open.table == nil && hasFinite(values, int(max(0, pendingScores-s.n))) {
		s.openTable()
	}
	if t := s.open.table; t != nil {
		t.fold(values, s)
		return
	}
	for _, x := range values {
		s.Add(x, 1)
	}
}
