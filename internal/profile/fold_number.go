package profile

import (
	"math"
	"slices"
)

// numbers is the open form of one part of a Numeric.
type numbers struct {
	epoch  uint32
	centre float64

	values []float64 // not yet on the grid, as they came
	table  *dense
	tabled int64  // finite values in table
	cells  []cell // from times when no table was to be had

	n        int64 // finite values that left values
	odd      oddities
	min, max float64
	moments  moments
	integral bool
}

// denseAfter is how many values of one feature make a dense table pay.
const denseAfter = 1024

func newNumbers(epoch uint32, centre float64) *numbers {
	if epoch == 0 {
		centre = 0
	}
	return &numbers{epoch: epoch, centre: centre, min: math.Inf(1), max: math.Inf(-1), integral: true}
}

// add takes values, of which it keeps no memory. Only finite ones count
// against patience, so that what is kept depends on the rows alone and not on
// how they were batched.
func (c *numbers) add(f *Folder, values []float64) {
	if c.table != nil {
		c.fold(c.table, values)
		return
	}
	if len(c.values)+len(values) > c.patience() {
		c.sift()
		if left := c.patience() - len(c.values); hasFinite(values, left+1) {
			c.overflow(f, values)
			return
		}
	}
	c.values = append(c.values, values...)
}

// sift counts the waiting values that are not finite and lets them go.
func (c *numbers) sift() {
	kept := c.values[:0]
	for _, x := range c.values {
		if finite(x) {
			kept = append(kept, x)
		} else {
			c.odd.count(x)
		}
	}
	c.values = kept
}

// hasFinite tells whether n of values are finite.
func hasFinite(values []float64, n int) bool {
	for _, x := range values {
		if n <= 0 {
			break
		}
		if finite(x) {
			n--
		}
	}
	return n <= 0
}

// overflow begins to count on the grid.
func (c *numbers) overflow(f *Folder, values []float64) {
	c.table = f.tables.takeDense()
	if c.table == nil {
		c.spill(f, values)
		return
	}
	c.fold(c.table, c.values)
	c.values = nil
	c.fold(c.table, values)
}

// patience is how many values wait: without a centre, as many as may be kept.
func (c *numbers) patience() int {
	if c.epoch == 0 {
		return MergeExact
	}
	return denseAfter
}

// spill folds by way of the folder's scratch table, for when all others are
// taken.
func (c *numbers) spill(f *Folder, values []float64) {
	c.fold(f.scratch, c.values)
	c.values = c.values[:0]
	c.fold(f.scratch, values)
	c.cells = addCells(c.cells, c.drain(f, f.scratch))
}

// drain is the cells of a table that only this column was folded into.
func (c *numbers) drain(f *Folder, t *dense) []cell {
	reach := max(math.Abs(c.min-c.centre), math.Abs(c.max-c.centre))
	negative, positive := t.drain(f.drained, c.tabled, reach)
	c.tabled = 0
	return slices.Concat(negative, positive)
}

// fold brings values into a table and the moments.
func (c *numbers) fold(t *dense, values []float64) {
	if len(values) == 0 {
		return
	}
	s := sums{min: c.min, max: c.max, fraction: !c.integral}
	foldNumbers(values, c.centre, t, &s)
	c.integral = !s.fraction
	n := int64(len(values))
	if !finite(s.s2) {
		var odd oddities
		s, odd = finiteSums(values, c.centre)
		t.forget(odd)
		c.odd.add(odd)
		n -= odd.total()
	}
	c.tabled += n
	c.n += n
	c.min, c.max = min(c.min, s.min), max(c.max, s.max)
	m, ok := momentsAbout(c.centre, n, s.s1, s.s2)
	if !ok {
		m = momentsOf(onlyFinite(values), m.mean)
	}
	c.moments.merge(m)
}

func (o *oddities) add(p oddities) {
	o.nan += p.nan
	o.posInf += p.posInf
	o.negInf += p.negInf
}

func (o oddities) total() int64 { return o.nan + o.posInf + o.negInf }

// onlyFinite is values itself when all are.
func onlyFinite(values []float64) []float64 {
	if !slices.ContainsFunc(values, func(x float64) bool { return !finite(x) }) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(x float64) bool { return !finite(x) })
}

// close adds the column to x. With few values, or no centre, it keeps them.
func (c *numbers) close(f *Folder, x *Numeric) {
	p := part{epoch: c.epoch, centre: c.centre}
	c.sift()
	if c.n == 0 && (len(c.values) <= WindowExact || c.epoch == 0) {
		p.values = c.keep()
	} else {
		p.cells = c.finish(f)
	}
	p.integral = c.integral
	x.NaN += c.odd.nan
	x.PosInf += c.odd.posInf
	x.NegInf += c.odd.negInf
	if c.n == 0 {
		return
	}
	x.stretch(c.min, c.max)
	x.N += c.n
	x.moments.merge(c.moments)
	x.adopt(p)
}

// keep sorts the values.
func (c *numbers) keep() []float64 {
	kept := make([]float64, len(c.values))
	for i, x := range c.values {
		kept[i] = x + 0 // no negative zero
	}
	slices.Sort(kept)
	if c.n = int64(len(kept)); c.n > 0 {
		c.min, c.max = kept[0], kept[len(kept)-1]
		c.integral = allWhole(kept)
		c.moments = momentsOf(kept, kept[len(kept)/2])
	}
	return kept
}

// finish is all cells of the column.
func (c *numbers) finish(f *Folder) []cell {
	t := c.table
	if t == nil {
		t = f.scratch
	}
	c.fold(t, c.values)
	cells := c.drain(f, t)
	if len(c.cells) > 0 {
		cells = addCells(c.cells, cells)
	}
	if c.table != nil {
		f.tables.giveDense(c.table)
	}
	return cells
}

// adopt takes a part that nobody else has.
func (x *Numeric) adopt(p part) {
	if len(x.parts) == 0 {
		x.parts = []part{p}
		return
	}
	x.addPart(&p)
}
