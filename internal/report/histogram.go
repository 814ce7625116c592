package report

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

const (
	bins          = 30 // of a picture, about
	topCategories = 12 // listed by name
	farTail       = 3  // times the central 99 %: what lies beyond is only counted
)

// draw counts what the picture shows.
func (c *compared) draw(ref, cur *profile.Feature) {
	if c.column.Kind == measure.KindCategorical {
		c.column.Categories = categories(names(ref), names(cur))
		return
	}
	c.column.Histogram = histogram(kept(ref), kept(cur))
}

func kept(f *profile.Feature) []float64 {
	if f.Num == nil {
		return nil
	}
	values, _ := f.Num.Exact()
	return values
}

func names(f *profile.Feature) *profile.Categories {
	if f.Cat == nil {
		return &profile.Categories{}
	}
	return f.Cat
}

// categories lists the most frequent of both sides together.
func categories(ref, cur *profile.Categories) []Category {
	all := make([]Category, 0, len(ref.Counts)+len(cur.Counts))
	for name, n := range ref.Counts {
		all = append(all, Category{Name: name, Reference: n, Current: cur.Counts[name]})
	}
	for name, n := range cur.Counts {
		if _, both := ref.Counts[name]; !both {
			all = append(all, Category{Name: name, Current: n})
		}
	}
	share := func(c Category) float64 {
		return float64(c.Reference)/max(1, float64(ref.N)) + float64(c.Current)/max(1, float64(cur.N))
	}
	slices.SortFunc(all, func(a, b Category) int {
		return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(a.Name, b.Name))
	})
	rest := Category{Rest: true, Reference: ref.N, Current: cur.N}
	all = all[:min(len(all), topCategories)]
	for _, c := range all {
		rest.Reference -= c.Reference
		rest.Current -= c.Current
	}
	if rest.Reference+rest.Current > 0 {
		all = append(all, rest)
	}
	return all
}

// histogram counts ascending values in bins that both share.
func histogram(ref, cur []float64) *Histogram {
	lo, hi, ok := bounds(ref, cur)
	if !ok {
		return nil
	}
	edges := edgesOf(lo, hi, whole(ref) && whole(cur))
	h := &Histogram{Edges: edges}
	h.Reference, h.Below[0], h.Above[0] = countIn(ref, edges)
	h.Current, h.Below[1], h.Above[1] = countIn(cur, edges)
	return h
}

// bounds are the extremes of both, without tails that would squeeze the rest
// into a few bins.
func bounds(ref, cur []float64) (lo, hi float64, ok bool) {
	lo, hi = math.Inf(1), math.Inf(-1)
	coreLo, coreHi := lo, hi
	for _, s := range [][]float64{ref, cur} {
		if n := len(s); n > 0 {
			lo, hi = min(lo, s[0]), max(hi, s[n-1])
			coreLo, coreHi = min(coreLo, s[n/200]), max(coreHi, s[n-1-n/200])
		}
	}
	if width := coreHi - coreLo; width > 0 && hi-lo > farTail*width {
		lo, hi = max(lo, coreLo-width/4), min(hi, coreHi+width/4)
	}
	return lo, hi, lo <= hi
}

func whole(values []float64) bool {
	for _, v := range values {
		if v != math.Trunc(v) {
			return false
		}
	}
	return true
}

func edgesOf(lo, hi float64, whole bool) []float64 {
	if whole && hi-lo <= bins+10 {
		var edges []float64
		for e := lo - 0.5; e <= hi+0.5; e++ {
			edges = append(edges, e)
		}
		return edges
	}
	if !(hi-lo > 0) {
		half := max(math.Abs(lo)/100, 0.5)
		return []float64{lo - half, lo + half}
	}
	step := niceStep((hi - lo) / bins)
	if whole {
		step = max(1, math.Round(step))
	}
	if !(step > 0) || math.IsInf(hi+step-lo, 0) || math.IsInf(lo-step, 0) || lo+step == lo || hi-step == hi {
		return []float64{lo, hi} // too narrow, or too wide, for float64
	}
	first := math.Floor(lo / step)
	n := int(math.Ceil(hi/step) - first)
	edges := make([]float64, 0, n+1)
	for i := range n + 1 {
		edges = append(edges, (first+float64(i))*step)
	}
	return edges
}

// niceStep is the least of 1, 2, 2.5 and 5 times a power of ten that is at
// least v.
func niceStep(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 2, 2.5, 5} {
		if k*p >= v {
			return k * p
		}
	}
	return 10 * p
}

// countIn counts ascending values between edges.
func countIn(values, edges []float64) (counts []int64, below, above int64) {
	counts = make([]int64, len(edges)-1)
	at := sort.SearchFloat64s(values, edges[0])
	below = int64(at)
	for i, e := range edges[1:] {
		end := at + sort.Search(len(values)-at, func(k int) bool { return values[at+k] > e })
		counts[i] = int64(end - at)
		at = end
	}
	return counts, below, int64(len(values) - at)
}
