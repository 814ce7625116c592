package twosample

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// ChiSquare is the contingency test of two samples over the same bins, with
// Yates' correction when there are two bins (as scipy's chi2_contingency).
// Bins that both samples leave empty do not count. With fewer than two bins
// the distributions cannot differ: 0 with p = 1. It is NaN when a sample is
// empty.
func ChiSquare(bins []Bin) (statistic, p float64, df int) {
	n, m, k := binTotals(bins)
	if n == 0 || m == 0 {
		return math.NaN(), math.NaN(), 0
	}
	if k < 2 {
		return 0, 1, 0
	}
	df = k - 1
	for _, b := range bins {
		if col := float64(b.Cur + b.Ref); col > 0 {
			expCur := col * float64(n) / float64(n+m)
			diff := math.Abs(float64(b.Cur) - expCur)
			if df == 1 {
				diff -= min(0.5, diff)
			}
			statistic += diff*diff/expCur + diff*diff/(col-expCur)
		}
	}
	return statistic, distuv.ChiSquared{K: float64(df)}.Survival(statistic), df
}

// minExpected is the expected count below which the chi-square distribution is
// a poor guide (Cochran 1954).
const minExpected = 5

// Pool joins rare bins until the smaller sample expects at least five rows in
// each, so that one odd row does not make a test significant.
func Pool(bins []Bin) []Bin {
	n, m, _ := binTotals(bins)
	smaller := float64(min(n, m)) / float64(max(n+m, 1))
	expects := func(b Bin) bool { return float64(b.Cur+b.Ref)*smaller >= minExpected }
	byCount := slices.Clone(bins)
	slices.SortStableFunc(byCount, func(a, b Bin) int { return cmp.Compare(a.Cur+a.Ref, b.Cur+b.Ref) })
	rare := Bin{Name: "rare"}
	for i, b := range byCount {
		if expects(b) && (expects(rare) || rare.Cur+rare.Ref == 0) {
			return append([]Bin{rare}, byCount[i:]...)
		}
		rare.Cur += b.Cur
		rare.Ref += b.Ref
	}
	return []Bin{rare}
}
