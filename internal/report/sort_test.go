package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortIsThatOfTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	makers := map[string]func() float64{
		"normal":   r.NormFloat64,
		"whole":    func() float64 { return float64(r.IntN(100) - 50) },
		"constant": func() float64 { return 3 },
		"bits": func() float64 {
			for {
				if v := math.Float64frombits(r.Uint64()); v-v == 0 {
					return v
				}
			}
		},
		"zeros": func() float64 { return math.Copysign(0, float64(r.IntN(2))-0.5) },
	}
	var s scratch
	for name, next := range makers {
		for _, n := range []int{0, 1, 511, 512, 10_000} {
			got := make([]float64, n)
			for i := range got {
				got[i] = next()
			}
			want := slices.Clone(got)
			s.sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d values are out of order", name, n)
			}
		}
	}
}
