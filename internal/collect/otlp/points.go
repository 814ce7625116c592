package otlp

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	translate "github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/event/sample"
)

// takeMetrics makes samples of the points, by Prometheus's own translation:
// names with units and _total, classic histograms as series, exponential ones as
// native histograms, a resource's attributes in target_info.
func (r *Receiver) takeMetrics(ctx context.Context, q *request) (*outcome, error) {
	m := pmetricotlp.NewExportRequest()
	if err := q.decode(m); err != nil {
		return nil, err
	}
	all, deltas := m.Metrics(), pmetric.NewMetrics()
	points := all.DataPointCount()
	p := &samples{receiver: r, now: r.cfg.Now(), seen: map[uint64]bool{}}
	p.prune(all)
	moveDeltas(all, deltas)
	if err := p.translate(ctx, all); err != nil {
		return nil, err
	}
	if deltas.MetricCount() > 0 {
		// Held until the samples are durable: a sum must not move for a request
		// that is sent again.
		p.sums = r.deltas.begin()
		defer p.sums.end()
		if err := p.translate(ctx, deltas); err != nil {
			return nil, err
		}
	}
	p.taken = p.build.Rows()
	if p.taken > 0 {
		if err := r.cfg.Put(ctx, p.build.Batch()); err != nil {
			return nil, err
		}
	}
	if p.sums != nil {
		r.metrics.deltas.Set(float64(p.sums.commit()))
	}
	p.rejected = min(p.rejected, points) // a point of a histogram is many samples
	return &p.outcome, nil
}

// moveDeltas moves what has delta temporality, with its resource and scope.
func moveDeltas(from, to pmetric.Metrics) {
	for _, rm := range from.ResourceMetrics().All() {
		var resource pmetric.ResourceMetrics
		moved := false
		for _, sm := range rm.ScopeMetrics().All() {
			var scope pmetric.ScopeMetrics
			inScope := false
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				if !isDelta(m) {
					return false
				}
				if !moved {
					resource, moved = to.ResourceMetrics().AppendEmpty(), true
					rm.Resource().CopyTo(resource.Resource())
				}
				if !inScope {
					scope, inScope = resource.ScopeMetrics().AppendEmpty(), true
					sm.Scope().CopyTo(scope.Scope())
				}
				m.MoveTo(scope.Metrics().AppendEmpty())
				return true
			})
		}
	}
}

func isDelta(m pmetric.Metric) bool {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().AggregationTemporality() == pmetric.AggregationTemporalityDelta
	case pmetric.MetricTypeHistogram:
		return m.Histogram().AggregationTemporality() == pmetric.AggregationTemporalityDelta
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().AggregationTemporality() == pmetric.AggregationTemporalityDelta
	}
	return false
}

// samples is where the translator puts what it makes: a storage.AppenderV2 that
// holds each sample to the limits.
type samples struct {
	outcome
	receiver *Receiver
	now      time.Time
	build    sample.Builder
	sums     *sums           // of deltas; nil while there are none
	seen     map[uint64]bool // series that are within the limits
}

// forever makes the translator write target_info at the first and the last time
// only; otherwise a point of 1970 would have it write one each few minutes since.
const forever = 200 * 365 * 24 * time.Hour

// translate runs the translator. What it could not use is rejected.
func (p *samples) translate(ctx context.Context, m pmetric.Metrics) (err error) {
	defer func() {
		if r := recover(); r != nil { // it is made for senders that mean well
			err = badBody("the metrics cannot be translated")
		}
	}()
	cfg := &p.receiver.cfg
	_, wrong := translate.NewPrometheusConverter(p).FromMetrics(ctx, m, translate.Settings{
		AddMetricSuffixes: true, AllowDeltaTemporality: true, ConvertHistogramsToNHCB: cfg.NativeHistograms, LookbackDelta: forever,
		PromoteResourceAttributes: translate.NewPromoteResourceAttributes(config.OTLPConfig{PromoteResourceAttributes: cfg.ResourceLabels}),
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	if n, last := count(wrong); n > 0 {
		p.reject("untranslatable", fmt.Sprintf("a metric cannot be translated: %.200s", last), n)
	}
	return nil
}

// count is how many errors were joined one by one, and the last of them. The
// text of all would grow with the square of their number.
func count(err error) (n int, last string) {
	for err != nil {
		joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the chain itself is walked
		if !ok {
			return n + 1, first(last, err)
		}
		parts := joined.Unwrap()
		for _, e := range parts[1:] {
			n, last = n+1, first(last, e)
		}
		err = parts[0]
	}
	return n, last
}

func first(known string, err error) string {
	if known != "" {
		return known
	}
	return err.Error()
}

// Append implements storage.AppenderV2. It never fails: an error would make the
// translator leave out the points that follow.
func (p *samples) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AOptions) (storage.SeriesRef, error) {
	o := &one{labels: ls, t: t, v: v, whole: h, broken: fh, sum: p.sums != nil && opts.MetricFamilyName != targetInfo}
	if wrong := p.add(o); wrong != nil {
		if opts.MetricFamilyName != targetInfo { // which nobody sent
			p.reject(wrong.Reason, wrong.Detail, 1)
		}
		return 0, nil
	}
	for i := range opts.Exemplars {
		p.exemplar(ls, &opts.Exemplars[i])
	}
	return 0, nil
}

// one is a sample: a number, or a histogram with whole or broken counts.
type one struct {
	labels labels.Labels
	t      int64 // unix ms
	v      float64
	whole  *histogram.Histogram
	broken *histogram.FloatHistogram
	sum    bool // it is a delta, to be added to what came before
}

const targetInfo = "target_info"

// Commit and Rollback complete storage.AppenderV2; takeMetrics does their work.
func (p *samples) Commit() error   { return nil }
func (p *samples) Rollback() error { return nil }

func (p *samples) add(o *one) *collect.BadSample {
	limits := &p.receiver.cfg.Samples
	if hash := o.labels.Hash(); !p.seen[hash] {
		if wrong := limits.Series(o.labels); wrong != nil {
			return wrong
		}
		p.seen[hash] = true
	}
	if wrong := limits.Time(o.t, p.now); wrong != nil {
		return wrong
	}
	if o.whole != nil || o.broken != nil {
		return p.histogram(o)
	}
	if o.sum && !value.IsStaleNaN(o.v) {
		var wrong *collect.BadSample
		if o.v, wrong = p.sums.number(o.labels, o.t, o.v); wrong != nil {
			return wrong
		}
	}
	p.build.Float(o.labels, o.t, o.v)
	return nil
}

func (p *samples) histogram(o *one) *collect.BadSample {
	h, wrong := p.receiver.cfg.Samples.Histogram(o.whole, o.broken)
	if wrong == nil && o.sum && !value.IsStaleNaN(h.Sum) {
		h, wrong = p.sums.histogram(o.labels, o.t, h)
	}
	if wrong == nil && p.build.Histogram(o.labels, o.t, h) != nil {
		wrong = &collect.BadSample{Reason: "invalid_histogram", Detail: "a histogram cannot be written"}
	}
	return wrong
}

// exemplar takes one, or counts it: it is no reason to tell the sender.
func (p *samples) exemplar(ls labels.Labels, e *exemplar.Exemplar) {
	if wrong := p.receiver.cfg.Samples.Exemplar(e, p.now); wrong != nil {
		if p.reasons == nil {
			p.reasons = map[string]int{}
		}
		p.reasons["exemplar_"+wrong.Reason]++
		return
	}
	p.build.Exemplar(ls, e)
}

var _ storage.AppenderV2 = (*samples)(nil)
