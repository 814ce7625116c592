package twosample

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// within fails when got is not within tol of want.
func within(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: %.9g, want %v", what, got, want)
	}
}

func repeat(values []float64, counts ...int) (out []float64) {
	for i, n := range counts {
		out = append(out, slices.Repeat(values[i:i+1], n)...)
	}
	return out
}

func categories(cur, ref []int64) *Categories { return NewCategories(named(cur, ref)) }

// The numbers of Evidently's own tests (tests/stattests/test_stattests.py and
// others), to the digits that they print.
func TestEvidentlyPublished(t *testing.T) {
	run := func(name string, cur, ref []int64) Result {
		m := method(t, name)
		return m.Categories(categories(cur, ref))
	}
	six, then := []int64{16, 16, 16, 16, 16, 8}, []int64{16, 18, 16, 14, 12, 12}
	twice := []int64{32, 36, 32, 28, 24, 24}
	within(t, "chisquare", run("chi2@evidently", six, then).P, 0.67309, 1e-5)
	within(t, "chisquare, ref doubled", run("chi2@evidently", six, twice).P, 0.67309, 1e-5)
	within(t, "hellinger", run("hellinger@evidently", six, then).Value, 0.06812, 1e-5)
	within(t, "hellinger, ref doubled", run("hellinger@evidently", six, twice).Value, 0.06812, 1e-5)
	within(t, "psi", run("psi@evidently", []int64{1, 1, 1}, []int64{0, 2, 1}).Value, 2.93, 0.01)
	within(t, "z", run("z@evidently", []int64{2, 1}, []int64{2, 2}).P, 0.66, 0.01)
	within(t, "g", run("g@evidently", []int64{4, 6, 8}, []int64{5, 5, 8}).P, 0.8176, 1e-3)
	for i, c := range []struct{ cur, ref []int64 }{
		{[]int64{30, 60}, []int64{45, 45}}, {[]int64{6, 0}, []int64{3, 3}}, {[]int64{6, 0}, []int64{6, 0}},
		{[]int64{2, 4}, []int64{2, 4}}, {[]int64{0, 6}, []int64{6, 0}}, {[]int64{60, 90}, []int64{90, 60}},
	} {
		within(t, "fisher", run("fisher", c.cur, c.ref).P, []float64{0.033, 0.181, 1, 1, 0.0021, 0.00078}[i], 1e-3)
	}
	within(t, "tvd p by permutation", tvdPermutation(six, then), 0.928, 1e-3)
	within(t, "sigma of the median", MedianSigma([]float64{0, 1, 2}, 1), 0.7071067811865476, 1e-9)

	numbers := func(name string, cur, ref []float64) Result {
		m := method(t, name)
		return m.Numbers(NewNumbers(cur, ref))
	}
	a := []float64{38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0}
	b := []float64{39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8}
	within(t, "anderson", numbers("anderson", b, a).P, 0.0635, 1e-3)
	within(t, "t_test", numbers("t_test@student", b, a).P, 0.084, 1e-3)
	shifted := make([]float64, len(a))
	for i := range a {
		shifted[i] = a[i] + 5
	}
	within(t, "energy", numbers("energy", shifted, a).Value, 1.9, 0.1)
	within(t, "energy of the same", numbers("energy", a, a).Value, 0, 1e-5)
	within(t, "cramer_von_mises", numbers("cvm", newMT(1).normals(100, 0, 1), newMT(0).normals(100, 0, 1)).P, 0.8076839, 1e-6)
	values := []float64{1, 2, 3, 4, 5, 6}
	cur, ref := repeat(values, 16, 16, 16, 16, 16, 8), repeat(values, 16, 18, 16, 14, 12, 12)
	within(t, "mannwhitney, less", numbers("mannwhitney@evidently", cur, ref).P, 0.481, 0.01)
	within(t, "epps_singleton", numbers("epps_singleton", cur, ref).P, 0.81, 0.01)
}

// tvdPermutation is Evidently's p-value: 1,000 permutations from seed 0.
func tvdPermutation(cur, ref []int64) float64 {
	var all []int
	for side, counts := range [][]int64{ref, cur} {
		_ = side
		for i, n := range counts {
			all = append(all, slices.Repeat([]int{i}, int(n))...)
		}
	}
	var n, m int64
	for i := range cur {
		n, m = n+cur[i], m+ref[i]
	}
	observed := TotalVariation(named(cur, ref))
	r := newMT(0)
	reach := 0
	for range 1000 {
		a, b := make([]int64, len(cur)), make([]int64, len(cur))
		for i, at := range r.permutation(len(all)) {
			if int64(i) < m {
				b[all[at]]++
			} else {
				a[all[at]]++
			}
		}
		if TotalVariation(named(a, b)) >= observed { // as floats: theirs breaks ties by rounding, too
			reach++
		}
	}
	return float64(reach) / 1000
}

