package profile

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

// rankError64 is how far q is from the ranks that v has among ascending values.
func rankError64(sorted []float64, v, q float64) float64 {
	n := float64(len(sorted))
	lo, _ := slices.BinarySearch(sorted, v)
	hi, _ := slices.BinarySearchFunc(sorted, v, func(a, b float64) int {
		if a <= b {
			return -1
		}
		return 1
	})
	return max(0, float64(lo)/n-q, q-float64(hi)/n)
}

func TestQuantilesOfEveryShape(t *testing.T) {
	for _, s := range shapes {
		for _, n := range []int{1, 100, 257, 10_000, 50_000} {
			values := s.draw(n, uint64(n))
			x := numericOf(values, 1, s.origin())
			slices.Sort(values)
			bound := x.QuantileError()
			if n <= WindowExact && bound != 0 {
				t.Errorf("%s, %d: error %v of kept values", s.name, n, bound)
			}
			worst := 0.0
			for i := range 1001 {
				q := float64(i) / 1000
				worst = max(worst, rankError64(values, x.Quantile(q), q)-1/float64(n))
			}
			if worst > bound+1e-9 {
				t.Errorf("%s, %d: rank error %v, told %v", s.name, n, worst, bound)
			}
			if n >= 10_000 && !s.lumps && worst > 0.001 {
				t.Errorf("%s, %d: rank error %v", s.name, n, worst)
			}
			if x.Min != values[0] || x.Max != values[n-1] || x.N != int64(n) {
				t.Errorf("%s, %d: n %d, %v to %v", s.name, n, x.N, x.Min, x.Max)
			}
		}
	}
}

func TestCDFOfEveryShape(t *testing.T) {
	for _, s := range shapes {
		values := s.draw(20_000, 5)
		x := numericOf(values, 1, s.origin())
		slices.Sort(values)
		for i := range 200 {
			v := values[i*100]
			upto, _ := slices.BinarySearch(values, math.Nextafter(v, math.Inf(1)))
			if got, want := x.CDF(v), float64(upto)/20_000; math.Abs(got-want) > x.QuantileError()+1e-9 {
				t.Errorf("%s: CDF(%v) = %v, want %v within %v", s.name, v, got, want, x.QuantileError())
			}
		}
		if lo, hi := values[100], values[19_900]; math.Abs(x.MassOutside(lo, hi)-exactOutside(values, lo, hi)) > 2*x.QuantileError()+1e-9 {
			t.Errorf("%s: outside %v, want %v", s.name, x.MassOutside(lo, hi), exactOutside(values, lo, hi))
		}
	}
}

