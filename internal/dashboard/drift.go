package dashboard

import (
	"net/http"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type driftAnswer struct {
	Model      string        `json:"model"`
	From       string        `json:"from"`
	To         string        `json:"to"`
	Preset     string        `json:"preset"`
	Method     string        `json:"method"` // empty when the preset chooses for each column
	Rows       int64         `json:"rows"`
	Reference  referenceJSON `json:"reference"`
	Features   []driftJSON   `json:"features"`
	Prediction []driftJSON   `json:"prediction"`
	Labels     []driftJSON   `json:"labels"`
	Share      valueJSON     `json:"share"`
	// Drifted is what the preset says of all columns together, if it has a rule.
	Drifted *bool  `json:"drifted"`
	Reason  string `json:"reason,omitempty"`
}

type driftJSON struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Method  string   `json:"method"`
	Value   num      `json:"value"`
	PValue  *float64 `json:"p_value"`
	Drifted bool     `json:"drifted"`
	Grade   string   `json:"grade"`
	N       int64    `json:"n"`
	RefN    int64    `json:"reference_n"`
	Unseen  num      `json:"unseen"`
	// UnseenSignificant tells that the unseen categories are no accident.
	UnseenSignificant bool `json:"unseen_significant"`
	Bound             num  `json:"bound,omitempty"`
	// Limit is what Value, its effect or the p-value was compared with.
	Limit  num    `json:"limit"`
	Reason string `json:"reason,omitempty"`
}

func driftsOf(list []measure.FeatureDrift) []driftJSON {
	out := make([]driftJSON, 0, len(list))
	for _, f := range list {
		d := driftJSON{
			Name: f.Name, Kind: f.Kind, Method: f.Method, Value: none, PValue: f.PValue, Drifted: f.Drifted,
			Grade: f.Grade, N: f.N, RefN: f.RefN, Unseen: num(f.Unseen), UnseenSignificant: f.UnseenSignificant, Bound: num(f.Bound),
			Limit: num(f.Limit), Reason: f.Reason,
		}
		if f.Defined {
			d.Value = num(f.Value)
		}
		if d.PValue != nil && !num(*d.PValue).ok() {
			d.PValue = nil
		}
		out = append(out, d)
	}
	return out
}

// Reasons why nothing could be compared.
const (
	reasonNoReference = "no_reference"
	reasonNoData      = "no_data"
)

func (s *Server) getDrift(r *http.Request) (any, error) {
	m, sp, cur, err := s.features(r)
	if err != nil {
		return nil, err
	}
	opt, err := driftOptionsOf(r)
	if err != nil {
		return nil, err
	}
	ref, source, err := s.referenceFor(r, &m)
	if err != nil {
		return nil, err
	}
	out := driftAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Preset: opt.Preset, Method: opt.Method,
		Reference: s.referenceJSON(source, ref), Features: []driftJSON{}, Prediction: []driftJSON{}, Labels: []driftJSON{},
	}
	switch {
	case ref == nil:
		out.Reason = reasonNoReference
	case cur == nil:
		out.Reason = reasonNoData
	}
	if out.Reason != "" {
		out.Share = valueJSON{Value: none, Reason: out.Reason}
		return out, nil
	}
	if opt.Preset == measure.PresetNannyML {
		if opt.Usual, err = s.usualDrift(r.Context(), m.Name, source, ref); err != nil {
			return nil, err
		}
	}
	list := measure.Drift(cur, ref, opt)
	out.Rows = cur.Rows()
	out.Features, out.Prediction = driftsOf(list), driftsOf(measure.PredictionDrift(cur, ref, opt))
	out.Labels = driftsOf(measure.LabelDrift(cur, ref, opt))
	out.Share = valueOf(measure.DriftShare(list))
	if drifted, ok := measure.DataSetDrifted(list, opt); ok {
		out.Drifted = &drifted
	}
	return out, nil
}

// driftOptionsOf reads method and preset. A method belongs to Leeway's preset;
// the others choose their own.
func driftOptionsOf(r *http.Request) (measure.DriftOptions, error) {
	q := r.URL.Query()
	opt := measure.DriftOptions{Preset: q.Get("preset")}
	if errs := opt.Validate(); len(errs) > 0 {
		return opt, badParam("preset", opt.Preset, "one of "+strings.Join(measure.Presets(), ", "))
	}
	opt.Method = q.Get("method")
	if errs := opt.Validate(); len(errs) > 0 {
		return opt, badParam("method", opt.Method, "one of "+strings.Join(measure.Methods(), ", "))
	}
	if opt.Preset == "" {
		opt.Preset = measure.PresetLeeway
	}
	switch {
	case opt.Preset != measure.PresetLeeway && opt.Method != "":
		return opt, badParam("method", opt.Method, "none with preset "+opt.Preset+", which chooses its own")
	case opt.Preset == measure.PresetLeeway && opt.Method == "":
		opt.Method = measure.MethodPSI
	}
	return opt, nil
}

// features is the model, the range and the merged profile, with features,
// that a request asks for.
func (s *Server) features(r *http.Request) (m model.Model, sp span, cur *profile.Profile, err error) {
	if m, err = s.modelOf(r); err != nil {
		return m, sp, nil, err
	}
	if sp, _, err = s.spanOf(r, &m, profiles.ByPrediction); err != nil {
		return m, sp, nil, err
	}
	if sp.segment != "" {
		return m, sp, nil, access.Problem{
			Status: http.StatusBadRequest, Code: "bad_parameter", Params: map[string]any{"parameter": "segment"},
			Detail: "segments keep quality, counts and latency only; their features are not kept apart",
		}
	}
	q := sp.query(profiles.ByPrediction, m.Name)
	q.Except = s.otherThan(r, &m)
	cur, err = s.merged(r.Context(), q)
	return m, sp, cur, err
}
