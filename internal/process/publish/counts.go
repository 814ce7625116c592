package publish

import (
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/series"
)

// counts are what is published as it grows, in the order of countNames.
type counts [8]int64

// countNames are the series of counts: three of every task, the fourth of
// classifications, the others of binary models.
var countNames = [len(counts{})]string{
	"model_predictions", "model_errors", "model_evaluated", "model_correct",
	"model_true_positives", "model_false_positives", "model_false_negatives", "model_true_negatives",
}

// countsOf is how many of countNames a task has.
func countsOf(task event.Task) int {
	switch task {
	case event.Binary:
		return len(countNames)
	case event.Multiclass:
		return 4
	}
	return 3
}

// add counts a profile.
func (c *counts) add(p *profile.Profile) {
	more := counts{p.Predictions, p.Errors}
	if q := p.Quality; q != nil {
		more[2], more[3] = q.Labels, q.TP+q.TN+q.Correct
		more[4], more[5], more[6], more[7] = q.TP, q.FP, q.FN, q.TN
	}
	c.sum(&more)
}

func (c *counts) sum(o *counts) {
	for i := range c {
		c[i] += o[i]
	}
}

// putCounts appends the samples of counts at one time.
func (of *subjectSeries) putCounts(out []series.Sample, t *trail, c *counts, at int64) []series.Sample {
	for i, name := range countNames[:countsOf(of.task)] {
		out = append(out, series.Sample{Series: of.handle(t, name), T: at, V: float64(c[i])})
	}
	return out
}
