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
	Method     string        `json:"method"`
	Rows       int64         `json:"rows"`
	Reference  referenceJSON `json:"reference"`
	Features   []driftJSON   `json:"features"`
	Prediction []driftJSON   `json:"prediction"`
	Share      valueJSON     `json:"share"`
	Reason     string        `json:"reason,omitempty"`
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
}

func driftsOf(list []measure.FeatureDrift) []driftJSON {
	out := make([]driftJSON, 0, len(list))
	for _, f := range list {
		d := driftJSON{
			Name: f.Name, Kind: f.Kind, Method: f.Method, Value: none, PValue: f.PValue, Drifted: f.Drifted,
			Grade: f.Grade, N: f.N, RefN: f.RefN, Unseen: num(f.Unseen), UnseenSignificant: f.UnseenSignificant, Bound: num(f.Bound),
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
	opt := measure.DriftOptions{Method: r.URL.Query().Get("method")}
	if errs := opt.Validate(); len(errs) > 0 {
		return nil, badParam("method", opt.Method, "one of "+strings.Join(measure.Methods(), ", "))
	}
	ref, source, err := s.referenceFor(r, &m)
	if err != nil {
		return nil, err
	}
	out := driftAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Method: opt.Method,
		Reference: s.referenceJSON(source, ref), Features: []driftJSON{}, Prediction: []driftJSON{},
	}
	if out.Method == "" {
		out.Method = measure.MethodPSI
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
	list := measure.Drift(cur, ref, opt)
	out.Rows = cur.Rows()
	out.Features, out.Prediction = driftsOf(list), driftsOf(measure.PredictionDrift(cur, ref, opt))
	out.Share = valueOf(measure.DriftShare(list))
	return out, nil
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
	cur, err = s.merged(r.Context(), sp.query(profiles.ByPrediction, m.Name))
	return m, sp, cur, err
}
