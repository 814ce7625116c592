package publish

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/series"
)

// idleInterval is how often a subject that got nothing new is written again
// while its trailing window lasts, so that a throughput falls to zero and
// nobody takes a quiet model for a missing one.
const idleInterval = 5 * time.Second

// rateSpan is what throughput is the mean of.
const rateSpan = 15 * time.Second

// settleTime is how long the counts of a new minute wait for the stragglers of
// the minute before it, so that nearly every series is written in order.
const settleTime = 2 * time.Second

const minuteMS = int64(60_000)

// lateFrom is the part of a minute, in ms, that is kept for what is published
// in its last second or after its end.
const lateFrom = minuteMS - 1000

// trail is what is remembered of one subject: a light profile for each minute
// of the trailing window.
type trail struct {
	minutes  []minute // in order of time
	rows     int64    // predictions since the last publication
	changed  bool
	features bool // feature windows changed since drift was computed
	written  time.Time
	since    time.Time // of the first row in this process
	arrivals []arrival // of rateSpan
	handles  map[string]*series.Series
	latency  latency
}

type minute struct {
	start   int64 // unix ms
	profile *profile.Profile
	fresh   counts // not published yet
	stamp   int64  // of its latest count sample, unix ms
}

// next is the time of the minute's next count sample: inside the minute, and
// after the one before, so that the samples of a minute add up to its profile,
// which is how a loss is found. ok is false when there is no room.
func (m *minute) next(now int64) (t int64, ok bool) {
	t = max(min(max(now, m.start), m.start+lateFrom), m.stamp+1)
	if t >= m.start+minuteMS {
		return 0, false
	}
	m.stamp = t
	return t, true
}

type arrival struct {
	at   time.Time
	rows int64
}

// add takes what a commit changed in a minute.
func (t *trail) add(start int64, p *profile.Profile) {
	m := t.minute(start)
	m.profile.Merge(p, profile.WindowExact)
	m.fresh.add(p)
	t.rows += p.Predictions
	t.latency.add(p.Latency, 1)
	t.changed = true
}

// minute finds or makes a minute. It is valid until the next call.
func (t *trail) minute(start int64) *minute {
	i := len(t.minutes)
	for i > 0 && t.minutes[i-1].start > start {
		i--
	}
	if i > 0 && t.minutes[i-1].start == start {
		return &t.minutes[i-1]
	}
	t.minutes = slices.Insert(t.minutes, i, minute{start: start, profile: &profile.Profile{}})
	return &t.minutes[i]
}

// expire forgets minutes past the window, and those that a clock, since set
// right, has put into the future; it tells whether nothing is left. What was
// not published of them counts now.
func (t *trail) expire(now time.Time, window time.Duration) bool {
	oldest, newest := now.Add(-window).UnixMilli()-minuteMS, now.UnixMilli()+minuteMS
	var left counts
	t.minutes = slices.DeleteFunc(t.minutes, func(m minute) bool {
		gone := m.start <= oldest || m.start > newest
		if gone {
			left.sum(&m.fresh)
			t.changed = true
		}
		return gone
	})
	if left != (counts{}) {
		t.minute(now.Truncate(time.Minute).UnixMilli()).fresh.sum(&left)
	}
	return len(t.minutes) == 0 && !t.features && now.Sub(t.written) > 2*idleInterval
}

func (t *trail) due(now time.Time) bool {
	return t.changed || (len(t.minutes) > 0 && now.Sub(t.written) >= idleInterval)
}

func (t *trail) sum() *profile.Profile {
	p := &profile.Profile{}
	for _, m := range t.minutes {
		p.Merge(m.profile, profile.MergeExact)
	}
	return p
}

// throughput is predictions a second over the last moments.
func (t *trail) throughput(now time.Time) float64 {
	if t.since.IsZero() {
		t.since = now.Add(-time.Second)
	}
	t.arrivals = append(t.arrivals, arrival{now, t.rows})
	for now.Sub(t.arrivals[0].at) >= rateSpan {
		t.arrivals = t.arrivals[1:]
	}
	rows := int64(0)
	for _, a := range t.arrivals {
		rows += a.rows
	}
	span := min(rateSpan, now.Sub(t.since))
	return float64(rows) / span.Seconds()
}

// samples appends the subject's samples of this moment.
func (t *trail) samples(of *subjectSeries, now time.Time, last bool) []series.Sample {
	out, waits := t.countSamples(of, now, last)
	out = t.gauges(out, of, now, t.throughput(now))
	t.rows, t.changed, t.written = 0, waits, now
	return out
}

// countSamples are the counts since the last publication, each at a time inside
// the minute to which they belong. waits says that some are held back, which
// does not happen the last time.
func (t *trail) countSamples(of *subjectSeries, now time.Time, last bool) (out []series.Sample, waits bool) {
	at := now.UnixMilli()
	for i := range t.minutes {
		m := &t.minutes[i]
		if m.fresh == (counts{}) {
			continue
		}
		if !last && at >= m.start && at < m.start+settleTime.Milliseconds() {
			waits = true
			continue
		}
		if stamp, ok := m.next(at); ok {
			out = of.putCounts(out, t, &m.fresh, stamp)
			m.fresh = counts{}
		}
	}
	if inMinute := at % minuteMS; len(out) == 0 && !waits && inMinute < lateFrom {
		out = of.putCounts(out, t, &counts{}, at)
	}
	return out, waits
}

// gauges are what is of the trailing window.
func (t *trail) gauges(out []series.Sample, of *subjectSeries, now time.Time, throughput float64) []series.Sample {
	p := t.sum()
	put := func(name string, v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, series.Sample{Series: of.handle(t, name), T: now.UnixMilli(), V: v})
		}
	}
	putService(put, p, throughput)
	put("model_predictions_window", float64(p.Predictions))
	putQuality(put, p, of.task)
	if h := t.latency.histogram(); h != nil {
		out = append(out, series.Sample{Series: of.handle(t, latencySeries), T: now.UnixMilli(), H: h})
	}
	return out
}

func putQuality(put func(string, float64), p *profile.Profile, task event.Task) {
	q := measure.Quality(p, task)
	put("model_evaluated_window", float64(q.Labels))
	for _, m := range q.Metrics {
		if m.Defined && !measure.OnDemand(m.Key) {
			put("model_"+m.Key, m.Value.Value)
		}
	}
}

func putService(put func(string, float64), p *profile.Profile, throughput float64) {
	put("model_throughput", throughput)
	if p.Predictions > 0 {
		put("model_error_rate", float64(p.Errors)/float64(p.Predictions))
	}
	if p.Latency == nil {
		return
	}
	put("model_response_time", p.Latency.Quantile(0.95))
	put("model_response_time_p50", p.Latency.Quantile(0.5))
	put("model_response_time_p99", p.Latency.Quantile(0.99))
}

// subjectSeries makes the series of a subject.
type subjectSeries struct {
	store   *series.Store
	subject subject
	task    event.Task
}

func (s *subject) labels(name string) labels.Labels {
	return labels.FromStrings("__name__", name, "model", s.model, "version", s.version, "segment", s.segment)
}

// handle finds or makes a series; the trail remembers it.
func (of *subjectSeries) handle(t *trail, name string) *series.Series {
	h := t.handles[name]
	if h == nil {
		if t.handles == nil {
			t.handles = map[string]*series.Series{}
		}
		h = of.store.Series(of.subject.labels(name))
		t.handles[name] = h
	}
	return h
}
