package twosample

import "math"

// The rules by which numpy's histogram_bin_edges cuts a range into bins of
// equal width. A width of 0 is one bin; a range of one value is widened by a
// half to either side. Whole numbers (an integer dtype) have bins at least 1
// wide, as numpy has it since version 2.

// sturges is the number of bins for n rows between lo and hi (Sturges 1926).
func sturges(lo, hi float64, n int64, whole bool) int {
	return binsOfWidth(lo, hi, (hi-lo)/(math.Log2(float64(n))+1), whole)
}

// doane corrects Sturges' rule for skewness (Doane 1976).
func doane(lo, hi float64, n int64, skewness float64) int {
	if n <= 2 || math.IsNaN(skewness) {
		return 1
	}
	f := float64(n)
	sg := math.Sqrt(6 * (f - 2) / ((f + 1) * (f + 3)))
	return binsOfWidth(lo, hi, (hi-lo)/(1+math.Log2(f)+math.Log2(1+math.Abs(skewness)/sg)), false)
}

func binsOfWidth(lo, hi, width float64, whole bool) int {
	if whole && width > 0 && width < 1 {
		width = 1
	}
	if !(width > 0) {
		return 1
	}
	return max(1, int(math.Ceil((hi-lo)/width)))
}

// even are k bins of one width between lo and hi, as numpy's linspace rounds.
func even(lo, hi float64, k int) []float64 {
	if lo == hi {
		lo, hi = lo-0.5, hi+0.5
	}
	out := make([]float64, k+1)
	step := (hi - lo) / float64(k)
	for i := range k {
		offset := float64(i) * step // rounded by itself: no fused multiply-add
		out[i] = offset + lo
	}
	out[k] = hi
	return out
}

// Mass is a count of rows, and the least and the most that it can be.
type Mass struct{ N, Low, High float64 }

// Slot is the rows of both samples in one bin of numbers.
type Slot struct{ Cur, Ref Mass }

// Slots counts between edges as numpy's histogram does: an edge belongs to the
// bin above it, the last one to the bin below it. Rows of a cell that an edge
// cuts are shared out in proportion, and in doubt.
func (x *Numbers) Slots(edges []float64) []Slot {
	below := make([]Slot, len(edges))
	walk := walker{x: x}
	for i, e := range edges {
		below[i] = walk.below(e, i == len(edges)-1)
	}
	out := make([]Slot, len(edges)-1)
	for i := range out {
		out[i] = Slot{below[i+1].Cur.less(below[i].Cur), below[i+1].Ref.less(below[i].Ref)}
	}
	return out
}

func (a Mass) less(b Mass) Mass {
	return Mass{max(0, a.N-b.N), max(0, a.Low-b.High), max(0, a.High-b.Low)}
}

// walker passes the points once, with ascending edges.
type walker struct {
	x        *Numbers
	next     int
	cur, ref int64
	atom     int // the last point passed that is shown as one value, plus 1
}

func (w *walker) below(edge float64, inclusive bool) Slot {
	pts := w.x.Points
	for w.next < len(pts) && (pts[w.next].X < edge || inclusive && pts[w.next].X == edge) {
		p := &pts[w.next]
		if w.next++; p.Cur|p.Ref != 0 && (w.next < 2 || pts[w.next-2].X == p.X) {
			w.atom = w.next
		}
		w.cur, w.ref = w.cur+p.Cur, w.ref+p.Ref
	}
	s := Slot{known(w.cur), known(w.ref)}
	if w.x.Exact() {
		return s
	}
	if w.atom > 0 { // it may reach beyond the edge
		if p := &pts[w.atom-1]; p.X > w.x.centre(p.X) && edge <= p.X+w.x.hidden(p) {
			s.Cur.Low -= float64(p.Cur)
			s.Ref.Low -= float64(p.Ref)
		}
	}
	if w.next == len(pts) {
		return s
	}
	if p := &pts[w.next]; w.next > 0 && pts[w.next-1].X < p.X && p.Cur|p.Ref != 0 { // a cell about the edge
		share := (edge - pts[w.next-1].X) / (p.X - pts[w.next-1].X)
		s.Cur.part(p.Cur, share)
		s.Ref.part(p.Ref, share)
	} else if w.next+1 < len(pts) { // it may begin before the edge
		if p := &pts[w.next+1]; p.X == pts[w.next].X && p.X < w.x.centre(p.X) && p.X-w.x.hidden(p) < edge {
			s.Cur.High += float64(p.Cur)
			s.Ref.High += float64(p.Ref)
		}
	}
	return s
}

