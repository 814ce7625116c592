package otlp

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/collect"
)

// deltas are the sums of series that are sent as what was added since the last
// time. Each point must be later than the one before it; so one that is sent
// twice counts once.
type deltas struct {
	mu    sync.Mutex
	most  int
	idle  time.Duration
	sums  map[string]sum
	swept time.Time
	now   func() time.Time
}

// sum is all that was added to a series.
type sum struct {
	t    int64 // of the last point, unix ms
	used time.Time
	v    float64
	h    *histogram.FloatHistogram // never changed, only replaced
}

func newDeltas(cfg *Config) *deltas {
	return &deltas{most: cfg.DeltaSeries, idle: cfg.DeltaIdle, sums: map[string]sum{}, now: cfg.Now}
}

// begin locks the sums for one request.
func (d *deltas) begin() *sums {
	d.mu.Lock()
	s := &sums{all: d, now: d.now(), changed: map[string]sum{}}
	if s.now.Sub(d.swept) > min(time.Minute, d.idle) {
		d.swept = s.now
		for key, was := range d.sums {
			if s.now.Sub(was.used) > d.idle {
				delete(d.sums, key)
			}
		}
	}
	return s
}

// sums are what one request makes of them. Nothing counts before commit.
type sums struct {
	all     *deltas
	now     time.Time
	changed map[string]sum
	fresh   int // series that were not known
	key     []byte
}

// commit makes the sums those of the series and tells how many there are.
func (s *sums) commit() int {
	for key, v := range s.changed {
		s.all.sums[key] = v
	}
	return len(s.all.sums)
}

// end unlocks.
func (s *sums) end() { s.all.mu.Unlock() }

// before is the sum that a point at t is added to.
func (s *sums) before(ls labels.Labels, t int64) (sum, *collect.BadSample) {
	s.key = ls.Bytes(s.key[:0])
	was, known := s.changed[string(s.key)]
	if !known {
		was, known = s.all.sums[string(s.key)]
	}
	switch {
	case !known && len(s.all.sums)+s.fresh >= s.all.most:
		return was, &collect.BadSample{Reason: "delta_limit", Detail: fmt.Sprintf("sums of %d series of deltas are kept: send cumulative sums", s.all.most)}
	case known && t <= was.t:
		return was, &collect.BadSample{Reason: "old_delta", Detail: "a delta is not later than the one before it"}
	case !known:
		s.fresh++
	}
	was.t, was.used = t, s.now
	return was, nil
}

func (s *sums) number(ls labels.Labels, t int64, v float64) (float64, *collect.BadSample) {
	was, wrong := s.before(ls, t)
	if wrong != nil {
		return 0, wrong
	}
	was.v += v
	s.changed[string(s.key)] = was
	return was.v, nil
}

// maxBuckets is how many buckets a sum of histograms has; more are made coarser.
const maxBuckets = 160

func (s *sums) histogram(ls labels.Labels, t int64, h *histogram.FloatHistogram) (*histogram.FloatHistogram, *collect.BadSample) {
	was, wrong := s.before(ls, t)
	if wrong != nil {
		return nil, wrong
	}
	if was.h != nil {
		total, _, _, err := was.h.Copy().Add(h)
		if err != nil {
			return nil, &collect.BadSample{Reason: "unlike_delta", Detail: "a delta does not fit the histogram before it"}
		}
		h = total
	}
	h = h.Copy()
	h.CounterResetHint = histogram.UnknownCounterReset
	for len(h.PositiveBuckets)+len(h.NegativeBuckets) > maxBuckets && !h.UsesCustomBuckets() && h.Schema > histogram.ExponentialSchemaMin {
		if h.ReduceResolution(h.Schema-1) != nil {
			break
		}
	}
	was.h = h.Compact(0)
	s.changed[string(s.key)] = was
	return was.h, nil
}
