package dashboard

import (
	"context"
	"slices"
	"sync"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// group is the sum of some neighbours, kept by the first of them.
type group struct {
	members []*bucket
	p       *profile.Profile
}

// groupOf is how many buckets, from a multiple of it on, are added up once.
// A page that is asked for again adds up only the groups in which something
// changed, and the rests at its ends.
const groupOf = 16

// total is the sum of consecutive buckets, with what was made of it last.
type total struct {
	members []*bucket
	p       *profile.Profile // nil when nothing happened; not to be changed

	mu      sync.Mutex
	ref     *profile.Profile
	drift   []measure.FeatureDrift
	quality []measure.FeatureQuality
}

type totalKey struct {
	line  line
	start int64
	n     int
}

// maxTotals is how many sums of whole ranges are kept: as many as there are
// pages that people look at now.
const maxTotals = 32

// sum merges consecutive buckets of a line.
func (c *cache) sum(list []*bucket) *total {
	if len(list) == 0 {
		return &total{}
	}
	key := totalKey{list[0].line, list[0].start, len(list)}
	c.mu.Lock()
	kept := c.totals[key]
	c.mu.Unlock()
	if kept != nil && slices.Equal(kept.members, list) {
		return kept
	}
	fresh := &total{members: slices.Clone(list), p: addUp(list)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.totals {
		if len(c.totals) < maxTotals {
			break
		}
		delete(c.totals, k)
	}
	c.totals[key] = fresh
	return fresh
}

// features is the drift and the quality of the data of a total; drift only
// where there is a reference.
func (t *total) features(ref *profile.Profile) ([]measure.FeatureDrift, []measure.FeatureQuality) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.quality == nil || t.ref != ref {
		t.ref, t.drift, t.quality = ref, nil, measure.DataQuality(t.p, ref)
		if ref != nil {
			t.drift = measure.Drift(t.p, ref, measure.DriftOptions{})
		}
	}
	return t.drift, t.quality
}

// addUp merges consecutive buckets, group by group; nil when nothing happened.
func addUp(list []*bucket) *profile.Profile {
	var total profiles.Adder
	for len(list) > 0 {
		b := list[0]
		total.Limit = b.line.limit()
		n, p := 1, b.p
		if (b.start/b.line.width)%groupOf == 0 && len(list) >= groupOf {
			n, p = groupOf, b.groupSum(list[:groupOf])
		}
		if p != nil {
			total.Add(clone(p, total.Limit))
		}
		list = list[n:]
	}
	return total.Total()
}

// clone makes a profile that may be merged into.
func clone(p *profile.Profile, limit int) *profile.Profile {
	c := &profile.Profile{}
	c.Merge(p, limit)
	return c
}

// groupSum is the sum of b and the buckets after it.
func (b *bucket) groupSum(members []*bucket) *profile.Profile {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.group != nil && slices.Equal(b.group.members, members) {
		return b.group.p
	}
	total := profiles.Adder{Limit: b.line.limit()}
	for _, m := range members {
		if m.p != nil {
			total.Add(clone(m.p, total.Limit))
		}
	}
	b.group = &group{members: slices.Clone(members), p: total.Total()}
	return b.group.p
}

// merged is the sum of the query's windows, with features; nil when there are
// none.
func (s *Server) merged(ctx context.Context, q profiles.Query) (*profile.Profile, error) {
	var total profiles.Adder
	err := s.cfg.Profiles.Scan(ctx, q, func(w *profiles.Window) error {
		p, err := profile.Decode(w.Bytes)
		if err == nil {
			total.Add(p)
		}
		return err
	})
	return total.Total(), err
}
