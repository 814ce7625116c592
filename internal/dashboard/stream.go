package dashboard

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// stream is what a change detector reads: the values of a series, of windows,
// or single labels.
type stream struct {
	metric, source string
	span
	width  int64 // ms of a step
	values []float64
	times  []int64 // unix ms: when the step of each value begins
}

func (st *stream) time(i int) int64 { return st.times[i] }

func (st *stream) add(t int64, v float64) {
	st.values, st.times = append(st.values, v), append(st.times, t)
}

// Where a stream comes from.
const (
	sourceSeries  = "series"  // a published series, by the time of evaluation
	sourceWindows = "windows" // profiles, by the time of the predictions
	sourceLabels  = "labels"  // one number a label: 1 is a wrong answer
)

const (
	usualPoints = 1_000   // of a stream without a step
	maxPoints   = 11_000  // of a stream, as Prometheus has it
	maxLabels   = 200_000 // that are read one by one
)

// streamOf reads the stream that a request names.
func (s *Server) streamOf(r *http.Request, m *model.Model) (*stream, error) {
	st := &stream{metric: r.URL.Query().Get("metric"), source: r.URL.Query().Get("source")}
	set := profiles.ByPrediction
	switch st.source {
	case "", sourceSeries:
		st.source, set = sourceSeries, profiles.ByEvaluation
	case sourceLabels:
		set = profiles.ByEvaluation
	case sourceWindows:
	default:
		return nil, badParam("source", st.source, "series, windows or labels")
	}
	var err error
	if st.span, _, err = s.spanOf(r, m, set); err != nil {
		return nil, err
	}
	if err := s.readWidth(r, st); err != nil {
		return nil, err
	}
	switch st.source {
	case sourceWindows:
		return st, s.readWindows(r, m, st)
	case sourceLabels:
		return st, s.readLabels(r.Context(), m, st)
	}
	return st, s.readSeries(r, m, st)
}

// readWidth reads step. Unless it is given, a stream has about a thousand
// points, and one of labels looks at every second that it can.
func (s *Server) readWidth(r *http.Request, st *stream) error {
	length, text := st.to-st.from, r.URL.Query().Get("step")
	least := map[string]int64{sourceSeries: 1000, sourceWindows: minuteMS, sourceLabels: 1000}[st.source]
	switch {
	case text == "" && st.source == sourceLabels:
		st.width = max(least, ceilTo(length/(maxPoints-1), 1000))
	case text == "":
		st.width = chartStep(length, usualPoints, minuteMS)
	default:
		c, err := parseStep(text)
		if err != nil || c.months > 0 {
			return badParam("step", text, "a duration such as 1m, 1h or 1d")
		}
		st.width = c.fixed.Milliseconds() + int64(c.days)*dayMS
	}
	if st.width < least || st.width%1000 != 0 {
		return badParam("step", text, "whole seconds, and not below "+(time.Duration(least)*time.Millisecond).String())
	}
	if length/st.width >= maxPoints {
		return access.Problem{
			Status: http.StatusBadRequest, Code: "too_many_windows", Params: map[string]any{"limit": maxPoints},
			Detail: "the range holds more than 11,000 steps; ask for a larger step or a shorter range",
		}
	}
	return nil
}

// readSeries reads the mean of a published series over each step; steps
// without a sample are left out.
func (s *Server) readSeries(r *http.Request, m *model.Model, st *stream) error {
	row, ok := s.metric[st.metric]
	if !ok || row.Group == catalogue.Host {
		return badParam("metric", st.metric, "the key of a metric of models")
	}
	feature, err := featureOf(r, m, row.By)
	if err != nil {
		return err
	}
	selector := st.selector(m.Name)
	if row.By != "" {
		// Series of features know no segment.
		selector = fmt.Sprintf("model=%q,%s=%q", m.Name, row.By, feature)
	}
	expr := fmt.Sprintf("avg(avg_over_time(%s{%s}[%s]))", row.Series, selector, promDuration(st.width))
	points, err := s.steps(r.Context(), st, expr)
	if err != nil {
		return err
	}
	for _, t := range slices.Sorted(maps.Keys(points)) {
		st.add(t, points[t])
	}
	return nil
}

// selector is that of the model's series.
func (st *stream) selector(name string) string {
	text := fmt.Sprintf("model=%q,segment=%q", name, st.segment)
	if len(st.versions) > 0 {
		quoted := make([]string, len(st.versions))
		for i, v := range st.versions {
			quoted[i] = regexp.QuoteMeta(v)
		}
		text += fmt.Sprintf(",version=~%q", strings.Join(quoted, "|"))
	}
	return text
}

