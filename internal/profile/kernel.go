package profile

import (
	"math"
	"unsafe"
)

// sums is what the kernel gathers beside the grid, of d = x - centre.
type sums struct {
	s1, s2   float64
	min, max float64 // of x
	fraction bool    // a value is not whole; see allWhole
}

// foldNumbers counts values on the grid and adds up their moments, in one pass.
// s.min and s.max are those of the values before, and so is s.fraction. NaN and infinities come into
// the sums and into cells from topCell up; the caller sees it by the sums.
func foldNumbers(values []float64, centre float64, t *dense, s *sums) {
	values = foldVectors(values, centre, t, s)
	foldScalars(values, centre, t, s)
	s.fraction = s.fraction || !allWhole(values)
}

// foldScalars is foldNumbers for any processor, and for the last few values.
//
// Eight values a turn, in two chains of additions: that keeps the loads busy,
// and more would spill. The range is tested with one branch that is almost
// never taken.
func foldScalars(values []float64, centre float64, t *dense, s *sums) {
	s0, s1, q0, q1 := s.s1, 0.0, s.s2, 0.0
	least, most := s.min, s.max
	for len(values) >= 8 {
		v := (*[8]float64)(values)
		values = values[8:]
		x, y := v[0], v[1]
		if x < least || x > most {
			least, most = widen(x, least, most)
		}
		if y < least || y > most {
			least, most = widen(y, least, most)
		}
		d, e := x-centre, y-centre
		s0 += d
		q0 += d * d
		s1 += e
		q1 += e * e
		t.a[uint16(math.Float32bits(float32(d))>>16)]++
		t.b[uint16(math.Float32bits(float32(e))>>16)]++
		x, y = v[2], v[3]
		if x < least || x > most {
			least, most = widen(x, least, most)
		}
		if y < least || y > most {
			least, most = widen(y, least, most)
		}
		d, e = x-centre, y-centre
		s0 += d
		q0 += d * d
		s1 += e
		q1 += e * e
		t.a[uint16(math.Float32bits(float32(d))>>16)]++
		t.b[uint16(math.Float32bits(float32(e))>>16)]++
		x, y = v[4], v[5]
		if x < least || x > most {
			least, most = widen(x, least, most)
		}
		if y < least || y > most {
			least, most = widen(y, least, most)
		}
		d, e = x-centre, y-centre
		s0 += d
		q0 += d * d
		s1 += e
		q1 += e * e
		t.a[uint16(math.Float32bits(float32(d))>>16)]++
		t.b[uint16(math.Float32bits(float32(e))>>16)]++
		x, y = v[6], v[7]
		if x < least || x > most {
			least, most = widen(x, least, most)
		}
		if y < least || y > most {
			least, most = widen(y, least, most)
		}
		d, e = x-centre, y-centre
		s0 += d
		q0 += d * d
		s1 += e
		q1 += e * e
		t.a[uint16(math.Float32bits(float32(d))>>16)]++
		t.b[uint16(math.Float32bits(float32(e))>>16)]++
	}
	for _, x := range values {
		least, most = widen(x, least, most)
		d := x - centre
		s0 += d
		q0 += d * d
		t.a[gridCell(x, centre)]++
	}
	s.s1, s.s2, s.min, s.max = s0+s1, q0+q1, least, most
}

// widen is the range with x in it; NaN leaves it alone.
func widen(x, least, most float64) (float64, float64) {
	if x < least {
		least = x
	}
	if x > most {
		most = x
	}
	return least, most
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
		s.min, s.max = widen(x, s.min, s.max)
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

const (
	// wholeMagic rounds to a whole number by addition, below wholeLimit.
	wholeMagic = 3 << 51
	wholeLimit = 1 << 51
)

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
	return !finite(x) || x == math.Trunc(x) && math.Abs(x) < wholeLimit
}

// forget takes the counted values that are not finite off the table.
func (t *dense) forget(odd oddities) {
	if odd == (oddities{}) {
		return
	}
	t.take(topCell, odd.posInf)
	t.take(topCell|0x8000, odd.negInf)
	for i := topCell + 1; i < 0x8000; i++ {
		t.a[i], t.b[i], t.a[i|0x8000], t.b[i|0x8000] = 0, 0, 0, 0
	}
}

// take lowers a cell by n, of whichever half.
func (t *dense) take(cell int, n int64) {
	fromA := min(n, int64(t.a[cell]))
	t.a[cell] -= uint32(fromA)
	t.b[cell] -= uint32(n - fromA)
}

// lineCells is how many cells the scan of a table looks at together: a line
// of the processor's cache.
const lineCells = 16

// line has two cells in each word, as little-endian memory holds them.
type line [lineCells / 2]uint64

func (l *line) isZero() bool {
	return l[0]|l[1]|l[2]|l[3]|l[4]|l[5]|l[6]|l[7] == 0
}

// drained is room for every cell that a table can hold.
type drained [gridCells]cell

// drain leaves the table zero. It returns its total cells in two lists, one
// after the other ascending, both in the memory of room. reach is the greatest
// distance from the centre: the scan goes inwards from there and ends when it
// has seen all, so it costs what the data is wide and not what the grid is.
// Going inwards, negative cells ascend and fill room from its front, positive
// ones descend and fill it from its back.
func (t *dense) drain(room *drained, total int64, reach float64) (negative, positive []cell) {
	la, lb := (*[gridCells / lineCells]line)(unsafe.Pointer(&t.a)), (*[gridCells / lineCells]line)(unsafe.Pointer(&t.b))
	const half = 0x8000 / lineCells
	front, back := 0, gridCells
	for at := int(gridCell(reach, 0)) / lineCells; at >= 0 && total > 0; at-- {
		if a, b := &la[at], &lb[at]; !a.isZero() || !b.isZero() {
			for i := len(a) - 1; i >= 0; i-- {
				two := a[i] + b[i] // two cells, the upper one in the upper half; none comes to 2^32
				if n := two >> 32; n != 0 {
					back--
					room[back] = cell{zeroKey + uint32(at*lineCells+2*i+1), int64(n)}
					total -= int64(n)
				}
				if n := two & math.MaxUint32; n != 0 {
					back--
					room[back] = cell{zeroKey + uint32(at*lineCells+2*i), int64(n)}
					total -= int64(n)
				}
			}
			*a, *b = line{}, line{}
		}
		if a, b := &la[at+half], &lb[at+half]; !a.isZero() || !b.isZero() {
			for i := len(a) - 1; i >= 0; i-- {
				two := a[i] + b[i]
				if n := two >> 32; n != 0 {
					room[front] = cell{zeroKey - 1 - uint32(at*lineCells+2*i+1), int64(n)}
					front++
					total -= int64(n)
				}
				if n := two & math.MaxUint32; n != 0 {
					room[front] = cell{zeroKey - 1 - uint32(at*lineCells+2*i), int64(n)}
					front++
					total -= int64(n)
				}
			}
			*a, *b = line{}, line{}
		}
	}
	return oneZero(room[:front], room[back:])
}

// oneZero makes one of the two cells about zero.
func oneZero(negative, positive []cell) (_, _ []cell) {
	last := len(negative) - 1
	if last < 0 || negative[last].key != zeroKey-1 {
		return negative, positive
	}
	if len(positive) > 0 && positive[0].key == zeroKey {
		positive[0].count += negative[last].count
		return negative[:last], positive
	}
	negative[last].key = zeroKey
	return negative, positive
}
