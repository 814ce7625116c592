package profile

import (
	"math"
	"unsafe"
)

// sums is what the kernel gathers beside the grid, of d = x - centre.
type sums struct {
	s1, s2   float64
	min, max float64 // of x
}

// foldNumbers counts values on the grid and adds up their moments, in one pass.
// NaN and infinities come into the sums and into cells from topCell up; the
// caller sees it by the sums. Four values a turn: two chains of additions are
// enough to keep the loads busy, more spill. An assembly kernel would take the
// place of this function.
func foldNumbers(values []float64, centre float64, t *dense, s *sums) {
	s0, s1, q0, q1 := s.s1, 0.0, s.s2, 0.0
	least, most := s.min, s.max
	for len(values) >= 4 {
		x := (*[4]float64)(values)
		values = values[4:]
		a, b := x[0], x[1]
		if a < least {
			least = a
		}
		if a > most {
			most = a
		}
		if b < least {
			least = b
		}
		if b > most {
			most = b
		}
		d, e := a-centre, b-centre
		s0 += d
		q0 += d * d
		s1 += e
		q1 += e * e
		t.a[uint16(math.Float32bits(float32(d))>>16)]++
		t.b[uint16(math.Float32bits(float32(e))>>16)]++
		a, b = x[2], x[3]
		if a < least {
			least = a
		}
		if a > most {
			most = a
		}
		if b < least {
			least = b
		}
		if b > most {
			most = b
		}
		d, e = a-centre, b-centre
		s0 += d
		q0 += d * d
		s1 += e
		q1 += e * e
		t.a[uint16(math.Float32bits(float32(d))>>16)]++
		t.b[uint16(math.Float32bits(float32(e))>>16)]++
	}
	for _, x := range values {
		least, most = min(least, x), max(most, x)
		d := x - centre
		s0 += d
		q0 += d * d
		t.a[gridCell(x, centre)]++
	}
	s.s1, s.s2, s.min, s.max = s0+s1, q0+q1, least, most
}

// oddities are values that are not finite.
type oddities struct{ nan, posInf, negInf int64 }

// finiteSums is foldNumbers without the grid, for columns with values that are
// not finite: these are counted apart.
func finiteSums(values []float64, centre float64) (s sums, odd oddities) {
	s = emptySums()
	for _, x := range values {
		if !finite(x) {
			odd.count(x)
			continue
		}
		if x < s.min {
			s.min = x
		}
		if x > s.max {
			s.max = x
		}
		d := x - centre
		s.s1 += d
		s.s2 += d * d
	}
	return s, odd
}

func emptySums() sums { return sums{min: math.Inf(1), max: math.Inf(-1)} }

func (o *oddities) count(x float64) {
	switch {
	case x > 0:
		o.posInf++
	case x < 0:
		o.negInf++
	default:
		o.nan++
	}
}

// wholeMagic rounds to a whole number by addition, below a magnitude of 2^51.
const wholeMagic = 3 << 51

// allWhole tells whether no finite value has a fraction or is too large for one
// to show. Of most columns it looks at the first few values.
func allWhole(values []float64) bool {
	for len(values) >= 4 {
		x := (*[4]float64)(values)
		values = values[4:]
		a, b := x[0]+wholeMagic-wholeMagic-x[0], x[1]+wholeMagic-wholeMagic-x[1]
		c, d := x[2]+wholeMagic-wholeMagic-x[2], x[3]+wholeMagic-wholeMagic-x[3]
		if math.Abs(a)+math.Abs(b)+math.Abs(c)+math.Abs(d) != 0 && !(isWhole(x[0]) && isWhole(x[1]) && isWhole(x[2]) && isWhole(x[3])) {
			return false
		}
	}
	for _, x := range values {
		if !isWhole(x) {
			return false
		}
	}
	return true
}

func isWhole(x float64) bool {
	return !finite(x) || x == math.Trunc(x) && math.Abs(x) < 1<<51
}

// forget takes the counted values that are not finite off the table.
func (t *dense) forget(odd oddities) {
	if odd == (oddities{}) {
		return
	}
	t.a[topCell] -= uint32(odd.posInf) // both halves wrap, their sum does not
	t.a[topCell|0x8000] -= uint32(odd.negInf)
	for i := topCell + 1; i < 0x8000; i++ {
		t.a[i], t.b[i], t.a[i|0x8000], t.b[i|0x8000] = 0, 0, 0, 0
	}
}

// lineCells is how many cells the scan of a table looks at together.
const lineCells = 16

type line [lineCells / 2]uint64

func (l *line) isZero() bool {
	return l[0]|l[1]|l[2]|l[3]|l[4]|l[5]|l[6]|l[7] == 0
}

// drain appends the table's total cells to out, by ascending key, and leaves
// the table zero. reach is the greatest distance from the centre; the scan goes
// inwards from there and ends when it has seen all, so it costs what the data
// is wide and not what the grid is.
func (t *dense) drain(out []cell, total int64, reach float64) []cell {
	positive := t.drainInwards(&out, &total, int(gridCell(reach, 0)))
	last := len(positive) - 1
	if n := len(out); n > 0 && last >= 0 && out[n-1].key == positive[last].key { // the two about zero
		out[n-1].count += positive[last].count
		last--
	}
	for ; last >= 0; last-- {
		out = append(out, positive[last])
	}
	return out
}

// drainInwards appends the negative cells, which come in ascending order, and
// returns the positive, which do not.
func (t *dense) drainInwards(out *[]cell, total *int64, from int) []cell {
	var positive []cell
	la, lb := (*[gridCells / lineCells]line)(unsafe.Pointer(&t.a)), (*[gridCells / lineCells]line)(unsafe.Pointer(&t.b))
	const negative = 0x8000 / lineCells
	for at := from / lineCells; at >= 0 && *total > 0; at-- {
		if !la[at].isZero() || !lb[at].isZero() {
			positive = t.drainLine(positive, total, at*lineCells)
		}
		if n := at + negative; !la[n].isZero() || !lb[n].isZero() {
			*out = t.drainLine(*out, total, n*lineCells)
		}
	}
	return positive
}

// drainLine goes down from the line's end.
func (t *dense) drainLine(out []cell, total *int64, at int) []cell {
	for i := at + lineCells - 1; i >= at; i-- {
		if n := t.a[i] + t.b[i]; n != 0 {
			out = append(out, cell{keyOf(uint16(i)), int64(n)})
			*total -= int64(n)
		}
		t.a[i], t.b[i] = 0, 0
	}
	return out
}
