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

// Deciles cuts two samples at the reference's deciles: nine edges, each the
// smallest value at which the reference's share reaches k/10. A value on which
// several edges fall is a bin of its own, so that a column with few values
// does not lose what lies beside it. The outer bins are open.
func Deciles(pts []Point) []Bin {
	_, m := totals(pts)
	out := make([]Bin, 0, 12)
	bin := Bin{Low: math.Inf(-1)}
	var cum, next int64 = 0, 1
	last := math.Inf(-1)
	for _, p := range pts {
		cum += p.Ref
		crossed := 0
		for next <= 9 && 10*cum >= next*m && m > 0 {
			crossed++
			next++
		}
		if crossed > 1 && bin.Cur+bin.Ref > 0 {
			bin.High = last
			out = append(out, bin)
			bin = Bin{Low: last}
		}
		bin.Cur += p.Cur
		bin.Ref += p.Ref
		last = p.X
		if crossed > 0 {
			bin.High = p.X
			out = append(out, bin)
			bin = Bin{Low: p.X}
		}
	}
	if bin.Cur+bin.Ref > 0 {
		bin.High = math.Inf(1)
		out = append(out, bin)
	}
	return out
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
	n, m, k := binTotals(bins)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	nf, mf := float64(n)+0.5*float64(k), float64(m)+0.5*float64(k)
	sum := 0.0
	for _, b := range bins {
		if b.Cur+b.Ref == 0 {
			continue
		}
		p, q := (float64(b.Cur)+0.5)/nf, (float64(b.Ref)+0.5)/mf
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

// LInf is the largest difference of shares. It is NaN when a sample is empty.
func LInf(bins []Bin) float64 {
	worst := 0.0
	if !shares(bins, func(p, q float64) { worst = max(worst, math.Abs(p-q)) }) {
		return math.NaN()
	}
	return worst
}
