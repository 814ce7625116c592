package detector

import (
	"fmt"
	"math"
)

// eddm watches the distances between errors: when they shrink against the
// longest that they were, the model got worse (Baena-Garcia et al. 2006).
type eddm struct {
	wait           float64 // values and errors
	warning, drift float64 // shares of the greatest
	// early is 1 in River 0.13: it counts one value more, divides by n where
	// the deviation is the sample's, and forgets a warning at each error.
	early    float64
	n, last  float64
	gaps     mean
	m2       float64 // of the gaps
	greatest float64
	state    State
}

func (e *eddm) reset() {
	*e = eddm{wait: e.wait, warning: e.warning, drift: e.drift, early: e.early, greatest: -1}
}

func (e *eddm) update(x float64) State {
	e.n++
	if x == 1 {
		gap := e.n - e.last
		d := gap - e.gaps.value
		e.gaps.add(gap)
		e.m2 += d * (gap - e.gaps.value)
		e.last = e.n
		if e.n > e.wait-2*e.early {
			e.judge()
		}
	}
	return e.state
}

// judge is made at errors only; what it says stands until the next.
func (e *eddm) judge() {
	sd := math.Sqrt(e.m2 / max(1, e.gaps.n-1+e.early))
	reach := e.gaps.value + 2*sd
	switch {
	case reach > e.greatest:
		e.greatest = reach
		if e.early == 1 {
			e.state = Stable
		}
	case e.gaps.n <= e.wait:
	case reach/e.greatest < e.drift:
		e.state = Drift
	case reach/e.greatest < e.warning:
		e.state = Warning
	default:
		e.state = Stable
	}
}

func eddmRow() Row {
	return Row{
		Name: "eddm", Kind: Errors, Rises: true,
		Title:  Text{"Early drift detection method (EDDM)", "早期漂移检测法（EDDM）"},
		Help:   Text{"compares the distance between errors with the longest that it was", "将错误之间的间隔与其历史最大值比较"},
		Source: "Baena-Garcia et al., IWKDDS 2006; as River 0.26",
		Params: []Param{
			warmUp(30, waitHelp),
			{Name: "alpha", Default: 0.95, Min: 0, Max: 1, Help: Text{"share of the longest below which it warns", "预警的比例"}},
			{Name: "beta", Default: 0.9, Min: 0, Max: 1, Help: Text{"share of the longest below which it fires", "触发的比例"}},
		},
		check: func(p params) error {
			if p.get("alpha") < p.get("beta") {
				return fmt.Errorf("alpha %v is below beta %v", p.get("alpha"), p.get("beta"))
			}
			return nil
		},
		make: func(p params) algorithm { return newEDDM(p, 0) },
	}
}

func eddmRiverRow() Row {
	r := eddmRow()
	r.Name = "eddm@river-0.13"
	r.Title = Text{"Early drift detection method (EDDM of River 0.13)", "早期漂移检测法（River 0.13 的 EDDM）"}
	r.Source = "Baena-Garcia et al., IWKDDS 2006; as River 0.13, with the deviation of the population"
	r.make = func(p params) algorithm { return newEDDM(p, 1) }
	return r
}

func newEDDM(p params, early float64) *eddm {
	e := &eddm{wait: p.get("min_instances"), warning: p.get("alpha"), drift: p.get("beta"), early: early}
	e.reset()
	return e
}
