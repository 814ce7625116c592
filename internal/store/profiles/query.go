package profiles

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/leewayhq/leeway/internal/profile"
)

// Query names the windows of one model that begin in [From, To).
type Query struct {
	Set      Set
	Model    string
	Segment  string   // empty for all rows
	Versions []string // empty for all
	Except   *string  // a version that is left out
	From, To int64    // unix ms; a To of 0 means no end
}

// Window is one that was read. Its bytes are valid until the callback returns.
type Window struct {
	Start   int64 // unix ms
	Width   int64 // ms: a minute or an hour
	Version string
	Bytes   []byte
}

// Scan calls fn for each window of the query: first the hours in order of time,
// then the minutes. One minute never stands in both.
func (s *Store) Scan(ctx context.Context, q Query, fn func(w *Window) error) error {
	snap := s.db.NewSnapshot() // a rollup in between would hide what it moves
	err := scanLevel(ctx, snap, &q, hours, fn)
	if err == nil {
		err = scanLevel(ctx, snap, &q, minutes, fn)
	}
	return errors.Join(err, snap.Close())
}

func (q *Query) bounds(l level) (from, to []byte) {
	prefix := appendPrefix(nil, q.Set, l, q.Model)
	prefix = binary.BigEndian.AppendUint16(prefix, uint16(len(q.Segment)))
	prefix = append(prefix, q.Segment...)
	from = appendMinute(slices.Clone(prefix), ceilMinute(q.From))
	if q.To == 0 {
		return from, after(prefix)
	}
	return from, appendMinute(prefix, ceilMinute(q.To))
}

func ceilMinute(ms int64) int64 {
	if ms > math.MaxInt64-minuteMS {
		return ms
	}
	return floorDiv(ms+minuteMS-1, minuteMS) * minuteMS
}

func scanLevel(ctx context.Context, snap *pebble.Snapshot, q *Query, l level, fn func(w *Window) error) error {
	from, to := q.bounds(l)
	it, err := snap.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	width := minuteMS
	if l == hours {
		width = hourMS
	}
	for ok := it.First(); ok; ok = it.Next() {
		k, _, err := parseKey(it.Key())
		if err == nil && !q.takes(k.Version) {
			continue
		}
		var value []byte
		if err == nil {
			value, err = it.ValueAndErr()
		}
		if err == nil {
			err = fn(&Window{Start: k.Start, Width: width, Version: k.Version, Bytes: value})
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

func (q *Query) takes(version string) bool {
	if q.Except != nil && *q.Except == version {
		return false
	}
	return len(q.Versions) == 0 || slices.Contains(q.Versions, version)
}

// Merged is the sum of the query's windows; nil when there are none.
func (s *Store) Merged(ctx context.Context, q Query) (*profile.Profile, error) {
	var sum Adder
	err := s.Scan(ctx, q, func(w *Window) error {
		p, err := profile.Decode(w.Bytes)
		if err == nil {
			sum.Add(p)
		}
		return err
	})
	return sum.Total(), err
}

// Adder adds profiles up two by two, the equally large ones together: to merge
// small ones into one growing sum would go over that sum again each time. It
// owns what it is given. The zero value is ready.
type Adder struct {
	Limit int // as of Merge; MergeExact unless set
	parts []*profile.Profile
	sizes []int // of each part, in profiles: falling powers of two
}

// Add adds one profile.
func (a *Adder) Add(p *profile.Profile) {
	size := 1
	for n := len(a.parts); n > 0 && a.sizes[n-1] == size; n = len(a.parts) {
		a.parts[n-1].Merge(p, a.exact())
		p, size = a.parts[n-1], 2*size
		a.parts, a.sizes = a.parts[:n-1], a.sizes[:n-1]
	}
	a.parts, a.sizes = append(a.parts, p), append(a.sizes, size)
}

func (a *Adder) exact() int {
	if a.Limit == 0 {
		return profile.MergeExact
	}
	return a.Limit
}

// Total is nil when nothing was added; the adder is empty afterwards.
func (a *Adder) Total() *profile.Profile {
	var sum *profile.Profile
	for _, p := range slices.Backward(a.parts) {
		if sum != nil {
			p.Merge(sum, a.exact())
		}
		sum = p
	}
	*a = Adder{Limit: a.Limit}
	return sum
}

// Extent is when a model's first and last windows of a set begin; ok is false
// when there are none.
func (s *Store) Extent(set Set, model string) (first, last int64, ok bool, err error) {
	first, last = math.MaxInt64, math.MinInt64
	q := Query{Set: set, Model: model, From: before1970}
	for _, l := range []level{minutes, hours} {
		from, to := q.bounds(l)
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
		if err != nil {
			return 0, 0, false, err
		}
		for _, at := range []func() bool{it.First, it.Last} {
			if !at() {
				break
			}
			k, _, err := parseKey(it.Key())
			if err != nil {
				return 0, 0, false, errors.Join(err, it.Close())
			}
			first, last, ok = min(first, k.Start), max(last, k.Start), true
		}
		if err := it.Close(); err != nil {
			return 0, 0, false, err
		}
	}
	return first, last, ok, nil
}
