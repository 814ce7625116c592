package dashboard

import (
	"container/list"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// line is a row of merged windows of one width: one model, one segment, some
// versions, with or without features.
type line struct {
	set      profiles.Set
	model    string
	segment  string
	versions string // joined by NUL; empty for all
	full     bool   // with features
	width    int64  // ms, a multiple of a minute
}

// bucket is the merged windows of one step of a line. Its profile is never
// changed; the memos beside it are guarded by mu.
type bucket struct {
	line    line
	start   int64
	p       *profile.Profile // nil when nothing happened
	hourly  bool             // a window in it is longer than the step
	expires time.Time        // zero: until the processor changes it
	cost    int64
	place   *list.Element

	mu      sync.Mutex
	quality *measure.Result
	drift   map[string]measure.FeatureDrift
	against *profile.Profile // what drift was measured against
	group   *group
}

// cache keeps merged windows, the least recently used of which go first.
type cache struct {
	store *profiles.Store
	now   func() time.Time
	told  bool
	max   int64
	met   *metrics

	mu     sync.Mutex
	models map[string]map[line]map[int64]*bucket
	age    map[string]uint64 // counts the changes of a model
	recent *list.List        // of *bucket, the latest used in front
	cost   int64
	fills  map[*fill]struct{}
	totals map[totalKey]*total
}

func newCache(cfg *Config, met *metrics) *cache {
	return &cache{
		store: cfg.Profiles, now: cfg.Now, told: cfg.Told, max: cfg.CacheBytes, met: met,
		models: map[string]map[line]map[int64]*bucket{}, age: map[string]uint64{},
		recent: list.New(), fills: map[*fill]struct{}{}, totals: map[totalKey]*total{},
	}
}

// fill is a read of the store that is under way. What the processor changes
// meanwhile may or may not be in it, so those buckets are not kept.
type fill struct {
	line    line
	changed []int64
}

// trusted is how long a bucket lives when nobody tells of changes.
const trusted = 2 * time.Second

// get gives the buckets of a line that begin in [from, to), in order; from is
// rounded down to the line's width.
func (c *cache) get(ctx context.Context, l line, from, to int64) ([]*bucket, error) {
	from = floorTo(from, l.width)
	out := make([]*bucket, max(0, (to-from+l.width-1)/l.width))
	missing := c.known(l, from, out)
	recent := c.now().UnixMilli() - 2*hourMS
	for begin := 0; begin < len(missing); {
		end := begin + 1
		old := from+int64(missing[begin]+1)*l.width <= recent
		for end < len(missing) && missing[end] == missing[end-1]+1 && old == (from+int64(missing[end]+1)*l.width <= recent) {
			end++
		}
		first, last := missing[begin], missing[end-1]
		if err := c.fill(ctx, l, from+int64(first)*l.width, out[first:last+1], old); err != nil {
			return nil, err
		}
		begin = end
	}
	return out, nil
}

// known puts what is in memory into out and tells which places are empty.
func (c *cache) known(l line, from int64, out []*bucket) (missing []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, kept := c.now(), c.models[l.model][l]
	for i := range out {
		b := kept[from+int64(i)*l.width]
		if b == nil || (!b.expires.IsZero() && now.After(b.expires)) {
			missing = append(missing, i)
			continue
		}
		c.recent.MoveToFront(b.place)
		out[i] = b
	}
	c.met.cacheHits.WithLabelValues("memory").Add(float64(len(out) - len(missing)))
	c.met.cacheHits.WithLabelValues("store").Add(float64(len(missing)))
	return missing
}

// fill makes consecutive buckets that are not in memory. Old ones are read with
// one scan; those that still change are made of narrower ones, most of which
// are in memory.
func (c *cache) fill(ctx context.Context, l line, from int64, out []*bucket, old bool) error {
	f := &fill{line: l}
	c.mu.Lock()
	c.fills[f] = struct{}{}
	c.mu.Unlock()
	for i := range out {
		out[i] = &bucket{line: l, start: from + int64(i)*l.width, cost: 256}
		if !c.told {
			out[i].expires = c.now().Add(trusted)
		}
	}
	var err error
	if narrow := narrower(l.width); old || narrow == 0 {
		err = c.read(ctx, out)
	} else {
		err = c.compose(ctx, out, narrow)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.fills, f)
	if err != nil {
		return err
	}
	for _, b := range out {
		if !slices.Contains(f.changed, b.start) {
			c.keep(b)
		}
	}
	return nil
}

// narrower is the width of the buckets that a changing one is made of; 0 when
// it is narrow enough to be read anew.
func narrower(width int64) int64 {
	switch {
	case width > hourMS:
		return hourMS
	case width > 5*minuteMS && width%(5*minuteMS) == 0:
		return 5 * minuteMS
	}
	return 0
}

func (c *cache) compose(ctx context.Context, out []*bucket, narrow int64) error {
	for _, b := range out {
		l := b.line
		l.width = narrow
		parts, err := c.get(ctx, l, b.start, b.start+b.line.width)
		if err != nil {
			return err
		}
		var total profiles.Adder
		total.Limit = b.line.limit()
		for _, part := range parts {
			if part.p != nil {
				total.Add(clone(part.p, total.Limit))
			}
			// A part may hold an hour that was rolled up; then so does b.
			b.hourly = b.hourly || (part.hourly && b.line.width < hourMS)
		}
		b.take(&total)
	}
	return nil
}

func (c *cache) read(ctx context.Context, out []*bucket) error {
	l, from := out[0].line, out[0].start
	q := profiles.Query{Set: l.set, Model: l.model, Segment: l.segment, From: from, To: from + int64(len(out))*l.width}
	if l.versions != "" {
		q.Versions = strings.Split(l.versions, "\x00")
	}
	totals := make([]profiles.Adder, len(out))
	err := c.store.Scan(ctx, q, func(w *profiles.Window) error {
		p, err := decode(w.Bytes, l.full)
		if err != nil {
			return err
		}
		i := (w.Start - from) / l.width
		out[i].hourly = out[i].hourly || w.Width > l.width
		totals[i].Limit = l.limit()
		totals[i].Add(p)
		return nil
	})
	for i, b := range out {
		b.take(&totals[i])
	}
	return err
}

// take makes a sum the bucket's own.
func (b *bucket) take(total *profiles.Adder) {
	if b.p = total.Total(); b.p != nil {
		b.cost += 4 * int64(len(b.p.AppendTo(nil))) // in memory it is about four times its bytes
	}
}

// limit is up to how many rows values are kept. Features go to their grid at
// once: drift and outliers are judged on it, and it is much smaller.
func (l *line) limit() int {
	if l.full {
		return profile.WindowExact
	}
	return profile.MergeExact
}

// decode reads a profile, without its features where they are not wanted.
func decode(text []byte, full bool) (*profile.Profile, error) {
	p, err := profile.Decode(text)
	if err == nil && !full {
		p.Features = nil
	}
	return p, err
}

// keep puts a bucket into memory; the lock is held.
func (c *cache) keep(b *bucket) {
	lines := c.models[b.line.model]
	if lines == nil {
		lines = map[line]map[int64]*bucket{}
		c.models[b.line.model] = lines
	}
	if lines[b.line] == nil {
		lines[b.line] = map[int64]*bucket{}
	}
	c.remove(lines[b.line][b.start])
	lines[b.line][b.start] = b
	b.place = c.recent.PushFront(b)
	c.cost += b.cost
	for c.cost > c.max && c.recent.Len() > 0 {
		c.remove(c.recent.Back().Value.(*bucket))
	}
	c.met.cacheSize.Set(float64(c.cost))
}

// remove takes a bucket out of memory; the lock is held.
func (c *cache) remove(b *bucket) {
	if b == nil || b.place == nil {
		return
	}
	c.recent.Remove(b.place)
	b.place = nil
	c.cost -= b.cost
	if kept := c.models[b.line.model][b.line]; kept[b.start] == b {
		delete(kept, b.start)
	}
}

// drop forgets the buckets that hold a window.
func (c *cache) drop(k *profiles.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age[k.Model]++
	for l, kept := range c.models[k.Model] {
		if l.set == k.Set && l.segment == k.Segment {
			c.remove(kept[floorTo(k.Start, l.width)])
		}
	}
	for f := range c.fills {
		if f.line.model == k.Model && f.line.set == k.Set && f.line.segment == k.Segment {
			f.changed = append(f.changed, floorTo(k.Start, f.line.width))
		}
	}
}

// forget drops everything of a model.
func (c *cache) forget(model string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kept := range c.models[model] {
		for _, b := range kept {
			c.remove(b)
		}
	}
	for k := range c.totals {
		if k.line.model == model {
			delete(c.totals, k)
		}
	}
	delete(c.models, model)
	c.age[model]++
}

// ageOf changes with every change of a model.
func (c *cache) ageOf(model string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.age[model]
}

func hourly(list []*bucket) bool {
	return slices.ContainsFunc(list, func(b *bucket) bool { return b.hourly })
}
