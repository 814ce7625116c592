package datasketches

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// The shape of a KLL sketch (Karnin, Lang and Liberty 2016): an item of level i
// stands for 2^i values. The top level has room for k items, each level below
// for two thirds of the one above, and at least for leastRoom.
const (
	leastK, mostK = 8, math.MaxUint16
	leastRoom     = 8
)

// Flags of a KLL sketch.
const (
	kllEmpty  = 1
	kllSorted = 2 // the items of level 0
	kllSingle = 4
)

// KLL is the finite values of a column as a sketch of doubles with parameter k,
// which is 200 unless a library is told otherwise. Up to k values are all in
// it. Past that each item is the middle value of the ranks that it stands for,
// so that a rank is wrong by at most 1/k beside the error of x, where a sketch
// of k that saw the values promises 2.66/k at 99 %.
func KLL(x *profile.Numeric, k int) ([]byte, error) {
	if k < leastK || k > mostK {
		return nil, fmt.Errorf("k is %d, not between %d and %d", k, leastK, mostK)
	}
	le := binary.LittleEndian
	b := []byte{2, 1, familyKLL, kllEmpty, 0, 0, leastRoom, 0}
	le.PutUint16(b[4:], uint16(k))
	if x == nil || x.N == 0 {
		return b, nil
	}
	if x.N == 1 {
		b[1], b[3] = 2, kllSorted|kllSingle
		return le.AppendUint64(b, math.Float64bits(x.Min)), nil
	}
	b[0], b[3] = 5, kllSorted
	levels := levelsOf(x.N, k)
	b = le.AppendUint64(b, uint64(x.N))
	b = le.AppendUint16(b, uint16(k)) // the least k of what was merged
	b = append(b, byte(len(levels)), 0)
	at := roomOf(k, len(levels))
	for _, n := range levels {
		at -= int(n)
	}
	for _, n := range levels { // where each begins, counted from the start of the room
		b = le.AppendUint32(b, uint32(at))
		at += int(n)
	}
	b = le.AppendUint64(b, math.Float64bits(x.Min))
	b = le.AppendUint64(b, math.Float64bits(x.Max))
	values, exact := x.Exact()
	rank := int64(0)
	for level, n := range levels {
		for weight := int64(1) << level; n > 0; n, rank = n-1, rank+weight {
			middle := rank + weight/2
			v := 0.0
			if exact {
				v = values[middle]
			} else {
				v = x.Quantile((float64(middle) + 0.5) / float64(x.N))
			}
			b = le.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b, nil
}

// levelsOf is how many items each level has: at most k in the top one, and in
// those below what is left of n.
func levelsOf(n int64, k int) []int64 {
	top := 0
	for n>>top > int64(k) {
		top++
	}
	levels := make([]int64, top+1)
	for i := range top {
		levels[i] = n >> i & 1
	}
	levels[top] = n >> top
	return levels
}

// roomOf is the items for which a sketch of so many levels has room.
func roomOf(k, levels int) (room int) {
	for depth := range levels {
		room += max(leastRoom, levelRoom(uint64(k), depth))
	}
	return room
}

// levelRoom is k (2/3)^depth, rounded; past 30 levels in two steps, as the
// libraries do.
func levelRoom(k uint64, depth int) int {
	if depth > 30 {
		return levelRoom(uint64(levelRoom(k, depth/2)), depth-depth/2)
	}
	room := 2 * k << depth
	for range depth {
		room /= 3
	}
	return int((room + 1) / 2)
}
