package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// foldNumbers makes a profile of one numeric feature as the processor does:
// windows of 250 rows, which keep their values, merged.
func foldNumbers(values []float64, centre float64, limit int) *profile.Profile {
	f := profile.NewFolder(0)
	whole := &profile.Profile{}
	for chunk := range slices.Chunk(values, 250) {
		w := f.Open(false)
		b := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: len(chunk)}
		b.Time = make([]int64, len(chunk))
		b.Nums = []event.Num{{Name: "f", Values: chunk, Centre: centre, Epoch: 1}}
		f.Add(w, b, nil)
		whole.Merge(f.Close(w), limit)
	}
	return whole
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// Through profiles the distances of the Adult columns are those of the golden
// file: its numbers are whole and most have a cell of their own. Where they do
// not (fnlwgt), the bound that comes with the number holds.
func TestAdultThroughProfiles(t *testing.T) {
	var want goldenAdult
	golden(t, "adult_drift_golden.json", &want)
	cur, ref := adult(t)
	for name, w := range want.Numeric {
		c, r := floats(t, cur[name]), floats(t, ref[name])
		pc, pr := foldNumbers(c, median(r), profile.WindowExact), foldNumbers(r, median(r), profile.WindowExact)
		ks := Drift(pc, pr, DriftOptions{Method: MethodKS})[0]
		if math.Abs(ks.Value-w.KS) > ks.Bound+1e-12 || ks.Bound > 0.03 {
			t.Errorf("%s: ks %v, want %v within %v", name, ks.Value, w.KS, ks.Bound)
		}
		w1 := Drift(pc, pr, DriftOptions{Method: MethodWasserstein})[0]
		near(t, name+" wasserstein", w1.Value, w.Wasserstein, 2e-3)
		psi := Drift(pc, pr, DriftOptions{})[0]
		near(t, name+" psi", psi.Value, twosample.PSI(twosample.NewNumbers(c, r).Deciles()), 5e-2)
	}
}

// The stated bound holds on the shapes that grids find hard.
func TestKSBoundHolds(t *testing.T) {
	shapes := map[string]func(*rand.Rand) float64{
		"uniform":   func(r *rand.Rand) float64 { return r.Float64() },
		"normal":    func(r *rand.Rand) float64 { return r.NormFloat64() },
		"lognormal": func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) },
		"heavy":     func(r *rand.Rand) float64 { return math.Pow(r.Float64(), -1/1.1) },
		"bimodal":   func(r *rand.Rand) float64 { return float64(r.IntN(2))*20 + r.NormFloat64() },
		"discrete":  func(r *rand.Rand) float64 { return float64(r.IntN(7)) },
		"offset":    func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64() },
		"far mode":  func(r *rand.Rand) float64 { return float64(r.IntN(2))*1e6 + r.NormFloat64() },
	}
	for name, draw := range shapes {
		rng := rand.New(rand.NewPCG(5, 6))
		ref, cur := make([]float64, 12_000), make([]float64, 3_000)
		for i := range ref {
			ref[i] = draw(rng)
		}
		for i := range cur {
			cur[i] = draw(rng)
			if i%5 == 0 {
				cur[i] += math.Abs(cur[i]) * 1e-3
			}
		}
		exact := twosample.NewNumbers(cur, ref).KS()
		centre := median(ref)
		got := Drift(foldNumbers(cur, centre, profile.WindowExact), foldNumbers(ref, centre, profile.MergeExact), DriftOptions{Method: MethodKS})[0]
		if !(math.Abs(got.Value-exact) <= got.Bound+1e-12) {
			t.Errorf("%s: %v, exact %v, bound %v", name, got.Value, exact, got.Bound)
		}
	}
}

// Small profiles keep their values: everything is that of the plain slices.
func TestKeptValuesAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	ref, cur := make([]float64, 5000), make([]float64, 900)
	for i := range ref {
		ref[i] = rng.NormFloat64()
	}
	for i := range cur {
		cur[i] = rng.NormFloat64() + 0.5
	}
	pc, pr := foldNumbers(cur, 0, profile.MergeExact), foldNumbers(ref, 0, profile.MergeExact)
	x := twosample.NewNumbers(cur, ref)
	for method, want := range map[string]float64{
		MethodKS: x.KS(), MethodWasserstein: x.Wasserstein(), MethodPSI: twosample.PSI(x.Deciles()), MethodJS: twosample.JS(x.Deciles()),
	} {
		f := Drift(pc, pr, DriftOptions{Method: method})[0]
		near(t, method, f.Value, want, 1e-9)
		if f.Grade != Drifted || f.Bound != 0 || f.PValue == nil {
			t.Errorf("%s: %+v", method, f)
		}
	}
}

