package otlp

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

const where = `instance="i-1", job="shop/api"`

func (s *site) wantSeries(want map[string]string) {
	s.t.Helper()
	got := s.series()
	if !maps.Equal(got, want) {
		for _, k := range slices.Sorted(maps.Keys(got)) {
			s.t.Logf("%s = %s", k, got[k])
		}
		s.t.Errorf("want %v", want)
	}
}

const info = `{__name__="target_info", instance="i-1", job="shop/api", k8s_pod_name="api-7"}@0`

func TestMetricsBecomeSamples(t *testing.T) {
	for name, c := range map[string]struct {
		name, unit string
		fill       func(pmetric.Metric)
		want       map[string]string
	}{
		"gauge": {"queue.depth", "1", func(m pmetric.Metric) {
			p := m.SetEmptyGauge().DataPoints().AppendEmpty()
			p.SetTimestamp(at(0))
			p.SetIntValue(7)
			put(p.Attributes(), "queue.name", "in")
		}, map[string]string{`{__name__="queue_depth_ratio", ` + where + `, queue_name="in"}@0`: "7"}},
		"counter": {"http.requests", "", func(m pmetric.Metric) {
			sum := m.SetEmptySum()
			sum.SetIsMonotonic(true)
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := sum.DataPoints().AppendEmpty()
			p.SetTimestamp(at(0))
			p.SetDoubleValue(2.5)
		}, map[string]string{`{__name__="http_requests_total", ` + where + `}@0`: "2.5"}},
		"histogram": {"http.duration", "s", func(m pmetric.Metric) {
			h := m.SetEmptyHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := h.DataPoints().AppendEmpty()
			p.SetTimestamp(at(0))
			p.SetCount(3)
			p.SetSum(4)
			p.ExplicitBounds().FromRaw([]float64{1})
			p.BucketCounts().FromRaw([]uint64{2, 1})
		}, map[string]string{
			`{__name__="http_duration_seconds_bucket", ` + where + `, le="1"}@0`:    "2",
			`{__name__="http_duration_seconds_bucket", ` + where + `, le="+Inf"}@0`: "3",
			`{__name__="http_duration_seconds_count", ` + where + `}@0`:             "3",
			`{__name__="http_duration_seconds_sum", ` + where + `}@0`:               "4",
		}},
		"exponential": {"http.duration", "s", func(m pmetric.Metric) {
			h := m.SetEmptyExponentialHistogram()
			h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			p := h.DataPoints().AppendEmpty()
			p.SetTimestamp(at(0))
			p.SetScale(20)
			p.SetCount(3)
			p.SetSum(4)
			p.Positive().BucketCounts().FromRaw([]uint64{2, 1})
		}, map[string]string{`{__name__="http_duration_seconds", ` + where + `}@0`: "schema 8 count 3 sum 4"}},
		"summary": {"old", "", func(m pmetric.Metric) {
			p := m.SetEmptySummary().DataPoints().AppendEmpty()
			p.SetTimestamp(at(0))
			p.SetCount(3)
			p.SetSum(4)
			q := p.QuantileValues().AppendEmpty()
			q.SetQuantile(0.5)
			q.SetValue(1)
		}, map[string]string{
			`{__name__="old", ` + where + `, quantile="0.5"}@0`: "1",
			`{__name__="old_count", ` + where + `}@0`:           "3",
			`{__name__="old_sum", ` + where + `}@0`:             "4",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			req, m := newMetric(c.name, c.unit)
			c.fill(m)
			c.want[info] = "1"
			for _, f := range []format{protobuf, asJSON} {
				s := newSite(t, nil)
				if w := s.send("/v1/metrics", f, "", encode(t, req, f)); w.Code != http.StatusOK {
					t.Fatal(w.Code, w.Body)
				}
				s.wantSeries(c.want)
			}
		})
	}
}

func TestResourceLabelsAndNativeHistograms(t *testing.T) {
	s := newSite(t, func(c *Config) { c.NativeHistograms, c.ResourceLabels = true, []string{"k8s.pod.name"} })
	req, m := newMetric("d", "")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetTimestamp(at(0))
	p.SetCount(3)
	p.ExplicitBounds().FromRaw([]float64{1})
	p.BucketCounts().FromRaw([]uint64{2, 1})
	s.mustSend("/v1/metrics", req)
	s.wantSeries(map[string]string{info: "1", `{__name__="d", ` + where + `, k8s_pod_name="api-7"}@0`: "schema -53 count 3 sum 0"})
}

