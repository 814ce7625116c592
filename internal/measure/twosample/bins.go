package twosample

import "math"

// Bin counts the values of two samples between Low (exclusive) and High
// (inclusive), or of one category. A bin whose Low is its High is that one
// value, which its neighbours leave out.
type Bin struct {
	Name      string // of a category; empty for numbers
	Low, High float64
	Cur, Ref  int64
}

// binTotals are the sizes of the two samples and the number of bins that
// either occupies. A bin that both leave empty says nothing and is passed
// over: smoothing it would make samples of different size differ.
func binTotals(bins []Bin) (cur, ref int64, occupied int) {
	for _, b := range bins {
		cur += b.Cur
		ref += b.Ref
		if b.Cur+b.Ref > 0 {
			occupied++
		}
	}
	return cur, ref, occupied
}

// PSI is Leeway's population stability index: the sum of (p-q) ln(p/q) over
// the bins, each count smoothed by half a row on both sides. It is NaN when a
// sample is empty.
func PSI(bins []Bin) float64 {
	n, m, _ := binTotals(bins)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	return SmoothedPSI(bins, 0.5)
}

// SmoothedPSI is the population stability index with the same number of rows
// added to each bin of either sample.
func SmoothedPSI(bins []Bin, added float64) float64 {
	n, m, k := binTotals(bins)
	nf, mf := float64(n)+added*float64(k), float64(m)+added*float64(k)
	sum := 0.0
	for i := range bins {
		b := &bins[i]
		if b.Cur+b.Ref == 0 {
			continue
		}
		p, q := (float64(b.Cur)+added)/nf, (float64(b.Ref)+added)/mf
		sum += (p - q) * math.Log(p/q)
	}
	return sum
}

// shares calls f with the two shares of every bin; it is false when a sample
// is empty.
func shares(bins []Bin, f func(p, q float64)) bool {
	n, m, _ := binTotals(bins)
	if n == 0 || m == 0 {
		return false
	}
	for _, b := range bins {
		f(float64(b.Cur)/float64(n), float64(b.Ref)/float64(m))
	}
	return true
}

// JS is the Jensen-Shannon distance: the square root of the divergence in
// bits, from 0 to 1, without smoothing. It is NaN when a sample is empty.
func JS(bins []Bin) float64 {
	sum := 0.0
	half := func(p, mid float64) float64 {
		if p == 0 {
			return 0
		}
		return p * math.Log2(p/mid)
	}
	if !shares(bins, func(p, q float64) {
		mid := (p + q) / 2
		sum += half(p, mid) + half(q, mid)
	}) {
		return math.NaN()
	}
	return math.Sqrt(max(0, sum/2))
}

// Hellinger is the Hellinger distance, from 0 to 1. It is NaN when a sample is
// empty.
func Hellinger(bins []Bin) float64 {
	sum := 0.0
	if !shares(bins, func(p, q float64) {
		d := math.Sqrt(p) - math.Sqrt(q)
		sum += d * d
	}) {
		return math.NaN()
	}
	return math.Sqrt(sum / 2)
}

// TotalVariation is half the sum of the differences of shares, from 0 to 1. It
// is NaN when a sample is empty.
func TotalVariation(bins []Bin) float64 {
	sum := 0.0
	if !shares(bins, func(p, q float64) { sum += math.Abs(p - q) }) {
		return math.NaN()
	}
	return sum / 2
}

// LInf is the largest difference of shares. It is NaN when a sample is empty.
func LInf(bins []Bin) float64 {
	worst := 0.0
	if !shares(bins, func(p, q float64) { worst = max(worst, math.Abs(p-q)) }) {
		return math.NaN()
	}
	return worst
}
