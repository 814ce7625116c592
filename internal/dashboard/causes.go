package dashboard

import (
	"net/http"
	"slices"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type causesAnswer struct {
	Model     string        `json:"model"`
	From      string        `json:"from"`
	To        string        `json:"to"`
	Against   rangeJSON     `json:"against"`
	Metric    string        `json:"metric"`
	Before    valueJSON     `json:"before"`
	After     valueJSON     `json:"after"`
	Change    num           `json:"change"`
	Fields    []shiftJSON   `json:"fields"`
	Reference referenceJSON `json:"reference"`
	// Importance says where the importances come from, Fit how much of the
	// predictions the line of a linear one explains (R²).
	Importance string             `json:"importance"`
	Fit        num                `json:"importance_fit"`
	Features   []contributionJSON `json:"features"`
}

type rangeJSON struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type shiftJSON struct {
	Field    string             `json:"field"`
	Segments []segmentShiftJSON `json:"segments"`
}

type segmentShiftJSON struct {
	Name        string    `json:"name"`
	Before      valueJSON `json:"before"`
	After       valueJSON `json:"after"`
	ShareBefore num       `json:"share_before"`
	ShareAfter  num       `json:"share_after"`
	Within      num       `json:"within"`
	Mix         num       `json:"mix"`
}

type contributionJSON struct {
	Name       string `json:"name"`
	Grade      string `json:"grade"`
	Value      num    `json:"value"`
	Unseen     num    `json:"unseen"`
	Importance num    `json:"importance"`
	Weight     num    `json:"weight"`
	Share      num    `json:"share"`
}

// Most of an answer about causes: who reads it looks for the first few.
const (
	maxCauseFeatures = 20
	maxCauseSegments = 20
)

// getCauses tells what may be behind a change: the segments that carry it and
// the features that drifted.
func (s *Server) getCauses(r *http.Request) (any, error) {
	m, sp, opt, err := s.cutRequest(r)
	if err != nil {
		return nil, err
	}
	before, err := s.againstOf(r, &sp)
	if err != nil {
		return nil, err
	}
	out := causesAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Metric: opt.Metric, Change: none,
		Against: rangeJSON{s.rfc3339(before.from), s.rfc3339(before.to)},
		Fields:  []shiftJSON{}, Features: []contributionJSON{}, Importance: importanceNone, Fit: none,
	}
	was, err := s.cut(r.Context(), &m, before)
	if err != nil {
		return nil, err
	}
	is, err := s.cut(r.Context(), &m, sp)
	if err != nil {
		return nil, err
	}
	if err := out.addShifts(was, is, opt); err != nil {
		return nil, err
	}
	return out, s.addContributions(r, &m, &sp, &out)
}

// againstOf is the range to compare with: what is asked for, or as much time
// just before.
func (s *Server) againstOf(r *http.Request, sp *span) (span, error) {
	before := *sp
	text := r.URL.Query().Get("against")
	if text == "" {
		before.from, before.to = sp.from-(sp.to-sp.from), sp.from
		return before, nil
	}
	ref, err := s.rangeOf(text)
	if err != nil {
		return before, badParam("against", text, "a range FROM/TO")
	}
	before.from, before.to = ref.From, ref.To
	return before, nil
}

func (a *causesAnswer) addShifts(was, is measure.Cut, opt measure.CutOptions) error {
	whole, ok, err := measure.ShiftOf("", was, is, opt)
	if err != nil {
		return err
	}
	if !ok {
		a.Before, a.After = valueJSON{Value: none, Reason: reasonNoData}, valueJSON{Value: none, Reason: reasonNoData}
		return nil
	}
	a.Before, a.After, a.Change = valueOf(whole.Before), valueOf(whole.After), num(whole.Change)
	for _, field := range measure.FieldsOf(slices.Concat(was.Segments, is.Segments)) {
		shift, _, err := measure.ShiftOf(field, was, is, opt)
		if err != nil {
			return err
		}
		j := shiftJSON{Field: field, Segments: []segmentShiftJSON{}}
		for _, p := range shift.Segments[:min(len(shift.Segments), maxCauseSegments)] {
			j.Segments = append(j.Segments, segmentShiftJSON{
				p.Name, valueOf(p.Before), valueOf(p.After), num(p.ShareBefore), num(p.ShareAfter), num(p.Within), num(p.Mix),
			})
		}
		a.Fields = append(a.Fields, j)
	}
	return nil
}

func (s *Server) addContributions(r *http.Request, m *model.Model, sp *span, out *causesAnswer) error {
	ref, source, err := s.referenceFor(r, m)
	if err != nil {
		return err
	}
	out.Reference = s.referenceJSON(source, ref)
	cur, err := s.merged(r.Context(), sp.query(profiles.ByPrediction, m.Name))
	if err != nil || cur == nil || ref == nil {
		return err
	}
	drift := measure.Drift(cur, ref, measure.DriftOptions{Method: measure.MethodPSI})
	importances, from, fit, err := s.importances(r.Context(), m, source)
	if err != nil {
		return err
	}
	out.Importance = from
	if from == importanceLinear {
		out.Fit = num(fit)
	}
	list := measure.Contributions(drift, importances)
	for _, c := range list[:min(len(list), maxCauseFeatures)] {
		j := contributionJSON{
			Name: c.Name, Grade: c.Grade, Value: none, Unseen: num(c.Unseen), Importance: none,
			Weight: num(c.Weight), Share: num(c.Share),
		}
		if c.Defined {
			j.Value = num(c.Value)
		}
		if c.Known {
			j.Importance = num(c.Importance)
		}
		out.Features = append(out.Features, j)
	}
	return nil
}