func exactOutside(values []float64, lo, hi float64) float64 {
	n := 0
	for _, v := range values {
		if v < lo || v > hi {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

// The bound must not claim what the grid cannot hold.
func TestErrorIsTold(t *testing.T) {
	for _, s := range shapes {
		if got := numericOf(s.draw(50_000, 1), 1, s.origin()).QuantileError(); s.lumps != (got > 0.01) {
			t.Errorf("%s: error %v", s.name, got)
		}
	}
}

// exactMoments is done in 200 bits.
func exactMoments(values []float64) (mean, sd float64) {
	sum, n := big.NewFloat(0).SetPrec(400), big.NewFloat(float64(len(values)))
	for _, v := range values {
		sum.Add(sum, big.NewFloat(v))
	}
	m := new(big.Float).Quo(sum, n)
	squares := big.NewFloat(0).SetPrec(400)
	for _, v := range values {
		d := new(big.Float).SetPrec(400).Sub(big.NewFloat(v), m)
		squares.Add(squares, d.Mul(d, d))
	}
	mean, _ = m.Float64()
	v, _ := squares.Quo(squares, n).Float64()
	return mean, math.Sqrt(v)
}

func TestMoments(t *testing.T) {
	for _, s := range shapes {
		for _, centre := range []float64{s.centre, 0, 12345.6789} {
			for _, parts := range []int{1, 3, 50} {
				values := s.draw(15_000, 9)
				x := &Numeric{}
				for i := range parts {
					x.Merge(numericOf(values[i*len(values)/parts:(i+1)*len(values)/parts], 1, centre), WindowExact)
				}
				mean, sd := exactMoments(values)
				if !near(x.Mean(), mean, 1e-12) && math.Abs(x.Mean()-mean) > 1e-13*sd {
					t.Errorf("%s about %v, %d parts: mean %v, want %v", s.name, centre, parts, x.Mean(), mean)
				}
				if !near(x.SD(0), sd, 1e-9) {
					t.Errorf("%s about %v, %d parts: sd %v, want %v", s.name, centre, parts, x.SD(0), sd)
				}
				if s.centre == centre && !near(x.SD(0), sd, 1e-12) {
					t.Errorf("%s about its centre, %d parts: sd %v, want %v", s.name, parts, x.SD(0), sd)
				}
			}
		}
	}
}

func TestNumericEdges(t *testing.T) {
	inf := math.Inf(1)
	x := numericOf([]float64{math.NaN(), inf, -inf, inf, 2, -0.0}, 1, 0)
	if x.N != 2 || x.NaN != 1 || x.PosInf != 2 || x.NegInf != 1 || x.Min != 0 || x.Max != 2 || x.Mean() != 1 || x.SD(0) != 1 {
		t.Errorf("%+v", x)
	}
	empty := &Numeric{}
	for _, v := range []float64{empty.Mean(), empty.SD(0), empty.SD(1), empty.Quantile(0.5), empty.CDF(1), empty.MassOutside(0, 1)} {
		if v == v {
			t.Errorf("an empty column has a number: %v", v)
		}
	}
	if one := numericOf([]float64{7}, 1, 0); one.Mean() != 7 || one.SD(0) != 0 || one.SD(1) == one.SD(1) || one.Quantile(0.3) != 7 {
		t.Errorf("one row: %v %v", one.Mean(), one.SD(1))
	}
}

// Not-finite and extreme values must not disturb the others in the dense fold.
func TestDenseFoldWithOddValues(t *testing.T) {
	values := shapes[0].draw(20_000, 2)
	clean := numericOf(values, 1, 0)
	mixed := slices.Clone(values)
	for i := 0; i < 20_000; i += 10 {
		mixed = append(mixed, []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[i/10%3])
	}
	random(4).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	x := numericOf(mixed, 1, 0)
	if x.N != 20_000 || x.NaN != 667 || x.PosInf != 667 || x.NegInf != 666 {
		t.Fatalf("%d, %d NaN, %d, %d infinite", x.N, x.NaN, x.PosInf, x.NegInf)
	}
	if !slices.Equal(x.parts[0].cells, clean.parts[0].cells) || !near(x.SD(0), clean.SD(0), 1e-12) {
		t.Error("the grid or the moments differ from those without odd values")
	}
	huge := numericOf(append(values, 1e308, -1e308, 1e300, math.MaxFloat64, 5e-324), 1, 0)
	if huge.N != 20_005 || huge.Max != math.MaxFloat64 || !math.IsInf(huge.SD(0), 1) || !finite(huge.Mean()) {
		t.Errorf("%d up to %v, mean %v sd %v", huge.N, huge.Max, huge.Mean(), huge.SD(0))
	}
	if got := huge.Quantile(0.5); math.Abs(got) > 0.03 {
		t.Errorf("median %v", got)
	}
}

// A folder's tables come back clean.
func TestTablesAreLeftClean(t *testing.T) {
	f := NewFolder(0)
	for i, s := range append(shapes, shapes...) {
		values := s.draw(5000, uint64(i))
		if i%3 == 0 {
			values[77] = math.NaN()
			values[78] = math.Inf(-1)
		}
		c := newNumbers(1, s.centre)
		c.add(f, values)
		var x Numeric
		c.close(f, &x)
		if x.N+x.NaN+x.NegInf != 5000 || totalOf(x.parts[0].cells) != x.N {
			t.Fatalf("%s: %d in %d", s.name, x.N, totalOf(x.parts[0].cells))
		}
		for _, d := range append(f.tables.dense, f.scratch) {
			if *d != (dense{}) {
				t.Fatalf("%s left counts behind", s.name)
			}
		}
	}
}

func TestPairs(t *testing.T) {
	for _, s := range shapes {
		for _, sizes := range [][2]int{{100, 200}, {200, 9000}, {9000, 150}, {9000, 20_000}} {
			a, b := s.draw(sizes[0], 1), s.draw(sizes[1], 2)
			got := ksOf(numericOf(a, 1, s.centre), numericOf(b, 1, s.centre))
			want := exactKS(a, b)
			allow := 0.0
			if max(sizes[0], sizes[1]) > WindowExact {
				allow = max(numericOf(a, 1, s.centre).QuantileError(), numericOf(b, 1, s.centre).QuantileError())
			}
			if math.Abs(got-want) > allow+1e-12 {
				t.Errorf("%s %v: KS %v, want %v within %v", s.name, sizes, got, want, allow)
			}
		}
	}
}

func ksOf(a, b *Numeric) (ks float64) {
	var fa, fb int64
	last := math.Inf(-1)
	Pairs(a, b, func(x float64, na, nb int64) {
		if x < last {
			panic("edges descend")
		}
		last = x
		fa, fb = fa+na, fb+nb
		ks = max(ks, math.Abs(float64(fa)/float64(a.N)-float64(fb)/float64(b.N)))
	})
	if fa != a.N || fb != b.N {
		panic("counts are lost")
	}
	return ks
}

func exactKS(a, b []float64) (ks float64) {
	slices.Sort(a)
	slices.Sort(b)
	for _, v := range slices.Concat(a, b) {
		next := math.Nextafter(v, math.Inf(1))
		i, _ := slices.BinarySearch(a, next)
		j, _ := slices.BinarySearch(b, next)
		ks = max(ks, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return ks
}

func TestAcrossCentres(t *testing.T) {
	s := shapes[0]
	values := s.draw(30_000, 8)
	x := &Numeric{}
	x.Merge(numericOf(values[:10_000], 1, 0), MergeExact)
	x.Merge(numericOf(values[10_000:10_500], 0, 0), MergeExact)
	x.Merge(numericOf(values[10_500:], 2, 0.25), MergeExact)
	slices.Sort(values)
	for i := range 101 {
		q := float64(i) / 100
		if got := rankError64(values, x.Quantile(q), q); got > x.QuantileError()+1.0/30_000 {
			t.Errorf("quantile %v: rank error %v, told %v", q, got, x.QuantileError())
		}
	}
	if x.QuantileError() > 0.02 {
		t.Errorf("error %v", x.QuantileError())
	}
}

func TestLatency(t *testing.T) {
	r := random(6)
	values := make([]float64, 30_000)
	for i := range values {
		values[i] = math.Exp(r.NormFloat64()*2 + 3)
	}
	f := NewFolder(0)
	c := newNumbers(1, 0)
	c.add(f, values)
	l := closeLatency(f, c)
	mean, _ := exactMoments(values)
	slices.Sort(values)
	for _, q := range []float64{0, 0.01, 0.5, 0.95, 0.99, 0.999, 1} {
		want := values[max(int(math.Ceil(q*30_000))-1, 0)]
		if got := l.Quantile(q); math.Abs(got-want) > 0.008*want {
			t.Errorf("p%v = %v, want %v", q*100, got, want)
		}
	}
	if l.N != 30_000 || !near(l.Mean(), mean, 1e-12) {
		t.Errorf("%d, mean %v", l.N, l.Mean())
	}
}

// Between the edges of Pairs both sides rise in a straight line, so the area
// between them is that of trapezoids.
func TestWassersteinFromPairs(t *testing.T) {
	for _, s := range shapes {
		if s.lumps || s.name == "pareto 1.1" || s.name == "cauchy" || s.name == "constant" {
			continue // no mean to speak of, or no distance
		}
		for _, n := range []int{200, 20_000} {
			a, b := s.draw(n, 1), s.draw(n, 2)
			_, sd := exactMoments(a)
			for i := range b {
				b[i] += math.Ceil(sd) // whole numbers stay whole
			}
			x, y := numericOf(a, 1, s.origin()), numericOf(b, 1, s.origin())
			var area, fa, fb, last float64
			Pairs(x, y, func(edge float64, na, nb int64) {
				before := fa - fb
				fa, fb = fa+float64(na)/float64(n), fb+float64(nb)/float64(n)
				if before != 0 || na != 0 || nb != 0 {
					area += math.Abs(before+fa-fb) / 2 * (edge - last)
				}
				last = edge
			})
			slices.Sort(a)
			slices.Sort(b)
			want := 0.0
			for i := range a {
				want += math.Abs(a[i]-b[i]) / float64(n)
			}
			if !near(area, want, 0.005) {
				t.Errorf("%s, %d: %v, want %v", s.name, n, area, want)
			}
		}
	}
}
