package report

import (
	"math"
	"slices"
)

// scratch is what a worker sorts with; it is used again for each column.
type scratch struct {
	keys, other []uint64
}

// fewValues are sorted by comparing.
const fewValues = 512

// sort puts finite numbers in ascending order. Their bits, with the sign turned
// about, are sorted by radix, 11 bits at a time; a digit that all share costs
// only the counting, so whole numbers and short decimals take fewer passes.
func (s *scratch) sort(values []float64) {
	if len(values) < fewValues {
		slices.Sort(values)
		return
	}
	n := len(values)
	if cap(s.keys) < n {
		s.keys, s.other = make([]uint64, n), make([]uint64, n)
	}
	keys, other := s.keys[:n], s.other[:n]
	const digits, width = 6, 1 << 11
	var counts [digits][width]uint32
	ascending, last := true, uint64(0)
	for i, v := range values {
		k := ordered(v + 0) // minus zero is zero
		keys[i] = k
		ascending = ascending && k >= last
		last = k
		counts[0][k&0x7ff]++
		counts[1][k>>11&0x7ff]++
		counts[2][k>>22&0x7ff]++
		counts[3][k>>33&0x7ff]++
		counts[4][k>>44&0x7ff]++
		counts[5][k>>55]++
	}
	if ascending {
		return
	}
	for d := range digits {
		c := &counts[d]
		shift := uint(11 * d)
		if c[keys[0]>>shift&0x7ff] == uint32(n) {
			continue
		}
		var at uint32
		for i := range c {
			c[i], at = at, at+c[i]
		}
		for _, k := range keys {
			p := &c[k>>shift&0x7ff]
			other[*p] = k
			*p++
		}
		keys, other = other, keys
	}
	for i, k := range keys {
		values[i] = plain(k)
	}
}

// ordered are the bits of v in the order of the numbers.
func ordered(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

func plain(k uint64) float64 {
	return math.Float64frombits(k ^ (uint64(int64(^k)>>63) | 1<<63))
}
