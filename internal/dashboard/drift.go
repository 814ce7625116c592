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

type dataQualityAnswer struct {
	Model     string           `json:"model"`
	From      string           `json:"from"`
	To        string           `json:"to"`
	Rows      int64            `json:"rows"`
	Reference referenceJSON    `json:"reference"`
	Features  []featureQuality `json:"features"`
}

type featureQuality struct {
	Name           string             `json:"name"`
	Kind           string             `json:"kind"`
	Rows           int64              `json:"rows"`
	Missing        int64              `json:"missing"`
	MissingRate    num                `json:"missing_rate"`
	NaN            int64              `json:"nan"`
	Infinite       int64              `json:"infinite"`
	TypeErrors     int64              `json:"type_errors"`
	Compared       bool               `json:"compared"`
	Outliers       int64              `json:"outliers"`
	OutlierRate    num                `json:"outlier_rate"`
	Unseen         int64              `json:"unseen"`
	UnseenRate     num                `json:"unseen_rate"`
	OutOfRange     int64              `json:"out_of_range"`
	OutOfRangeRate num                `json:"out_of_range_rate"`
	Mean           num                `json:"mean"`
	SD             num                `json:"sd"`
	Min            num                `json:"min"`
	Max            num                `json:"max"`
	Quantiles      map[string]num     `json:"quantiles"`
	QuantileError  num                `json:"quantile_error"`
	Distinct       *int64             `json:"distinct"`
	Top            []categoryCountRow `json:"top"`
}

type categoryCountRow struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

func (s *Server) getDataQuality(r *http.Request) (any, error) {
	m, sp, cur, err := s.features(r)
	if err != nil {
		return nil, err
	}
	ref, source, err := s.referenceFor(r, &m)
	if err != nil {
		return nil, err
	}
	out := dataQualityAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to),
		Reference: s.referenceJSON(source, ref), Features: []featureQuality{},
	}
	if cur == nil {
		return out, nil
	}
	out.Rows = cur.Rows()
	for _, f := range measure.DataQuality(cur, ref) {
		out.Features = append(out.Features, featureQualityOf(&f))
	}
	return out, nil
}

var quantileNames = map[float64]string{0.01: "0.01", 0.05: "0.05", 0.25: "0.25", 0.5: "0.5", 0.75: "0.75", 0.95: "0.95", 0.99: "0.99"}

func featureQualityOf(f *measure.FeatureQuality) featureQuality {
	q := featureQuality{
		Name: f.Name, Kind: f.Kind, Rows: f.Rows, Missing: f.Missing, MissingRate: num(f.MissingRate),
		NaN: f.NaN, Infinite: f.Infinite, TypeErrors: f.TypeErrors, Compared: f.Compared,
		Outliers: f.Outliers, OutlierRate: num(f.OutlierRate), Unseen: f.Unseen, UnseenRate: num(f.UnseenRate),
		OutOfRange: f.OutOfRange, OutOfRangeRate: num(f.OutOfRangeRate),
		Mean: none, SD: none, Min: none, Max: none, QuantileError: none,
		Quantiles: map[string]num{}, Top: []categoryCountRow{},
	}
	if x := f.Number; x != nil {
		q.Mean, q.SD, q.Min, q.Max = num(x.Mean), numOf(x.SD), num(x.Min), num(x.Max)
		q.QuantileError = num(x.QuantileError)
		for _, p := range x.Quantiles {
			q.Quantiles[quantileNames[p.Q]] = num(p.Value)
		}
	}
	if c := f.Category; c != nil {
		q.Distinct = &c.Distinct
		for _, t := range c.Top {
			q.Top = append(q.Top, categoryCountRow{t.Name, t.Count})
		}
	}
	if !f.Compared {
		q.OutlierRate, q.UnseenRate, q.OutOfRangeRate = none, none, none
	}
	return q
}
