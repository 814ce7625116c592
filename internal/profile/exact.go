package profile

import (
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// What follows makes summaries that keep every value, however many there are,
// for who has a whole file at hand and wants exact answers. They are read as
// any other summary and are not merged or stored.

// ExactNumeric summarises finite values, which ascend and belong to the
// summary from here on.
func ExactNumeric(sorted []float64, nan, posInf, negInf int64) *Numeric {
	x := &Numeric{N: int64(len(sorted)), NaN: nan, PosInf: posInf, NegInf: negInf}
	if len(sorted) == 0 {
		return x
	}
	x.Min, x.Max = sorted[0], sorted[len(sorted)-1]
	x.moments = momentsOf(sorted, sorted[len(sorted)/2])
	x.parts = []part{{values: sorted}}
	return x
}

// ExactCategories counts values by name; past most different ones it keeps
// what a merged summary would.
func ExactCategories(counts map[string]int64, most int) *Categories {
	c := &Categories{Counts: counts}
	for _, n := range counts {
		c.N += n
	}
	if len(counts) > most {
		c.trim()
	}
	return c
}

// ExactScores keeps finite scores, which ascend.
func ExactScores(sorted []float64) *ScoreSet {
	s := &ScoreSet{n: int64(len(sorted))}
	for _, v := range sorted {
		v += 0 // minus zero is zero
		if n := len(s.values); n > 0 && s.values[n-1].value == v {
			s.values[n-1].count++
			continue
		}
		s.values = append(s.values, scoreCount{v, 1})
	}
	return s
}

// ExactQuality is the quality of outcomes with all of their scores and errors
// kept. The names of classes are copied.
func ExactQuality(outcomes []Outcome) *Quality {
	q := &Quality{}
	var pos, neg []float64
	for i := range outcomes {
		o := &outcomes[i]
		q.Add(o, 1)
		switch {
		case !finite(o.Score):
		case o.LabelPositive:
			pos = append(pos, o.Score)
		default:
			neg = append(neg, o.Score)
		}
	}
	q.trim()
	slices.Sort(pos)
	slices.Sort(neg)
	q.Pos, q.Neg = *ExactScores(pos), *ExactScores(neg)
	if q.Regression != nil {
		q.Regression.Errors = *exactNumbers(outcomes, func(t terms) float64 { return t.e })
		q.Regression.Labels = *exactNumbers(outcomes, func(t terms) float64 { return t.y })
	}
	if q.Classes != nil {
		q.Classes.trim()
		for name, class := range q.Classes.Of {
			*class = exactClass(outcomes, name)
		}
	}
	return q
}

func exactNumbers(outcomes []Outcome, of func(terms) float64) *ScoreSet {
	var values []float64
	for i := range outcomes {
		if t, ok := termsOf(outcomes[i].PredValue, outcomes[i].LabelValue); ok && outcomes[i].Task == event.Regression {
			values = append(values, of(t))
		}
	}
	slices.Sort(values)
	s := ExactScores(values)
	s.kind = ofNumbers
	return s
}

func exactClass(outcomes []Outcome, name string) OneVsRest {
	var pos, neg []float64
	for i := range outcomes {
		o := &outcomes[i]
		at := slices.Index(o.ScoredClasses, name)
		switch {
		case o.Task != event.Multiclass || at < 0 || at >= len(o.ClassScores) || !finite(o.ClassScores[at]):
		case o.Label == name:
			pos = append(pos, o.ClassScores[at])
		default:
			neg = append(neg, o.ClassScores[at])
		}
	}
	slices.Sort(pos)
	slices.Sort(neg)
	class := OneVsRest{*ExactScores(pos), *ExactScores(neg)}
	class.Pos.kind, class.Neg.kind = ofClasses, ofClasses
	return class
}

// OnGrid is the summary as a stored one of as many values would be: on the grid
// about the ascending centres, which costs a fixed width whatever the number of
// values. It shares no memory with x.
func (x *Numeric) OnGrid(centres ...float64) *Numeric {
	g := &Numeric{N: x.N, NaN: x.NaN, PosInf: x.PosInf, NegInf: x.NegInf, Min: x.Min, Max: x.Max, moments: x.moments}
	values := x.allValues()
	for i, c := range centres {
		near := values
		if i+1 < len(centres) {
			end, _ := slices.BinarySearch(values, between(c, centres[i+1]))
			near, values = values[:end], values[end:]
		}
		if len(near) > 0 {
			g.parts = append(g.parts, part{epoch: 1, centre: c, cells: cellsOf(near, c), integral: allWhole(near)})
		}
	}
	return g
}
