package profile

import (
	"encoding/binary"
	"math/bits"

	"github.com/leewayhq/leeway/internal/event"
)

// present is a column's values without the nulls, one after the other: the
// column's own memory where that is possible, else the folder's buffer.
func (f *Folder) present(c *event.Num, rows []int32) []float64 {
	switch {
	case len(c.Values) == 0:
		return nil
	case rows != nil:
		return f.pick(c, rows)
	case c.Valid == nil || allValid(c.Valid, len(c.Values)):
		return c.Values
	}
	return f.compact(c)
}

func (f *Folder) room(n int) []float64 {
	if cap(f.buffer) < n {
		f.buffer = make([]float64, n)
	}
	return f.buffer[:n]
}

func (f *Folder) pick(c *event.Num, rows []int32) []float64 {
	out := f.room(len(rows))
	if c.Valid == nil {
		for i, r := range rows {
			out[i] = c.Values[r]
		}
		return out
	}
	n := 0
	for _, r := range rows {
		out[n] = c.Values[r]
		n += int(c.Valid[r>>3] >> (r & 7) & 1)
	}
	return out[:n]
}

// allValid looks at 64 rows at a time.
func allValid(bitmap []byte, n int) bool {
	for ; n >= 64; n -= 64 {
		if binary.LittleEndian.Uint64(bitmap) != ^uint64(0) {
			return false
		}
		bitmap = bitmap[8:]
	}
	return lastWord(bitmap, n) == 1<<n-1
}

// lastWord is the n < 64 bits that are left of a bitmap.
func lastWord(bitmap []byte, n int) (word uint64) {
	for i := range (n + 7) / 8 {
		word |= uint64(bitmap[i]) << (8 * i)
	}
	return word & (1<<n - 1)
}

// compact copies words without a null whole and the others without a branch.
func (f *Folder) compact(c *event.Num) []float64 {
	values, bitmap := c.Values, c.Valid
	out := f.room(len(values))
	n := 0
	for ; len(values) >= 64; values, bitmap = values[64:], bitmap[8:] {
		word := binary.LittleEndian.Uint64(bitmap)
		if word == ^uint64(0) {
			n += copy(out[n:], values[:64])
			continue
		}
		n = compactWord(out, n, values[:64], word)
	}
	n = compactWord(out, n, values, lastWord(bitmap, len(values)))
	return out[:n]
}

func compactWord(out []float64, n int, values []float64, word uint64) int {
	if bits.OnesCount64(word) == 0 {
		return n
	}
	for _, x := range values {
		out[n] = x
		n += int(word & 1)
		word >>= 1
	}
	return n
}