// steps asks for an expression over each step, by the time at which the step
// begins.
func (s *Server) steps(ctx context.Context, st *stream, expr string) (map[int64]float64, error) {
	from, to := floorTo(st.from, st.width), ceilTo(st.to, st.width)
	// A point at t covers (t-width, t], so a step is asked for at its end.
	m, err := s.cfg.Series.QueryRange(ctx, expr, time.UnixMilli(from+st.width), time.UnixMilli(to), time.Duration(st.width)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	out := map[int64]float64{}
	for _, line := range m {
		for _, p := range line.Floats {
			out[p.T-st.width] = p.F
		}
	}
	return out, nil
}

// readWindows makes the metric of each step from the profiles.
func (s *Server) readWindows(r *http.Request, m *model.Model, st *stream) error {
	value, err := windowMetric(st.metric, event.Task(m.Task))
	if err != nil {
		return err
	}
	cut := func(ms int64) (int64, int64) {
		begin := floorTo(ms, st.width)
		return max(begin, st.from), min(begin+st.width, st.to)
	}
	pieces := map[int64]*piece{}
	if err := s.addPieces(r.Context(), st.query(profiles.ByPrediction, m.Name), cut, setProduction, pieces); err != nil {
		return err
	}
	for _, t := range slices.Sorted(maps.Keys(pieces)) {
		if v := value(pieces[t].sum.Total()); v.Defined {
			st.add(t, v.Value)
		}
	}
	return nil
}

// windowMetric finds how a metric is made of a window's profile.
func windowMetric(key string, task event.Task) (func(*profile.Profile) measure.Value, error) {
	known := []string{"error_rate", "response_time", "label_coverage"}
	for _, x := range measure.Quality(&profile.Profile{}, task).Metrics {
		known = append(known, x.Key)
	}
	if !slices.Contains(known, key) {
		return nil, badParam("metric", key, "of "+strings.Join(known, ", ")+", which windows have")
	}
	return func(p *profile.Profile) measure.Value {
		switch key {
		case "error_rate":
			return ratio(float64(p.Errors), float64(p.Predictions))
		case "response_time":
			if p.Latency == nil {
				return measure.Value{}
			}
			v := p.Latency.Quantile(0.95)
			return measure.Value{Value: v, Defined: !math.IsNaN(v)}
		case "label_coverage":
			return measure.Coverage(p)
		}
		v, _ := measure.Quality(p, task).Get(key)
		return v
	}, nil
}

func ratio(k, n float64) measure.Value {
	return measure.Value{Value: k / n, Defined: n > 0}
}

// readLabels makes a 1 of each wrong and a 0 of each right answer, in the
// order of the steps in which their labels came. Within a step the order is
// not kept; the wrong ones are spread evenly.
func (s *Server) readLabels(ctx context.Context, m *model.Model, st *stream) error {
	if t := event.Task(m.Task); t != event.Binary && t != event.Multiclass {
		return badParam("source", st.source, "for a model that decides between classes; the answers of others are not right or wrong")
	}
	if st.metric != "" && st.metric != "accuracy" {
		return badParam("metric", st.metric, "accuracy, which a stream of labels is about")
	}
	st.metric = "accuracy"
	sum := func(name string) (map[int64]float64, error) {
		return s.steps(ctx, st, fmt.Sprintf("sum(sum_over_time(%s{%s}[%s]))", name, st.selector(m.Name), promDuration(st.width)))
	}
	evaluated, err := sum("model_evaluated")
	if err != nil {
		return err
	}
	correct, err := sum("model_correct")
	if err != nil {
		return err
	}
	total := 0.0
	for _, n := range evaluated {
		total += max(0, n)
	}
	if total > maxLabels {
		return access.Problem{
			Status: http.StatusBadRequest, Code: "too_many_labels", Params: map[string]any{"limit": maxLabels, "labels": total},
			Detail: fmt.Sprintf("the range holds %.0f labels, at most %d are read one by one; ask for a shorter range, or for source=series", total, maxLabels),
		}
	}
	for _, t := range slices.Sorted(maps.Keys(evaluated)) {
		n := int(evaluated[t])
		st.spread(t, n, n-int(correct[t]))
	}
	return nil
}

// spread adds n labels of which some are wrong. A correction may make either
// count negative; such a step is nobody's answer.
func (st *stream) spread(t int64, n, wrong int) {
	wrong = max(0, min(n, wrong))
	for i := range max(0, n) {
		v := 0.0
		if (i+1)*wrong/n > i*wrong/n {
			v = 1
		}
		st.add(t, v)
	}
}
