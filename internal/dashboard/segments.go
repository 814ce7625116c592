package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// cut reads a range and each of the model's segments in it. Segments without a
// row in the range are left out.
func (s *Server) cut(ctx context.Context, m *model.Model, sp span) (measure.Cut, error) {
	var out measure.Cut
	sp.segment = ""
	for _, name := range append([]string{""}, m.SegmentValues...) {
		sp.segment = name
		var sum profiles.Adder
		err := s.cfg.Profiles.Scan(ctx, sp.query(profiles.ByPrediction, m.Name), func(w *profiles.Window) error {
			p, err := decode(w.Bytes, false)
			if err == nil {
				sum.Add(p)
			}
			return err
		})
		if err != nil {
			return out, err
		}
		p := sum.Total()
		switch {
		case p == nil:
		case name == "":
			out.Total = p
		default:
			out.Segments = append(out.Segments, measure.Segment{Name: name, Profile: p})
		}
	}
	return out, nil
}

func cutOptions(r *http.Request, m *model.Model) measure.CutOptions {
	return measure.CutOptions{Task: event.Task(m.Task), Metric: r.URL.Query().Get("metric"), Positive: m.Positive}
}

type segmentsAnswer struct {
	Model    string        `json:"model"`
	From     string        `json:"from"`
	To       string        `json:"to"`
	Metric   string        `json:"metric"`
	Metrics  []string      `json:"metrics"`
	Segments []segmentJSON `json:"segments"`
}

type segmentJSON struct {
	Name        string          `json:"name"`
	Value       valueJSON       `json:"value"`
	Rest        valueJSON       `json:"rest"`
	Share       num             `json:"share"`
	Difference  *differenceJSON `json:"difference"`
	Significant bool            `json:"significant"`
	Impact      num             `json:"impact"`
}

type differenceJSON struct {
	Value num `json:"value"`
	Low   num `json:"low"`
	High  num `json:"high"`
	P     num `json:"p_value"`
}

// getSegments compares every segment with the rest of the model's rows.
func (s *Server) getSegments(r *http.Request) (any, error) {
	m, sp, opt, err := s.cutRequest(r)
	if err != nil {
		return nil, err
	}
	all, err := s.cut(r.Context(), &m, sp)
	if err != nil {
		return nil, err
	}
	out := segmentsAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Metric: opt.Metric,
		Metrics: measure.SegmentMetrics(event.Task(m.Task)), Segments: []segmentJSON{},
	}
	if all.Total == nil {
		return out, nil
	}
	list, err := measure.CompareSegments(all.Total, all.Segments, opt)
	if err != nil {
		return nil, err
	}
	for _, q := range list {
		j := segmentJSON{
			Name: q.Name, Value: valueOf(q.Value), Rest: valueOf(q.Rest), Share: num(q.Share),
			Significant: q.Significant, Impact: num(q.Impact),
		}
		if d := q.Difference; d != nil {
			j.Difference = &differenceJSON{num(d.Value), num(d.Low), num(d.High), num(d.P)}
		}
		out.Segments = append(out.Segments, j)
	}
	return out, nil
}

func oneOf(name, value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return badParam(name, value, "one of "+strings.Join(allowed, ", "))
}

// cutRequest is the model, the range and the metric of a request that is
// about all segments at once.
func (s *Server) cutRequest(r *http.Request) (m model.Model, sp span, opt measure.CutOptions, err error) {
	if m, err = s.modelOf(r); err != nil {
		return m, sp, opt, err
	}
	if sp, _, err = s.spanOf(r, &m, profiles.ByPrediction); err != nil {
		return m, sp, opt, err
	}
	if sp.segment != "" {
		return m, sp, opt, badParam("segment", sp.segment, "nothing here: the answer is about all segments")
	}
	opt = cutOptions(r, &m)
	usable := measure.SegmentMetrics(event.Task(m.Task))
	if opt.Metric == "" {
		opt.Metric = usable[0]
	}
	return m, sp, opt, oneOf("metric", opt.Metric, usable)
}

type fairnessAnswer struct {
	Model  string         `json:"model"`
	From   string         `json:"from"`
	To     string         `json:"to"`
	Fields []fairnessJSON `json:"fields"`
}

type fairnessJSON struct {
	Field             string      `json:"field"`
	DemographicParity valueJSON   `json:"demographic_parity_difference"`
	EqualOpportunity  valueJSON   `json:"equal_opportunity_difference"`
	EqualisedOdds     valueJSON   `json:"equalised_odds_difference"`
	ImpactRatio       valueJSON   `json:"impact_ratio"`
	Groups            []groupJSON `json:"groups"`
}

type groupJSON struct {
	Name          string    `json:"name"`
	Positive      valueJSON `json:"positive_rate"`
	TruePositive  valueJSON `json:"true_positive_rate"`
	FalsePositive valueJSON `json:"false_positive_rate"`
}

// getFairness compares the groups of each field, or of the one that is named.
func (s *Server) getFairness(r *http.Request) (any, error) {
	m, sp, opt, err := s.cutRequest(r)
	if err != nil {
		return nil, err
	}
	if event.Task(m.Task) != event.Binary {
		return nil, access.Problem{
			Status: http.StatusBadRequest, Code: "not_binary", Params: map[string]any{"model": m.Name, "task": m.Task.String()},
			Detail: "fairness compares how often groups get the positive class; " + m.Name + " is not a binary model",
		}
	}
	all, err := s.cut(r.Context(), &m, sp)
	if err != nil {
		return nil, err
	}
	fields := measure.FieldsOf(all.Segments)
	if name := r.URL.Query().Get("field"); name != "" {
		if err := oneOf("field", name, fields); err != nil {
			return nil, err
		}
		fields = []string{name}
	}
	out := fairnessAnswer{Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Fields: []fairnessJSON{}}
	for _, field := range fields {
		f, _ := measure.FairnessOf(field, all.Segments, opt)
		j := fairnessJSON{
			Field: field, DemographicParity: valueOf(f.DemographicParity), EqualOpportunity: valueOf(f.EqualOpportunity),
			EqualisedOdds: valueOf(f.EqualisedOdds), ImpactRatio: valueOf(f.ImpactRatio), Groups: []groupJSON{},
		}
		for _, g := range f.Groups {
			j.Groups = append(j.Groups, groupJSON{g.Name, valueOf(g.Positive), valueOf(g.TruePositive), valueOf(g.FalsePositive)})
		}
		out.Fields = append(out.Fields, j)
	}
	return out, nil
}
