package report

import (
	"math"
	"slices"
	"strconv"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// judgeModel says how good the model was in both files and by period, and how
// far its predictions have moved.
func (m *maker) judgeModel() {
	// One after the other: the memory of both at once would be the run's most.
	ref := m.side(m.ref.roles)
	taught := rowsOf(ref.outcomes)
	ref.outcomes, ref.rows = nil, nil
	cur := m.side(m.cur.roles)
	if ref.quality != nil || cur.quality != nil {
		m.out.Quality = &Quality{Reference: ref.quality, Current: cur.quality}
	}
	m.predictionDrift(ref.profile, cur.profile)
	m.labelDrift(ref.profile, cur.profile)
	m.judgePeriods(cur.outcomes, cur.rows)
	m.estimate(taught, len(cur.outcomes))
}

// side is what the roles of one file say.
type side struct {
	profile  *profile.Profile
	outcomes []profile.Outcome // of the rows that have both a prediction and a label
	rows     []int32           // which these are
	quality  *Side             // nil without predictions
}

// side summarises a file's roles: what was predicted, and how well.
func (m *maker) side(b *event.Batch) side {
	s := side{profile: &profile.Profile{}}
	if b.Label.Present() || b.LabelValue.Present() {
		s.outcomes, s.rows = make([]profile.Outcome, 0, b.Rows), make([]int32, 0, b.Rows)
	}
	p := s.profile
	var classes []string
	if b.Task == event.Multiclass {
		for i := range b.Scores {
			classes = append(classes, b.Scores[i].Name)
		}
	}
	for i := range b.Rows {
		one, predicted, labelled := outcome(b, i)
		if classes != nil && predicted && labelled {
			one.ScoredClasses, one.ClassScores = classes, classScores(b, i)
		}
		if predicted {
			p.Predictions++
		}
		if predicted && labelled {
			s.outcomes, s.rows = append(s.outcomes, one), append(s.rows, int32(i))
		}
	}
	p.Quality = profile.ExactQuality(s.outcomes)
	p.Classes, p.Values, p.Scores = classesOf(b), valuesOf(b), scoresOf(b)
	if p.Predictions > 0 {
		s.quality = m.quality(p, b.Task, s.outcomes)
	}
	return s
}

// outcome puts a row's prediction and label side by side.
func outcome(b *event.Batch, i int) (o profile.Outcome, predicted, labelled bool) {
	o = profile.Outcome{Task: b.Task, Score: math.NaN()}
	if b.Task == event.Regression {
		predicted = !b.PredValue.Null(i)
		if predicted {
			o.PredValue = b.PredValue.Values[i]
		}
		o.LabelValue, labelled = labelNumber(b, i)
		return o, predicted, labelled
	}
	o.Pred, predicted = b.Pred.At(i)
	o.Label, labelled = labelClass(b, i)
	if !b.Score.Null(i) {
		o.Score = b.Score.Values[i]
	}
	if b.Task == event.Binary {
		o.PredPositive, o.LabelPositive = o.Pred == b.Positive, o.Label == b.Positive
	}
	return o, predicted && b.Task != event.Unknown, labelled
}

// classScores are the scores of a row, NaN where there is none.
func classScores(b *event.Batch, i int) []float64 {
	out := make([]float64, len(b.Scores))
	for c := range b.Scores {
		if out[c] = math.NaN(); !b.Scores[c].Null(i) {
			out[c] = b.Scores[c].Values[i]
		}
	}
	return out
}

func labelNumber(b *event.Batch, i int) (float64, bool) {
	if !b.LabelValue.Null(i) {
		return b.LabelValue.Values[i], true
	}
	if s, ok := b.Label.At(i); ok {
		v, err := strconv.ParseFloat(s, 64)
		return v, err == nil
	}
	return 0, false
}

func labelClass(b *event.Batch, i int) (string, bool) {
	if s, ok := b.Label.At(i); ok {
		return s, true
	}
	if !b.LabelValue.Null(i) {
		return className(b.LabelValue.Values[i]), true
	}
	return "", false
}

func classesOf(b *event.Batch) *profile.Categories {
	if b.Task == event.Regression || !b.Pred.Present() {
		return nil
	}
	counts := map[string]int64{}
	for i := range b.Rows {
		if v, ok := b.Pred.At(i); ok {
			counts[v]++
		}
	}
	return profile.ExactCategories(counts, maxDistinct)
}

func valuesOf(b *event.Batch) *profile.Numeric {
	if b.Task != event.Regression {
		return nil
	}
	return profile.ExactNumeric(sorted(&b.PredValue), 0, 0, 0)
}

func scoresOf(b *event.Batch) *profile.ScoreSet {
	if b.Task == event.Regression || !b.Score.Present() {
		return nil
	}
	return profile.ExactScores(sorted(&b.Score))
}

// sorted are the finite values of a column.
func sorted(n *event.Num) []float64 {
	values := make([]float64, 0, len(n.Values))
	for i, v := range n.Values {
		if !n.Null(i) && v-v == 0 {
			values = append(values, v)
		}
	}
	var s scratch
	s.sort(values)
	return values
}

func (m *maker) quality(p *profile.Profile, task event.Task, list []profile.Outcome) *Side {
	r := measure.Quality(p, task)
	s := &Side{Predictions: r.Predictions, Labels: r.Labels, Coverage: valueOf("label_coverage", r.Coverage)}
	if s.Labels == 0 {
		return s
	}
	for _, v := range r.Metrics {
		s.Metrics = append(s.Metrics, valueOf(v.Key, v.Value))
	}
	if c := r.Confusion; c != nil {
		s.Confusion = &Confusion{Classes: c.Classes, Matrix: c.Matrix, Other: c.Other}
		if r.Task == event.Binary && m.out.Positive != "" {
			s.Confusion.Classes = []string{m.negative(), m.out.Positive}
		}
	}
	for _, c := range r.Classes {
		s.Classes = append(s.Classes, Class{
			Name: c.Name, Support: c.Support, Predicted: c.Predicted,
			Precision: valueOf("", c.Precision), Recall: valueOf("", c.Recall), F1: valueOf("", c.F1),
		})
	}
	switch r.Task {
	case event.Binary:
		s.Curves = curves(p.Quality)
	case event.Regression:
		s.Residuals = residuals(list)
	}
	return s
}

// negative is how the class that is not positive is called.
func (m *maker) negative() string {
	for _, b := range []*event.Batch{m.ref.roles, m.cur.roles} {
		for _, v := range b.Pred.Values {
			if v != m.out.Positive {
				return v
			}
		}
	}
	return "not " + m.out.Positive
}

func residuals(list []profile.Outcome) *Histogram {
	errs := make([]float64, 0, len(list))
	for i := range list {
		if e := list[i].PredValue - list[i].LabelValue; e-e == 0 {
			errs = append(errs, e)
		}
	}
	var s scratch
	s.sort(errs)
	return histogram(nil, errs)
}

// predictionDrift compares what was predicted.
func (m *maker) predictionDrift(ref, cur *profile.Profile) {
	o := m.o.Drift
	if m.chunkOf != nil {
		o.Usual = measure.UsualDrift(m.predictionChunks(), ref, o.Method)
	}
	list := measure.PredictionDrift(cur, ref, o)
	if m.o.Drift.Method != "" { // columns to which it does not apply are left out
		o.Method = measure.MethodPSI
		for _, d := range measure.PredictionDrift(cur, ref, o) {
			if !slices.ContainsFunc(list, func(f measure.FeatureDrift) bool { return f.Name == d.Name }) {
				list = append(list, d)
			}
		}
	}
	for i := range list {
		d := &list[i]
		c := compared{column: Column{Name: d.Name, Kind: d.Kind}}
		c.column.setDrift(d)
		switch d.Name {
		case "class":
			c.column.Categories = categories(ref.Classes, orNone(cur.Classes))
		case "value":
			a, _ := ref.Values.Exact()
			var b []float64
			if cur.Values != nil {
				b, _ = cur.Values.Exact()
			}
			c.column.Histogram = histogram(a, b)
		case "score":
			c.column.Histogram = histogram(sorted(&m.ref.roles.Score), sorted(&m.cur.roles.Score))
		}
		m.out.Prediction = append(m.out.Prediction, c.column)
	}
}

// labelDrift compares the labels, where both files have some.
func (m *maker) labelDrift(ref, cur *profile.Profile) {
	o := m.o.Drift
	list := measure.LabelDrift(cur, ref, o)
	if len(list) == 0 && o.Method != "" { // the method does not apply to labels
		o.Method = measure.MethodPSI
		list = measure.LabelDrift(cur, ref, o)
	}
	if len(list) == 0 || list[0].N == 0 {
		return
	}
	c := compared{column: Column{Name: list[0].Name, Kind: list[0].Kind}}
	c.column.setDrift(&list[0])
	if c.column.Kind == measure.KindNumeric {
		c.column.Histogram = histogram(labelNumbers(m.ref.roles), labelNumbers(m.cur.roles))
	} else {
		c.column.Categories = categories(labelClasses(m.ref.roles), labelClasses(m.cur.roles))
	}
	m.out.Label = &c.column
}

func labelNumbers(b *event.Batch) []float64 {
	var out []float64
	for i := range b.Rows {
		if v, ok := labelNumber(b, i); ok && v-v == 0 {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func labelClasses(b *event.Batch) *profile.Categories {
	c := &profile.Categories{Counts: map[string]int64{}}
	for i := range b.Rows {
		if v, ok := labelClass(b, i); ok {
			c.Counts[v]++
			c.N++
		}
	}
	return c
}

// predictionChunks are the predictions of the reference's chunks.
func (m *maker) predictionChunks() []*profile.Profile {
	rows := make([][]int32, refChunks)
	for i, c := range m.chunkOf {
		rows[c] = append(rows[c], int32(i))
	}
	out := make([]*profile.Profile, refChunks)
	for c := range out {
		b := m.ref.roles.Take(rows[c])
		out[c] = &profile.Profile{Classes: classesOf(b), Values: valuesOf(b), Scores: scoresOf(b)}
	}
	return out
}

func orNone(c *profile.Categories) *profile.Categories {
	if c == nil {
		return &profile.Categories{}
	}
	return c
}

// judgePeriods is the quality of each period.
func (m *maker) judgePeriods(outcomes []profile.Outcome, rows []int32) {
	if m.spans == nil || len(outcomes) == 0 {
		return
	}
	by := make([][]profile.Outcome, len(m.spans))
	for i, one := range outcomes {
		if p := m.periodOf[rows[i]]; p >= 0 {
			by[p] = append(by[p], one)
		}
	}
	for p, list := range by {
		r := measure.Quality(&profile.Profile{Predictions: m.out.Periods[p].Rows, Quality: profile.ExactQuality(list)}, m.cur.roles.Task)
		m.out.Periods[p].Labels = r.Labels
		if r.Labels == 0 {
			continue
		}
		for _, v := range r.Metrics {
			m.out.Periods[p].Metrics = append(m.out.Periods[p].Metrics, valueOf(v.Key, v.Value))
		}
	}
}

// curves are those of the exact scores; nil without both classes.
func curves(q *profile.Quality) *Curves {
	roc := measure.CurveOf(&q.Pos, &q.Neg, measure.CurveROC)
	if roc.Reason != "" {
		return nil
	}
	points := func(c measure.Curve) (out [][2]float64) {
		for _, p := range c.Points {
			out = append(out, [2]float64{p.X, p.Y})
		}
		return out
	}
	out := &Curves{ROC: points(roc), PR: points(measure.CurveOf(&q.Pos, &q.Neg, measure.CurvePR))}
	for _, p := range measure.CurveOf(&q.Pos, &q.Neg, measure.CurveCalibration).Points {
		out.Calibration = append(out.Calibration, Bucket{Score: p.X, Rate: p.Y, Low: p.Low, High: p.High, N: p.N})
	}
	return out
}
