package profile

import (
	"cmp"
	"slices"
)

// cell is a count at one place of a grid. Keys ascend with the value.
type cell struct {
	key   uint32
	count int64
}

// addCells is the sum of two sorted lists, without the zeros. The result
// shares no memory with either.
func addCells(a, b []cell) []cell {
	if len(a) == 0 && len(b) == 0 {
		return nil
	}
	out := make([]cell, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].key < b[0].key:
			out, a = append(out, a[0]), a[1:]
		case a[0].key > b[0].key:
			out, b = append(out, b[0]), b[1:]
		default:
			if n := a[0].count + b[0].count; n != 0 {
				out = append(out, cell{a[0].key, n})
			}
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// gather sorts cells and adds up those of one key, in place.
func gather(cells []cell) []cell {
	slices.SortFunc(cells, func(a, b cell) int { return cmp.Compare(a.key, b.key) })
	out := cells[:0]
	for _, c := range cells {
		if n := len(out); n > 0 && out[n-1].key == c.key {
			out[n-1].count += c.count
			continue
		}
		out = append(out, c)
	}
	return slices.DeleteFunc(out, func(c cell) bool { return c.count == 0 })
}

func totalOf(cells []cell) (n int64) {
	for _, c := range cells {
		n += c.count
	}
	return n
}
