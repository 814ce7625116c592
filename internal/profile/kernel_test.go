package profile

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectorsFoldAsScalars compares the two kernels: the same cells and range,
// sums to rounding, and the same sight of values that are not finite.
func TestVectorsFoldAsScalars(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	odd := []float64{0, math.Copysign(0, -1), 1e300, -1e300, 5e-324, math.MaxFloat64, 1e-40, math.NaN(), math.Inf(1), math.Inf(-1)}
	got, want := new(dense), new(dense)
	for trial := range 500 {
		values := make([]float64, rng.IntN(100))
		for i := range values {
			values[i] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(12)-6))
			if trial%5 < 3 {
				values[i] = math.Trunc(values[i])
			}
			if trial%5 == 1 && rng.IntN(50) == 0 {
				values[i] = []float64{0.5, -0.5, 1 << 51, -1 << 52}[rng.IntN(4)]
			}
			if trial%3 > 0 && rng.IntN(10) == 0 {
				values[i] = odd[rng.IntN(len(odd)-3*(trial%3-1))]
			}
		}
		centre := []float64{0, 1000, -0.3}[trial%3]
		*got, *want = dense{}, dense{}
		a, b := emptySums(), emptySums()
		if trial%2 == 0 {
			a.min, a.max, b.min, b.max = -1, 1, -1, 1
		}
		foldNumbers(values, centre, got, &a)
		foldScalars(values, centre, want, &b)
		for cell := range gridCells {
			if got.a[cell]+got.b[cell] != want.a[cell]+want.b[cell] {
				t.Fatalf("trial %d: cell %d has %d, wanted %d", trial, cell, got.a[cell]+got.b[cell], want.a[cell]+want.b[cell])
			}
		}
		if a.min != b.min || a.max != b.max {
			t.Fatalf("trial %d: range %v..%v, wanted %v..%v", trial, a.min, a.max, b.min, b.max)
		}
		if a.fraction == allWhole(values) {
			t.Fatalf("trial %d: a fraction is seen: %v in %v", trial, a.fraction, values)
		}
		if finite(a.s2) != finite(b.s2) || finite(a.s2) && (!sameSum(a.s1, b.s1, values, 1) || !sameSum(a.s2, b.s2, values, 2)) {
			t.Fatalf("trial %d: sums %v %v, wanted %v %v", trial, a.s1, a.s2, b.s1, b.s2)
		}
	}
}

// sameSum tells whether two sums of powers differ by rounding only.
func sameSum(a, b float64, values []float64, power float64) bool {
	scale := 1.0
	for _, x := range values {
		scale += math.Pow(math.Abs(x)+1000, power)
	}
	return math.Abs(a-b) <= 1e-13*scale || a == b
}
