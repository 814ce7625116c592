package twosample

import "math"

// maxFisher is how many tables with the same margins are looked through.
const maxFisher = 100_000

// Fisher is the exact test of two values in two samples (Fisher 1935), two
// sided: the probability of all tables with these margins that are at most as
// probable as the one found. The statistic is the odds ratio, +Inf when a
// product is 0.
func Fisher(bins []Bin) Result {
	two, ok := twoOf(bins)
	if !ok {
		return none(NotTwo)
	}
	a, b, c, d := two[1].Cur, two[0].Cur, two[1].Ref, two[0].Ref
	switch {
	case a+b == 0 || c+d == 0:
		return none(NoRows)
	case a+c == 0 || b+d == 0:
		return Result{Value: 1, P: 1}
	}
	lo, hi := max(0, a-d), min(a+b, a+c)
	if hi-lo > maxFisher {
		return none(TooManyRows)
	}
	odds := math.Inf(1)
	if b > 0 && c > 0 {
		odds = float64(a) * float64(d) / (float64(b) * float64(c))
	}
	lg := func(v int64) float64 { l, _ := math.Lgamma(float64(v) + 1); return l }
	margins := lg(a+b) + lg(c+d) + lg(a+c) + lg(b+d) - lg(a+b+c+d)
	at := func(k int64) float64 {
		return math.Exp(margins - lg(k) - lg(a+b-k) - lg(a+c-k) - lg(d-a+k))
	}
	found, sum := at(a)*(1+1e-9), 0.0
	for k := lo; k <= hi; k++ {
		if p := at(k); p <= found {
			sum += p
		}
	}
	return test(odds, sum, 0)
}
