package twosample

import "math"

// Deepchecks' definitions (deepchecks/utils/distribution/drift.py); formulas
// only.

// deepchecksMargin is the share of each sample that is trimmed at either end.
const deepchecksMargin = 0.025

// TrimmedEMD is W1 of two samples without their tails, over the range of what
// is left. It needs the values: where a grid cuts a tail is in doubt.
func TrimmedEMD(x *Numbers, margin float64) Result {
	if x.empty() {
		return none(NoRows)
	}
	if !x.Exact() {
		return none(NeedsValues)
	}
	curLow, curHigh := x.quantile(margin, curOf, x.N), x.quantile(1-margin, curOf, x.N)
	refLow, refHigh := x.quantile(margin, refOf, x.M), x.quantile(1-margin, refOf, x.M)
	y := &Numbers{Points: make([]Point, 0, len(x.Points))}
	for _, p := range x.Points {
		if p.X < curLow || p.X > curHigh {
			p.Cur = 0
		}
		if p.X < refLow || p.X > refHigh {
			p.Ref = 0
		}
		y.Points = append(y.Points, p)
	}
	y.N, y.M = totals(y.Points)
	lo, hi := y.span(either)
	if y.empty() || lo == hi {
		return distance(0, 0)
	}
	return distance(y.Wasserstein()/(hi-lo), 0)
}

// CramersV is the association of value and sample, 0 to 1, with Bergsma's
// correction for bias, on counts scaled to the smaller sample and rounded.
func CramersV(bins []Bin) float64 {
	n, m, k := binTotals(bins)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	if k == 1 {
		return 0
	}
	scaled := make([]Bin, len(bins))
	for i, b := range bins {
		scaled[i] = b
		if n > m {
			scaled[i].Cur = roundTo(b.Cur, m, n)
		} else if m > n {
			scaled[i].Ref = roundTo(b.Ref, n, m)
		}
	}
	return correctedV(scaled)
}

func roundTo(count, to, from int64) int64 {
	return int64(math.RoundToEven(float64(count) * (float64(to) / float64(from))))
}

func correctedV(bins []Bin) float64 {
	statistic, _, df := ChiSquare(bins)
	n, m, k := binTotals(bins)
	if k < 2 {
		return 0
	}
	less := float64(n+m) - 1
	phi2 := max(0, statistic/float64(n+m)-float64(df)/less)
	rows, columns := 1-1/less, float64(k)-float64(df*df)/less-1
	return math.Sqrt(phi2 / min(rows, columns))
}

// BalancedV is CramersV as if the reference had each category equally often:
// the current count of a category changes as it did against the reference,
// with one row added everywhere.
func BalancedV(bins []Bin) float64 {
	n, m, k := binTotals(bins)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	if k == 1 {
		return 0
	}
	smaller := float64(min(n, m))
	each := math.Floor((smaller + float64(k)) / float64(k))
	out := make([]Bin, 0, k)
	sum := 0.0
	for _, b := range bins {
		if b.Cur+b.Ref > 0 {
			ratio := (float64(b.Cur)*smaller/float64(n) + 1) / (float64(b.Ref)*smaller/float64(m) + 1)
			cur := math.RoundToEven(each * ratio)
			out = append(out, Bin{Cur: int64(cur), Ref: int64(each)})
			sum += cur
		}
	}
	for i := range out {
		out[i].Cur = int64(math.RoundToEven(float64(out[i].Cur) * (each * float64(k) / sum)))
	}
	return correctedV(out)
}

// FlooredPSI is the sum of (p-q) ln(p/q), each share at least a hundredth.
func FlooredPSI(bins []Bin) float64 {
	const least = 0.01
	sum := 0.0
	if !shares(bins, func(q, p float64) {
		p, q = max(p, least), max(q, least)
		sum += (p - q) * math.Log(p/q)
	}) {
		return math.NaN()
	}
	return sum
}
