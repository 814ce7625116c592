package dashboard

import (
	"errors"
	"io/fs"
	"net/http"
	"slices"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

func (s *Server) getModels(r *http.Request) (any, error) {
	rows, err := s.modelRows(r.Context(), s.cfg.Registry.List(), s.liveAlerts())
	if err != nil {
		return nil, err
	}
	return map[string]any{"models": rows}, nil
}

// liveAlerts are those that are pending or firing.
func (s *Server) liveAlerts() []*alert.Alert {
	return slices.DeleteFunc(s.cfg.Alerts.Alerts(""), func(a *alert.Alert) bool { return a.State == alert.Resolved })
}

// modelAnswer is a row of the table and what the registry knows.
type modelAnswer struct {
	modelRow
	Created       int64          `json:"created"`
	FirstEvent    stamp          `json:"first_event"`
	Declared      bool           `json:"declared"`
	Positive      string         `json:"positive_class"`
	Threshold     float64        `json:"threshold"`
	Schema        []featureEntry `json:"schema"`
	Versions      []versionEntry `json:"versions"`
	Segments      []string       `json:"segments"`
	SegmentValues []string       `json:"segment_values"`
	Importances   map[string]num `json:"importances,omitempty"`
	Reference     referenceJSON  `json:"reference"`
	Data          extentJSON     `json:"data"`
}

type featureEntry struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	FirstSeen int64  `json:"first_seen"`
}

type versionEntry struct {
	Name      string `json:"name"`
	FirstSeen int64  `json:"first_seen"`
}

// extentJSON is when the first and the last window of the model begin.
type extentJSON struct {
	First stamp `json:"first"`
	Last  stamp `json:"last"`
}

func (s *Server) getModel(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	return s.describe(r, &m)
}

func (s *Server) describe(r *http.Request, m *model.Model) (any, error) {
	alerts := slices.DeleteFunc(s.liveAlerts(), func(a *alert.Alert) bool { return a.Model != m.Name })
	rows, err := s.modelRows(r.Context(), []model.Model{*m}, alerts)
	if err != nil {
		return nil, err
	}
	out := modelAnswer{
		modelRow: rows[0], Created: m.Created, FirstEvent: stamp(m.FirstEvent), Declared: m.Declared, Positive: m.Positive,
		Threshold: m.Threshold, Schema: []featureEntry{}, Versions: []versionEntry{},
		Segments: append([]string{}, m.Segments...), SegmentValues: append([]string{}, m.SegmentValues...),
		Reference: s.referenceJSON(s.cfg.References.Source(m), nil),
	}
	if out.Threshold == 0 {
		out.Threshold = 0.5
	}
	for _, f := range m.Features {
		out.Schema = append(out.Schema, featureEntry{f.Name, string(f.Kind), f.FirstSeen})
	}
	for name, w := range m.Importances {
		if out.Importances == nil {
			out.Importances = map[string]num{}
		}
		out.Importances[name] = num(w)
	}
	for _, v := range m.Versions {
		out.Versions = append(out.Versions, versionEntry(v))
	}
	out.Data, err = s.extentOf(m.Name)
	return out, err
}

func (s *Server) extentOf(name string) (extentJSON, error) {
	first, last, ok, err := s.cfg.Profiles.Extent(profiles.ByPrediction, name)
	if err != nil || !ok {
		return extentJSON{}, err
	}
	return extentJSON{stamp(first), stamp(last)}, nil
}

// putModel declares a model, known or not.
func (s *Server) putModel(r *http.Request) (any, error) {
	name := r.PathValue("model")
	if !modelName.MatchString(name) || name == "." || name == ".." {
		return nil, access.Problem{
			Status: http.StatusBadRequest, Code: "bad_model_name", Params: map[string]any{"model": name},
			Detail: "a model's name is 1 to 128 letters, digits, dots, hyphens and underscores",
		}
	}
	var d model.Declaration
	if err := readJSON(r, 1<<20, &d); err != nil {
		return nil, err
	}
	_, err := s.cfg.Registry.Get(name)
	isNew := err != nil
	m, err := s.cfg.Registry.Declare(name, d)
	if err != nil {
		return nil, declareProblem(err)
	}
	s.dropReference(name)
	s.cache.forget(name)
	s.hub.touch(name)
	s.cfg.Logger.Info("model declared", "model", name, "by", access.From(r.Context()).Name)
	answer, err := s.describe(r, &m)
	if err == nil && isNew {
		return created{answer}, nil
	}
	return answer, err
}

// deleteModel erases what is stored of a model, then forgets it.
func (s *Server) deleteModel(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	if s.cfg.Erase != nil {
		if err := s.cfg.Erase(r.Context(), m.Name); err != nil {
			return nil, err
		}
	}
	for _, set := range []profiles.Set{profiles.ByPrediction, profiles.ByEvaluation, profiles.ByReference} {
		if err := s.cfg.Profiles.Erase(set, m.Name); err != nil {
			return nil, err
		}
	}
	if err := s.cfg.Registry.Delete(m.Name); err != nil {
		return nil, err
	}
	s.dropReference(m.Name)
	s.cache.forget(m.Name)
	s.mu.Lock()
	delete(s.rowOf, m.Name)
	s.mu.Unlock()
	s.forgetFleet()
	s.hub.touch(m.Name)
	s.cfg.Logger.Info("model deleted", "model", m.Name, "by", access.From(r.Context()).Name)
	return nil, nil
}

// declareProblem tells what is wrong with a declaration from a registry that
// is full or a disk that fails.
func declareProblem(err error) error {
	if errors.Is(err, model.ErrLimit) || errors.Is(err, fs.ErrPermission) || errors.As(err, new(*fs.PathError)) {
		return err
	}
	return access.Problem{Status: http.StatusBadRequest, Code: "declaration_invalid", Detail: err.Error()}
}