// delta is a request with one delta of a counter and of a histogram.
func delta(after time.Duration, n uint64) pmetricotlp.ExportRequest {
	req, m := newMetric("n", "")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := sum.DataPoints().AppendEmpty()
	p.SetTimestamp(at(after))
	p.SetIntValue(int64(n))
	m = req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName("h")
	h := m.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	e := h.DataPoints().AppendEmpty()
	e.SetTimestamp(at(after))
	e.SetScale(2)
	e.SetCount(n)
	e.SetSum(float64(n))
	e.Positive().SetOffset(int32(n))
	e.Positive().BucketCounts().FromRaw([]uint64{n})
	return req
}

func TestDeltasAreSummed(t *testing.T) {
	s := newSite(t, nil)
	s.mustSend("/v1/metrics", delta(0, 3))
	s.refuse = &decode.RetryError{Class: decode.ErrFull, After: time.Second}
	if w := s.send("/v1/metrics", protobuf, "", encode(t, delta(time.Second, 4), protobuf)); w.Code != http.StatusServiceUnavailable {
		t.Fatal(w.Code)
	}
	s.refuse = nil
	s.mustSend("/v1/metrics", delta(time.Second, 4))
	w := s.send("/v1/metrics", protobuf, "", encode(t, delta(time.Second, 4), protobuf)) // its answer was lost
	resp := pmetricotlp.NewExportResponse()
	if err := resp.UnmarshalProto(w.Body.Bytes()); err != nil || resp.PartialSuccess().RejectedDataPoints() != 2 {
		t.Error(w.Code, w.Body, err)
	}
	s.wantSeries(map[string]string{
		info: "1", strings.Replace(info, "@0", "@1000", 1): "1",
		`{__name__="n_total", ` + where + `}@0`:    "3",
		`{__name__="n_total", ` + where + `}@1000`: "7",
		`{__name__="h", ` + where + `}@0`:          "schema 2 count 3 sum 3",
		`{__name__="h", ` + where + `}@1000`:       "schema 2 count 7 sum 7",
	})
}

func TestSumsOfDeltasAreBounded(t *testing.T) {
	now := noon
	s := newSite(t, func(c *Config) { c.DeltaSeries, c.Now = 3, func() time.Time { return now } })
	send := func(label string) int64 {
		req := delta(now.Sub(noon), 1)
		put(req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0).Attributes(), "l", label)
		put(req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(1).ExponentialHistogram().DataPoints().At(0).Attributes(), "l", label)
		w := s.send("/v1/metrics", protobuf, "", encode(t, req, protobuf))
		resp := pmetricotlp.NewExportResponse()
		if err := errors.Join(resp.UnmarshalProto(w.Body.Bytes())); err != nil || w.Code != http.StatusOK {
			t.Fatal(w.Code, err)
		}
		return resp.PartialSuccess().RejectedDataPoints()
	}
	if a, b := send("a"), send("b"); a != 0 || b != 1 {
		t.Errorf("%d and %d rejected", a, b)
	}
	now = now.Add(2 * time.Hour)
	if n := send("c"); n != 0 {
		t.Errorf("%d rejected when the others are forgotten", n)
	}
}

// Buckets at both ends of what can be said must not become all between them.
func TestFarBucketsStaySmall(t *testing.T) {
	s := newSite(t, nil)
	for i, offset := range []int32{math.MinInt32, math.MaxInt32 - 1, 0} {
		req := delta(time.Duration(i)*time.Second, 1)
		e := req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(1).ExponentialHistogram().DataPoints().At(0)
		e.Positive().SetOffset(offset)
		e.SetScale(20)
		if w := s.send("/v1/metrics", protobuf, "", encode(t, req, protobuf)); w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Error(w.Code, w.Body)
		}
	}
}

func TestPointsThatBreakARuleAreRejected(t *testing.T) {
	s := newSite(t, nil)
	req, m := newMetric("g", "")
	points := m.SetEmptyGauge().DataPoints()
	for i, after := range []time.Duration{0, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		p := points.AppendEmpty()
		p.SetTimestamp(at(after))
		put(p.Attributes(), "i", fmt.Sprint(i))
	}
	many := points.AppendEmpty()
	many.SetTimestamp(at(0))
	for i := range 100 {
		put(many.Attributes(), fmt.Sprint("l", i), "v")
	}
	long := points.AppendEmpty()
	long.SetTimestamp(at(0))
	put(long.Attributes(), "l", strings.Repeat("x", 5000))
	req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty().SetName("of no type")
	w := s.send("/v1/metrics", protobuf, "", encode(t, req, protobuf))
	resp := pmetricotlp.NewExportResponse()
	if err := resp.UnmarshalProto(w.Body.Bytes()); err != nil || resp.PartialSuccess().RejectedDataPoints() != 5 || resp.PartialSuccess().ErrorMessage() == "" {
		t.Error(w.Code, w.Body, err)
	}
	if got := s.series()[`{__name__="g", i="0", `+where+`}@0`]; got != "0" {
		t.Error(s.series())
	}
}
