package measure

import (
	"math"
	"slices"
	"testing"
)

func TestBenjaminiHochberg(t *testing.T) {
	p := []float64{0.01, math.NaN(), 0.04, 0.03, 0.005, 0.6}
	for _, c := range []struct {
		q    float64
		want []bool
	}{
		{0.05, []bool{true, false, true, true, true, false}}, // 0.04 <= 4/5 of 0.05
		{0.049, []bool{true, false, false, false, true, false}},
		{0.02, []bool{false, false, false, false, false, false}},
		{0.025, []bool{true, false, false, false, true, false}},
	} {
		if got := BenjaminiHochberg(p, c.q); !slices.Equal(got, c.want) {
			t.Errorf("q %v: %v, want %v", c.q, got, c.want)
		}
	}
	if BenjaminiHochberg(nil, 0.1) == nil {
		t.Error("no tests, no rejections, but a list")
	}
}

func TestUnseen(t *testing.T) {
	near(t, "1 of 1", unseenP(1, 1, 1), 0.5, 1e-12)
	near(t, "2 of 3 against 3", unseenP(2, 3, 3), 3./6*2./5, 1e-12)
	if unseenP(0, 10, 10) != 1 {
		t.Error("nothing unseen is no evidence")
	}
	near(t, "large", unseenP(2, 1e6, 1e6), 0.25, 1e-6)
}
