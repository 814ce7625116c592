package profile

import (
	"math"
	"slices"
	"testing"
)

// The short way gives the same edges and the same error as the general one.
func TestPairsErrorIsPairs(t *testing.T) {
	type edge struct {
		x      float64
		na, nb int64
	}
	for _, s := range shapes {
		for _, sizes := range [][2]int{{100, 200}, {200, 9000}, {9000, 20_000}} {
			a, b := numericOf(s.draw(sizes[0], 1), 1, s.centre), numericOf(s.draw(sizes[1], 2), 1, s.centre)
			var want, got []edge
			Pairs(a, b, func(x float64, na, nb int64) { want = append(want, edge{x, na, nb}) })
			e := PairsError(a, b, func(x float64, na, nb int64) { got = append(got, edge{x, na, nb}) })
			if !slices.Equal(got, want) {
				t.Errorf("%s %v: %d edges, want %d", s.name, sizes, len(got), len(want))
			}
			if told := a.QuantileError() + b.QuantileError(); math.Abs(e-told) > 1e-15 {
				t.Errorf("%s %v: error %v, want %v", s.name, sizes, e, told)
			}
		}
	}
}
