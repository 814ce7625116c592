package twosample

import (
	"math"
	"slices"
	"testing"
)

// Whatever the columns hold, a method gives a number or a reason, and a p-value
// between 0 and 1.
func TestOddColumns(t *testing.T) {
	columns := map[string][]float64{
		"one": {1}, "two": {1, 2}, "constant": slices.Repeat([]float64{7}, 40), "zeros": make([]float64, 9),
		"huge": {-math.MaxFloat64, 0, math.MaxFloat64}, "tiny": {5e-324, 0, -5e-324}, "negative zero": {math.Copysign(0, -1), 0},
		"nan": {math.NaN()}, "infinite": {math.Inf(-1), 1, math.Inf(1)}, "skewed": append(make([]float64, 60), 1e12),
		"ramp": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, "empty": nil,
	}
	for curName, cur := range columns {
		for refName, ref := range columns {
			for _, m := range Methods() {
				if m.Numeric() {
					checkTold(t, curName+" against "+refName+" "+m.Name, m.Numbers(NewNumbers(cur, ref)))
				}
			}
		}
	}
	for _, cur := range [][]int64{{0, 0, 0}, {1, 0, 0}, {0, 5, 0}, {3, 3, 3}, {1 << 40, 1, 0}} {
		for _, ref := range [][]int64{{0, 0, 0}, {1, 0, 0}, {0, 5, 0}, {3, 3, 3}, {1, 1 << 40, 0}} {
			for _, m := range Methods() {
				if m.Categorical() {
					checkTold(t, m.Name, m.Categories(categories(cur, ref)))
				}
			}
		}
	}
}

func checkTold(t *testing.T, what string, r Result) {
	t.Helper()
	if math.IsNaN(r.Value) != (r.Reason != "") {
		t.Errorf("%s: %+v", what, r)
	}
	if r.P < 0 || r.P > 1 || r.Bound < 0 || math.IsNaN(r.Bound) {
		t.Errorf("%s: %+v", what, r)
	}
}
