package publish

import (
	"maps"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/leewayhq/leeway/internal/profile"
)

// latencySchema makes buckets that grow by the eighth root of two, about 9 %.
const latencySchema = 3

// latency is a counter of response times as Prometheus's native histogram, in
// seconds. It begins with the trail, as counters do, and says so in its first
// sample: a burst that is larger than all that was before a restart would not
// look like a new beginning.
type latency struct {
	buckets map[int32]float64 // by index: index i ends at 2^(i/8) s
	zero    float64
	count   float64
	sum     float64
	told    bool
}

const latencySeries = "model_latency_seconds"

// add counts a share of a profile's response times, each cell at its middle.
func (l *latency) add(p *profile.Latency, share float64) {
	if p == nil || p.N == 0 || share <= 0 {
		return
	}
	if l.buckets == nil {
		l.buckets = map[int32]float64{}
	}
	p.Cells(func(lo, hi float64, n int64) {
		seconds := (lo + hi) / 2000
		if seconds > 0 {
			l.buckets[int32(math.Ceil(math.Log2(seconds)*(1<<latencySchema)))] += share * float64(n)
		} else {
			l.zero += share * float64(n)
		}
		l.count += share * float64(n)
	})
	l.sum += share * p.Mean() * float64(p.N) / 1000
}

// histogram is the counter as it is now, to be written; nil when nothing was
// counted.
func (l *latency) histogram() *histogram.FloatHistogram {
	if l.count == 0 {
		return nil
	}
	h := &histogram.FloatHistogram{
		Schema: latencySchema, ZeroThreshold: 1e-9, ZeroCount: l.zero, Count: l.count, Sum: l.sum,
	}
	if !l.told {
		h.CounterResetHint = histogram.CounterReset
	}
	l.told = true
	end := int32(0) // of the last span
	for _, i := range slices.Sorted(maps.Keys(l.buckets)) {
		if n := len(h.PositiveSpans); n > 0 && i == end {
			h.PositiveSpans[n-1].Length++
		} else {
			h.PositiveSpans = append(h.PositiveSpans, histogram.Span{Offset: i - end, Length: 1})
		}
		h.PositiveBuckets = append(h.PositiveBuckets, l.buckets[i])
		end = i + 1
	}
	return h
}
