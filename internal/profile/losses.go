package profile

import (
	"cmp"
	"math"
	"slices"
)

// Losses is the errors of a regression by what was predicted: from a reference
// they tell which error to expect of a prediction. All of it is invertible; the
// errors are rounded before they are added, and their sums are exact.
type Losses struct{ cells []loss } // ascending, none empty once settled

// loss is the labelled rows whose predicted value has one key.
type loss struct {
	key       uint32
	n         int64
	absE, sqE ExactSum
}

// lossShift makes cells of the grid of numbers about 0 coarse: four to a
// doubling of the value, so that few labels fill them and windows stay small.
const lossShift = 5

// LossKey is the cell of a predicted value. Keys ascend with it.
func LossKey(predicted float64) uint32 { return gridKey(predicted, 0) >> lossShift }

func (l *Losses) at(key uint32) *loss {
	i, found := slices.BinarySearchFunc(l.cells, key, func(c loss, key uint32) int { return cmp.Compare(c.key, key) })
	if !found {
		l.cells = slices.Insert(l.cells, i, loss{key: key})
	}
	return &l.cells[i]
}

// add counts an error, which with its square is finite.
func (l *Losses) add(predicted, e, abs float64, sign int64) {
	c := l.at(LossKey(predicted))
	c.n += sign
	c.absE.Add(shortened(abs), sign)
	c.sqE.Add(shortened(e*e), sign)
}

// shortened is a number to twelve significant bits, so that sums of it are
// short. Its rounding, at most 1 in 4,096, is to either side alike.
func shortened(x float64) float64 {
	const dropped = 53 - 12
	bits := math.Float64bits(x) + 1<<(dropped-1)
	return math.Float64frombits(bits &^ (1<<dropped - 1))
}

func (l *Losses) merge(o *Losses) {
	for i := range o.cells {
		theirs := &o.cells[i]
		mine := l.at(theirs.key)
		mine.n += theirs.n
		mine.absE.merge(&theirs.absE)
		mine.sqE.merge(&theirs.sqE)
	}
	l.settle()
}

// settle drops the cells of which everything was taken back.
func (l *Losses) settle() {
	l.cells = slices.DeleteFunc(l.cells, func(c loss) bool { return c.n == 0 && c.absE.isZero() && c.sqE.isZero() })
}

func (l *Losses) isEmpty() bool {
	l.settle()
	return len(l.cells) == 0
}

// Each calls fn for each cell: its key, its rows and the sums of |e| and e².
func (l *Losses) Each(fn func(key uint32, n int64, absE, sqE float64)) {
	for i := range l.cells {
		c := &l.cells[i]
		fn(c.key, c.n, c.absE.Float64(), c.sqE.Float64())
	}
}

func (w *writer) losses(l *Losses) {
	w.uvarint(uint64(len(l.cells)))
	last := uint32(0)
	for i := range l.cells {
		c := &l.cells[i]
		w.uvarint(uint64(c.key - last))
		w.varint(c.n)
		w.exact(&c.absE)
		w.exact(&c.sqE)
		last = c.key
	}
}

func (r *reader) losses() (l Losses) {
	n := r.length(4)
	key := uint32(0)
	for i := range n {
		step := uint32(r.limited(gridCells >> lossShift))
		key += step
		if i > 0 && step == 0 || key >= gridCells>>lossShift {
			r.fail("losses out of order")
		}
		c := loss{key: key, n: r.varint()}
		r.exact(&c.absE)
		r.exact(&c.sqE)
		if r.err == nil && c.n == 0 && c.absE.isZero() && c.sqE.isZero() {
			r.fail("an empty cell of losses")
		}
		if r.err != nil {
			return l
		}
		l.cells = append(l.cells, c)
	}
	return l
}
