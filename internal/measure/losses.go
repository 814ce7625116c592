package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// logLossClip keeps a probability of 0 from an infinite loss, as in profile.
const logLossClip = 2.220446049250313e-16

// loss is what a probability given to a class costs when the class came true,
// or did not.
type loss func(p float64, positive bool) float64

func squaredLoss(p float64, positive bool) float64 {
	if positive {
		p = 1 - p
	}
	return p * p
}

func logLoss(p float64, positive bool) float64 {
	if !positive {
		p = 1 - p
	}
	return -math.Log(min(max(p, logLossClip), 1-logLossClip))
}

// meanLoss is an exact sum over its rows. The spread that its interval needs is
// taken from the cells of the scores.
func (x *scores) meanLoss(sum profile.FixedSum, n, labels int64, of loss) Value {
	switch {
	case n <= 0 && labels <= 0:
		return undefined(NoLabels, 0)
	case n <= 0:
		return undefined(NoScores, 0)
	}
	mean := sum.Float64() / float64(n)
	s := spread{pivot: mean}
	for i, c := range x.cells {
		if !x.within(i) {
			continue
		}
		if c.Pos > 0 {
			s.add(of(c.Score, true), c.Pos)
		}
		if c.Neg > 0 {
			s.add(of(c.Score, false), c.Neg)
		}
	}
	return s.around(mean, n)
}

// spread is the squared deviation of weighted numbers, summed about a pivot
// near their mean.
type spread struct {
	pivot, rows, sum, squares float64
}

func (s *spread) add(v float64, count int64) {
	n, d := float64(count), v-s.pivot
	s.rows += n
	s.sum += n * d
	s.squares += n * d * d
}

// around is a mean that is never negative with a normal interval of the spread.
func (s *spread) around(mean float64, n int64) Value {
	v := finite(mean, n)
	m2 := s.squares - s.sum*s.sum/s.rows
	if s.rows < 2 || !v.Defined || !(m2 >= 0) || math.IsInf(m2, 0) {
		return v
	}
	half := z95 * math.Sqrt(m2/(s.rows-1)/s.rows)
	return v.between(max(0, mean-half), mean+half, "normal")
}

// rootOf is the square root of a mean of squares.
func rootOf(v Value) Value {
	if !v.Defined {
		return v
	}
	v.Value, v.Low, v.High = math.Sqrt(v.Value), math.Sqrt(v.Low), math.Sqrt(v.High)
	if v.HasInterval {
		v.Method = "normal_root"
	}
	return v
}
