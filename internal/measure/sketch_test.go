package measure

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// sketchShapes are what the numbers of a grid are held to; draw gives one value
// of the reference, or one of production, which has moved a little.
var sketchShapes = []struct {
	name string
	draw func(r *rand.Rand, moved bool) float64
}{
	{"uniform", func(r *rand.Rand, moved bool) float64 { return r.Float64() * when(moved, 1.05) }},
	{"normal", func(r *rand.Rand, moved bool) float64 { return r.NormFloat64() + when(moved, 1.1) - 1 }},
	{"log-normal", func(r *rand.Rand, moved bool) float64 { return math.Exp(r.NormFloat64()) * when(moved, 1.1) }},
	{"pareto", func(r *rand.Rand, moved bool) float64 { return math.Pow(r.Float64(), -when(moved, 1.1)/1.1) }},
	{"cauchy", func(r *rand.Rand, moved bool) float64 { return math.Tan(math.Pi*(r.Float64()-0.5)) * when(moved, 1.1) }},
	{"bimodal", func(r *rand.Rand, moved bool) float64 {
		return float64(r.IntN(2))*8 + r.NormFloat64()*when(moved, 1.1)
	}},
	{"far modes", func(r *rand.Rand, moved bool) float64 {
		return float64(r.IntN(2))*1e6 + r.NormFloat64()*when(moved, 1.1)
	}},
	{"discrete", func(r *rand.Rand, moved bool) float64 { return math.Floor(math.Pow(r.Float64(), when(moved, 1.1)) * 7) }},
	{"offset", func(r *rand.Rand, moved bool) float64 { return 1e9 + r.NormFloat64()*when(moved, 1.1) }},
}

func when(moved bool, factor float64) float64 {
	if moved {
		return factor
	}
	return 1
}

// KS, PSI and JS of a grid are within 1e-3 of those of the values, and so
// within the bound that they state.
func TestSketchErrors(t *testing.T) {
	for _, n := range []int{10, 1000, 20_000, 200_000} {
		sketchErrors(t, n)
	}
}

func TestSketchErrorsOfMillions(t *testing.T) {
	if os.Getenv("LEEWAY_VERIFY") == "" {
		t.Skip("verify: one and ten million rows of each shape take minutes; LEEWAY_VERIFY=1 runs it")
	}
	sketchErrors(t, 1_000_000)
	sketchErrors(t, 10_000_000)
}

func sketchErrors(t *testing.T, n int) {
	t.Helper()
	for i, s := range sketchShapes {
		rng := rand.New(rand.NewPCG(uint64(n), uint64(i)))
		ref, cur := make([]float64, n), make([]float64, max(n/2, 1))
		for i := range ref {
			ref[i] = s.draw(rng, false)
		}
		for i := range cur {
			cur[i] = s.draw(rng, true)
		}
		x := twosample.NewNumbers(cur, ref)
		centres := profile.ChooseCentres(ref[:min(n, 1000)])
		var r reader
		got := r.numeric("f", foldAbout(cur, centres), foldAbout(ref, centres)).numbers
		check := func(what string, got, want, allow float64) {
			if !(math.Abs(got-want) <= allow) {
				t.Errorf("%s, %d rows: %s %.6f, want %.6f within %g", s.name, n, what, got, want, allow)
			}
		}
		check("ks", got.KS(), x.KS(), min(1e-3, got.RankError+1e-12))
		check("psi", twosample.PSI(got.Deciles()), twosample.PSI(x.Deciles()), 1e-3)
		check("js", twosample.JS(got.Deciles()), twosample.JS(x.Deciles()), 1e-3)
		check("wasserstein", got.Wasserstein(), x.Wasserstein(), got.WassersteinBound()+1e-9*x.Wasserstein()+1e-9)
		// On edges of the grid nothing is rounded: bins of the values between the
		// very edges that the grid's deciles are.
		if bins := got.Deciles(); len(bins) > 2 {
			check("psi on snapped edges", twosample.PSI(recount(bins, cur, ref)), twosample.PSI(bins), 1e-4)
			check("js on snapped edges", twosample.JS(recount(bins, cur, ref)), twosample.JS(bins), 1e-4)
		}
	}
}

// foldAbout folds windows of 250 rows and adds them up as a query does.
func foldAbout(values, centres []float64) *profile.Numeric {
	f := profile.NewFolder(0)
	whole := &profile.Numeric{}
	for chunk := range slices.Chunk(values, 250) {
		w := f.Open(false)
		b := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: len(chunk), Time: make([]int64, len(chunk))}
		b.Nums = []event.Num{{Name: "f", Values: chunk, Centre: centres[0], Others: centres[1:], Epoch: 1}}
		f.Add(w, b, nil)
		whole.Merge(f.Close(w).Features["f"].Num, profile.MergeExact)
	}
	return whole
}

// recount counts values into the bins of a grid.
func recount(bins []twosample.Bin, cur, ref []float64) []twosample.Bin {
	out := make([]twosample.Bin, len(bins))
	for i, b := range bins {
		out[i] = twosample.Bin{Low: b.Low, High: b.High}
	}
	find := func(v float64) *twosample.Bin {
		for i := range out {
			if b := &out[i]; v <= b.High || i == len(out)-1 {
				return b
			}
		}
		return nil
	}
	for _, v := range cur {
		find(v).Cur++
	}
	for _, v := range ref {
		find(v).Ref++
	}
	return out
}
