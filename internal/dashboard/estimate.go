package dashboard

import (
	"net/http"
	"sync"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/estimate"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
)

// estimatorJSON is what quality is estimated with.
type estimatorJSON struct {
	Method     string        `json:"method,omitempty"`
	Reference  referenceJSON `json:"reference"`
	Labels     int64         `json:"labels"`     // of the reference, with a score
	Calibrated bool          `json:"calibrated"` // false: the scores are taken as probabilities
	Reason     string        `json:"reason,omitempty"`
}

// gapJSON is the realised less the estimated quality of the same labelled rows.
type gapJSON struct {
	Value     num   `json:"value"`
	Estimated num   `json:"estimated"`
	Noise     num   `json:"noise"` // standard error of the value
	Stale     num   `json:"stale"` // by how much it is beyond three of them
	N         int64 `json:"n"`
}

// learnt keeps what estimators learnt of the models' references.
type learnt struct {
	mu     sync.Mutex
	models map[string]*memo
}

type memo struct {
	mu   sync.Mutex
	memo estimate.Memo
}

func (l *learnt) of(name string) *memo {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.models == nil {
		l.models = map[string]*memo{}
	}
	for other := range l.models {
		if len(l.models) < maxRefs {
			break
		}
		delete(l.models, other)
	}
	m := l.models[name]
	if m == nil {
		m = &memo{}
		l.models[name] = m
	}
	return m
}

func (m *memo) learn(p *profile.Profile, task event.Task) (estimate.Estimator, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memo.Learn(p, task)
}

// estimator learns from the reference of a request. It is nil for models whose
// quality cannot be estimated, or not yet; then the answer says why.
func (s *Server) estimator(r *http.Request, m *model.Model) (estimate.Estimator, *estimatorJSON, error) {
	task := event.Task(m.Task)
	if task != event.Binary && task != event.Regression {
		return nil, nil, nil
	}
	p, source, err := s.learntFrom(r, m)
	if err != nil {
		return nil, nil, err
	}
	e, reason := s.learnt.of(m.Name).learn(p, task)
	out := &estimatorJSON{Reference: s.referenceJSON(source, p), Reason: reason}
	if e != nil {
		about := e.About()
		out.Method, out.Labels, out.Calibrated = about.Method, about.Labels, about.Calibrated
	}
	return e, out, nil
}

// estimate adds the estimated quality of all predictions of a window, and how
// far the labelled ones are from theirs.
func (w *windowQuality) estimate(e estimate.Estimator, p *profile.Profile) {
	if e == nil || p == nil || p.Scores == nil && p.Values == nil {
		return
	}
	w.Estimated = map[string]valueJSON{}
	for _, m := range e.OfProfile(p).Metrics {
		w.Estimated[m.Key] = valueOf(m.Value)
	}
	for _, g := range e.GapsOf(p) {
		if w.Gap == nil {
			w.Gap = map[string]gapJSON{}
		}
		w.Gap[g.Key] = gapJSON{Value: num(g.Value()), Estimated: num(g.Estimated), Noise: num(g.Noise), Stale: num(g.Stale()), N: g.N}
	}
}
