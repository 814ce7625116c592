package collect

import (
	"fmt"
	"sync"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"golang.org/x/time/rate"
)

// rates is a token bucket a model. It is bounded by the registry's own bound:
// the buckets of unknown models are few, since a batch of one registers it.
type rates struct {
	limit   float64
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

const burstSeconds = 10

func (r *rates) take(model string, rows int, now time.Time) error {
	if r.limit <= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[model]
	if b == nil {
		if r.buckets == nil || len(r.buckets) > 10_000 {
			r.buckets = map[string]*rate.Limiter{}
		}
		b = rate.NewLimiter(rate.Limit(r.limit), int(max(1, r.limit*burstSeconds)))
		r.buckets[model] = b
	}
	// A batch larger than a full bucket is taken when the bucket is full.
	res := b.ReserveN(now, min(rows, b.Burst()))
	if wait := res.DelayFrom(now); wait > 0 {
		res.CancelAt(now)
		return &refusedError{&decode.RetryError{Class: decode.ErrTooFast, After: wait},
			fmt.Errorf("model %q sends more than %.0f rows a second (ingest.rate_limit)", model, r.limit)}
	}
	return nil
}
