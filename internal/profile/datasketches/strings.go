package datasketches

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// Sizes of a HyperLogLog sketch: the slots are a power of two.
const (
	leastLogSlots = 7 // below, the libraries keep other forms
	mostLogSlots  = 21
)

// modeHLL8 says that a byte stands for each slot.
const modeHLL8 = 2<<2 | 2

// HLL is the different strings of a column as a HyperLogLog sketch of
// 2^logSlots slots of one byte (Flajolet et al. 2007, with the estimator from
// its sums). The column must have all of its strings by name.
func HLL(c *profile.Categories, logSlots int) ([]byte, error) {
	if logSlots < leastLogSlots || logSlots > mostLogSlots {
		return nil, fmt.Errorf("2^%d slots, not between 2^%d and 2^%d", logSlots, leastLogSlots, mostLogSlots)
	}
	if err := complete(c); err != nil {
		return nil, err
	}
	slots := make([]byte, 1<<logSlots)
	if c != nil {
		for name := range c.Counts {
			low, high := murmur3([]byte(name), seed)
			slot := low & uint64(len(slots)-1)
			slots[slot] = max(slots[slot], byte(min(bits.LeadingZeros64(high), 62)+1))
		}
	}
	const outOfOrder = 16 // no sum was kept while values came, so the estimate is of the slots
	le := binary.LittleEndian
	b := []byte{10, 1, familyHLL, byte(logSlots), 0, outOfOrder, 0, modeHLL8}
	b = le.AppendUint64(b, 0)
	// Sums of 2^-value over the slots: of values below 32, and of the others.
	var near, far float64
	zeros := uint32(0)
	for _, v := range slots {
		if v == 0 {
			zeros++
		}
		if v < 32 {
			near += math.Ldexp(1, -int(v))
		} else {
			far += math.Ldexp(1, -int(v))
		}
	}
	b = le.AppendUint64(b, math.Float64bits(near))
	b = le.AppendUint64(b, math.Float64bits(far))
	b = le.AppendUint32(b, zeros)
	b = le.AppendUint32(b, 0)
	return append(b, slots...), nil
}

// FrequentItems is the counts of a column as a sketch of frequent strings
// without error. The column must have all of its strings by name.
func FrequentItems(c *profile.Categories) ([]byte, error) {
	if err := complete(c); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if c == nil || len(c.Counts) == 0 {
		return []byte{1, 1, familyFrequent, 3, 3, 5, 0, 0}, nil
	}
	// The map of the sketch is at most three quarters full.
	logSize := max(3, bits.Len(uint(len(c.Counts)*4/3)))
	b := []byte{4, 1, familyFrequent, byte(logSize), byte(logSize), 0, 0, 0}
	b = le.AppendUint32(b, uint32(len(c.Counts)))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(c.N))
	b = le.AppendUint64(b, 0) // what a count can be short of
	names := slices.Sorted(maps.Keys(c.Counts))
	for _, name := range names {
		b = le.AppendUint64(b, uint64(c.Counts[name]))
	}
	for _, name := range names {
		b = le.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
	}
	return b, nil
}

func complete(c *profile.Categories) error {
	if c != nil && c.Other > 0 {
		return ErrNotComplete
	}
	return nil
}

// seed is that of all sketches of the project that are to be merged.
const seed = 9001

// murmur3 is MurmurHash3 for x64 with 128 bits (Appleby 2008, public domain).
func murmur3(b []byte, seed uint64) (uint64, uint64) {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	h1, h2, size := seed, seed, uint64(len(b))
	mix1 := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	mix2 := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	for ; len(b) >= 16; b = b[16:] {
		h1 ^= mix1(binary.LittleEndian.Uint64(b))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mix2(binary.LittleEndian.Uint64(b[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	var tail [16]byte
	copy(tail[:], b)
	h2 ^= mix2(binary.LittleEndian.Uint64(tail[8:]))
	h1 ^= mix1(binary.LittleEndian.Uint64(tail[:]))
	h1, h2 = h1^size, h2^size
	h1 += h2
	h2 += h1
	h1, h2 = scatter(h1), scatter(h2)
	h1 += h2
	return h1, h2 + h1
}

func scatter(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}
