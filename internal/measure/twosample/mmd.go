package twosample

import (
	"math"
	"slices"
)

// maxMMD is how many rows of both samples are compared in pairs: the cost is
// their square, and anybody who may read may ask.
const maxMMD = 1000

// MMD is the unbiased estimate of the squared maximum mean discrepancy (Gretton
// et al. 2012) with the kernel exp(-d^2/(2 sigma^2)) over rows of dim numbers,
// which lie one after the other in x and y. It can be negative.
func MMD(x, y []float64, dim int, sigma float64) float64 {
	within := func(v []float64) float64 {
		n := len(v) / dim
		sum := 0.0
		for i := range n {
			for j := range i {
				sum += 2 * kernel(v[i*dim:][:dim], v[j*dim:][:dim], sigma)
			}
		}
		return sum / float64(n) / float64(n-1)
	}
	across := 0.0
	for i := 0; i < len(x); i += dim {
		for j := 0; j < len(y); j += dim {
			across += kernel(x[i:][:dim], y[j:][:dim], sigma)
		}
	}
	pairs := float64(len(x)/dim) * float64(len(y)/dim)
	return within(x) + within(y) - 2*across/pairs
}

func kernel(a, b []float64, sigma float64) float64 {
	return math.Exp(-squaredDistance(a, b) / (2 * sigma * sigma))
}

func squaredDistance(a, b []float64) (d float64) {
	for i := range a {
		d += (a[i] - b[i]) * (a[i] - b[i])
	}
	return d
}

// MedianSigma is Evidently's choice of sigma: the square root of half the
// median squared distance of all ordered pairs, a row with itself included;
// that of distance 1 when the median is 0. Of two middle ones numpy's "nearest"
// takes that of the even rank.
func MedianSigma(x []float64, dim int) float64 {
	n := len(x) / dim
	all := make([]float64, 0, n*n)
	for i := range n {
		for j := range n {
			all = append(all, squaredDistance(x[i*dim:][:dim], x[j*dim:][:dim]))
		}
	}
	slices.Sort(all)
	median := all[int(math.RoundToEven(float64(len(all)-1)/2))]
	if median == 0 {
		median = 1
	}
	return math.Sqrt(0.5 * median)
}

func mmd(x *Numbers) Result {
	switch {
	case x.N < 2 || x.M < 2:
		return none(TooFewRows)
	case !x.Exact():
		return none(NeedsValues)
	case x.N+x.M > maxMMD:
		return none(TooManyRows)
	}
	ref := x.values(refOf)
	return distance(MMD(ref, x.values(curOf), 1, MedianSigma(ref, 1)), 0)
}
