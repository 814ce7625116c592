package twosample

import "math"

// GTest is the likelihood-ratio test of a contingency table of two samples
// (Wilks 1935), with Yates' correction when there are two bins, as scipy's
// chi2_contingency with lambda_ "log-likelihood".
func GTest(bins []Bin) Result {
	n, m, k := binTotals(bins)
	if n == 0 || m == 0 {
		return none(NoRows)
	}
	if k < 2 {
		return test(0, 1, 0)
	}
	sum := 0.0
	for _, b := range bins {
		column := float64(b.Cur + b.Ref)
		if column == 0 {
			continue
		}
		cur, ref := float64(b.Cur), float64(b.Ref)
		expected := column * float64(n) / float64(n+m)
		if k == 2 {
			step := math.Copysign(min(0.5, math.Abs(expected-cur)), expected-cur)
			cur, ref = cur+step, ref-step
		}
		sum += likelihood(cur, expected) + likelihood(ref, column-expected)
	}
	return test(sum, chiSquareSF(sum, k-1), k-1)
}

// likelihood is one cell's part of G.
func likelihood(observed, expected float64) float64 {
	switch {
	case observed == 0:
		return 0
	case expected == 0:
		return math.Inf(1)
	}
	return 2 * observed * math.Log(observed/expected)
}

// pearson is one cell's part of chi-square.
func pearson(observed, expected float64) float64 {
	if observed == expected {
		return 0
	}
	return (observed - expected) * (observed - expected) / expected
}
