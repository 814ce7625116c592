package profile

import (
	"maps"
	"math"
	"slices"
)

// SampleRows is how many rows a sample keeps.
const SampleRows = 2000

// Sample is whole rows, those with the least hash of their id, for what columns
// do together. Any part of the rows keeps its least too, so a merge gives the
// same sample in any order.
type Sample struct {
	Of     int64 // rows that it was drawn from
	Hashes []uint64
	Nums   []SampleNumbers // by name
	Cats   []SampleStrings // by name
	// Predicted is the score or, of a regression, the predicted value; NaN where
	// there is none.
	Predicted []float64
}

// SampleNumbers is a numeric feature; NaN is missing.
type SampleNumbers struct {
	Name   string
	Values []float64
}

// SampleStrings is a categorical feature; "" is missing.
type SampleStrings struct {
	Name   string
	Values []string
}

// Rows is how many rows are kept.
func (s *Sample) Rows() int { return len(s.Hashes) }

// Below is the hash from which on a row cannot come into the sample.
func (s *Sample) Below() uint64 {
	if len(s.Hashes) < SampleRows {
		return math.MaxUint64
	}
	return s.Hashes[SampleRows-1]
}

// Merge adds o to s; o is unchanged. Rows of the same hash are one row.
func (s *Sample) Merge(o *Sample) {
	picks := pick(s.Hashes, o.Hashes)
	s.Of += o.Of
	s.Predicted = pickNumbers(picks, s.Predicted, o.Predicted)
	s.Nums = mergeColumns(s.Nums, o.Nums, func(c SampleNumbers) string { return c.Name },
		func(name string, mine, theirs SampleNumbers) SampleNumbers {
			return SampleNumbers{name, pickNumbers(picks, mine.Values, theirs.Values)}
		})
	s.Cats = mergeColumns(s.Cats, o.Cats, func(c SampleStrings) string { return c.Name },
		func(name string, mine, theirs SampleStrings) SampleStrings {
			return SampleStrings{name, pickStrings(picks, mine.Values, theirs.Values)}
		})
	hashes := make([]uint64, len(picks))
	for i, p := range picks {
		hashes[i] = p.of(s.Hashes, o.Hashes)
	}
	s.Hashes = hashes
}

// rowPick is a row of one of two samples.
type rowPick struct {
	row    int32
	theirs bool
}

func (p rowPick) of(mine, theirs []uint64) uint64 {
	if p.theirs {
		return theirs[p.row]
	}
	return mine[p.row]
}

// pick is the least hashes of both, ascending.
func pick(mine, theirs []uint64) []rowPick {
	out := make([]rowPick, 0, min(len(mine)+len(theirs), SampleRows))
	i, j := 0, 0
	for len(out) < SampleRows && (i < len(mine) || j < len(theirs)) {
		switch {
		case j == len(theirs) || i < len(mine) && mine[i] <= theirs[j]:
			if j < len(theirs) && mine[i] == theirs[j] {
				j++
			}
			out = append(out, rowPick{int32(i), false})
			i++
		default:
			out = append(out, rowPick{int32(j), true})
			j++
		}
	}
	return out
}

// pickNumbers takes the picked rows; a side without the column is missing.
func pickNumbers(picks []rowPick, mine, theirs []float64) []float64 {
	out := make([]float64, len(picks))
	for i, p := range picks {
		from := mine
		if p.theirs {
			from = theirs
		}
		out[i] = math.NaN()
		if from != nil {
			out[i] = from[p.row]
		}
	}
	return out
}

func pickStrings(picks []rowPick, mine, theirs []string) []string {
	out := make([]string, len(picks))
	for i, p := range picks {
		from := mine
		if p.theirs {
			from = theirs
		}
		if from != nil {
			out[i] = from[p.row]
		}
	}
	return out
}

// mergeColumns pairs columns by name; a column that one side lacks comes as its
// zero value.
func mergeColumns[C any](mine, theirs []C, name func(C) string, join func(name string, mine, theirs C) C) []C {
	all := map[string][2]*C{}
	for side, cols := range [2][]C{mine, theirs} {
		for i := range cols {
			n := name(cols[i])
			both := all[n]
			both[side] = &cols[i]
			all[n] = both
		}
	}
	out := make([]C, 0, len(all))
	for _, n := range slices.Sorted(maps.Keys(all)) {
		var pair [2]C
		for side, c := range all[n] {
			if c != nil {
				pair[side] = *c
			}
		}
		out = append(out, join(n, pair[0], pair[1]))
	}
	return out
}

// SampleSum adds samples up two by two, the equally large ones together: to
// merge thousands of small ones into one growing sum would go over that sum
// again each time. It owns what it is given. The zero value is ready.
type SampleSum struct{ open []*Sample }

// Add adds one sample.
func (s *SampleSum) Add(sample *Sample) {
	s.open = append(s.open, sample)
	for n := len(s.open); n > 1 && s.open[n-2].Rows() <= 2*s.open[n-1].Rows(); n-- {
		s.join()
	}
}

// join adds the last to the one before it.
func (s *SampleSum) join() {
	n := len(s.open)
	s.open[n-2].Merge(s.open[n-1])
	s.open = s.open[:n-1]
}

// Total is the sum, empty when nothing was added; s is empty afterwards.
func (s *SampleSum) Total() *Sample {
	if len(s.open) == 0 {
		return &Sample{}
	}
	for len(s.open) > 1 {
		s.join()
	}
	total := s.open[0]
	s.open = nil
	return total
}

// Clone shares no memory with s.
func (s *Sample) Clone() *Sample {
	c := &Sample{}
	c.Merge(s)
	return c
}
