package profile

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// modes is a column of three narrow modes far apart, with odd values.
func modes(n int, seed uint64) []float64 {
	r := random(seed)
	out := make([]float64, n)
	for i := range out {
		out[i] = [3]float64{-1e6, 3, 5e8}[r.IntN(3)] + r.NormFloat64()
		if r.IntN(50) == 0 {
			out[i] = [3]float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)]
		}
	}
	return out
}

func TestChooseCentres(t *testing.T) {
	if c := ChooseCentres(modes(1000, 1)); len(c) != 3 || !slices.IsSorted(c) {
		t.Errorf("three modes have centres %v", c)
	}
	for _, s := range shapes {
		want := 1
		if s.name == "two modes" {
			want = 2
		}
		for seed := range uint64(5) {
			if c := ChooseCentres(s.draw(1000, seed)); len(c) != want {
				t.Errorf("%s: centres %v", s.name, c)
			}
		}
	}
	for _, odd := range [][]float64{nil, {math.NaN()}, {7}, {1e308, -1e308, 1e308, -1e308}} {
		if c := ChooseCentres(odd); len(c) != 1 || !finite(c[0]) {
			t.Errorf("%v: centres %v", odd, c)
		}
	}
	// However many places a column has, the grid has at most so many centres.
	many := make([]float64, 4000)
	for i := range many {
		many[i] = math.Pow(10, float64(i%20)) * (1 + float64(i)/1e9)
	}
	if c := ChooseCentres(many); len(c) > event.MaxCentres || !slices.IsSorted(c) {
		t.Errorf("%d centres", len(c))
	}
}

func TestNearest(t *testing.T) {
	centres := []float64{-math.MaxFloat64, 0, 10, math.MaxFloat64}
	for x, want := range map[float64]int{math.Inf(-1): 0, -1e300: 1, 0: 1, 4.999: 1, 5: 2, 10: 2, math.Inf(1): 3} {
		if got := nearestOf(centres, x); got != want {
			t.Errorf("%v belongs to centre %d, want %d", x, got, want)
		}
		lo, hi := reach(centres, want)
		if x < lo || x >= hi && want != 3 {
			t.Errorf("%v is out of reach of centre %d: %v to %v", x, want, lo, hi)
		}
	}
}

// The fold finds the same centres as the reader does, at their borders too.
func TestFoldFindsTheNearest(t *testing.T) {
	centres := []float64{-1e9, -2, 2, 7, 1e300}
	values := []float64{math.Copysign(0, -1), 0, math.Nextafter(0, -1), 4.5, math.Nextafter(4.5, 0), -1e308, 1e308, 5e299, math.NaN(), math.Inf(1), math.Inf(-1)}
	r := random(3)
	for range 1000 {
		values = append(values, math.Float64frombits(r.Uint64()))
	}
	x := numericOf(values, 1, centres...)
	got := map[float64]int64{}
	for i := range x.parts {
		got[x.parts[i].centre] = x.parts[i].n()
	}
	want := map[float64]int64{}
	for _, v := range onlyFinite(values) {
		want[centres[nearestOf(centres, v)]]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("values by centre: %v, want %v", got, want)
	}
}

// The laws of merging hold for a grid of several centres too.
func TestMergeOfSeveralCentres(t *testing.T) {
	values := modes(20_000, 2)
	centres := ChooseCentres(values[:1000])
	of := func(v []float64) *Profile {
		return &Profile{Features: map[string]*Feature{"x": {Rows: int64(len(v)), Num: numericOf(v, 1, centres...)}}}
	}
	for _, n := range []int{200, 3000, 20_000} {
		want := of(values[:n])
		for seed := range uint64(4) {
			r := random(seed)
			var leaves []*Profile
			for from := 0; from < n; {
				to := min(n, from+1+r.IntN(1+n/3))
				leaves = append(leaves, of(values[from:to]))
				from = to
			}
			got := mergeAll(r, append(leaves, &Profile{}), WindowExact)
			if !bytes.Equal(bare(t, got), bare(t, want)) {
				t.Fatalf("%d rows in %d parts: merged and folded at once differ", n, len(leaves))
			}
			sameMoments(t, got, want)
		}
	}
}

func TestPairsOfSeveralCentres(t *testing.T) {
	centres := ChooseCentres(modes(1000, 3))
	clean := func(n int, seed uint64, shift float64) []float64 {
		v := onlyFinite(modes(n, seed))
		for i := range v {
			v[i] += shift
		}
		return v
	}
	for _, sizes := range [][2]int{{100, 200}, {200, 9000}, {9000, 150}, {9000, 20_000}} {
		for _, shift := range []float64{0, 0.3} {
			a, b := clean(sizes[0], 4, 0), clean(sizes[1], 5, shift)
			x, y := numericOf(a, 1, centres...), numericOf(b, 1, centres...)
			got, want := ksOf(x, y), exactKS(a, b)
			if allow := max(x.QuantileError(), y.QuantileError()); math.Abs(got-want) > allow+1e-12 || allow > 0.02 {
				t.Errorf("%v by %v: KS %v, want %v within %v", sizes, shift, got, want, allow)
			}
		}
	}
	// One side saw only one of the places.
	a, b := clean(20_000, 6, 0), random(7)
	low := make([]float64, 5000)
	for i := range low {
		low[i] = 3 + b.NormFloat64()
	}
	x, y := numericOf(a, 1, centres...), numericOf(low, 1, centres...)
	for _, pair := range [][2]*Numeric{{x, y}, {y, x}} {
		if got, want := ksOf(pair[0], pair[1]), exactKS(a, low); math.Abs(got-want) > 0.005 {
			t.Errorf("one place of three: KS %v, want %v", got, want)
		}
	}
}

// A column that crowds in more places than its first values showed: the error
// is told in one epoch, and gone in the next.
func TestCentresOfTwoEpochs(t *testing.T) {
	values := onlyFinite(modes(30_000, 8))
	x := numericOf(values[:10_000], 1, 3)
	if x.QuantileError() < 0.3 {
		t.Errorf("one centre of three: told %v", x.QuantileError())
	}
	for _, n := range []int{150, 5000} {
		y := numericOf(values[10_000:10_000+n], 2, ChooseCentres(values[:1000])...)
		both := &Numeric{}
		both.Merge(x, MergeExact)
		both.Merge(y, MergeExact)
		all := slices.Clone(values[:10_000+n])
		slices.Sort(all)
		for i := range 101 {
			q := float64(i) / 100
			if got := rankError64(all, both.Quantile(q), q); got > both.QuantileError()+1e-4 {
				t.Errorf("%d rows in the next epoch, quantile %v: rank error %v, told %v", n, q, got, both.QuantileError())
			}
		}
	}
	if y := numericOf(values[10_000:], 2, ChooseCentres(values[:1000])...); y.QuantileError() > 0.005 {
		t.Errorf("three centres of three: told %v", y.QuantileError())
	}
}

func TestOnGridOfSeveralCentres(t *testing.T) {
	values := onlyFinite(modes(20_000, 9))
	centres := ChooseCentres(values[:1000])
	want := numericOf(values, 1, centres...)
	slices.Sort(values)
	got := ExactNumeric(values, 0, 0, 0).OnGrid(centres...)
	for i := range want.parts {
		if !slices.Equal(got.parts[i].cells, want.parts[i].cells) || got.parts[i].integral != want.parts[i].integral {
			t.Errorf("the cells about %v differ from those of the fold", centres[i])
		}
	}
}
