package publish

import (
	"math"
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

// trail is what is remembered of one subject: a light profile for each minute
// of the trailing window.
type trail struct {
	minutes  []minute // in order of time
	fresh    counts   // since the last publication
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
}

type arrival struct {
	at   time.Time
	rows int64
}

// counts are what is published as it grows.
type counts struct {
	predictions, errors, evaluated, correct int64
	tp, fp, fn, tn                          int64
}

func (c *counts) add(p *profile.Profile) {
	c.predictions += p.Predictions
	c.errors += p.Errors
	if q := p.Quality; q != nil {
		c.evaluated += q.Labels
		c.correct += q.TP + q.TN + q.Correct
		c.tp, c.fp, c.fn, c.tn = c.tp+q.TP, c.fp+q.FP, c.fn+q.FN, c.tn+q.TN
	}
}

func (t *trail) add(start int64, p *profile.Profile) {
	t.fresh.add(p)
	t.latency.add(p.Latency)
	t.changed = true
	i := len(t.minutes)
	for i > 0 && t.minutes[i-1].start > start {
		i--
	}
	if i > 0 && t.minutes[i-1].start == start {
		t.minutes[i-1].profile.Merge(p, profile.WindowExact)
		return
	}
	own := &profile.Profile{}
	own.Merge(p, profile.WindowExact)
	t.minutes = append(t.minutes, minute{})
	copy(t.minutes[i+1:], t.minutes[i:])
	t.minutes[i] = minute{start, own}
}

// expire forgets minutes past the window, and tells whether nothing is left.
func (t *trail) expire(now time.Time, window time.Duration) bool {
	oldest := now.Add(-window).UnixMilli() - 60_000
	for len(t.minutes) > 0 && t.minutes[0].start <= oldest {
		t.minutes = t.minutes[1:]
		t.changed = true
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
	t.arrivals = append(t.arrivals, arrival{now, t.fresh.predictions})
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
func (t *trail) samples(of *subjectSeries, task event.Task, now time.Time) (out []series.Sample) {
	p := t.sum()
	put := func(name string, v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, series.Sample{Series: of.handle(t, name), T: now.UnixMilli(), V: v})
		}
	}
	putService(put, p, t.throughput(now))
	putCounts(put, &t.fresh, task)
	put("model_predictions_window", float64(p.Predictions))
	putQuality(put, p, task)
	if h := t.latency.histogram(); h != nil {
		out = append(out, series.Sample{Series: of.handle(t, "model_latency_seconds"), T: now.UnixMilli(), H: h})
	}
	t.fresh, t.changed, t.written = counts{}, false, now
	return out
}

func putQuality(put func(string, float64), p *profile.Profile, task event.Task) {
	q := measure.Quality(p, task)
	put("model_evaluated_window", float64(q.Labels))
	for _, m := range q.Metrics {
		if m.Defined {
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

func putCounts(put func(string, float64), c *counts, task event.Task) {
	put("model_predictions", float64(c.predictions))
	put("model_errors", float64(c.errors))
	put("model_evaluated", float64(c.evaluated))
	if task == event.Binary || task == event.Multiclass {
		put("model_correct", float64(c.correct))
	}
	if task == event.Binary {
		put("model_true_positives", float64(c.tp))
		put("model_false_positives", float64(c.fp))
		put("model_false_negatives", float64(c.fn))
		put("model_true_negatives", float64(c.tn))
	}
}

// subjectSeries makes the series of a subject.
type subjectSeries struct {
	store   *series.Store
	subject subject
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
