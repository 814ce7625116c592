package twosample

import "math"

// exactCVM is the size of the larger sample up to which the p-value of
// Cramer-von Mises is exact, as scipy's cramervonmises_2samp decides.
const exactCVM = 20

// CramerVonMises is Anderson's two-sample criterion (1962), ties by their mean
// rank.
func CramerVonMises(x *Numbers) Result {
	switch {
	case x.N < 2 || x.M < 2:
		return none(TooFewRows)
	case !x.Exact():
		return none(NeedsValues)
	}
	var cur, ref, u, v float64
	for i := range x.Points {
		p := &x.Points[i]
		c, r := float64(p.Cur), float64(p.Ref)
		rank := cur + ref + (c+r+1)/2
		u += squaresFrom(rank-cur, c)
		v += squaresFrom(rank-ref, r)
		cur, ref = cur+c, ref+r
	}
	n, m := float64(x.N), float64(x.M)
	u = n*u + m*v
	k, all := n*m, n+m
	t := u/(k*all) - (4*k-1)/(6*all)
	if max(x.N, x.M) <= exactCVM {
		return test(t, cvmExact(int(x.N), int(x.M), u), 0)
	}
	mean := (1 + 1/all) / 6
	variance := (all + 1) * (4*k*all - 3*(n*n+m*m) - 2*k) / (45 * all * all * 4 * k)
	z := 1./6 + (t-mean)/math.Sqrt(45*variance)
	if z < 0.003 {
		return test(t, 1, 0)
	}
	return test(t, 1-cvmLimit(z), 0)
}

// squaresFrom is the sum of (a-j)^2 over j = 1 .. n.
func squaresFrom(a, n float64) float64 {
	return n*a*a - a*n*(n+1) + n*(n+1)*(2*n+1)/6
}

// cvmExact is the share of all orders of n and m rows whose criterion is that
// of u or more, by the recursion of Xiao, Gordon and Yakovlev (J. Stat.
// Software 17, 2006): paths through the lattice by the sum of their squared
// distances from the diagonal.
func cvmExact(n, m int, u float64) float64 {
	g := gcd(n, m)
	lcm := n / g * m
	nm := float64(n * m)
	zeta := math.Floor(float64(lcm*lcm*(n+m)) * (6*u - nm*(4*nm-1)) / (6 * nm * nm))
	a, b := lcm/n, lcm/m
	row := make([]map[int]float64, n+1)
	for j := 0; j <= m; j++ {
		for i := 0; i <= n; i++ {
			ways := map[int]float64{}
			d := (a*i - b*j) * (a*i - b*j)
			if i == 0 && j == 0 {
				ways[0] = 1
			}
			if j > 0 {
				for v, w := range row[i] {
					ways[v+d] += w
				}
			}
			if i > 0 {
				for v, w := range row[i-1] {
					ways[v+d] += w
				}
			}
			row[i] = ways
		}
	}
	var all, reach float64
	for v, w := range row[n] {
		all += w
		if float64(v) >= zeta {
			reach += w
		}
	}
	return reach / all
}

// cvmLimit is the distribution function for large samples (Csorgo and Faraway
// 1996, equation 1.2), up to the first term below 1e-7, as scipy takes it.
func cvmLimit(x float64) float64 {
	sum := 0.0
	for k := 0.0; ; k++ {
		lg, _ := math.Lgamma(k + 0.5)
		lf, _ := math.Lgamma(k + 1)
		y := 4*k + 1
		q := y * y / (16 * x)
		term := math.Exp(lg-lf) / (math.Pow(math.Pi, 1.5) * math.Sqrt(x)) * math.Sqrt(y) * expBesselK(0.25, q)
		sum += term
		if math.Abs(term) < 1e-7 {
			return sum
		}
	}
}

// expBesselK is exp(-x) K(nu, x) by its integral of exp(-x cosh t) cosh(nu t),
// for which the trapezoid rule converges faster than any power.
func expBesselK(nu, x float64) float64 {
	const step = 1. / 64
	sum := math.Exp(-2*x) / 2
	for i := 1; ; i++ {
		t := float64(i) * step
		term := math.Exp(-x-x*math.Cosh(t)) * math.Cosh(nu*t)
		sum += term
		if term <= 1e-18*sum || t > 700 {
			return sum * step
		}
	}
}
