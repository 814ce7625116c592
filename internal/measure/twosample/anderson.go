package twosample

import "math"

// maxAnderson is up to how many rows the standard deviation of the statistic is
// summed up.
const maxAnderson = 10_000_000

// AndersonDarling is the two-sample statistic of Scholz and Stephens (1987)
// with ties by their midrank, standardised. Its p-value is interpolated
// between the levels of their table, as scipy's anderson_ksamp does, and so
// lies between 0.001 and 0.25.
func AndersonDarling(x *Numbers) Result {
	all := x.N + x.M
	switch {
	case x.empty() || all < 4:
		return none(TooFewRows)
	case !x.Exact():
		return none(NeedsValues)
	case all > maxAnderson:
		return none(TooManyRows)
	}
	n := float64(all)
	var cur, ref, sumCur, sumRef float64
	distinct := 0
	for i := range x.Points {
		p := &x.Points[i]
		c, r := float64(p.Cur), float64(p.Ref)
		if c+r == 0 {
			continue
		}
		distinct++
		mid := cur + ref + (c+r)/2
		weight := (c + r) / n / (mid*(n-mid) - n*(c+r)/4)
		a, b := n*(cur+c/2)-mid*float64(x.N), n*(ref+r/2)-mid*float64(x.M)
		sumCur, sumRef = sumCur+weight*a*a, sumRef+weight*b*b
		cur, ref = cur+c, ref+r
	}
	if distinct < 2 {
		return none(NoSpread)
	}
	a2 := (sumCur/float64(x.N) + sumRef/float64(x.M)) * (n - 1) / n
	z := (a2 - 1) / andersonSD(all, 1/float64(x.N)+1/float64(x.M))
	return test(z, andersonP(z), 0)
}

// andersonSD is the statistic's standard deviation for two samples; inverse is
// the sum of the inverse sizes.
func andersonSD(all int64, inverse float64) float64 {
	n := float64(all)
	var sum, g float64
	for i := int64(2); i < all; i++ {
		sum += 1 / float64(all-i+1)
		g += sum / float64(i)
	}
	h := sum + 1
	a := 4*g - 6 + (10-6*g)*inverse
	b := (2*g-4)*4 + 16*h + (2*g-14*h-4)*inverse - 8*h + 4*g - 6
	c := (6*h+2*g-2)*4 + (4*h-4*g+6)*2 + (2*h-6)*inverse + 4*h
	d := (2*h+6)*4 - 8*h
	return math.Sqrt((((a*n+b)*n+c)*n + d) / ((n - 1) * (n - 2) * (n - 3)))
}

// andersonP is the parabola of least squares through the logarithms of the
// table's seven levels, 0.25 to 0.001, at its critical values for two samples,
// 0.325 to 6.546.
func andersonP(z float64) float64 {
	switch {
	case z < 0.325:
		return 0.25
	case z > 6.546:
		return 0.001
	}
	return math.Exp((0.018198094574111343*z-1.0082265644652515)*z - 1.077770279820486)
}
