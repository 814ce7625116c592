package profiles

import (
	"context"
	"sync"
	"time"

	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
)

// References finds and remembers each model's reference profile. It is safe
// for concurrent use.
type References struct {
	// Zone cuts the days of a reference that is a day; UTC when nil. Set it
	// before the first use.
	Zone *time.Location

	store *Store
	now   func() time.Time

	mu     sync.Mutex
	known  map[string]*reference
	moving moving
}

func (r *References) zone() *time.Location {
	if r.Zone == nil {
		return time.UTC
	}
	return r.Zone
}

type reference struct {
	chosen  model.Reference
	first   int64
	expires time.Time
	profile *profile.Profile
}

// referenceLife bounds how long rows that were added to a reference stay unseen.
const referenceLife = 30 * time.Second

const dayMS = 24 * hourMS

// NewReferences makes the cache. now may be nil.
func NewReferences(s *Store, now func() time.Time) *References {
	if now == nil {
		now = time.Now
	}
	return &References{store: s, now: now, known: map[string]*reference{}}
}

// Source is what a model's reference is: what was chosen or, if nothing was,
// its first day once that is over.
func (r *References) Source(m *model.Model) model.Reference {
	ref := m.Reference
	usual := ref.Source == model.ReferenceNone || ref.Source == model.ReferenceFirstDay
	if !usual || m.FirstEvent == 0 {
		return ref
	}
	day := floorDiv(m.FirstEvent, hourMS) * hourMS
	return model.Reference{Source: model.ReferenceFirstDay, From: day, To: day + dayMS, Set: ref.Set}
}

// Fixed is the reference that something is learnt from: the model's own or, if
// that moves, the rows that were sent as reference, else the first day.
func (r *References) Fixed(m *model.Model) (model.Reference, error) {
	ref := r.Source(m)
	if !ref.Moves() {
		return ref, nil
	}
	_, _, ok, err := r.store.Extent(ByReference, m.Name)
	if ok {
		return model.Reference{Source: model.ReferenceImport}, err
	}
	other := *m
	other.Reference = model.Reference{}
	return r.Source(&other), err
}

// Get is the profile of the Fixed reference, to be read only; nil when there is
// none, also while the first day is not over.
func (r *References) Get(ctx context.Context, m *model.Model) (*profile.Profile, error) {
	now := r.now()
	source, err := r.Fixed(m)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	e := r.known[m.Name]
	r.mu.Unlock()
	if e != nil && e.chosen == source && e.first == m.FirstEvent && now.Before(e.expires) {
		return e.profile, nil
	}
	p, err := r.read(ctx, m, source, now)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[m.Name] = &reference{chosen: source, first: m.FirstEvent, expires: now.Add(referenceLife), profile: p}
	return p, nil
}

func (r *References) read(ctx context.Context, m *model.Model, source model.Reference, now time.Time) (*profile.Profile, error) {
	q := Query{Set: ByPrediction, Model: m.Name, From: source.From, To: source.To}
	switch source.Source {
	case model.ReferenceNone:
		return nil, nil
	case model.ReferenceImport:
		q = Query{Set: ByReference, Model: m.Name, From: -1 << 40}
	case model.ReferenceFirstDay:
		if source.To == 0 {
			return nil, nil // nothing came yet
		}
		_, last, ok, err := r.store.Extent(ByPrediction, m.Name)
		if err != nil || !ok || (last < source.To && now.UnixMilli() < source.To) {
			return nil, err
		}
	}
	return r.store.Merged(ctx, q)
}

// Forget drops what is remembered of a model.
func (r *References) Forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, name)
	r.moving.forget(name)
}
