package estimate

import (
	"math"
	"sort"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// LossMethod is the name of the estimate of a regression's errors.
const LossMethod = "loss_by_value"

// minPool is how many labelled rows stand together for the error at a value.
const minPool = 30

// Losses is what labelled rows taught of a regression model: the error to
// expect of a prediction, by its value. It sees a model that comes to predict
// where it was always worse; it is blind to rows that are harder for another
// reason, and to a changed meaning of them (docs/decisions/0011).
type Losses struct {
	Rows  int64
	first uint32 // least key of the reference
	pools []pool
}

// pool is neighbouring cells with rows enough.
type pool struct {
	last          uint32 // greatest key
	rows          float64
	absE, sqE     float64
	meanAbs, mean float64 // of |e| and e²
}

// LossesFromProfile learns from a profile with labels.
func LossesFromProfile(p *profile.Profile) (l *Losses, reason string) {
	if p == nil || p.Quality == nil || p.Quality.Regression == nil {
		return nil, NoReference
	}
	l = &Losses{}
	open := pool{}
	p.Quality.Regression.Losses.Each(func(key uint32, n int64, absE, sqE float64) {
		if n <= 0 {
			return
		}
		if l.Rows == 0 {
			l.first = key
		}
		l.Rows += n
		open = pool{last: key, rows: open.rows + float64(n), absE: open.absE + absE, sqE: open.sqE + sqE}
		if open.rows >= minPool {
			l.pools = append(l.pools, open)
			open = pool{}
		}
	})
	switch n := len(l.pools); {
	case l.Rows == 0:
		return nil, NoReference
	case n == 0:
		return nil, SmallReference
	case open.rows > 0:
		last := &l.pools[n-1]
		*last = pool{last: open.last, rows: last.rows + open.rows, absE: last.absE + open.absE, sqE: last.sqE + open.sqE}
	}
	for i := range l.pools {
		c := &l.pools[i]
		c.meanAbs, c.mean = c.absE/c.rows, c.sqE/c.rows
	}
	return l, ""
}

// of is the pool of a key; keys outside of the reference have the nearest.
func (l *Losses) of(key uint32) (c *pool, outside bool) {
	i := sort.Search(len(l.pools), func(i int) bool { return l.pools[i].last >= key })
	if i == len(l.pools) {
		return &l.pools[i-1], true
	}
	return &l.pools[i], key < l.first
}

// losses is a sum over predictions of what to expect of each.
type losses struct {
	n, absE, sqE, outside float64
}

func (s *losses) add(l *Losses, key uint32, count int64) {
	c, outside := l.of(key)
	n := float64(count)
	s.n, s.absE, s.sqE = s.n+n, s.absE+n*c.meanAbs, s.sqE+n*c.mean
	if outside {
		s.outside += n
	}
}

func (s *losses) metrics() []Metric {
	n := int64(s.n)
	out := make([]Metric, 0, 3)
	mae, mse := s.absE/s.n, s.sqE/s.n
	for _, m := range []struct {
		key   string
		value float64
	}{{"mae", mae}, {"mse", mse}, {"rmse", math.Sqrt(mse)}} {
		v := measure.Value{N: n, Reason: measure.NoPredictions}
		if s.n > 0 {
			v = measure.Value{Value: m.value, Defined: true, N: n, Method: LossMethod}
		}
		out = append(out, Metric{Key: m.key, Value: v, SamplingError: math.NaN()})
	}
	if s.n > 0 {
		e := math.Sqrt(math.Max(0, mse-mae*mae) / s.n)
		out[0].SamplingError, out[0].HasInterval = e, true
		out[0].Low, out[0].High = math.Max(0, mae-bandErrors*e), mae+bandErrors*e
	}
	return out
}

// OfProfile is the error to be expected of all predictions of a window.
func (l *Losses) OfProfile(p *profile.Profile) Result {
	var s losses
	if p != nil && p.Values != nil {
		p.Values.Cells(func(lo, hi float64, count int64) {
			s.add(l, profile.LossKey(lo+(hi-lo)/2), count)
		})
	}
	return Result{N: int64(s.n), Outside: s.outside / max(1, s.n), Metrics: s.metrics()}
}

// Gaps compares the realised with the expected mean absolute error of the same
// labelled rows. Above zero the model is worse than it was at these values.
func (l *Losses) Gaps(q *profile.Quality) []Gap {
	if q == nil || q.Regression == nil || q.Regression.N < MinGap {
		return nil
	}
	var s losses
	var realised float64
	q.Regression.Losses.Each(func(key uint32, n int64, absE, _ float64) {
		s.add(l, key, max(n, 0))
		realised += absE
	})
	if s.n < MinGap {
		return nil
	}
	m := s.metrics()[0]
	return []Gap{{
		Key: m.Key, Realised: realised / s.n, Estimated: m.Value.Value, N: int64(s.n),
		Noise: m.SamplingError * math.Sqrt(1+s.n/float64(l.Rows)),
	}}
}