func TestDataQualityOfNumbers(t *testing.T) {
	ref := make([]float64, 200)
	for i := range ref {
		ref[i] = float64(i)
	}
	cur := []float64{-1, 0, 0.5, 100, 150, 199, 250, math.NaN(), math.Inf(1)}
	q := DataQuality(foldNumbers(cur, 100, profile.WindowExact), foldNumbers(ref, 100, profile.WindowExact))[0]
	if q.Kind != KindNumeric || q.Rows != 9 || q.NaN != 1 || q.Infinite != 1 || q.Missing != 1 || q.TypeErrors != 0 {
		t.Errorf("%+v", q)
	}
	// numpy.percentile(ref, [0.5, 99.5]) is [0.995, 198.005].
	if q.Outliers != 5 || q.OutOfRange != 2 || q.OutOfRangeRate != 2./7 || !q.Compared {
		t.Errorf("%d outliers, %d out of range of 7", q.Outliers, q.OutOfRange)
	}
	n := q.Number
	if n.N != 7 || n.Min != -1 || n.Max != 250 || n.QuantileError != 0 || n.Quantiles[3].Value != 100 {
		t.Errorf("%+v", n)
	}
	near(t, "mean", n.Mean, 698.5/7, 1e-12)
}

// A number in one row and a string in another: the reference says what it is.
func TestTypeErrors(t *testing.T) {
	cur := foldNumbers([]float64{1, 2, 3}, 0, profile.WindowExact)
	cur.Features["f"].Cat = &profile.Categories{N: 5, Counts: map[string]int64{"x": 5}}
	cur.Features["f"].Rows += 5
	ref := foldNumbers([]float64{1, 2, 3}, 0, profile.WindowExact)
	if q := DataQuality(cur, ref)[0]; q.Kind != KindNumeric || q.TypeErrors != 5 || q.Missing != 0 {
		t.Errorf("%+v", q)
	}
	if q := DataQuality(cur, nil)[0]; q.Kind != KindCategorical || q.TypeErrors != 3 {
		t.Errorf("%+v", q)
	}
}

// One feature-window from its profiles to its verdict.
func BenchmarkDrift(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	draw := func(n int, shift float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64() + shift
		}
		return v
	}
	ref := foldNumbers(draw(100_000, 0), 0, profile.MergeExact)
	cur := foldNumbers(draw(10_000, 0.1), 0, profile.WindowExact)
	for b.Loop() {
		Drift(cur, ref, DriftOptions{})
	}
}

// What a method says of a grid lies within its bound of what it says of the
// values; or it says that it needs them.
func TestBoundsHold(t *testing.T) {
	for _, s := range sketchShapes {
		rng := rand.New(rand.NewPCG(21, 22))
		ref, cur := make([]float64, 30_000), make([]float64, 12_000)
		for i := range ref {
			ref[i] = s.draw(rng, false)
		}
		for i := range cur {
			cur[i] = s.draw(rng, true)
		}
		centres := profile.ChooseCentres(ref[:1000])
		var r reader
		grid := r.numeric("f", foldAbout(cur, centres), foldAbout(ref, centres)).numbers
		checkBounds(t, s.name, grid, twosample.NewNumbers(cur, ref))
	}
}

func TestBoundsHoldForScores(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	var ref, cur []float64
	var refSet, curSet profile.ScoreSet
	for i := range 40_000 {
		v := rng.Float64() * rng.Float64() * rng.Float64()
		if i%4 == 0 {
			v = math.Sqrt(v)
			cur = append(cur, v)
			curSet.Add(v, 1)
		} else {
			ref = append(ref, v)
			refSet.Add(v, 1)
		}
	}
	var r reader
	grid := r.scores("score", &curSet, &refSet).numbers
	if grid.Exact() {
		t.Fatal("the scores are kept")
	}
	checkBounds(t, "scores", grid, twosample.NewNumbers(cur, ref))
}

func checkBounds(t *testing.T, name string, grid, values *twosample.Numbers) {
	t.Helper()
	for _, m := range twosample.Methods() {
		if !m.Numeric() || m.Name == "psi" || m.Name == "js" {
			continue // whose edges are the grid's own
		}
		got := m.Numbers(grid)
		if got.Reason != "" {
			if got.Reason != twosample.NeedsValues && got.Reason != twosample.TooManyRows && got.Reason != twosample.NoSpread {
				t.Errorf("%s %s: %s", name, m.Name, got.Reason)
			}
			continue
		}
		want := m.Numbers(values).Value
		if !(math.Abs(got.Value-want) <= got.Bound*(1+1e-9)+1e-8*math.Abs(want)+1e-12) {
			t.Errorf("%s %s: %v, want %v within %v", name, m.Name, got.Value, want, got.Bound)
		}
		t.Logf("%s %s: %.6g, off by %.2g, bound %.2g", name, m.Name, got.Value, math.Abs(got.Value-want), got.Bound)
	}
}

// A monitor on Spark tells a KS of 0.668 for a column of two values whose exact
// one is 0.0262; on the grid it is the difference of the shares.
func TestKSOfTwoValues(t *testing.T) {
	column := func(n, ones int) *profile.Profile {
		v := make([]float64, n)
		for i := range ones {
			v[i] = 1
		}
		return foldNumbers(v, 0, profile.WindowExact)
	}
	f := Drift(column(20_000, 6524), column(50_000, 15_000), DriftOptions{Method: MethodKS})[0]
	if math.Abs(f.Value-0.0262) > 1e-15 || f.Bound != 0 {
		t.Errorf("%+v", f)
	}
}