// Deepchecks' own tests (tests/utils/drift_test.py).
func TestDeepchecksPublished(t *testing.T) {
	var a, b []float64
	for i := range 100 {
		a, b = append(a, float64(i)), append(b, float64(i+50))
	}
	within(t, "emd", TrimmedEMD(NewNumbers(b, a), 0).Value, 0.3333, 0.01)
	within(t, "emd of ones and zeros", TrimmedEMD(NewNumbers(repeat([]float64{0}, 100), repeat([]float64{10}, 100)), 0).Value, 1, 0)
	x := NewNumbers(repeat([]float64{0, 1}, 99, 1), repeat([]float64{10, 100}, 99, 1))
	within(t, "emd without its margins", TrimmedEMD(x, 0.01).Value, 1, 1e-12)
	for _, c := range []struct {
		cur, ref []int64
		want     float64
	}{
		{[]int64{400, 600}, []int64{200, 800}, 0.21},
		{[]int64{1000}, []int64{1000}, 0},
		{[]int64{0, 1000}, []int64{1000, 0}, 1},
		{[]int64{400, 600, 0}, []int64{200, 800, 100}, 0.3},
		{[]int64{400, 620, 0, 0}, []int64{200, 800, 10, 10}, 0.228},
		{[]int64{400, 620}, []int64{200, 800}, 0.208}, // min_category_ratio 0.1 drops the rare ones
	} {
		within(t, "cramers_v", CramersV(named(c.cur, c.ref)), c.want, 0.01)
	}
	for _, c := range []struct {
		cur  []int64
		want float64
	}{{[]int64{10_000, 0}, 0.56}, {[]int64{1000, 0}, 0.45}, {[]int64{100, 0}, 0.14}} {
		within(t, "balanced", BalancedV(named(c.cur, []int64{9900, 100})), c.want, 0.01)
	}
}

// Phoenix's PSI (tests/unit/metrics/test_scalar_drift.py): the reference is
// -1, 0, 1, 2, 3, a null and an empty string; the test is the numbers below i.
// What is no number has a bin of its own.
func TestPhoenixPublished(t *testing.T) {
	ref := []float64{-1, 0, 1, 2, 3}
	cut := func(edges []float64, values []float64, upper bool) []int64 {
		out := make([]int64, len(edges)+1)
		for _, v := range values {
			i := 0
			for i < len(edges) && (edges[i] < v || upper && edges[i] == v) {
				i++
			}
			out[i]++
		}
		return out
	}
	psi := func(cur, ref []int64, missing int64) float64 {
		return SmoothedPSI(named(append(cur, 0), append(ref, missing)), 1)
	}
	for i := range 6 {
		var test []float64
		for v := range i {
			test = append(test, float64(v))
		}
		// Each value for itself; 4 is a value that the reference never had.
		cats := func(v []float64) []int64 {
			out := make([]int64, 6)
			for _, x := range v {
				out[int(x)+1]++
			}
			return out
		}
		bins := named(append(cats(test), 0, 0), append(cats(ref), 1, 1))
		within(t, "categorical", SmoothedPSI(bins, 1), []float64{0, 0.0743, 0.11, 0.1188, 0.108, 0.1777}[i], 5e-5)
		within(t, "intervals", psi(cut([]float64{1, 2}, test, true), cut([]float64{1, 2}, ref, true), 2),
			[]float64{0.0276, 0.0956, 0.2085, 0.1321, 0.1715, 0.2474}[i], 5e-5)
		quartiles := []float64{0, 1, 2}
		within(t, "quantiles", psi(cut(quartiles, test, true), cut(quartiles, ref, true), 2),
			[]float64{0.0405, 0.1831, 0.2519, 0.1662, 0.1911, 0.2542}[i], 5e-5)
	}
}

