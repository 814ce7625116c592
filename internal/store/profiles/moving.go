package profiles

import (
	"context"
	"time"

	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
)

// moving remembers profiles of references that move with the rows that are
// compared: of the last minutes, for pages that are asked for again and drift
// that is computed every half minute. What it holds is bounded in bytes.
type moving struct {
	known map[movingKey]*movingEntry
	bytes int64
}

type movingKey struct{ model, version, source string }

type movingEntry struct {
	from, to int64
	expires  time.Time
	bytes    int64
	profile  *profile.Profile
}

const (
	// maxMovingBytes bounds what is remembered, about.
	maxMovingBytes = 64 << 20
	// maxMovingModels bounds it where profiles are small.
	maxMovingModels = 2000
	// pastLife is how long rows that come late to a past range stay unseen.
	pastLife = 10 * time.Minute
	// rolledAfter is the age from which minutes may have been moved into hours,
	// so that a range is cut at hours.
	rolledAfter = 24 * hourMS
)

// At is the reference for a model's rows in [from, to), to be read only, and
// what it is; the profile is nil when there is none. A reference that moves is
// read from the minutes and hours of its range: about 7 µs for each of them and
// each feature. It is remembered for half a minute, for ten minutes where its
// range is an hour old.
func (r *References) At(ctx context.Context, m *model.Model, from, to int64) (*profile.Profile, model.Reference, error) {
	ref := r.Source(m)
	if !ref.Moves() {
		p, err := r.Get(ctx, m)
		return p, ref, err
	}
	return r.Moved(ctx, m, ref.At(from, to, r.zone()))
}

// Moved is the profile of a reference with its range, and the range as it was
// read: in whole minutes or, where it is long or old, whole hours.
func (r *References) Moved(ctx context.Context, m *model.Model, ref model.Reference) (*profile.Profile, model.Reference, error) {
	if ref.Source == model.ReferenceNone {
		return nil, ref, nil
	}
	now := r.now()
	ref.From, ref.To = wholeUnits(ref.From, ref.To, now.UnixMilli())
	key := movingKey{m.Name, ref.Version, ref.String()}
	r.mu.Lock()
	e := r.moving.known[key]
	r.mu.Unlock()
	if e != nil && e.from == ref.From && e.to == ref.To && now.Before(e.expires) {
		return e.profile, ref, nil
	}
	q := Query{Set: ByPrediction, Model: m.Name, From: ref.From, To: ref.To}
	if ref.Source == model.ReferenceVersion {
		q.Versions = []string{ref.Version}
	}
	p, err := r.store.Merged(ctx, q)
	if err != nil {
		return nil, ref, err
	}
	fresh := &movingEntry{from: ref.From, to: ref.To, expires: now.Add(referenceLife), profile: p}
	if ref.To < now.UnixMilli()-hourMS {
		fresh.expires = now.Add(pastLife)
	}
	if p != nil {
		fresh.bytes = 4 * int64(len(p.AppendTo(nil))) // in memory it is about four times its bytes
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moving.put(key, fresh)
	return p, ref, nil
}

// wholeUnits keeps a range's length, about, and begins it at a whole hour if it
// is long or old, else at a whole minute.
func wholeUnits(from, to, now int64) (int64, int64) {
	unit := minuteMS
	if to-from >= 6*hourMS || to < now-rolledAfter {
		unit = hourMS
	}
	a := floorDiv(from, unit) * unit
	return a, max(a+unit, floorDiv(to, unit)*unit)
}

// put remembers one in the place of the model's last one, and lets others go
// while there is too much.
func (m *moving) put(key movingKey, e *movingEntry) {
	if m.known == nil {
		m.known = map[movingKey]*movingEntry{}
	}
	m.drop(key)
	for k := range m.known {
		if m.bytes+e.bytes <= maxMovingBytes && len(m.known) < maxMovingModels {
			break
		}
		m.drop(k)
	}
	if e.bytes <= maxMovingBytes {
		m.known[key] = e
		m.bytes += e.bytes
	}
}

func (m *moving) drop(key movingKey) {
	if e := m.known[key]; e != nil {
		m.bytes -= e.bytes
		delete(m.known, key)
	}
}

func (m *moving) forget(name string) {
	for k := range m.known {
		if k.model == name {
			m.drop(k)
		}
	}
}
