package measure

import (
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// Metric is a value under its key in the catalogue.
type Metric struct {
	Key string
	Value
}

// Result is how good a model was in the window of a profile.
type Result struct {
	Task        event.Task
	Predictions int64
	Labels      int64
	Coverage    Value
	Metrics     []Metric // in the order of the catalogue
	Confusion   *Confusion
	Classes     []Class // of several classes, one row each
}

// Get finds a metric by its key.
func (r Result) Get(key string) (Value, bool) {
	for _, m := range r.Metrics {
		if m.Key == key {
			return m.Value, true
		}
	}
	return Value{}, false
}

// Confusion counts labelled rows by true class (row) and predicted class
// (column). A binary model's classes are "negative" and "positive"; the
// registry knows their names.
type Confusion struct {
	Classes []string
	Matrix  [][]int64
	// Other is rows of pairs of classes that the profile did not keep apart.
	Other int64
}

// Options ask for more than what every answer has.
type Options struct {
	// Threshold judges the scores of a binary model, positive from it on, in
	// place of what the model decided itself.
	Threshold *float64
	// Beta adds an F in which recall weighs beta times as much as precision, as
	// f_beta; 0 does not. Binary models only.
	Beta float64
	// Places is how many places of a ranking are judged, one of profile.Cutoffs;
	// 0 is RankingPlaces. The keys say it: ndcg_at_5.
	Places int
}

// OnDemand tells whether a metric is in answers alone, without a series: it
// repeats another one, or depends on what was asked.
func OnDemand(key string) bool {
	switch key {
	case "f_beta", "precision_micro", "recall_micro", "f1_micro", "recall_weighted":
		return true
	}
	return false
}

// Quality is the quality of a model with the given task. Every metric of the
// task is in the result, defined or not; an unknown task has none.
func Quality(p *profile.Profile, task event.Task) Result { return QualityWith(p, task, Options{}) }

// QualityWith is Quality with options.
func QualityWith(p *profile.Profile, task event.Task, o Options) Result {
	r := Result{Task: task, Predictions: p.Predictions, Coverage: Coverage(p)}
	q := p.Quality
	if q == nil {
		q = &profile.Quality{}
	}
	r.Labels = q.Labels
	switch task {
	case event.Binary:
		if o.Threshold != nil {
			r.atThreshold(q, &o)
			break
		}
		c := counts{q.TP, q.FP, q.FN, q.TN}
		r.Metrics = append(c.metrics(NoLabels, o.Beta), scoreMetrics(q)...)
		r.Confusion = c.confusion()
	case event.Multiclass:
		r.multiclass(q)
	case event.Regression:
		r.Metrics = regressionMetrics(q.Regression)
	case event.Ranking:
		k := o.Places
		if k == 0 {
			k = RankingPlaces
		}
		r.Metrics, _ = Ranking(q, k)
	}
	return r
}

// Coverage is the share of the window's predictions whose label has come.
func Coverage(p *profile.Profile) Value {
	if p.Predictions <= 0 {
		return undefined(NoPredictions, 0)
	}
	labels := int64(0)
	if p.Quality != nil {
		labels = p.Quality.Labels
	}
	return defined(float64(labels)/float64(p.Predictions), p.Predictions)
}
