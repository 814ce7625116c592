package profile

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// The promise: from 10,000 rows on, the rank of a quantile is wrong by at most
// 0.1 %, whatever the column looks like, with centres that its first thousand
// values chose. Below that size values are mostly kept and then exact.
const promisedRank = 0.001

// promised are the columns of the promise.
var promised = []shape{
	{name: "uniform", next: func(r *rand.Rand) float64 { return r.Float64() }},
	{name: "normal", next: func(r *rand.Rand) float64 { return r.NormFloat64() }},
	{name: "lognormal", next: func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }},
	{name: "pareto 1.1", next: func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1/1.1) }},
	{name: "cauchy", next: func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) }},
	{name: "two far narrow modes", next: func(r *rand.Rand) float64 {
		return [2]float64{-5 + 0.1*(2*r.Float64()-1), 1e6 + 2*r.Float64() - 1}[r.IntN(2)]
	}},
	{name: "a far narrow mode of one in twenty", next: func(r *rand.Rand) float64 {
		if r.IntN(20) == 0 {
			return 1e6 + r.NormFloat64()
		}
		return r.NormFloat64()
	}},
	{name: "five far narrow modes", next: func(r *rand.Rand) float64 {
		return [5]float64{-1e9, -300, 0, 4000, 1e7}[r.IntN(5)] + r.NormFloat64()
	}},
	{name: "prices", next: func(r *rand.Rand) float64 { return [6]float64{4.99, 9.99, 19.99, 24.95, 49.9, 99}[r.IntN(6)] }},
	{name: "poisson", next: func(r *rand.Rand) float64 { return poisson(r, 5) }},
	{name: "bits", next: func(r *rand.Rand) float64 { return float64(r.IntN(2)) }},
	{name: "constant", next: func(r *rand.Rand) float64 { return 0.1 }},
	{name: "zero inflated", next: func(r *rand.Rand) float64 { return max(0, r.NormFloat64()) }},
	{name: "whole numbers to 999", next: func(r *rand.Rand) float64 { return float64(r.IntN(1000)) }},
	{name: "1e9 and a little noise", next: func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64()*1e-3 }},
	{name: "unix time of a day", next: func(r *rand.Rand) float64 { return 1.7e9 + math.Floor(86400*r.Float64()) }},
}

func TestRankErrorIsAsPromised(t *testing.T) {
	for _, s := range promised {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			centres := ChooseCentres(s.draw(1000, 99))
			for _, n := range []int{10, 100, 1000, 10_000, 100_000, 1_000_000} {
				checkRanks(t, s, n, centres)
			}
		})
	}
}

// TestRankErrorOfTenMillion is the same at the size of a large model's day.
func TestRankErrorOfTenMillion(t *testing.T) {
	if os.Getenv("LEEWAY_VERIFY") == "" {
		t.Skip("verify: ten million rows of each shape take a minute; LEEWAY_VERIFY=1 runs it")
	}
	for _, s := range promised {
		checkRanks(t, s, 10_000_000, ChooseCentres(s.draw(1000, 99)))
	}
}

func checkRanks(t *testing.T, s shape, n int, centres []float64) {
	t.Helper()
	values := s.draw(n, uint64(n)+1)
	x := numericOf(values, 1, centres...)
	slices.Sort(values)
	worst := 0.0
	v := x.view()
	spans := x.spans(v)
	for i := range 1001 {
		q := float64(i) / 1000
		at := quantileOf(spans, x.N, q) // what Quantile says, without reading the summary again
		if v.exact {
			at = x.Quantile(q)
		}
		// A rank is a whole number of rows.
		worst = max(worst, rankError64(values, at, q)-1/float64(n))
	}
	if told := x.QuantileError(); worst > told+1e-12 {
		t.Errorf("%s, %d rows: rank error %v, told %v", s.name, n, worst, told)
	}
	if n >= 10_000 && worst > promisedRank {
		t.Errorf("%s, %d rows about %v: rank error %v", s.name, n, centres, worst)
	}
	t.Logf("%-36s %8d rows, %d centres: rank error %.6f, told %.6f", s.name, n, len(centres), worst, x.QuantileError())
}
