package twosample

import (
	"math"
	"slices"
	"testing"
)

// Values of scipy 1.17.1: scipy.stats.kstwo.sf(x, n).
func TestKolmogorov(t *testing.T) {
	for _, c := range []struct {
		n       int64
		x, want float64
	}{
		{30, 0.03, 0.999999999999998}, {30, 0.2, 0.157969161015474}, {30, 0.99, 2.00000000000005e-60},
		{100, 0.05, 0.953215971063572}, {100, 0.15, 0.0198392421256418}, {100, 0.25, 5.40887177643485e-06},
		{100, 0.6, 5.91282215639624e-35}, {150, 0.05, 0.829082841679979}, {150, 0.1, 0.0929213223216458},
		{150, 0.2, 9.80536604589256e-06}, {1000, 0.02, 0.810897165689558}, {1000, 0.03, 0.322690214391464},
		{1000, 0.06, 0.00142859788795289}, {5000, 0.01, 0.695455725391385}, {5000, 0.02, 0.0361394139532564},
		{5000, 0.1, 5.59049588639646e-44}, {50000, 0.003, 0.757900044348715}, {50000, 0.01, 9.0180488118436e-05},
		{1e6, 0.0005, 0.963838631007621}, {1e6, 0.001, 0.269821074425894}, {1e6, 0.003, 3.03981275193927e-08},
		{1e6, 0.01, 2.73733044154812e-87},
	} {
		near(t, "kstwo", KolmogorovSF(c.n, c.x), c.want, 1e-11)
	}
	if KolmogorovSF(10, 0.01) != 1 || KolmogorovSF(10, 1) != 0 || KolmogorovSF(1e9, 0.5) != 0 {
		t.Error("the ends of the distribution")
	}
}

// Values of scipy 1.17.1: the exact branch of ks_2samp for a given distance
// where both samples are at most 10,000, kstwo.sf(d, round(nm/(n+m))) beyond.
func TestKSPValue(t *testing.T) {
	for _, c := range []struct {
		d    float64
		n, m int64
		want float64
	}{
		{0.1, 100, 100, 0.702056982866488}, {0.1, 100, 90, 0.685456520749489}, {0.2, 1000, 30, 0.169630562644101},
		{0.05, 5832, 744, 0.0711207464899147}, {0.02, 10000, 9999, 0.0358960517052149}, {0.3, 7, 5, 0.909090909090909},
		{0.05, 10000, 5000, 1.13596964245471e-07}, {0.01, 20000, 30000, 0.180096916782869},
		{0.08, 14155, 34687, 2.0653272072179e-56}, {0.1, 100, 20000, 0.252692757006387},
	} {
		near(t, "ks p", KSPValue(c.d, c.n, c.m), c.want, 1e-11)
		near(t, "ks p, the other way", KSPValue(c.d, c.m, c.n), c.want, 1e-11)
	}
	if KSPValue(0, 5, 9) != 1 || !math.IsNaN(KSPValue(0.1, 0, 9)) {
		t.Error("no distance is certain, no rows are no test")
	}
}

// The exact p-value against all orders of two small samples, one by one.
func TestKSAgainstAllOrders(t *testing.T) {
	near(t, "2 of the 10 orders of 3 and 2 rows have distance 1", KSPValue(1, 3, 2), 0.2, 1e-14)
	for _, nm := range [][2]int{{4, 4}, {6, 4}, {7, 3}, {5, 8}} {
		for step := 1; step <= nm[0]*nm[1]; step++ {
			d := float64(step) / float64(nm[0]*nm[1])
			near(t, "exact", KSPValue(d, int64(nm[0]), int64(nm[1])), orders(nm[0], nm[1], d), 1e-12)
		}
	}
}

// orders is the share of all interleavings of n and m rows whose distance is d
// or more, by listing them; d counts in the steps that the sizes allow.
func orders(n, m int, d float64) float64 {
	steps := float64(n * m / gcd(n, m))
	h := math.RoundToEven(d*steps) / steps
	var all, reach float64
	for bits := 0; bits < 1<<(n+m); bits++ {
		var i, j int
		worst := 0.0
		for k := range n + m {
			if bits>>k&1 == 1 {
				i++
			} else {
				j++
			}
			worst = max(worst, math.Abs(float64(i)/float64(n)-float64(j)/float64(m)))
		}
		if i == n {
			all++
			if worst > h-1e-12 {
				reach++
			}
		}
	}
	return reach / all
}

