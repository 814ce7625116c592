package measure

import (
	"github.com/leewayhq/leeway/internal/profile"
)

// LabelDrift compares the labels that came for the predictions of two profiles:
// one column "label". The list is empty when the reference has none.
func LabelDrift(cur, ref *profile.Profile, opt DriftOptions) []FeatureDrift {
	then, now := orEmpty(ref.Quality), orEmpty(cur.Quality)
	j := newJudge(opt)
	j.usual = opt.Usual.Labels
	switch {
	case then.Regression != nil && then.Regression.N > 0:
		var r reader
		j.hear(r.scores("label", &orEmpty(now.Regression).Labels, &then.Regression.Labels))
	case then.Labels == 0:
		return nil
	default:
		j.hear(labelColumn(now, then))
	}
	return j.verdicts()
}

func labelColumn(cur, ref *profile.Quality) column {
	counts, before := labelsOf(cur), labelsOf(ref)
	return categoryColumn("label", counts, before)
}

// labelsOf counts the labels of classes. Those in cells of the confusion matrix
// that are not kept have no name.
func labelsOf(q *profile.Quality) *profile.Categories {
	c := &profile.Categories{Counts: map[string]int64{}}
	put := func(name string, n int64) {
		if n > 0 {
			c.Counts[name] += n
			c.N += n
		}
	}
	put("positive", q.TP+q.FN)
	put("negative", q.FP+q.TN)
	for at, n := range q.Confusion {
		put(at[1], n)
	}
	c.Other = max(0, q.ConfusionOther)
	c.N += c.Other
	return c
}
