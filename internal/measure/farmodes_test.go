package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// A column with narrow modes far apart: with the centres that its first values
// choose, every method has on the grid what it has on the values, within the
// bound that it states, and that of ks is small.
func TestFarModesThroughProfiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	draw := func(n int, shift float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = [3]float64{-5, 1e6, 1.7e9}[rng.IntN(3)] + rng.NormFloat64() + shift
		}
		return v
	}
	ref := draw(30_000, 0)
	centres := profile.ChooseCentres(slices.Clone(ref[:1000]))
	if len(centres) != 3 {
		t.Fatalf("centres %v", centres)
	}
	for _, shift := range []float64{0, 0.2, 3} {
		cur := draw(20_000, shift)
		compared := 0
		for _, method := range Methods() {
			opt := DriftOptions{Method: method}
			want := Drift(valuesOf(cur), valuesOf(ref), opt)
			got := Drift(gridOf(cur, centres), gridOf(ref, centres), opt)
			if len(got) != 1 || !got[0].Defined {
				continue // not of numbers, or not without the values
			}
			compared++
			allow := got[0].Bound + 1e-9*math.Abs(want[0].Value)
			if method == MethodPSI || method == MethodJS { // exact for deciles on edges of the grid, which are others
				allow = 1e-3
			}
			if off := math.Abs(got[0].Value - want[0].Value); off > allow {
				t.Errorf("shifted by %v: %s is %v, of the values %v, bound %v", shift, method, got[0].Value, want[0].Value, got[0].Bound)
			}
			if method == MethodKS && got[0].Bound > 0.01 || got[0].Drifted != want[0].Drifted {
				t.Errorf("shifted by %v: %+v, of the values %+v", shift, got[0], want[0])
			}
		}
		if compared < 4 {
			t.Errorf("only %d methods were compared", compared)
		}
	}
}

func valuesOf(v []float64) *profile.Profile {
	x := profile.ExactNumeric(slices.Sorted(slices.Values(v)), 0, 0, 0)
	return &profile.Profile{Features: map[string]*profile.Feature{"f": {Rows: int64(len(v)), Num: x}}}
}

func gridOf(v, centres []float64) *profile.Profile {
	f := profile.NewFolder(0)
	w := f.Open(false)
	b := &event.Batch{Rows: len(v), Nums: []event.Num{{Name: "f", Values: v, Epoch: 1, Centre: centres[0], Others: centres[1:]}}}
	f.Add(w, b, nil)
	return f.Close(w)
}
