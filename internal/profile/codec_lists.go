package profile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// writer appends; reader takes, and after its first failure gives zeros.
type writer struct{ b []byte }

func (w *writer) byte(v byte)      { w.b = append(w.b, v) }
func (w *writer) uvarint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) varint(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) word(v uint64)    { w.b = binary.LittleEndian.AppendUint64(w.b, v) }
func (w *writer) float(v float64)  { w.word(math.Float64bits(v)) }
func (w *writer) string(s string) {
	w.uvarint(uint64(len(s)))
	w.b = append(w.b, s...)
}

type reader struct {
	b   []byte
	at  int // an index rather than a shorter slice, which the collector watches
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
		r.b, r.at = nil, 0
	}
}

func (r *reader) left() int { return len(r.b) - r.at }

// took is what follows a variable integer of n bytes, as binary reports it.
func (r *reader) took(n int) bool {
	if r.err != nil || n <= 0 {
		r.fail("an integer is cut short or too large")
		return false
	}
	r.at += n
	return true
}

func (r *reader) uvarint() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // most are a byte
		r.at++
		return uint64(r.b[r.at-1])
	}
	return r.longUvarint()
}

func (r *reader) longUvarint() uint64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if !r.took(n) {
		return 0
	}
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b[r.at:])
	if !r.took(n) {
		return 0
	}
	return v
}

