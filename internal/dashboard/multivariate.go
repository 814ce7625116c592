package dashboard

import (
	"context"
	"errors"
	"net/http"

	"github.com/leewayhq/leeway/internal/measure/multivariate"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type multivariateAnswer struct {
	Model          string              `json:"model"`
	From           string              `json:"from"`
	To             string              `json:"to"`
	Reference      referenceJSON       `json:"reference"`
	Rows           int                 `json:"rows"`
	RefRows        int                 `json:"reference_rows"`
	Reason         string              `json:"reason,omitempty"`
	Reconstruction *reconstructionJSON `json:"reconstruction"`
	Classifier     *classifierJSON     `json:"classifier"`
	Correlations   []correlationJSON   `json:"correlations"`
}

type reconstructionJSON struct {
	Error      valueJSON `json:"error"`
	Reference  valueJSON `json:"reference"`
	Lower      num       `json:"lower"`
	Upper      num       `json:"upper"`
	Method     string    `json:"method"`
	Drifted    bool      `json:"drifted"`
	Components int       `json:"components"`
	Columns    int       `json:"columns"`
}

type classifierJSON struct {
	AUC      valueJSON    `json:"auc"`
	Drifted  bool         `json:"drifted"`
	Features []weightJSON `json:"features"`
}

type weightJSON struct {
	Name  string `json:"name"`
	Share num    `json:"share"`
}

type correlationJSON struct {
	A      string `json:"a"`
	B      string `json:"b"`
	Before num    `json:"before"`
	After  num    `json:"after"`
	P      num    `json:"p_value"`
}

// maxCorrelations bounds the pairs of an answer, which grow with the square of
// the features.
const maxCorrelations = 50

// reasonFewRows says that the samples are too small, or were not kept: those
// of single versions are not, and old ones go with retention.samples.
const reasonFewRows = "too_few_rows"

// getMultivariate tells what the features do together, from samples of rows.
func (s *Server) getMultivariate(r *http.Request) (any, error) {
	m, sp, _, err := s.cutRequest(r)
	if err != nil {
		return nil, err
	}
	_, source, err := s.referenceFor(r, &m)
	if err != nil {
		return nil, err
	}
	out := multivariateAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Reference: s.referenceJSON(source, nil),
		Correlations: []correlationJSON{},
	}
	ref, err := s.cfg.Profiles.ReferenceSamples(r.Context(), m.Name, source)
	if err != nil {
		return nil, err
	}
	cur, err := s.cfg.Profiles.Sample(r.Context(), sp.query(profiles.ByPrediction, m.Name))
	if err != nil {
		return nil, err
	}
	d, err := multivariate.Compare(ref, cur, r.URL.Query().Get("classifier") == "true")
	if errors.Is(err, multivariate.ErrTooFew) {
		out.Rows, out.Reason = cur.Rows(), reasonFewRows
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.fill(d)
	return out, nil
}

func (a *multivariateAnswer) fill(d *multivariate.Drift) {
	a.Rows, a.RefRows = d.Rows, d.RefRows
	if x := d.Reconstruction; x != nil {
		a.Reconstruction = &reconstructionJSON{
			Error: errorValue(x.Error), Reference: errorValue(x.Reference), Lower: num(x.Lower), Upper: num(x.Upper),
			Method: x.Method, Drifted: x.Drifted, Components: x.Components, Columns: x.Columns,
		}
	}
	if c := d.Classifier; c != nil {
		low, high := num(c.Low), num(c.High)
		a.Classifier = &classifierJSON{
			AUC:     valueJSON{Value: num(c.AUC), Low: &low, High: &high, N: int64(c.N), Method: "hanley_mcneil"},
			Drifted: c.Drifted(), Features: []weightJSON{},
		}
		for _, w := range c.Features[:min(len(c.Features), maxCauseFeatures)] {
			a.Classifier.Features = append(a.Classifier.Features, weightJSON{w.Name, num(w.Share)})
		}
	}
	for _, c := range d.Correlations[:min(len(d.Correlations), maxCorrelations)] {
		a.Correlations = append(a.Correlations, correlationJSON{c.A, c.B, num(c.Before), num(c.After), num(c.P)})
	}
}

func errorValue(v multivariate.ErrorValue) valueJSON {
	low, high := num(v.Low), num(v.High)
	return valueJSON{Value: num(v.Mean), Low: &low, High: &high, N: int64(v.N), Method: "three_standard_errors"}
}

// The sources of importances.
const (
	importanceDeclared = "declared"
	importanceLinear   = "linear" // of a line fitted to the predictions of the reference
	importanceNone     = "none"
)

// importances are what the model's owner declared or, where nothing was, those
// of a line fitted to what the model predicted on the reference.
func (s *Server) importances(ctx context.Context, m *model.Model, source model.Reference) (of map[string]float64, from string, fit float64, err error) {
	if len(m.Importances) > 0 {
		return m.Importances, importanceDeclared, 0, nil
	}
	chunks, err := s.cfg.Profiles.ReferenceSamples(ctx, m.Name, source)
	if err != nil {
		return nil, "", 0, err
	}
	whole := multivariate.Whole(chunks)
	list, fit, err := multivariate.Importances(multivariate.TableOf(whole), whole.Predicted)
	if err != nil { // too few rows, or all predictions are the same
		return nil, importanceNone, 0, nil
	}
	of = map[string]float64{}
	for _, w := range list {
		of[w.Name] = w.Share
	}
	return of, importanceLinear, fit, nil
}
