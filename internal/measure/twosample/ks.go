package twosample

import "math"

// exactKS is the size of the larger sample up to which the p-value of the
// two-sample test is exact, as scipy's ks_2samp decides in its mode "auto".
const exactKS = 10_000

// negligible is a p-value below which the exact count would only cost time:
// the asymptotic tail is given instead.
const negligible = 1e-15

// KSPValue is the two-sided p-value of a Kolmogorov-Smirnov distance between
// samples of n and m rows. Ties make it conservative, as they do elsewhere.
func KSPValue(d float64, n, m int64) float64 {
	if n <= 0 || m <= 0 || math.IsNaN(d) {
		return math.NaN()
	}
	if n < m {
		n, m = m, n
	}
	en := float64(n) * float64(m) / (float64(n) + float64(m))
	if n <= exactKS && 2*math.Exp(-2*en*d*d) > negligible {
		return exactP(d, int(n), int(m))
	}
	return clip01(KolmogorovSF(int64(math.RoundToEven(en)), d))
}

// exactP is the share of all orders of n and m rows whose distance reaches d.
// Requires n >= m >= 1.
func exactP(d float64, n, m int) float64 {
	g := gcd(n, m)
	lcm := float64(n/g) * float64(m)
	h := int(math.RoundToEven(d * lcm)) // the distance in steps of 1/lcm
	if h == 0 {
		return 1
	}
	if n == m {
		return clip01(squareP(n, h))
	}
	return clip01(outsideP(n, m, h))
}

// squareP is the closed form for equal sizes: reflections at both borders
// (Gnedenko and Korolyuk 1951), summed from the smallest term.
func squareP(n, h int) float64 {
	p := 0.0
	for k := n / h; k >= 0; k-- {
		ratio := 1.0
		for j := range h {
			ratio *= float64(n-k*h-j) / float64(n+k*h+j+1)
		}
		p = ratio * (1 - p)
	}
	return 2 * p
}

// outsideP walks the lattice of all orders of n and m rows (Hodges 1957), one
// diagonal at a time: b[i+1] is the share of the paths to i rows of the smaller
// sample and s-i of the larger that have touched a point at which the distance
// is h or more. Only the band inside the borders is walked; a step moves each
// end of it by at most one row, so a 1 on either side stands for all that lies
// beyond.
func outsideP(n, m, h int) float64 {
	ng, mg := n/gcd(n, m), m/gcd(n, m)
	b := make([]float64, m+3)
	b[0], b[2] = 1, 1
	for s := 1; s <= n+m; s++ {
		// Inside is |i ng - (s-i) mg| < h.
		lo := max(floorDiv(s*mg-h, ng+mg)+1, s-n, 0)
		hi := min(ceilDiv(s*mg+h, ng+mg)-1, s, m)
		if lo > hi {
			return 1
		}
		all, inv := float64(s), 1/float64(s)
		for i := hi; i >= lo; i-- {
			few := float64(i)
			b[i+1] = ((all-few)*b[i+1] + few*b[i]) * inv
		}
		b[lo], b[hi+2] = 1, 1
	}
	return b[m+1]
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func ceilDiv(a, b int) int { return -floorDiv(-a, b) }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func clip01(p float64) float64 { return min(max(p, 0), 1) }