// NannyML's unit tests (tests/drift/test_univariate_drift_methods.py), from
// numpy's seed 1.
func TestNannyMLPublished(t *testing.T) {
	numbers := func(name string, cur, ref []float64) float64 {
		m := method(t, name)
		return m.Numbers(NewNumbers(cur, ref)).Value
	}
	round := func(v float64) float64 { return math.Round(v*100) / 100 }
	r := newMT(1)
	ref := r.normals(10_000, 0, 1)
	within(t, "js, continuous", round(numbers("js@nannyml", r.normals(1000, 0, 1), ref)), 0.05, 1e-9)
	r = newMT(1)
	ref = r.choices(10_000, []float64{0, 0.4, 0.8, 1.2, 1.6, 2})
	within(t, "js, of itself", numbers("js@nannyml", ref, ref), 0, 0)
	few := r.choices(1000, []float64{0, 1, 2})
	within(t, "js, quasi-continuous", round(numbers("js@nannyml", few, ref)), 0.73, 1e-9)
	within(t, "hellinger, quasi-continuous", round(numbers("hellinger@nannyml", few, ref)), 0.72, 1e-9)
	r = newMT(1)
	count := func(n, lack int) []int64 {
		out := make([]int64, 5)
		for range n {
			if k := int(r.below(3)); k == lack {
				out[4]++
			} else {
				out[k]++
			}
		}
		return out
	}
	before := count(10_000, -1)
	m := method(t, "js@nannyml")
	within(t, "js, categorical", round(m.Categories(categories(count(1000, 3), before)).Value), 0.5, 1e-9)
	linf := method(t, "linf@nannyml")
	within(t, "l_infinity", round(linf.Categories(categories([]int64{2, 2, 2, 1}, []int64{2, 2, 2, 0})).Value), 0.14, 1e-9)
	within(t, "l_infinity, total change", round(linf.Categories(categories([]int64{0, 5, 0}, []int64{2, 2, 2})).Value), 0.67, 1e-9)
	r = newMT(1)
	ref = r.normals(10_000, 0, 1)
	within(t, "wasserstein", round(numbers("wasserstein", r.normals(1000, 1, 1), ref)), 1.01, 1e-9)
	r = newMT(1)
	ref = r.normals(10_000, 0, 1)
	within(t, "hellinger, small drift", round(numbers("hellinger@nannyml", r.normals(10_000, -2, 1), ref)), 0.63, 1e-9)
}

// Frouros' integration tests (frouros/tests/integration/test_data_drift.py):
// 100 normal numbers about 1 and about 5, both from numpy's seed 31.
func TestFrourosPublished(t *testing.T) {
	ref, cur := newMT(31).normals(100, 1, 1), newMT(31).normals(100, 5, 2)
	x := NewNumbers(cur, ref)
	within(t, "emd", x.Wasserstein(), 3.85346006, 1e-8)
	within(t, "energy", Energy(x).Value, 2.11059982, 1e-8)
	lo, hi := x.span(either)
	slots := x.Slots(even(lo, hi, 10))
	h := nannymlHellinger(slots, x.N, x.M).Value
	within(t, "hellinger", h, 0.74509099, 1e-8)
	const epsilon = 0x1p-52 // theirs adds it to each share
	affine, _ := terms(slots, 100, 100, func(p, q float64) float64 { return math.Sqrt((p + epsilon) * (q + epsilon)) })
	within(t, "bhattacharyya", -math.Log(affine), 0.810041883, 1e-8)
	psi, _ := terms(slots, 100, 100, func(p, q float64) float64 {
		const tiny = 0x1p-1022
		p, q = max(p, tiny), max(q, tiny)
		return (p - q) * math.Log(p/q)
	})
	within(t, "psi", psi, 461.20379435, 1e-6)
	c := method(t, "chi2")
	r := c.Categories(categories([]int64{1, 1, 4}, []int64{4, 2, 0}))
	within(t, "chi2", r.Value, 6.13333333, 1e-8)
	within(t, "chi2 p", r.P, 0.04657615, 1e-8)

	// Its rows of two numbers, and its JS over the shares that its interpolated
	// histograms give, as numpy printed them.
	var file struct {
		X, Y []float64
		P    []float64 `json:"js_p"`
		Q    []float64 `json:"js_q"`
	}
	b, err := os.ReadFile("../../../test/parity/expected/twosample_frouros.json")
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	within(t, "mmd", MMD(file.X, file.Y, 2, 1), 0.10163633, 1e-8)
	js := make([]Slot, len(file.P))
	for i := range js {
		js[i] = Slot{Cur: Mass{N: file.Q[i]}, Ref: Mass{N: file.P[i]}}
	}
	within(t, "js", EvidentlyJS(js).Value, 0.67010107, 1e-8)
}
