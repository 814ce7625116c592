package dashboard

import (
	"net/http"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type compareAnswer struct {
	Model      string       `json:"model"`
	Task       string       `json:"task"`
	A          compareSide  `json:"a"`
	B          compareSide  `json:"b"`
	Q          num          `json:"q"`
	Metrics    []versusJSON `json:"metrics"`
	Drift      []driftJSON  `json:"drift"`
	Prediction []driftJSON  `json:"prediction"`
	Share      valueJSON    `json:"share"`
	Reason     string       `json:"reason,omitempty"`
}

// compareSide is one of the two sets of rows.
type compareSide struct {
	Name        string   `json:"name"`
	Versions    []string `json:"versions"`
	Dataset     string   `json:"dataset"`
	From        string   `json:"from"`
	To          string   `json:"to"`
	Predictions int64    `json:"predictions"`
	Labels      int64    `json:"labels"`
	Coverage    num      `json:"coverage"`
}

type versusJSON struct {
	Key         string          `json:"key"`
	Title       words           `json:"title"`
	A           valueJSON       `json:"a"`
	B           valueJSON       `json:"b"`
	Difference  *differenceJSON `json:"difference"`
	Method      string          `json:"method"`
	Significant bool            `json:"significant"`
	Better      string          `json:"better"`
}

// compared is one side as it is read.
type compared struct {
	name string
	set  profiles.Set
	span
	p *profile.Profile
}

// getCompare sets two versions, or two times, against each other: a is what
// version, from and to say, b is what with says.
func (s *Server) getCompare(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	a, b := compared{set: profiles.ByPrediction}, compared{set: profiles.ByPrediction}
	if a.span, _, err = s.spanOf(r, &m, profiles.ByPrediction); err != nil {
		return nil, err
	}
	if b.name, err = s.otherSide(r, &m, &a, &b); err != nil {
		return nil, err
	}
	a.name = strings.Join(a.versions, ",")
	for _, side := range []*compared{&a, &b} {
		if side.p, err = s.merged(r.Context(), side.query(side.set, m.Name)); err != nil {
			return nil, err
		}
	}
	return s.compareTwo(&m, &a, &b), nil
}

// otherSide reads with: a version, or the name of a reference.
func (s *Server) otherSide(r *http.Request, m *model.Model, a, b *compared) (string, error) {
	text := r.URL.Query().Get("with")
	b.span = a.span
	if slices.ContainsFunc(m.Versions, func(v model.Version) bool { return v.Name == text }) && text != "" {
		text = "version:" + text
	}
	if text == "" {
		text = string(model.ReferencePrevious)
	}
	ref, err := s.parseReference(text)
	if err != nil {
		return "", badParam("with", text, "a version of the model, a range FROM/TO, or the name of a reference, such as previous or 7d")
	}
	switch ref.Source {
	case model.ReferenceVersion:
		b.versions = []string{ref.Version}
		return text, nil
	case model.ReferenceFirstDay:
		other := *m
		other.Reference = ref
		ref = s.cfg.References.Source(&other)
	case model.ReferenceImport:
		if b.segment != "" {
			return "", badParam("with", text, "for a segment; reference rows have none")
		}
		b.set, b.versions = profiles.ByReference, nil
		return text, s.importedSpan(m.Name, &b.span)
	}
	ref = ref.At(a.from, a.to, s.cfg.Zone)
	b.from, b.to = ref.From, ref.To
	return text, nil
}

// importedSpan is the extent of the rows that were sent as reference.
func (s *Server) importedSpan(name string, sp *span) error {
	first, last, ok, err := s.cfg.Profiles.Extent(profiles.ByReference, name)
	if err != nil {
		return err
	}
	if !ok {
		return access.Problem{
			Status: http.StatusConflict, Code: "no_reference_rows", Params: map[string]any{"model": name},
			Detail: "no rows were sent as reference",
		}
	}
	sp.from, sp.to = first, last+hourMS
	return nil
}

func (s *Server) compareTwo(m *model.Model, a, b *compared) compareAnswer {
	out := compareAnswer{
		Model: m.Name, Task: m.Task.String(), A: s.sideOf(m, a), B: s.sideOf(m, b), Q: measure.VersusQ,
		Metrics: []versusJSON{}, Drift: []driftJSON{}, Prediction: []driftJSON{}, Share: valueJSON{Value: none, Reason: reasonNoData},
	}
	if a.p == nil || b.p == nil {
		out.Reason = reasonNoData
		return out
	}
	for _, d := range measure.CompareQuality(a.p, b.p, event.Task(m.Task)) {
		out.Metrics = append(out.Metrics, s.versusOf(&d))
	}
	opt := measure.DriftOptions{}
	list := measure.Drift(a.p, b.p, opt)
	out.Drift, out.Prediction = driftsOf(list), driftsOf(measure.PredictionDrift(a.p, b.p, opt))
	out.Share = valueOf(measure.DriftShare(list))
	return out
}

func (s *Server) sideOf(m *model.Model, c *compared) compareSide {
	out := compareSide{
		Name: c.name, Versions: append([]string{}, c.versions...), Dataset: setProduction,
		From: s.rfc3339(c.from), To: s.rfc3339(c.to), Coverage: none,
	}
	if c.set == profiles.ByReference {
		out.Dataset = setReference
	}
	if c.p != nil {
		q := measure.Quality(c.p, event.Task(m.Task))
		out.Predictions, out.Labels = q.Predictions, q.Labels
		if q.Coverage.Defined {
			out.Coverage = num(q.Coverage.Value)
		}
	}
	return out
}

func (s *Server) versusOf(d *measure.QualityDifference) versusJSON {
	row := s.metric[d.Key]
	out := versusJSON{
		Key: d.Key, Title: words(row.Title), A: valueOf(d.A), B: valueOf(d.B), Method: d.Method, Significant: d.Significant,
	}
	x := d.Difference
	if x == nil {
		return out
	}
	out.Difference = &differenceJSON{num(x.Value), num(x.Low), num(x.High), num(x.P)}
	if d.Significant && row.Good != catalogue.None && row.Good != "" {
		out.Better = "b"
		if (x.Value > 0) == (row.Good == catalogue.Higher) {
			out.Better = "a"
		}
	}
	return out
}
