package measure

import (
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// Class is one class of a model with several: how often it was the label, how
// often it was predicted, and its own quality, one against the rest.
type Class struct {
	Name              string
	Support           int64 // labelled rows of this class
	Predicted         int64
	Precision, Recall Value
	F1                Value
}

// tally is the confusion of several classes.
type tally struct {
	classes                   []string
	hits, predicted, actual   []int64 // by class
	named, other, correct, nn int64   // rows in kept cells, in others, right, all
}

func newTally(q *profile.Quality) *tally {
	names := map[string]int{}
	for pair := range q.Confusion {
		names[pair[0]], names[pair[1]] = 0, 0
	}
	t := &tally{classes: slices.Sorted(maps.Keys(names)), other: q.ConfusionOther, correct: q.Correct}
	for i, name := range t.classes {
		names[name] = i
	}
	k := len(t.classes)
	t.hits, t.predicted, t.actual = make([]int64, k), make([]int64, k), make([]int64, k)
	for pair, n := range q.Confusion {
		p, a := names[pair[0]], names[pair[1]]
		t.predicted[p] += n
		t.actual[a] += n
		if p == a {
			t.hits[p] += n
		}
		t.named += n
	}
	t.nn = t.named + t.other
	return t
}

func (r *Result) multiclass(q *profile.Quality) {
	t := newTally(q)
	r.Classes = t.rows()
	r.Confusion = t.confusion(q)
	precision, recall, f1 := t.macro()
	balanced := recall
	if balanced.Defined {
		balanced.Method = "mover"
	}
	class := undefined(NeedsClassScores, 0)
	r.Metrics = []Metric{
		{"accuracy", proportion(t.correct, t.nn, NoLabels)},
		{"precision", precision},
		{"recall", recall},
		{"f1_score", f1},
		{"balanced_accuracy", balanced},
		{"mcc", t.mcc()},
		{"auc_roc", class},
	}
}

// macro is the mean over classes: precision over those that were predicted,
// recall over those that occurred, F1 over those that did either.
func (t *tally) macro() (precision, recall, f1 Value) {
	if t.nn <= 0 {
		none := undefined(NoLabels, 0)
		return none, none, none
	}
	if t.other != 0 {
		none := undefined(TooManyClasses, t.nn)
		return none, none, none
	}
	var ps, rs []share
	sum, k := 0.0, 0
	for i := range t.classes {
		if t.predicted[i] > 0 {
			ps = append(ps, share{t.hits[i], t.predicted[i]})
		}
		if t.actual[i] > 0 {
			rs = append(rs, share{t.hits[i], t.actual[i]})
		}
		if either := t.predicted[i] + t.actual[i]; either > 0 {
			sum += 2 * float64(t.hits[i]) / float64(either)
			k++
		}
	}
	f1 = defined(sum/float64(k), t.nn)
	f1.Method = "macro"
	return t.mean(ps), t.mean(rs), f1
}

func (t *tally) mean(s []share) Value {
	mean, low, high := meanOf(s)
	return defined(mean, t.nn).between(low, high, "macro")
}

// mcc is Gorodkin's R_K (2004).
func (t *tally) mcc() Value {
	if t.nn <= 0 {
		return undefined(NoLabels, 0)
	}
	if t.other != 0 {
		return undefined(TooManyClasses, t.nn)
	}
	n := float64(t.nn)
	var pa, pp, aa float64
	for i := range t.classes {
		p, a := float64(t.predicted[i])/n, float64(t.actual[i])/n
		pa += p * a
		pp += p * p
		aa += a * a
	}
	den := math.Sqrt((1 - pp) * (1 - aa))
	if !(den > 0) {
		return undefined(OneClass, t.nn)
	}
	return defined((float64(t.correct)/n-pa)/den, t.nn)
}

func (t *tally) rows() []Class {
	out := make([]Class, len(t.classes))
	for i, name := range t.classes {
		c := counts{tp: t.hits[i], fp: t.predicted[i] - t.hits[i], fn: t.actual[i] - t.hits[i]}
		out[i] = Class{
			Name: name, Support: t.actual[i], Predicted: t.predicted[i],
			Precision: proportion(c.tp, c.tp+c.fp, NoPredictedPositives),
			Recall:    proportion(c.tp, c.tp+c.fn, NoPositives),
			F1:        c.f1(NoPositives),
		}
	}
	return out
}

// maxMatrix is how many classes a confusion table may have; more are listed by
// class only, so that an answer stays bounded.
const maxMatrix = 100

func (t *tally) confusion(q *profile.Quality) *Confusion {
	k := len(t.classes)
	if k > maxMatrix {
		return &Confusion{Other: t.nn}
	}
	c := &Confusion{Classes: t.classes, Matrix: make([][]int64, k), Other: t.other}
	for a := range k {
		c.Matrix[a] = make([]int64, k)
		for p := range k {
			c.Matrix[a][p] = q.Confusion[[2]string{t.classes[p], t.classes[a]}]
		}
	}
	return c
}
