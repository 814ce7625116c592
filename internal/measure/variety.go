package measure

import "github.com/leewayhq/leeway/internal/profile"

// almostConstant is the share of one value from which a column hardly varies.
const almostConstant = 0.95

// Variety is how many different values a column has.
type Variety struct {
	N        int64 // values that are there: finite numbers and strings
	Distinct int64 // different ones
	// Exact is false where Distinct is an estimate (strings past those that are
	// kept by name) or a least number (numbers on a grid).
	Exact bool
	// Top is the share of the most frequent value; 0 where none is known.
	Top float64
	// Constant columns have one value, AlmostConstant ones have it in 95 % of
	// the rows. Neither is said of fewer than 30 values.
	Constant, AlmostConstant bool
}

func varietyOf(f *profile.Feature) Variety {
	v := Variety{Exact: true}
	var top int64
	if x := f.Num; x != nil && x.N > 0 {
		n, exact := x.Distinct()
		_, top = x.Mode()
		if x.Min == x.Max {
			n, exact, top = 1, true, x.N
		}
		v.N, v.Distinct, v.Exact = x.N, n, exact
	}
	if c := f.Cat; c != nil && c.N > 0 {
		v.N += c.N
		v.Distinct += c.Distinct()
		v.Exact = v.Exact && c.Other == 0
		for _, n := range c.Counts {
			top = max(top, n)
		}
	}
	v.Top = rate(top, v.N)
	if v.N >= defaultMinRows {
		v.Constant = v.Distinct == 1 && v.Exact
		v.AlmostConstant = !v.Constant && v.Top >= almostConstant
	}
	return v
}
