package profile

import (
	"math"
	"slices"
)

// ChooseCentre is the grid centre under which the fullest cell of values holds
// least: zero, or one of their quartiles, and a whole one for whole numbers.
// The median is right for most columns; a lower quartile resolves a steep left
// flank better. Values that are not finite are left out.
func ChooseCentre(values []float64) float64 {
	sorted := slices.Clone(onlyFinite(values))
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return 0
	}
	whole := allWhole(sorted)
	best, least := 0.0, int64(math.MaxInt64)
	for _, q := range []float64{0.5, 0.25, 0.75, -1} {
		centre := 0.0
		if q >= 0 {
			centre = quantileOfValues(sorted, q)
		}
		if whole {
			centre = math.Floor(centre)
		}
		v := view{centre: centre, cells: cellsOf(sorted, centre), integral: whole}
		x := Numeric{Min: sorted[0], Max: sorted[len(sorted)-1]}
		// A sample's fullest cell is partly chance, so a little better is not.
		if worst := rankError(x.spans(v)); float64(worst) < 0.7*float64(least) {
			best, least = centre, worst
		}
	}
	return best
}
