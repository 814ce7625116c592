package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// regressionMetrics are made of sums alone. The intervals of both mean errors
// are those of a mean (normal); the others have none.
func regressionMetrics(g *profile.Regression) []Metric {
	keys := []string{"mae", "me", "mse", "rmse", "r2", "mape"}
	out := make([]Metric, len(keys))
	for i, key := range keys {
		out[i] = Metric{key, undefined(NoLabels, 0)}
	}
	if g == nil || g.N <= 0 {
		if g != nil && g.Invalid > 0 {
			for i := range out {
				out[i].Value = undefined(NotFinite, g.Invalid)
			}
		}
		return out
	}
	n := float64(g.N)
	mae, me, mse := g.AbsE.Float64()/n, g.E.Float64()/n, g.SqE.Float64()/n
	out[0].Value = meanError(mae, mse, g.N)
	out[0].Low = max(0, out[0].Low) // a distance is never negative
	out[1].Value = meanError(me, mse, g.N)
	out[2].Value = finite(mse, g.N)
	out[3].Value = finite(math.Sqrt(mse), g.N)
	out[4].Value = rSquared(g)
	out[5].Value = undefined(ZeroTargets, 0)
	if g.NonZero > 0 {
		out[5].Value = finite(g.AbsPct.Float64()/float64(g.NonZero), g.NonZero)
	}
	return out
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