// Values of scipy 1.17.1: chi2_contingency([[cur], [ref]]).
func TestChiSquare(t *testing.T) {
	for _, c := range []struct {
		cur, ref []int64
		x2, p    float64
		df       int
	}{
		{[]int64{10, 20, 30}, []int64{6, 9, 17}, 0.27157465150403504, 0.87302828338007299, 2},
		{[]int64{12, 5}, []int64{29, 2}, 2.9860164364723074, 0.083986541714992355, 1},
		{[]int64{5, 5, 0}, []int64{5, 5, 0}, 0, 1, 1},
		{[]int64{7}, []int64{9}, 0, 1, 0},
	} {
		x2, p, df := ChiSquare(named(c.cur, c.ref))
		if math.Abs(x2-c.x2) > 1e-9 || math.Abs(p-c.p) > 1e-9 || df != c.df {
			t.Errorf("%v %v: %.15g %.15g %d, want %v %v %d", c.cur, c.ref, x2, p, df, c.x2, c.p, c.df)
		}
	}
	if x2, _, _ := ChiSquare(named([]int64{0, 0}, []int64{1, 2})); !math.IsNaN(x2) {
		t.Error("a test without rows")
	}
}

func named(cur, ref []int64) []Bin {
	out := make([]Bin, len(cur))
	for i := range cur {
		out[i] = Bin{Name: string(rune('a' + i)), Cur: cur[i], Ref: ref[i]}
	}
	return out
}

func TestPool(t *testing.T) {
	in := named([]int64{500, 480, 1, 0, 19}, []int64{5000, 4800, 1, 2, 197})
	out := Pool(in)
	n, m, _ := binTotals(out)
	if n != 1000 || m != 10000 {
		t.Errorf("pooling lost rows: %d and %d", n, m)
	}
	for _, b := range out {
		if e := float64(b.Cur+b.Ref) / 11; b.Cur+b.Ref > 0 && e < minExpected {
			t.Errorf("%+v expects %v", b, e)
		}
	}
	// One odd row in a hundred is no evidence; unpooled it is p = 3e-23.
	odd := named([]int64{50, 49, 1}, []int64{5000, 5000, 0})
	if _, p, _ := ChiSquare(Pool(odd)); p < 0.01 {
		t.Errorf("p = %v", p)
	}
}

func TestDeciles(t *testing.T) {
	ref := make([]float64, 1000)
	for i := range ref {
		ref[i] = float64(i)
	}
	bins := NewNumbers([]float64{-5, 0, 99, 100, 899, 900, 5000}, ref).Deciles()
	if len(bins) != 10 {
		t.Fatalf("%d bins", len(bins))
	}
	for i, b := range bins {
		if b.Ref != 100 {
			t.Errorf("bin %d has %d of the reference", i, b.Ref)
		}
	}
	if bins[0].Cur != 3 || bins[1].Cur != 1 || bins[8].Cur != 1 || bins[9].Cur != 2 {
		t.Errorf("%+v", bins)
	}
	if !math.IsInf(bins[0].Low, -1) || !math.IsInf(bins[9].High, 1) || bins[0].High != 99 {
		t.Errorf("edges %+v", bins)
	}
}

// A constant reference still sees what comes below and above it.
func TestDecilesOfAtoms(t *testing.T) {
	ref := slices.Repeat([]float64{5}, 100)
	for _, x := range []float64{3, 7} {
		if psi := PSI(NewNumbers(slices.Repeat([]float64{x}, 100), ref).Deciles()); psi < 1 {
			t.Errorf("all rows moved from 5 to %v and PSI is %v", x, psi)
		}
	}
	if psi := PSI(NewNumbers(slices.Repeat([]float64{5}, 30), ref).Deciles()); psi != 0 {
		t.Errorf("the same constant in a smaller sample has PSI %v", psi)
	}
}

// By hand: p = 2.5/5, 1.5/5, 1/5 ... with half a row in each of three bins.
func TestPSIByHand(t *testing.T) {
	bins := named([]int64{2, 1, 0, 0}, []int64{3, 3, 1, 0})
	p := []float64{2.5 / 4.5, 1.5 / 4.5, 0.5 / 4.5}
	q := []float64{3.5 / 8.5, 3.5 / 8.5, 1.5 / 8.5}
	want := 0.0
	for i := range p {
		want += (p[i] - q[i]) * math.Log(p[i]/q[i])
	}
	near(t, "psi", PSI(bins), want, 1e-14)
	if !math.IsNaN(PSI(named([]int64{0}, []int64{3}))) || !math.IsNaN(JS(nil)) {
		t.Error("the drift of nothing")
	}
}

func TestDistancesOfDisjointSamples(t *testing.T) {
	bins := named([]int64{10, 0}, []int64{0, 7})
	near(t, "js", JS(bins), 1, 1e-15)
	near(t, "hellinger", Hellinger(bins), 1, 1e-15)
	near(t, "linf", LInf(bins), 1, 1e-15)
	x := NewNumbers([]float64{1, 2}, []float64{11, 12})
	near(t, "wasserstein", x.Wasserstein(), 10, 1e-15)
	near(t, "ks", x.KS(), 1, 1e-15)
}

// near fails when got is not within tol of want, relative to want.
func near(t testing.TB, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		t.Errorf("%s: %.17g, want %.17g", what, got, want)
	}
}
