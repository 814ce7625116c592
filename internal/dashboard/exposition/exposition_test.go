package exposition

import (
	"io"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/leewayhq/leeway/internal/store/series"
)

func site(t *testing.T, change func(*Config)) *Exposition {
	t.Helper()
	store, err := series.Open(series.DefaultConfig(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	now := time.Now()
	at := func(age time.Duration) int64 { return now.Add(-age).UnixMilli() }
	handle := func(kv ...string) *series.Series { return store.Series(labels.FromStrings(kv...)) }
	native := &histogram.FloatHistogram{Schema: 3, Count: 3, Sum: 4.5, ZeroThreshold: 1e-9, ZeroCount: 1, PositiveSpans: []histogram.Span{{Offset: -2, Length: 2}}, PositiveBuckets: []float64{1, 1}}
	own := &histogram.FloatHistogram{Schema: histogram.CustomBucketsSchema, Count: 3, Sum: 2, CustomValues: []float64{1, 2}, PositiveSpans: []histogram.Span{{Length: 3}}, PositiveBuckets: []float64{1, 1, 1}}
	if err := store.Append(t.Context(), []series.Sample{
		{Series: handle("__name__", "model_accuracy", "model", "a"), T: at(time.Minute), V: 0.5},
		{Series: handle("__name__", "model_accuracy", "model", "a"), T: at(time.Second), V: 0.75},
		{Series: handle("__name__", "model_accuracy", "model", "b"), T: at(time.Second), V: math.NaN()},
		{Series: handle("__name__", "model_accuracy", "model", "old"), T: at(time.Hour), V: 1},
		{Series: handle("__name__", "model_accuracy", "model", "ended"), T: at(2 * time.Second), V: 1},
		{Series: handle("__name__", "model_accuracy", "model", "ended"), T: at(time.Second), V: math.Float64frombits(value.StaleNaN)},
		{Series: handle("__name__", "model_latency_seconds", "model", "a"), T: at(time.Second), H: native},
		{Series: handle("__name__", "own_bounds"), T: at(time.Second), H: own},
		{Series: handle("__name__", "system_cpu_usage", "host", "h"), T: at(time.Second), V: 0.1},
	}); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Store: store, Metrics: map[string]Description{"model_accuracy": {dto.MetricType_GAUGE, "Share of right predictions."}}}
	if change != nil {
		change(&cfg)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	protobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	openMetrics = "application/openmetrics-text;version=1.0.0"
)

func (e *Exposition) get(path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	if strings.HasPrefix(path, "/federate") {
		e.Federate().ServeHTTP(w, r)
	} else {
		e.Models().ServeHTTP(w, r)
	}
	return w
}

// families reads an answer in protobuf.
func families(t *testing.T, w *httptest.ResponseRecorder) map[string]*dto.MetricFamily {
	t.Helper()
	out := map[string]*dto.MetricFamily{}
	d := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	for {
		f := &dto.MetricFamily{}
		if err := d.Decode(f); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out[f.GetName()] = f
	}
}

func TestModels(t *testing.T) {
	e := site(t, nil)
	text := e.get("/metrics/models", "text/plain").Body.String()
	want := `# HELP model_accuracy Share of right predictions.
# TYPE model_accuracy gauge
model_accuracy{model="a"} 0.75
model_accuracy{model="b"} NaN
# TYPE model_latency_seconds summary
model_latency_seconds_sum{model="a"} 4.5
model_latency_seconds_count{model="a"} 3
`
	if text != want {
		t.Errorf("got\n%s\nwanted\n%s", text, want)
	}
	om := e.get("/metrics/models", openMetrics)
	if got := om.Body.String(); !strings.HasSuffix(got, "# EOF\n") || !strings.Contains(om.Header().Get("Content-Type"), "openmetrics") || !strings.Contains(got, `model_accuracy{model="a"} 0.75`) {
		t.Errorf("%v\n%s", om.Header(), got)
	}
	got := families(t, e.get("/metrics/models", protobuf))
	h := got["model_latency_seconds"].GetMetric()[0].GetHistogram()
	if len(got) != 2 || h.GetSchema() != 3 || h.GetSampleCountFloat() != 3 || h.GetPositiveSpan()[0].GetOffset() != -2 || len(h.GetPositiveCount()) != 2 {
		t.Errorf("%v", got)
	}
}

func TestFederate(t *testing.T) {
	e := site(t, nil)
	query := "/federate?" + url.Values{"match[]": {`{__name__=~"model_.+",model="a"}`, "system_cpu_usage", "own_bounds", "model_accuracy"}}.Encode()
	got := families(t, e.get(query, protobuf))
	if len(got) != 4 || len(got["model_accuracy"].GetMetric()) != 2 || got["model_accuracy"].GetType() != dto.MetricType_UNTYPED {
		t.Errorf("%v", got)
	}
	own := got["own_bounds"].GetMetric()[0].GetHistogram()
	if b := own.GetBucket(); len(b) != 3 || b[1].GetUpperBound() != 2 || b[1].GetCumulativeCountFloat() != 2 {
		t.Errorf("%v", own)
	}
	if at := got["system_cpu_usage"].GetMetric()[0].GetTimestampMs(); time.Since(time.UnixMilli(at)) > time.Minute {
		t.Errorf("a sample at %d", at)
	}
	text := e.get(query, "").Body.String()
	if strings.Contains(text, "latency") || !strings.Contains(text, `system_cpu_usage{host="h"} 0.1 `) || !strings.Contains(text, `own_bounds_bucket{le="2"} 2`) {
		t.Error(text)
	}
	for path, status := range map[string]int{"/federate": 200, "/federate?match[]=}": 400} {
		if w := e.get(path, ""); w.Code != status {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTooManySeries(t *testing.T) {
	e := site(t, func(c *Config) { c.MaxSeries = 1 })
	if w := e.get("/metrics/models", ""); w.Code != 422 || !strings.Contains(w.Body.String(), "too_many_series") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