func (r *reader) byte() byte {
	if r.left() == 0 {
		r.fail("cut short")
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

func (r *reader) word() uint64 {
	if r.left() < 8 {
		r.fail("cut short")
		return 0
	}
	r.at += 8
	return binary.LittleEndian.Uint64(r.b[r.at-8:])
}

func (r *reader) float() float64 { return math.Float64frombits(r.word()) }

func (r *reader) limited(most uint64) uint64 {
	v := r.uvarint()
	if v > most {
		r.fail("%d is above %d", v, most)
		return 0
	}
	return v
}

// maxCount leaves room to add many profiles without an overflow.
const maxCount = 1 << 56

func (r *reader) count() int64 {
	v := r.varint()
	if v < 0 || v > maxCount {
		r.fail("count %d", v)
		return 0
	}
	return v
}

// sum is a+b of counts, or a failure.
func (r *reader) sum(a, b int64) int64 {
	if s := a + b; s <= maxCount && s >= -maxCount && b <= maxCount && b >= -maxCount {
		return s
	}
	r.fail("counts too large")
	return 0
}

// length is the length of a list whose entries take at least size bytes each:
// one that the rest cannot hold is refused before memory is taken for it.
func (r *reader) length(size int) int {
	n := r.uvarint()
	if n > uint64(r.left()/size) {
		r.fail("a list of %d in %d bytes", n, r.left())
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	n := r.length(1)
	r.at += n
	return string(r.b[r.at-n : r.at])
}

// cells are positive counts. The low bit of the step tells that the count is
// one, as most are, and is left out.
func (w *writer) cells(cells []cell) {
	w.uvarint(uint64(len(cells)))
	last := uint32(0)
	for _, c := range cells {
		step := uint64(c.key-last) << 1
		last = c.key
		if c.count == 1 {
			w.uvarint(step | 1)
			continue
		}
		w.uvarint(step)
		w.uvarint(uint64(c.count))
	}
}

// numberCells are cells of the grid of numbers.
func (r *reader) numberCells() []cell {
	n := r.length(1)
	if n == 0 {
		return nil
	}
	cells := make([]cell, n)
	var total int64
	last := uint64(0)
	for i := range cells {
		step := r.uvarint()
		count := uint64(1)
		if step&1 == 0 {
			count = r.uvarint()
		}
		key := last + step>>1
		if i > 0 && step>>1 == 0 || count-1 >= maxCount || step > gridCells<<1 || key >= gridCells || !validKey(uint32(key)) {
			r.fail("cells out of order, empty or too full")
			return nil
		}
		if total += int64(count); total > maxCount {
			r.fail("counts too large")
			return nil
		}
		cells[i], last = cell{uint32(key), int64(count)}, key
	}
	return cells
}

func (w *writer) signedCells(cells []cell) {
	w.uvarint(uint64(len(cells)))
	last := uint32(0)
	for _, c := range cells {
		step := uint64(c.key-last) << 1
		last = c.key
		if c.count == 1 {
			w.uvarint(step | 1)
			continue
		}
		w.uvarint(step)
		w.varint(c.count)
	}
}

// signedCells are cells of the grid of a kind of set.
func (r *reader) signedCells(kind setKind) []cell {
	n := r.length(1)
	if n == 0 {
		return nil
	}
	cells := make([]cell, n)
	last := uint64(0)
	for i := range cells {
		step := r.limited(uint64(kind.maxKey())<<1 | 1)
		count := int64(1)
		if step&1 == 0 {
			count = r.varint()
		}
		key := last + step>>1
		if i > 0 && step>>1 == 0 || count == 0 || key > uint64(kind.maxKey()) || !kind.holds(uint32(key)) {
			r.fail("scores out of order or empty")
			return nil
		}
		cells[i], last = cell{uint32(key), count}, key
	}
	if r.err != nil {
		return nil
	}
	return cells
}

// order maps floats to integers that ascend with them; disorder is its inverse.
func order(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

func disorder(k uint64) float64 {
	return math.Float64frombits(k ^ (^uint64(int64(k)>>63) | 1<<63))
}

// sharedZeros is how many low bits are zero in every key: short numbers leave
// most of them unused.
func sharedZeros[T any](values []T, key func(T) uint64) int {
	var any uint64
	for _, v := range values {
		any |= key(v)
	}
	return min(bits.TrailingZeros64(any), 63)
}

// values are ascending: the steps between their ordered bits, without the
// zeros that all of them end in.
func (w *writer) values(values []float64) {
	zeros := sharedZeros(values, order)
	w.uvarint(uint64(len(values)))
	w.byte(byte(zeros))
	last := uint64(0)
	for _, v := range values {
		k := order(v) >> zeros
		w.uvarint(k - last)
		last = k
	}
}

func (r *reader) values() []float64 {
	n := r.length(1)
	zeros := r.zeros()
	if n == 0 {
		return nil
	}
	values := make([]float64, n)
	var k uint64
	for i := range values {
		k = r.step(k, zeros)
		values[i] = disorder(k << zeros)
		if !finite(values[i]) {
			r.fail("a value that is not finite")
		}
	}
	if r.err != nil {
		return nil
	}
	return values
}

func (r *reader) zeros() int {
	zeros := r.byte()
	if zeros > 63 {
		r.fail("%d shared zeros", zeros)
		return 0
	}
	return int(zeros)
}

// step adds to an ordered key and watches for its end.
func (r *reader) step(k uint64, zeros int) uint64 {
	step := r.uvarint()
	if next := k + step; next >= k && next <= math.MaxUint64>>zeros {
		return next
	}
	r.fail("values out of range")
	return 0
}

func (w *writer) scoreValues(values []scoreCount) {
	zeros := sharedZeros(values, func(v scoreCount) uint64 { return order(v.value) })
	w.uvarint(uint64(len(values)))
	w.byte(byte(zeros))
	last := uint64(0)
	for _, v := range values {
		k := order(v.value) >> zeros
		w.uvarint(k - last)
		w.varint(v.count)
		last = k
	}
}

func (r *reader) scoreValues() []scoreCount {
	n := r.length(2)
	zeros := r.zeros()
	if n == 0 {
		return nil
	}
	values := make([]scoreCount, n)
	var k uint64
	for i := range values {
		last := k
		k = r.step(k, zeros)
		values[i] = scoreCount{disorder(k << zeros), r.varint()}
		if i > 0 && k == last || values[i].count == 0 || !finite(values[i].value) {
			r.fail("scores out of order or empty")
		}
	}
	if r.err != nil {
		return nil
	}
	return values
}
