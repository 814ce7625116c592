package measure

import "math"

// judge grades columns together. A column is stable without a significant
// difference after Benjamini-Hochberg control over all of them; significant
// ones are shifted, and drifted when the effect reaches the limit. Columns
// below the minimum support say so and do not take part.
func judge(cols []column, opt DriftOptions) []FeatureDrift {
	ps := make([]float64, len(cols))
	for i := range cols {
		ps[i] = math.NaN()
		if enough(&cols[i], opt) {
			ps[i] = cols[i].verdictP()
		}
	}
	significant := BenjaminiHochberg(ps, opt.Q)
	out := make([]FeatureDrift, 0, len(cols))
	for i := range cols {
		if cols[i].has(opt.Method) {
			out = append(out, grade(&cols[i], ps[i], significant[i], opt))
		}
	}
	return out
}

func enough(c *column, opt DriftOptions) bool {
	return min(c.n, c.m) >= max(opt.MinRows, 1)
}

func grade(c *column, p float64, significant bool, opt DriftOptions) FeatureDrift {
	f := FeatureDrift{Name: c.name, Kind: c.kind, Method: opt.Method, N: c.n, RefN: c.m, Value: math.NaN(), Grade: Insufficient}
	if c.n == 0 || c.m == 0 {
		return f
	}
	f.Value, f.PValue = c.value(opt.Method)
	f.Defined = !math.IsNaN(f.Value)
	if opt.Method == MethodKS {
		f.Bound = c.bound()
	}
	f.Unseen = float64(c.unseen) / float64(c.n)
	if !enough(c, opt) {
		return f
	}
	if f.PValue == nil {
		f.PValue = &p
	}
	f.UnseenSignificant = c.unseen > 0 && c.unseenP() <= opt.Q
	f.Drifted = significant && c.effect(opt.Method, f.Value) >= opt.limit()
	switch {
	case f.Drifted:
		f.Grade = Drifted
	case significant:
		f.Grade = Shifted
	default:
		f.Grade = Stable
	}
	return f
}
