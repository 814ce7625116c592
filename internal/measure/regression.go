package measure

import (
	"fmt"
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// residualRanks are the ranks at which the error of a regression is published.
func residualRanks() []float64 { return []float64{0.05, 0.5, 0.95} }

// regressionMetrics are made of sums and of the distribution of the errors.
// Intervals are those of a mean (normal) and of what is made of means.
func regressionMetrics(g *profile.Regression) []Metric {
	out := []Metric{
		{"mae", undefined(NoLabels, 0)}, {"me", undefined(NoLabels, 0)}, {"mse", undefined(NoLabels, 0)},
		{"rmse", undefined(NoLabels, 0)}, {"rmsle", undefined(NoLabels, 0)}, {"r2", undefined(NoLabels, 0)},
		{"mape", undefined(NoLabels, 0)}, {"smape", undefined(NoLabels, 0)}, {"wape", undefined(NoLabels, 0)},
		{"max_error", undefined(NoLabels, 0)},
	}
	for _, q := range residualRanks() {
		out = append(out, Metric{residualKey(q), undefined(NoLabels, 0)})
	}
	if g == nil || g.N <= 0 {
		if g != nil && g.Invalid > 0 {
			for i := range out {
				out[i].Value = undefined(NotFinite, g.Invalid)
			}
		}
		return out
	}
	values := errorsOf(g)
	for i := range out {
		out[i].Value = values[out[i].Key]
	}
	return out
}

func residualKey(q float64) string { return fmt.Sprintf("residual_p%02.0f", 100*q) }

func errorsOf(g *profile.Regression) map[string]Value {
	n := float64(g.N)
	mse := g.SqE.Float64() / n
	mae := meanError(g.AbsE.Float64()/n, mse, g.N)
	mae.Low = max(0, mae.Low) // a distance is never negative
	squares := squaredErrors(g)
	out := map[string]Value{
		"mae": mae, "me": meanError(g.E.Float64()/n, mse, g.N), "mse": squares, "rmse": rootOf(squares),
		"rmsle": logErrors(g), "r2": rSquared(g), "mape": percentErrors(g), "wape": weightedErrors(g),
		"smape":     positive(meanError(g.SymPct.Float64()/n, g.SqSymPct.Float64()/n, g.N)),
		"max_error": MaxError(&g.Errors),
	}
	for _, q := range residualRanks() {
		out[residualKey(q)] = Residual(&g.Errors, q)
	}
	return out
}

func positive(v Value) Value {
	v.Low = max(0, v.Low)
	return v
}

// meanError is the mean of errors whose mean square is known.
func meanError(mean, square float64, n int64) Value {
	v := finite(mean, n)
	variance := square - mean*mean
	if n < 2 || !v.Defined || !(variance >= 0) || math.IsInf(variance, 0) {
		return v
	}
	half := z95 * math.Sqrt(variance/float64(n-1))
	return v.between(mean-half, mean+half, "normal")
}

// squaredErrors is the mean squared error. The spread of the squares is taken
// from the distribution of the errors.
func squaredErrors(g *profile.Regression) Value {
	mse := g.SqE.Float64() / float64(g.N)
	s := spread{pivot: mse}
	g.Errors.Cells(func(lo, hi float64, count int64) {
		if count > 0 {
			e := lo + (hi-lo)/2
			s.add(e*e, count)
		}
	})
	return s.around(mse, g.N)
}

// logErrors is the root mean squared logarithmic error over the rows that have
// one: prediction and truth above -1.
func logErrors(g *profile.Regression) Value {
	if g.LogN <= 0 {
		return undefined(NegativeTargets, 0)
	}
	n := float64(g.LogN)
	return rootOf(positive(meanError(g.SqLog.Float64()/n, g.QuadLog.Float64()/n, g.LogN)))
}

// percentErrors is over the rows whose truth is not 0.
func percentErrors(g *profile.Regression) Value {
	if g.NonZero <= 0 {
		return undefined(ZeroTargets, 0)
	}
	n := float64(g.NonZero)
	return positive(meanError(g.AbsPct.Float64()/n, g.SqPct.Float64()/n, g.NonZero))
}

// weightedErrors is the sum of |e| over that of |y|, a ratio of means, with the
// interval of its linear form (Cochran 1977, 6.3).
func weightedErrors(g *profile.Regression) Value {
	abs := g.AbsY.Float64()
	if !(abs > 0) {
		return undefined(ZeroTargets, g.N)
	}
	w, n := g.AbsE.Float64()/abs, float64(g.N)
	v := finite(w, g.N)
	rest := g.SqE.Float64() - 2*w*g.AbsEY.Float64() + w*w*g.SqY.Float64()
	if g.N < 2 || !v.Defined || !(rest >= 0) || math.IsInf(rest, 0) {
		return v
	}
	half := z95 * math.Sqrt(rest*n/(n-1)) / abs
	return v.between(max(0, w-half), w+half, "ratio")
}

// rSquared has no interval: the spread that it would need is not in the sums.
func rSquared(g *profile.Regression) Value {
	total := g.TotalSquares()
	if g.N < 2 || !(total > 0) {
		return undefined(ConstantLabels, g.N)
	}
	return finite(1-g.SqE.Float64()/total, g.N)
}

// finite is a value, unless sums overflowed.
func finite(v float64, n int64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return undefined(NotFinite, n)
	}
	return defined(v, n)
}

// MaxError is the greatest distance of a prediction from its label: exact while
// errors are kept, else the middle of what the outermost cells leave open.
func MaxError(errors *profile.ScoreSet) Value {
	least, most := 0.0, 0.0
	any := false
	errors.Cells(func(lo, hi float64, count int64) {
		if count > 0 {
			any = true
			least = max(least, lo, -hi)
			most = max(most, hi, -lo)
		}
	})
	if !any {
		return undefined(NoLabels, 0)
	}
	v := defined(least+(most-least)/2, errors.N())
	v.Bound = (most - least) / 2
	return v
}

// Residual is the error at a rank of 0..1. Its interval is between the errors
// at the ranks that a binomial count of rows below it leaves open.
func Residual(errors *profile.ScoreSet, rank float64) Value {
	n := errors.N()
	if n <= 0 {
		return undefined(NoLabels, 0)
	}
	v := finite(errors.Quantile(rank), n)
	v.Bound = residualBound(errors, rank, v.Value)
	if half := z95 * math.Sqrt(rank*(1-rank)/float64(n)); n > 1 && v.Defined {
		v = v.between(errors.Quantile(rank-half), errors.Quantile(rank+half), "order_statistics")
	}
	return v
}

// residualBound is how far v can be from the error at a rank: that lies between
// the two rows beside the rank, each of which is somewhere in its cell.
func residualBound(errors *profile.ScoreSet, rank, v float64) float64 {
	at := rank * float64(errors.N()-1)
	first, second := math.Floor(at), math.Ceil(at)
	least, most, doubt := v, v, false
	below := 0.0
	errors.Cells(func(lo, hi float64, count int64) {
		last := below + float64(count) - 1
		if below <= first && first <= last {
			least, doubt = lo, lo < hi
		}
		if below <= second && second <= last {
			most, doubt = hi, doubt || lo < hi
		}
		below = last + 1
	})
	if !doubt {
		return 0
	}
	return max(v-least, most-v, 0)
}
