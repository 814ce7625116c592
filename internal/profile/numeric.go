package profile

import (
	"cmp"
	"slices"
)

// Numeric is a column of numbers. Within one grid centre a merge is exact in
// all but the moments, which are good to 1e-12.
type Numeric struct {
	N              int64 // finite values
	NaN            int64
	PosInf, NegInf int64
	Min, Max       float64 // of the finite values; 0 when there is none

	moments moments
	parts   []part // by (epoch, centre), ascending
}

// part is the values that came under one grid centre; where an epoch has
// several, those that are nearest to it. Epoch 0 means that none was fixed yet: its values are kept, up to MergeExact of them, so that they
// can go to the grid of another part when the summary is read.
type part struct {
	epoch  uint32
	centre float64 // 0 in epoch 0
	// Values ascending, or cells ascending; never both.
	values []float64
	cells  []cell
	// integral: all values are whole numbers, so that a cell that has room for
	// only one of them is known to be an atom.
	integral bool
}

// Merge adds o to x. Values are kept if both kept theirs and the sum is at
// most limit; otherwise those that have a centre go to its grid.
func (x *Numeric) Merge(o *Numeric, limit int) {
	if o.N > 0 {
		x.stretch(o.Min, o.Max)
	}
	x.N += o.N
	x.NaN += o.NaN
	x.PosInf += o.PosInf
	x.NegInf += o.NegInf
	x.moments.merge(o.moments)
	for i := range o.parts {
		x.addPart(&o.parts[i])
	}
	x.settle(limit)
}

// stretch widens Min and Max; it comes before N is changed.
func (x *Numeric) stretch(lo, hi float64) {
	if x.N == 0 {
		x.Min, x.Max = lo, hi
		return
	}
	x.Min, x.Max = min(x.Min, lo), max(x.Max, hi)
}

func (x *Numeric) addPart(o *part) {
	i, found := slices.BinarySearchFunc(x.parts, o, func(a part, b *part) int {
		return comparePlace(&a, b)
	})
	if !found {
		mine := part{epoch: o.epoch, centre: o.centre, integral: o.integral}
		mine.values, mine.cells = slices.Clone(o.values), slices.Clone(o.cells)
		x.parts = slices.Insert(x.parts, i, mine)
		return
	}
	mine := &x.parts[i]
	mine.integral = mine.integral && o.integral
	if !mine.gridded() && !o.gridded() {
		mine.values = mergeSorted(mine.values, o.values)
		return
	}
	mine.toGrid()
	theirs := o.cells
	if !o.gridded() {
		theirs = cellsOf(o.values, o.centre)
	}
	mine.cells = addCells(mine.cells, theirs)
}

// settle puts values on their grids where the rule of Merge says so.
func (x *Numeric) settle(limit int) {
	grid := x.N > int64(limit)
	for i := range x.parts {
		grid = grid || x.parts[i].epoch > 0 && x.parts[i].gridded()
	}
	for i := range x.parts {
		p := &x.parts[i]
		if p.epoch > 0 && grid || p.epoch == 0 && len(p.values) > MergeExact {
			p.toGrid()
		}
	}
}

func (p *part) gridded() bool { return len(p.cells) > 0 }

func (p *part) toGrid() {
	if p.gridded() {
		return
	}
	p.cells, p.values = cellsOf(p.values, p.centre), nil
}

func (p *part) n() int64 { return int64(len(p.values)) + totalOf(p.cells) }

// cellsOf counts ascending values on the grid of a centre.
func cellsOf(values []float64, centre float64) []cell {
	var cells []cell
	for _, v := range values {
		key := gridKey(v, centre)
		if n := len(cells); n > 0 && cells[n-1].key == key {
			cells[n-1].count++
			continue
		}
		cells = append(cells, cell{key, 1})
	}
	return cells
}

// mergeSorted is all of a and b in order; it shares no memory with b.
func mergeSorted(a, b []float64) []float64 {
	out := make([]float64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0] < a[0] {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// comparePlace orders parts.
func comparePlace(a, b *part) int {
	return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.centre, b.centre))
}
