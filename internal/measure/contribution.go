package measure

import (
	"cmp"
	"slices"
)

// Contribution is what one feature's drift weighs.
type Contribution struct {
	FeatureDrift
	// Importance is the feature's share of what the model looks at, 0
	// when it is not known. Known tells which.
	Importance float64
	Known      bool
	// Weight is the drift times the importance, or the drift alone when no
	// importance is known of any feature; 0 for what is no significant change.
	Weight float64
	Share  float64 // of the sum of weights
}

// Contributions orders drifted features by what they matter to the model, the
// heaviest first. The drift must be of one method whose values can be compared
// between columns, such as psi. importance may be in any unit and is scaled to
// a sum of 1; features that it leaves out count as the least of it, so that a
// column nobody rated is not lost.
func Contributions(drift []FeatureDrift, importance map[string]float64) []Contribution {
	total, least := 0.0, 0.0
	for _, w := range importance {
		total += w
		if least == 0 || w > 0 && w < least {
			least = w
		}
	}
	out := make([]Contribution, len(drift))
	sum := 0.0
	for i, f := range drift {
		c := Contribution{FeatureDrift: f}
		weight := 1.0
		if total > 0 {
			w, known := importance[f.Name]
			if !known {
				w = least
			}
			weight = w / total
			c.Importance, c.Known = weight, known
		}
		if f.Defined && (f.Grade == Shifted || f.Grade == Drifted || f.UnseenSignificant) {
			c.Weight = f.Value * weight
		}
		sum += c.Weight
		out[i] = c
	}
	for i := range out {
		if sum > 0 {
			out[i].Share = out[i].Weight / sum
		}
	}
	slices.SortStableFunc(out, func(a, b Contribution) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Name, b.Name))
	})
	return out
}
