package dashboard

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// refMemo is a model's reference profile. Reading one takes long where it is
// wide, so it is kept until it changes.
type refMemo struct {
	source  model.Reference
	p       *profile.Profile
	expires time.Time // zero: until Changed says so
}

// The patience with a reference that is not there yet, and how many are kept.
const (
	refPatience = 5 * time.Second
	maxRefs     = 200
)

// reference is the model's reference profile; nil when there is none.
func (s *Server) reference(ctx context.Context, m *model.Model) (*profile.Profile, model.Reference, error) {
	source, now := s.cfg.References.Source(m), s.cfg.Now()
	s.mu.Lock()
	memo := s.refs[m.Name]
	s.mu.Unlock()
	if memo != nil && memo.source == source && (memo.expires.IsZero() || now.Before(memo.expires)) {
		return memo.p, source, nil
	}
	p, err := s.cfg.References.Get(ctx, m)
	if err != nil {
		return nil, source, err
	}
	memo = &refMemo{source: source, p: p}
	if p == nil || !s.cfg.Told {
		memo.expires = now.Add(refPatience)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.refs {
		if len(s.refs) < maxRefs {
			break
		}
		delete(s.refs, name)
	}
	s.refs[m.Name] = memo
	return p, source, nil
}

// forgetReference drops a reference that a changed window belongs to.
func (s *Server) forgetReference(k *profiles.Key) {
	s.mu.Lock()
	memo := s.refs[k.Model]
	in := memo != nil && k.Segment == ""
	if in && k.Set == profiles.ByPrediction {
		in = memo.source.Source != model.ReferenceImport && k.Start >= memo.source.From && k.Start < memo.source.To
	}
	if in {
		delete(s.refs, k.Model)
	}
	s.mu.Unlock()
	if in || k.Set == profiles.ByReference {
		s.cfg.References.Forget(k.Model)
	}
}

func (s *Server) dropReference(name string) {
	s.mu.Lock()
	delete(s.refs, name)
	s.mu.Unlock()
	s.cfg.References.Forget(name)
}

type referenceJSON struct {
	Source string  `json:"source"`
	From   *string `json:"from"`
	To     *string `json:"to"`
	Rows   int64   `json:"rows"`
}

func (s *Server) referenceJSON(ref model.Reference, p *profile.Profile) referenceJSON {
	out := referenceJSON{Source: string(ref.Source)}
	from, to := ref.From, ref.To
	if p != nil {
		out.Rows = p.Rows()
		if from == 0 && to == 0 {
			from, to = p.FirstTime, p.LastTime
		}
	}
	if from != 0 || to != 0 {
		a, b := s.rfc3339(from), s.rfc3339(to)
		out.From, out.To = &a, &b
	}
	return out
}

// referenceFor is the reference that a request names: the model's own, a
// range FROM/TO of production, or "import".
func (s *Server) referenceFor(r *http.Request, m *model.Model) (*profile.Profile, model.Reference, error) {
	text := r.URL.Query().Get("reference")
	if text == "" {
		return s.reference(r.Context(), m)
	}
	ref := model.Reference{Source: model.ReferenceImport}
	if text != string(model.ReferenceImport) {
		var err error
		if ref, err = s.rangeOf(text); err != nil {
			return nil, ref, err
		}
	}
	q := profiles.Query{Set: profiles.ByPrediction, Model: m.Name, From: ref.From, To: ref.To}
	if ref.Source == model.ReferenceImport {
		q = profiles.Query{Set: profiles.ByReference, Model: m.Name, From: firstMS}
	}
	p, err := s.merged(r.Context(), q)
	return p, ref, err
}

func (s *Server) rangeOf(text string) (model.Reference, error) {
	from, to, ok := strings.Cut(text, "/")
	c := clock{now: s.cfg.Now(), zone: s.cfg.Zone}
	a, errA := c.parse(from, false)
	b, errB := c.parse(to, true)
	if !ok || errA != nil || errB != nil || b <= a {
		return model.Reference{}, badParam("reference", text, "a range FROM/TO, or import")
	}
	return model.Reference{Source: model.ReferenceRange, From: a, To: b}, nil
}

func (s *Server) getReference(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	p, ref, err := s.reference(r.Context(), &m)
	if err != nil {
		return nil, err
	}
	return s.referenceJSON(ref, p), nil
}

type referenceBody struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Source string `json:"source"`
}

// putReference chooses a range of production, or the rows that were sent.
func (s *Server) putReference(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	var body referenceBody
	if err := readJSON(r, 64<<10, &body); err != nil {
		return nil, err
	}
	ref := model.Reference{Source: model.ReferenceImport}
	switch {
	case body.Source == string(model.ReferenceImport) && body.From == "" && body.To == "":
		_, _, ok, err := s.cfg.Profiles.Extent(profiles.ByReference, m.Name)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, access.Problem{
				Status: http.StatusConflict, Code: "no_reference_rows", Params: map[string]any{"model": m.Name},
				Detail: "no rows were sent as reference; send some with POST …/reference or leeway import --kind reference",
			}
		}
	case (body.Source == "" || body.Source == string(model.ReferenceRange)) && body.From != "" && body.To != "":
		if ref, err = s.rangeOf(body.From + "/" + body.To); err != nil {
			return nil, err
		}
	default:
		return nil, access.Problem{
			Status: http.StatusBadRequest, Code: "body_invalid",
			Detail: `the body is {"from":"2026-01-01","to":"2026-02-01"} or {"source":"import"}`,
		}
	}
	return s.setReference(r, m.Name, ref)
}

func (s *Server) deleteReference(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	return s.setReference(r, m.Name, model.Reference{})
}

func (s *Server) setReference(r *http.Request, name string, ref model.Reference) (any, error) {
	ref.Set = s.cfg.Now().UnixMilli()
	m, err := s.cfg.Registry.Update(name, func(m *model.Model) error {
		m.Reference = ref
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.dropReference(name)
	s.cfg.Logger.Info("reference chosen", "model", name, "source", ref.Source, "by", access.From(r.Context()).Name)
	p, ref, err := s.reference(r.Context(), &m)
	if err != nil {
		return nil, err
	}
	return s.referenceJSON(ref, p), nil
}
