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
	AUC               Value // of its scores, where they were sent
}

// tally is the confusion of several classes.
type tally struct {
	classes                   []string
	pairs                     []pair
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
	t.pairs = pairsOf(q, names)
	for _, at := range t.pairs {
		t.predicted[at.predicted] += at.n
		t.actual[at.actual] += at.n
		if at.predicted == at.actual {
			t.hits[at.predicted] += at.n
		}
		t.named += at.n
	}
	t.nn = t.named + t.other
	return t
}

func (r *Result) multiclass(q *profile.Quality) {
	t := newTally(q)
	areas, area := classAreas(q)
	r.Classes = t.rows(areas)
	r.Confusion = t.confusion(q)
	hits := proportion(t.correct, t.nn, NoLabels)
	r.Metrics = []Metric{{"accuracy", hits}}
	r.Metrics = append(r.Metrics, t.means()...)
	r.Metrics = append(r.Metrics,
		Metric{"auc_roc", area}, Metric{"log_loss", classLoss(q)},
		// Every row has one label and one prediction, so that all of these count
		// the same hits among the same rows.
		Metric{"precision_micro", hits}, Metric{"recall_micro", hits}, Metric{"f1_micro", hits}, Metric{"recall_weighted", hits},
	)
}

// means are the metrics that are means over classes, and the correlation.
// Precision is over classes that were predicted, recall over those that
// occurred, F1 over those that did either.
func (t *tally) means() []Metric {
	none := func(v Value) []Metric {
		var out []Metric
		for _, key := range []string{"precision", "recall", "f1_score", "balanced_accuracy", "mcc", "precision_weighted", "f1_weighted"} {
			out = append(out, Metric{key, v})
		}
		return out
	}
	switch {
	case t.nn <= 0:
		return none(undefined(NoLabels, 0))
	case t.other != 0:
		return none(undefined(TooManyClasses, t.nn))
	}
	var ps, rs []share
	var supports []float64
	for i := range t.classes {
		if t.predicted[i] > 0 {
			ps = append(ps, share{t.hits[i], t.predicted[i]})
			supports = append(supports, float64(t.actual[i]))
		}
		if t.actual[i] > 0 {
			rs = append(rs, share{t.hits[i], t.actual[i]})
		}
	}
	balanced := t.mean(rs)
	balanced.Method = "mover"
	of := contingencyOf(t.pairs, len(t.classes))
	return []Metric{
		{"precision", t.mean(ps)},
		{"recall", t.mean(rs)},
		{"f1_score", of.f1(false)},
		{"balanced_accuracy", balanced},
		{"mcc", of.correlation()},
		{"precision_weighted", t.weighted(ps, supports)},
		{"f1_weighted", of.f1(true)},
	}
}

// weighted weighs classes by how often they occurred; it is undefined when none
// that was predicted ever did.
func (t *tally) weighted(s []share, supports []float64) Value {
	if !slices.ContainsFunc(supports, func(w float64) bool { return w > 0 }) {
		return undefined(NoPredictedPositives, t.nn)
	}
	mean, low, high := weightedMeanOf(s, supports)
	return defined(mean, t.nn).between(low, high, "mover")
}

// f1 is the mean F1 of classes that occurred or were predicted, each alike or by
// how often it occurred. Its interval is by the delta method, on the logit scale.
func (t *contingency) f1(weighted bool) Value {
	k := len(t.predicted)
	f, both, weight := make([]float64, k), make([]float64, k), make([]float64, k)
	kinds := 0.0
	for i := range f {
		if both[i] = t.predicted[i] + t.actual[i]; both[i] > 0 {
			kinds++
		}
	}
	for _, p := range t.pairs {
		if p.predicted == p.actual && p.n > 0 {
			f[p.actual] = 2 * float64(p.n) / t.n / both[p.actual]
		}
	}
	mean := 0.0
	for i := range f {
		if weight[i] = t.actual[i]; !weighted && both[i] > 0 {
			weight[i] = 1 / kinds
		}
		mean += weight[i] * f[i]
	}
	se := math.Sqrt(t.variance(func(p *pair) float64 {
		i, j := p.predicted, p.actual
		slope := -weight[i]*f[i]/both[i] - weight[j]*f[j]/both[j]
		if i == j {
			slope += 2 * weight[i] / both[i]
		}
		if weighted {
			slope += f[j]
		}
		return slope
	}))
	return logitInterval(defined(mean, int64(t.n)), se, "delta_logit")
}

func (t *tally) mean(s []share) Value {
	mean, low, high := meanOf(s)
	return defined(mean, t.nn).between(low, high, "macro")
}

func (t *tally) rows(areas map[string]Value) []Class {
	out := make([]Class, len(t.classes))
	for i, name := range t.classes {
		c := counts{tp: t.hits[i], fp: t.predicted[i] - t.hits[i], fn: t.actual[i] - t.hits[i]}
		out[i] = Class{
			Name: name, Support: t.actual[i], Predicted: t.predicted[i],
			Precision: proportion(c.tp, c.tp+c.fp, NoPredictedPositives),
			Recall:    proportion(c.tp, c.tp+c.fn, NoPositives),
			F1:        c.f1(NoPositives),
			AUC:       undefined(NeedsClassScores, 0),
		}
		if area, ok := areas[name]; ok {
			out[i].AUC = area
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
