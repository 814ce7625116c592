package twosample

import "math"

// KolmogorovSF is P(D_n >= x) of the two-sided one-sample statistic. The
// choice of method by region follows Simard and L'Ecuyer, Computing the
// two-sided Kolmogorov-Smirnov distribution (J. Stat. Software 39, 2011).
// The cost does not grow with n.
func KolmogorovSF(n int64, x float64) float64 {
	nf := float64(n)
	t := nf * x
	switch z2 := nf * x * x; {
	case n <= 0 || math.IsNaN(x):
		return math.NaN()
	case t <= 0.5:
		return 1
	case x >= 1:
		return 0
	case t >= nf-1:
		return 2 * math.Pow(1-x, nf)
	case z2 > 370:
		return 0
	case x >= 0.5 || n <= 140 && z2 > 4 || n > 140 && z2 >= 2.2:
		return 2 * oneSided(nf, x)
	case n <= 140 || n <= 2000 && t*math.Sqrt(x) <= 1.4:
		return 1 - durbin(int(n), x)
	default:
		return 1 - pelzGood(nf, x)
	}
}

// oneSided is P(D+_n >= x), Smirnov's sum over j = 0 .. n(1-x) of
// x/(x+j/n) times the binomial probability of j at x + j/n. Its terms are a
// smooth function of j that vanishes with its derivatives at both ends, so
// beyond sumTerms the sum is taken at evenly spaced, real j: the trapezoid
// rule converges faster than any power there.
func oneSided(n, x float64) float64 {
	const sumTerms = 256
	end := math.Floor(n * (1 - x))
	if end <= sumTerms {
		sum := 0.0
		for j := 0.0; j <= end; j++ {
			sum += smirnovTerm(n, x, j)
		}
		return sum
	}
	end = n * (1 - x)
	step := end / sumTerms
	sum := 0.0
	for i := 1; i < sumTerms; i++ {
		sum += smirnovTerm(n, x, float64(i)*step)
	}
	return sum * step
}

// smirnovTerm is written with the remainders of Stirling's series, so that
// nothing large cancels (Loader 2000).
func smirnovTerm(n, x, j float64) float64 {
	t, k := n*x, n-j
	if j == 0 {
		return math.Exp(n * math.Log1p(-x))
	}
	if k <= t {
		return 0
	}
	e := j*math.Log1p(t/j) + k*math.Log1p(-t/k)
	e += stirling(n) - stirling(j) - stirling(k)
	return t / (t + j) * math.Exp(e) * math.Sqrt(n/(2*math.Pi*j*k))
}

// stirling is ln Gamma(n+1) less Stirling's formula.
func stirling(n float64) float64 {
	if n < 16 {
		lg, _ := math.Lgamma(n + 1)
		return lg - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	n2 := n * n
	return (1./12 - (1./360-(1./1260-(1./1680-1./(1188*n2))/n2)/n2)/n2) / n
}

// durbin is P(D_n < x) by the matrix of Durbin (1968) in the form of
// Marsaglia, Tsang and Wang (2003): exact, at a cost of (n x)^3 log n.
func durbin(n int, x float64) float64 {
	k := int(float64(n)*x) + 1
	size := 2*k - 1
	h := float64(k) - float64(n)*x
	a := durbinMatrix(size, h)
	p, shift := power(a, size, n)
	s := p[(k-1)*size+k-1]
	for i := 1; i <= n; i++ {
		s *= float64(i) / float64(n)
		if s < 1e-140 {
			s *= 1e140
			shift -= 140
		}
	}
	return s * math.Pow(10, float64(shift))
}

func durbinMatrix(size int, h float64) []float64 {
	a := make([]float64, size*size)
	for i := range size {
		for j := range min(size, i+2) {
			a[i*size+j] = 1
		}
	}
	for i := range size {
		a[i*size] -= math.Pow(h, float64(i+1))
		a[(size-1)*size+i] -= math.Pow(h, float64(size-i))
	}
	if 2*h > 1 {
		a[(size-1)*size] += math.Pow(2*h-1, float64(size))
	}
	for i := range size {
		for j := range min(size, i+1) {
			for g := 2; g <= i-j+1; g++ {
				a[i*size+j] /= float64(g)
			}
		}
	}
	return a
}

// power is a^n over 10^shift, so that nothing overflows.
func power(a []float64, size, n int) (p []float64, shift int) {
	if n == 1 {
		return a, 0
	}
	half, s := power(a, size, n/2)
	p, shift = multiply(half, half, size), 2*s
	if n%2 == 1 {
		p = multiply(p, a, size)
	}
	if p[(size/2)*size+size/2] > 1e140 {
		for i := range p {
			p[i] *= 1e-140
		}
		shift += 140
	}
	return p, shift
}

func multiply(a, b []float64, size int) []float64 {
	c := make([]float64, size*size)
	for i := range size {
		row := c[i*size : (i+1)*size]
		for k := range size {
			f := a[i*size+k]
			for j, v := range b[k*size : (k+1)*size] {
				row[j] += f * v
			}
		}
	}
	return c
}

// pelzGood is P(D_n < x) by the expansion of Pelz and Good (1976) in powers of
// 1/sqrt(n): K0 is Kolmogorov's limit, written as a theta series that
// converges fast for small z.
func pelzGood(n, x float64) float64 {
	z := math.Sqrt(n) * x
	var k0, k1, k2, k3, extra2, extra3 float64
	const pi2 = math.Pi * math.Pi
	z2 := z * z
	z4, z6 := z2*z2, z2*z2*z2
	for k := range int(16*z/math.Pi) + 2 {
		u := pi2 * (float64(k) + 0.5) * (float64(k) + 0.5)
		e := math.Exp(-u / (2 * z2))
		k0 += e
		k1 += e * (u - z2)
		k2 += e * (6*z6 + 2*z4 + (2*z4-5*z2)*u + (1-2*z2)*u*u)
		k3 += e * (-30*z6 - 90*z6*z2 + (135*z4-96*z6)*u + (-60*z2+212*z4)*u*u + (5-30*z2)*u*u*u)
		v := pi2 * float64(k) * float64(k)
		e = math.Exp(-v / (2 * z2))
		extra2 += e * v
		extra3 += e * v * (3*z2 - v)
	}
	root := math.Sqrt(2 * math.Pi)
	k0 *= root / z
	k1 *= root / (6 * z4)
	k2 = root*k2/(72*z6*z) - root*extra2/(36*z2*z)
	k3 = root*k3/(6480*z6*z4) + root*extra3/(216*z6)
	return k0 + (k1+(k2+k3/math.Sqrt(n))/math.Sqrt(n))/math.Sqrt(n)
}
