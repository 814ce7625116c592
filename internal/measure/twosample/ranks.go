package twosample

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// exactRanks is the size of the smaller sample up to which the p-value of
// Mann-Whitney is exact when nothing is tied, as scipy's mannwhitneyu decides.
const exactRanks = 8

// sides of an alternative hypothesis: whether the reference lies below.
const (
	twoSided = iota
	refLess
)

// mannWhitney is the rank test (Mann and Whitney 1947). The statistic is the
// number of pairs in which the reference's row is the larger, ties one half.
func mannWhitney(x *Numbers, side int) Result {
	if x.empty() {
		return none(NoRows)
	}
	if !x.Exact() {
		return none(NeedsValues)
	}
	n1, n2 := float64(x.M), float64(x.N)
	n := n1 + n2
	var below int64
	var u, ties float64
	for i := range x.Points {
		p := &x.Points[i]
		u += float64(p.Ref) * (float64(below) + float64(p.Cur)/2)
		below += p.Cur
		t := float64(p.Cur + p.Ref)
		ties += t*t*t - t
	}
	extreme, factor := max(u, n1*n2-u), 2.0
	if side == refLess {
		extreme, factor = n1*n2-u, 1
	}
	if ties == 0 && min(x.N, x.M) <= exactRanks {
		return test(u, factor*ranksSF(int(x.M), int(x.N), int64(extreme)), 0)
	}
	sd := math.Sqrt(n1 * n2 / 12 * (n + 1 - ties/(n*(n-1))))
	if !(sd > 0) {
		return test(u, 1, 0)
	}
	z := (extreme - n1*n2/2 - 0.5) / sd
	return test(u, factor*math.Erfc(z/math.Sqrt2)/2, 0)
}

// ranksSF is P(U >= u) when no two rows are tied: the orders of n and m rows by
// their U are the coefficients of a Gaussian binomial.
func ranksSF(n, m int, u int64) float64 {
	if n > m {
		n, m = m, n
	}
	ways := make([]float64, n*m+1)
	ways[0] = 1
	for i := 1; i <= n; i++ {
		for k := len(ways) - 1; k >= m+i; k-- {
			ways[k] -= ways[k-m-i]
		}
		for k := i; k < len(ways); k++ {
			ways[k] += ways[k-i]
		}
	}
	var all, reach float64
	for k, w := range ways {
		all += w
		if int64(k) >= u {
			reach += w
		}
	}
	return reach / all
}

// studentT compares means with one common variance, welchT without.
func studentT(x *Numbers) Result {
	n, m := float64(x.N), float64(x.M)
	if n < 2 || m < 2 {
		return none(TooFewRows)
	}
	v := (n*x.Cur.SD*x.Cur.SD + m*x.Ref.SD*x.Ref.SD) / (n + m - 2)
	return tTest(x, v*(1/n+1/m), n+m-2)
}

func welchT(x *Numbers) Result {
	n, m := float64(x.N), float64(x.M)
	if n < 2 || m < 2 {
		return none(TooFewRows)
	}
	a, b := x.Cur.SD*x.Cur.SD/(n-1), x.Ref.SD*x.Ref.SD/(m-1)
	return tTest(x, a+b, (a+b)*(a+b)/(a*a/(n-1)+b*b/(m-1)))
}

// tTest takes the reference's mean less the current one over its standard
// error.
func tTest(x *Numbers, variance, df float64) Result {
	if x.Cur.Off+x.Ref.Off > 0 {
		return none(NeedsValues)
	}
	d := x.meanGap()
	if !(variance > 0) {
		if d == 0 {
			return test(0, 1, 0)
		}
		return none(NoSpread)
	}
	t := d / math.Sqrt(variance)
	r := test(t, mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)), int(df))
	if !x.Exact() { // means far from 0 are rounded
		r.Bound = (math.Abs(x.Cur.Mean) + math.Abs(x.Ref.Mean)) * 0x1p-52 / math.Sqrt(variance)
	}
	return r
}

// meanGap is the reference's mean less the current one; where the values are
// known, measured from the first of them, as both may be far from 0.
func (x *Numbers) meanGap() float64 {
	if !x.Exact() || len(x.Points) == 0 {
		return x.Ref.Mean - x.Cur.Mean
	}
	var cur, ref float64
	for i := range x.Points {
		p := &x.Points[i]
		d := p.X - x.Points[0].X
		cur, ref = cur+float64(p.Cur)*d, ref+float64(p.Ref)*d
	}
	return ref/float64(x.M) - cur/float64(x.N)
}

func chiSquareSF(x float64, df int) float64 {
	if math.IsInf(x, 1) {
		return 0
	}
	return distuv.ChiSquared{K: float64(df)}.Survival(x)
}
