package profile

import (
	"math"
	"math/bits"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
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
	best, least := 0.0, math.MaxInt
	for _, q := range []float64{0.5, 0.25, 0.75, -1} {
		centre := 0.0
		if q >= 0 {
			centre = quantileOfValues(sorted, q)
		}
		if whole {
			centre = math.Floor(centre)
		}
		// A sample's fullest cell is partly chance, so a little better is not.
		if _, worst := fullest(sorted, whole, centre); float64(worst) < 0.7*float64(least) {
			best, least = centre, worst
		}
	}
	return best
}

// ChooseCentres is ChooseCentre, and further centres as long as one cell that
// is not known to be one value holds more than half a percent of values, chance
// aside: those of a narrow mode far from the centre do. They ascend.
func ChooseCentres(values []float64) []float64 {
	centres := []float64{ChooseCentre(values)}
	sorted := slices.Clone(onlyFinite(values))
	slices.Sort(sorted)
	whole := allWhole(sorted)
	for len(centres) < event.MaxCentres {
		from, count := fullest(sorted, whole, centres...)
		if count <= crowd(len(sorted)) {
			break
		}
		centre := sorted[from+count/2]
		at, have := slices.BinarySearch(centres, centre)
		if have {
			break
		}
		centres = slices.Insert(centres, at, centre)
	}
	return centres
}

// crowd is the count of a cell that is no accident: a fine one holds a fifth of
// a percent.
func crowd(n int) int {
	fine := 0.002 * float64(n)
	return int(max(0.005*float64(n), fine+6*math.Sqrt(fine)+6))
}

// fullest is the cell in doubt that holds most of ascending values: the place
// of its first one, and how many it holds.
func fullest(sorted []float64, whole bool, centres ...float64) (from, most int) {
	if len(sorted) == 0 {
		return 0, 0
	}
	x := Numeric{N: int64(len(sorted)), Min: sorted[0], Max: sorted[len(sorted)-1]}
	x.parts = []part{{values: sorted, integral: whole}}
	at := 0
	for _, s := range x.spans(x.viewOn(target{centres: centres})) {
		if n := int(s.count); !s.sure && n > most {
			from, most = at, n
		}
		at += int(s.count)
	}
	return from, most
}

// reach is what is nearest to the i-th of ascending centres: from lo to below
// hi.
func reach(centres []float64, i int) (lo, hi float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	if i > 0 {
		lo = between(centres[i-1], centres[i])
	}
	if i+1 < len(centres) {
		hi = between(centres[i], centres[i+1])
	}
	return lo, hi
}

// between is where one centre's values end and the next one's begin.
func between(a, b float64) float64 { return a/2 + b/2 }

// nearestOf is the place of the centre that x belongs to.
func nearestOf(centres []float64, x float64) (i int) {
	for i+1 < len(centres) && x >= between(centres[i], centres[i+1]) {
		i++
	}
	return i
}

// addNearest adds each value to the column of its nearest centre. It finds the
// place without a branch, by borrows of integers that are ordered as the numbers
// are: which centre comes next is as good as random.
func (f *Folder) addNearest(columns []*numbers, c *event.Num, values []float64) []*numbers {
	centres := append(append(make([]float64, 0, event.MaxCentres), c.Centre), c.Others...)
	var starts [event.MaxCentres - 1]uint64
	for i := range len(centres) - 1 {
		starts[i] = ordered(between(centres[i], centres[i+1]))
	}
	var to [event.MaxCentres][]float64
	for i := range centres {
		if cap(f.nearest[i]) < len(values) {
			f.nearest[i] = make([]float64, len(values))
		}
		to[i] = f.nearest[i][:len(values)]
	}
	var n [event.MaxCentres]int
	for _, x := range values {
		key, place := ordered(x), uint64(len(centres)-1)
		for _, start := range starts[:len(centres)-1] {
			_, below := bits.Sub64(key, start, 0)
			place -= below
		}
		place %= event.MaxCentres
		to[place][n[place]] = x
		n[place]++
	}
	for i, centre := range centres {
		columns = f.addAbout(columns, c.Epoch, centre, to[i][:n[i]])
	}
	return columns
}

// ordered is an integer that is ordered as x is; NaN lies beyond the infinities.
func ordered(x float64) uint64 {
	b := math.Float64bits(x + 0) // no negative zero
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}
