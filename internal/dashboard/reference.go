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

// reference is the model's reference profile, of one that stays; nil when there
// is none.
func (s *Server) reference(ctx context.Context, m *model.Model) (*profile.Profile, model.Reference, error) {
	now := s.cfg.Now()
	source, err := s.cfg.References.Fixed(m)
	if err != nil {
		return nil, source, err
	}
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
	Source  string  `json:"source"`
	Name    string  `json:"name"`
	Back    string  `json:"back,omitempty"`
	Version *string `json:"version,omitempty"`
	From    *string `json:"from"`
	To      *string `json:"to"`
	Rows    int64   `json:"rows"`
}

func (s *Server) referenceJSON(ref model.Reference, p *profile.Profile) referenceJSON {
	out := referenceJSON{Source: string(ref.Source), Name: ref.String(), Back: ref.Back}
	if ref.Source == model.ReferenceVersion {
		out.Version = &ref.Version
	}
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

// referenceAt is the model's reference for rows in [from, to).
func (s *Server) referenceAt(ctx context.Context, m *model.Model, from, to int64) (*profile.Profile, model.Reference, error) {
	if !s.cfg.References.Source(m).Moves() {
		return s.reference(ctx, m)
	}
	return s.cfg.References.At(ctx, m, from, to)
}

// referenceFor is the reference that a request names for its range, or the
// model's own.
func (s *Server) referenceFor(r *http.Request, m *model.Model) (*profile.Profile, model.Reference, error) {
	text := r.URL.Query().Get("reference")
	if text == "" && !s.cfg.References.Source(m).Moves() {
		return s.reference(r.Context(), m)
	}
	sp, _, err := s.spanOf(r, m, profiles.ByPrediction)
	if err != nil {
		return nil, model.Reference{}, err
	}
	if text == "" {
		return s.cfg.References.At(r.Context(), m, sp.from, sp.to)
	}
	ref, err := s.parseReference(text)
	if err != nil {
		return nil, ref, err
	}
	return s.named(r.Context(), m, ref, sp)
}

// learntFrom is the reference that a request's estimates are learnt from: the
// one that it names, or the model's that stays.
func (s *Server) learntFrom(r *http.Request, m *model.Model) (*profile.Profile, model.Reference, error) {
	if r.URL.Query().Get("reference") != "" {
		return s.referenceFor(r, m)
	}
	return s.reference(r.Context(), m)
}

// named is the profile of a reference for the rows of a range, and the
// reference's own range.
func (s *Server) named(ctx context.Context, m *model.Model, ref model.Reference, sp span) (*profile.Profile, model.Reference, error) {
	if ref.Moves() {
		return s.cfg.References.Moved(ctx, m, ref.At(sp.from, sp.to, s.cfg.Zone))
	}
	if ref.Source == model.ReferenceFirstDay {
		other := *m
		other.Reference = ref
		if ref = s.cfg.References.Source(&other); ref.To == 0 {
			return nil, ref, nil
		}
	}
	q := profiles.Query{Set: profiles.ByPrediction, Model: m.Name, From: ref.From, To: ref.To}
	if ref.Source == model.ReferenceImport {
		q = profiles.Query{Set: profiles.ByReference, Model: m.Name, From: firstMS}
	}
	p, err := s.merged(ctx, q)
	return p, ref, err
}

// parseReference reads a range FROM/TO or the name of a reference.
func (s *Server) parseReference(text string) (model.Reference, error) {
	if strings.Contains(text, "/") && !strings.HasPrefix(text, "version:") {
		return s.rangeOf(text)
	}
	ref, err := model.ParseReference(text)
	if err != nil {
		return ref, badParam("reference", text, "a range FROM/TO, import, first_day, previous, yesterday, same_day_last_week, a time before such as 7d, or version:NAME")
	}
	return ref, nil
}

// otherThan is the version whose rows are left out of what is compared: that
// which is the reference, unless the request names versions itself.
func (s *Server) otherThan(r *http.Request, m *model.Model) *string {
	ref := s.cfg.References.Source(m)
	if text := r.URL.Query().Get("reference"); text != "" {
		ref, _ = s.parseReference(text) // who reads the reference tells what is wrong
	}
	if ref.Source != model.ReferenceVersion || len(versionsOf(r.URL.Query())) > 0 {
		return nil
	}
	return &ref.Version
}

func (s *Server) rangeOf(text string) (model.Reference, error) {
	from, to, ok := strings.Cut(text, "/")
	c := clock{now: s.cfg.Now(), zone: s.cfg.Zone}
	a, errA := c.parse(from, false)
	b, errB := c.parse(to, true)
	if !ok || errA != nil || errB != nil || b <= a {
		return model.Reference{}, badParam("reference", text, "a range FROM/TO, or the name of a reference")
	}
	return model.Reference{Source: model.ReferenceRange, From: a, To: b}, nil
}

// nowSpan is what a reference that moves is shown for: the last hour, which
// published drift is of.
func (s *Server) nowSpan() (from, to int64) {
	now := s.cfg.Now().UnixMilli()
	return now - hourMS, now
}

func (s *Server) getReference(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	from, to := s.nowSpan()
	p, ref, err := s.referenceAt(r.Context(), &m, from, to)
	if err != nil {
		return nil, err
	}
	return s.referenceJSON(ref, p), nil
}

type referenceBody struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Source  string `json:"source"`
	Back    string `json:"back"`
	Version string `json:"version"`
}

// reference reads what a body chooses; ok is false where it does not say.
func (b *referenceBody) reference() (ref model.Reference, ok bool) {
	if b.From != "" || b.To != "" {
		return ref, false
	}
	text := b.Source
	switch model.ReferenceSource(b.Source) {
	case model.ReferenceEarlier:
		text = b.Back
	case model.ReferenceVersion:
		text = "version:" + b.Version
	}
	ref, err := model.ParseReference(text)
	return ref, err == nil && string(ref.Source) == b.Source
}

// putReference chooses a range of production, the rows that were sent, or a
// reference that moves.
func (s *Server) putReference(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	var body referenceBody
	if err := readJSON(r, 64<<10, &body); err != nil {
		return nil, err
	}
	ref, ok := body.reference()
	switch {
	case ok && ref.Source == model.ReferenceImport:
		if err := s.wantImported(m.Name); err != nil {
			return nil, err
		}
	case ok:
	case (body.Source == "" || body.Source == string(model.ReferenceRange)) && body.From != "" && body.To != "":
		if ref, err = s.rangeOf(body.From + "/" + body.To); err != nil {
			return nil, err
		}
	default:
		return nil, access.Problem{
			Status: http.StatusBadRequest, Code: "body_invalid",
			Detail: `the body is {"from":"2026-01-01","to":"2026-02-01"}, {"source":"earlier","back":"7d"}, {"source":"version","version":"3"}, ` +
				`or {"source":…} with import, first_day, previous, yesterday or same_day_last_week`,
		}
	}
	return s.setReference(r, m.Name, ref)
}

func (s *Server) wantImported(name string) error {
	_, _, ok, err := s.cfg.Profiles.Extent(profiles.ByReference, name)
	if err != nil || ok {
		return err
	}
	return access.Problem{
		Status: http.StatusConflict, Code: "no_reference_rows", Params: map[string]any{"model": name},
		Detail: "no rows were sent as reference; send some with POST …/reference or leeway import --kind reference",
	}
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
	from, to := s.nowSpan()
	p, ref, err := s.referenceAt(r.Context(), &m, from, to)
	if err != nil {
		return nil, err
	}
	return s.referenceJSON(ref, p), nil
}
