package twosample

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// EppsSingleton compares the characteristic functions at 0.4 and 0.8 of the
// inverse semi-interquartile range (Epps and Singleton 1986), as scipy's
// epps_singleton_2samp does, with its correction for small samples.
func EppsSingleton(x *Numbers) Result {
	switch {
	case x.N < 5 || x.M < 5:
		return none(TooFewRows)
	case !x.Exact():
		return none(NeedsValues)
	}
	n, m := x.N, x.M
	all := n + m
	scale := (x.quantile(0.75, either, all) - x.quantile(0.25, either, all)) / 2
	if !(scale > 0) {
		return none(NoSpread)
	}
	meanCur, covCur := waves(x.Points, scale, curOf)
	meanRef, covRef := waves(x.Points, scale, refOf)
	var cov mat.SymDense
	covCur.ScaleSym(float64(all)/float64(n), covCur)
	covRef.ScaleSym(float64(all)/float64(m), covRef)
	cov.AddSym(covCur, covRef)
	diff := mat.NewVecDense(4, nil)
	for i := range 4 {
		diff.SetVec(i, meanRef[i]-meanCur[i])
	}
	w, rank, ok := pseudoForm(&cov, diff)
	if !ok || rank == 0 {
		return none(NoSpread)
	}
	w *= float64(all)
	if max(n, m) < 25 {
		w /= 1 + math.Pow(float64(all), -0.45) + 10.1*(math.Pow(float64(n), -1.7)+math.Pow(float64(m), -1.7))
	}
	return test(w, chiSquareSF(w, rank), rank)
}

// waves are mean and covariance (over n) of the cosines and sines.
func waves(pts []Point, scale float64, count func(*Point) int64) (mean [4]float64, cov *mat.SymDense) {
	var n float64
	at := func(x float64) [4]float64 {
		a, b := 0.4/scale*x, 0.8/scale*x
		return [4]float64{math.Cos(a), math.Cos(b), math.Sin(a), math.Sin(b)}
	}
	for i := range pts {
		if k := float64(count(&pts[i])); k > 0 {
			n += k
			for j, v := range at(pts[i].X) {
				mean[j] += k * v
			}
		}
	}
	for j := range mean {
		mean[j] /= n
	}
	cov = mat.NewSymDense(4, nil)
	for i := range pts {
		if k := float64(count(&pts[i])); k > 0 {
			g := at(pts[i].X)
			for a := range 4 {
				for b := a; b < 4; b++ {
					cov.SetSym(a, b, cov.At(a, b)+k/n*(g[a]-mean[a])*(g[b]-mean[b]))
				}
			}
		}
	}
	return mean, cov
}

// pseudoForm is v' pinv(s) v and the rank of s; singular values below numpy's
// relative limits count as 0.
func pseudoForm(s *mat.SymDense, v *mat.VecDense) (form float64, rank int, ok bool) {
	var e mat.EigenSym
	if !e.Factorize(s, true) {
		return 0, 0, false
	}
	values := e.Values(nil)
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	largest := values[len(values)-1]
	for i, value := range values {
		if value > 1e-15*largest && largest > 0 {
			d := mat.Dot(vectors.ColView(i), v)
			form += d * d / value
			if value > 4*largest*2.220446049250313e-16 {
				rank++
			}
		}
	}
	return form, rank, true
}
