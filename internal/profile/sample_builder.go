package profile

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// SampleBuilder gathers rows for a sample at the price of an append a value.
// The zero value is ready. Not safe for concurrent use.
type SampleBuilder struct {
	of        int64
	hashes    []uint64
	predicted []float64
	nums      []builtNumbers
	cats      []builtStrings
}

// builtNumbers is a column that may lag behind the rows; what it lacks is
// missing.
type builtNumbers struct {
	name   string
	values []float64
}

type builtStrings struct {
	name   string
	values []string
	known  map[string]string // own copies of the strings
}

// maxSampleText bounds what a sample keeps of one string.
const maxSampleText = 256

// Add adds rows of a batch with the hashes of their ids; of counts the rows
// that these were chosen from. It keeps nothing of the batch's memory.
func (s *SampleBuilder) Add(b *event.Batch, rows []int32, hashes []uint64, of int) {
	s.of += int64(of)
	if len(rows) == 0 {
		return
	}
	first := len(s.hashes)
	s.hashes = append(s.hashes, hashes...)
	predicted := &b.Score
	if b.PredValue.Present() {
		predicted = &b.PredValue
	}
	s.predicted = appendNumbers(s.predicted, predicted, rows)
	at := 0
	for i := range b.Nums {
		if c := &b.Nums[i]; c.Present() {
			col := s.numbers(c.Name, at)
			if len(col.values) <= first { // else two columns of one name
				col.values = appendNumbers(padNumbers(col.values, first), c, rows)
			}
			at++
		}
	}
	at = 0
	for i := range b.Cats {
		if c := &b.Cats[i]; c.Present() {
			col := s.strings(c.Name, at)
			if len(col.values) <= first {
				col.values = padStrings(col.values, first)
				col.add(c, rows)
			}
			at++
		}
	}
	if len(s.hashes) >= 2*SampleRows {
		s.compact()
	}
}

// numbers finds a column; at is where it most often is.
func (s *SampleBuilder) numbers(name string, at int) *builtNumbers {
	if at >= len(s.nums) || s.nums[at].name != name {
		at = slices.IndexFunc(s.nums, func(c builtNumbers) bool { return c.name == name })
	}
	if at < 0 {
		at = len(s.nums)
		s.nums = append(s.nums, builtNumbers{name: strings.Clone(name)})
	}
	return &s.nums[at]
}

func (s *SampleBuilder) strings(name string, at int) *builtStrings {
	if at >= len(s.cats) || s.cats[at].name != name {
		at = slices.IndexFunc(s.cats, func(c builtStrings) bool { return c.name == name })
	}
	if at < 0 {
		at = len(s.cats)
		s.cats = append(s.cats, builtStrings{name: strings.Clone(name), known: map[string]string{}})
	}
	return &s.cats[at]
}

func appendNumbers(to []float64, c *event.Num, rows []int32) []float64 {
	for _, r := range rows {
		v := math.NaN()
		if !c.Null(int(r)) {
			v = c.Values[r]
		}
		to = append(to, v)
	}
	return to
}

func (c *builtStrings) add(from *event.Dict, rows []int32) {
	for _, r := range rows {
		v, _ := from.At(int(r))
		v = v[:min(len(v), maxSampleText)]
		own, ok := c.known[v]
		if !ok {
			own = strings.Clone(v)
			c.known[own] = own
		}
		c.values = append(c.values, own)
	}
}

func padNumbers(values []float64, n int) []float64 {
	for len(values) < n {
		values = append(values, math.NaN())
	}
	return values
}

func padStrings(values []string, n int) []string {
	for len(values) < n {
		values = append(values, "")
	}
	return values
}

// compact keeps the rows that a sample of these would.
func (s *SampleBuilder) compact() {
	kept := s.Sample()
	*s = SampleBuilder{of: kept.Of, hashes: kept.Hashes, predicted: kept.Predicted}
	for _, c := range kept.Nums {
		s.nums = append(s.nums, builtNumbers{c.Name, c.Values})
	}
	for _, c := range kept.Cats {
		s.cats = append(s.cats, builtStrings{c.Name, c.Values, map[string]string{}})
	}
}

// Sample is the sample of the rows so far.
func (s *SampleBuilder) Sample() *Sample {
	order := make([]int, len(s.hashes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(s.hashes[i], s.hashes[j]) })
	order = slices.CompactFunc(order, func(i, j int) bool { return s.hashes[i] == s.hashes[j] })
	order = order[:min(len(order), SampleRows)]
	out := &Sample{Of: s.of, Hashes: inOrder(s.hashes, order), Predicted: inOrder(s.predicted, order)}
	for _, c := range s.nums {
		out.Nums = append(out.Nums, SampleNumbers{c.name, inOrder(padNumbers(c.values, len(s.hashes)), order)})
	}
	for _, c := range s.cats {
		out.Cats = append(out.Cats, SampleStrings{c.name, inOrder(padStrings(c.values, len(s.hashes)), order)})
	}
	slices.SortFunc(out.Nums, func(a, b SampleNumbers) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Cats, func(a, b SampleStrings) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func inOrder[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for i, at := range order {
		out[i] = values[at]
	}
	return out
}
