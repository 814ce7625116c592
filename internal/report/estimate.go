package report

import (
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/estimate"
	"github.com/leewayhq/leeway/internal/profile"
)

// manyToEstimate is the size of a reference from which quality is estimated
// only where labels are missing: learning takes seconds from a million rows on.
const manyToEstimate = 100_000

// estimate says how good the model is to be expected in the current file, from
// what the reference's labels taught about its scores.
func (m *maker) estimate(reference []estimate.Row, labelled int) {
	b := m.cur.roles
	if b.Task != event.Binary || !b.Score.Present() || len(reference) == 0 || m.out.Quality == nil || m.out.Quality.Current == nil {
		return
	}
	if labelled >= int(m.out.Quality.Current.Predictions) && len(reference) > manyToEstimate {
		return
	}
	from, reason := estimate.FromRows(reference)
	if reason != "" {
		m.out.Quality.Current.NotEstimated = reason
		return
	}
	m.out.Quality.Current.Estimated = m.estimated(from, -1)
	for p := range m.spans {
		m.out.Periods[p].Estimated = m.estimated(from, int32(p))
	}
}

// estimated is that of one period of the current file, or of all with -1.
func (m *maker) estimated(from *estimate.Reference, period int32) (out []Value) {
	b := m.cur.roles
	var scores []float64
	var predicted []bool
	for i := range b.Rows {
		if period >= 0 && m.periodOf[i] != period {
			continue
		}
		if class, ok := b.Pred.At(i); ok && !b.Score.Null(i) {
			scores, predicted = append(scores, b.Score.Values[i]), append(predicted, class == b.Positive)
		}
	}
	r := from.Estimate(estimate.DecidedOf(scores, predicted))
	for _, v := range r.Metrics {
		out = append(out, valueOf(v.Key, v.Value))
	}
	return out
}

// rowsOf are the outcomes of a binary model without what else is in them.
func rowsOf(list []profile.Outcome) []estimate.Row {
	rows := make([]estimate.Row, len(list))
	for i := range list {
		o := &list[i]
		rows[i] = estimate.Row{Score: o.Score, Predicted: o.PredPositive, Actual: o.LabelPositive}
	}
	return rows
}