// hidden is how far a cell that is shown as one value can reach.
func (x *Numbers) hidden(p *Point) float64 {
	return x.CellWidth * math.Abs(p.X-x.centre(p.X)) * (1 + 1e-6)
}

func known(n int64) Mass { f := float64(n); return Mass{f, f, f} }

func (a *Mass) part(n int64, share float64) {
	a.N += share * float64(n)
	a.High += float64(n)
}

// span is the range of the rows that count takes.
func (x *Numbers) span(count func(*Point) int64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for i := range x.Points {
		if p := &x.Points[i]; count(p) > 0 {
			from := p.X
			if i > 0 && x.Points[i-1].X < p.X && !x.Exact() {
				from = x.Points[i-1].X
			}
			lo, hi = min(lo, from), max(hi, p.X)
		}
	}
	return lo, hi
}

func either(p *Point) int64 { return p.Cur + p.Ref }

// distinct is how many values the reference has; where points come from a grid
// it is the least that it can be, and sure is false.
func (x *Numbers) distinct() (n int64, sure bool) {
	for i := range x.Points {
		if x.Points[i].Ref > 0 {
			n++
		}
	}
	return n, x.Exact()
}

// byValue is one bin a value. Only for exact points.
func (x *Numbers) byValue() []Bin {
	var out []Bin
	for i := range x.Points {
		if p := &x.Points[i]; p.Cur|p.Ref != 0 {
			out = append(out, Bin{Low: p.X, High: p.X, Cur: p.Cur, Ref: p.Ref})
		}
	}
	return out
}

// slotsOf are counted bins, which are not in doubt.
func slotsOf(bins []Bin) []Slot {
	out := make([]Slot, 0, len(bins))
	for i := range bins {
		if b := &bins[i]; b.Cur|b.Ref != 0 {
			out = append(out, Slot{known(b.Cur), known(b.Ref)})
		}
	}
	return out
}

// skewness is that of the reference (moments divide by n), and how far it can
// be off where points come from a grid.
func (x *Numbers) skewness() (g, bound float64) {
	if !(x.Ref.SD > 0) {
		return math.NaN(), 0
	}
	cube := func(v float64) float64 { d := (v - x.Ref.Mean) / x.Ref.SD; return d * d * d }
	last := math.Inf(-1)
	for i := range x.Points {
		p := &x.Points[i]
		if p.Ref > 0 {
			lo, hi := p.X, p.X
			switch {
			case x.Exact():
			case last < p.X && i > 0:
				lo = last
			case p.X > x.centre(p.X):
				hi += x.hidden(p)
			default:
				lo -= x.hidden(p)
			}
			g += float64(p.Ref) * (cube(lo) + cube(hi)) / 2
			bound += float64(p.Ref) * (cube(hi) - cube(lo)) / 2
		}
		last = p.X
	}
	g, bound = g/float64(x.M), bound/float64(x.M)
	return g, bound + (3*math.Abs(g)+4)*x.Ref.Off/x.Ref.SD
}

// ByValue is the numbers as categories, if the values are known and both
// samples together have at most limit different ones.
func (x *Numbers) ByValue(limit int) (*Categories, bool) {
	if !x.Exact() {
		return nil, false
	}
	bins := x.byValue()
	if len(bins) > limit {
		return nil, false
	}
	return NewCategories(bins), true
}
