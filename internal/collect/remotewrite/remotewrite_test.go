package remotewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/golang/snappy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/event/sample"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// site is a receiver before a real door and a real queue on a disk in memory.
type site struct {
	t   *testing.T
	log *segment.Log
	reg *prometheus.Registry
	h   *Handler
}

func newSite(t *testing.T, change func(*Config)) *site {
	t.Helper()
	log, err := segment.Open(segment.Config{Dir: "queue", Partitions: 2, FS: vfs.NewCrashableMem()})
	if err != nil {
		t.Fatal(err)
	}
	door := collect.New(collect.Config{Log: log})
	t.Cleanup(func() { door.Close(); log.Close() })
	s := &site{t: t, log: log, reg: prometheus.NewRegistry()}
	cfg := Config{Put: door.Put, Registerer: s.reg}
	if change != nil {
		change(&cfg)
	}
	if s.h, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

// stored lists what is in the queue, by series.
func (s *site) stored() map[string]int {
	s.t.Helper()
	out := map[string]int{}
	for p := range s.log.Partitions() {
		_, end, err := s.log.Bounds(p)
		if err != nil {
			s.t.Fatal(err)
		}
		for next := queue.Offset(0); next < end; {
			ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Millisecond)
			records, err := s.log.Read(ctx, p, next, 1<<20)
			cancel()
			if err != nil {
				break // nothing follows
			}
			for _, r := range records {
				next = r.Offset + 1
				if err := event.Frames(r.Data, func(frame []byte) error { return s.count(out, frame) }); err != nil {
					s.t.Fatal(err)
				}
			}
		}
	}
	return out
}

func (s *site) count(out map[string]int, frame []byte) error {
	b, err := event.Decode(frame)
	if err != nil {
		return err
	}
	for i := range b.Rows {
		key, _ := b.Points.Series.At(i)
		ls, err := sample.Labels(key)
		if err != nil {
			return err
		}
		out[ls.String()]++
	}
	return nil
}

func (s *site) send(body []byte, headers map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest("POST", "/api/v1/write", bytes.NewReader(body))
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("Content-Type", typeV2)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

const typeV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

// sent is a series of a request, with labels as name, value, name, value.
type sent struct {
	labels     []string
	floats     []float64
	histograms []writev2.Histogram
	exemplars  [][]string
	help       string
	age        time.Duration // of all of it
}

func encodeV2(t testing.TB, list ...sent) []byte {
	t.Helper()
	table := writev2.NewSymbolTable()
	refs := func(texts []string) (out []uint32) {
		for _, s := range texts {
			out = append(out, table.Symbolize(s))
		}
		return out
	}
	var req writev2.Request
	for _, s := range list {
		at := time.Now().Add(-s.age).UnixMilli()
		ts := writev2.TimeSeries{LabelsRefs: refs(s.labels), Histograms: s.histograms}
		for i, v := range s.floats {
			ts.Samples = append(ts.Samples, writev2.Sample{Value: v, Timestamp: at + int64(i), StartTimestamp: at - 3_600_000})
		}
		for i := range ts.Histograms {
			ts.Histograms[i].Timestamp = at + int64(i)
		}
		for i, e := range s.exemplars {
			ts.Exemplars = append(ts.Exemplars, writev2.Exemplar{LabelsRefs: refs(e), Value: float64(i), Timestamp: at})
		}
		if s.help != "" {
			ts.Metadata = writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: table.Symbolize(s.help), UnitRef: table.Symbolize("By")}
		}
		req.Timeseries = append(req.Timeseries, ts)
	}
	req.Symbols = table.Symbols()
	body, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, body)
}

func encodeV1(t testing.TB, list ...prompb.TimeSeries) []byte {
	t.Helper()
	body, err := (&prompb.WriteRequest{Timeseries: list, Metadata: []prompb.MetricMetadata{{MetricFamilyName: "x", Help: "y"}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, body)
}

// whole is a histogram of whole counts: by spans of an exponential schema, or of
// bounds of its own.
func whole(count, zero uint64, positive, negative []int64, bounds []float64) writev2.Histogram {
	h := writev2.Histogram{Count: &writev2.Histogram_CountInt{CountInt: count}, Sum: 1.5, PositiveDeltas: positive, NegativeDeltas: negative}
	if len(positive) > 0 {
		h.PositiveSpans = []writev2.BucketSpan{{Length: uint32(len(positive))}}
	}
	if len(negative) > 0 {
		h.NegativeSpans = []writev2.BucketSpan{{Length: 1}, {Offset: 2, Length: uint32(len(negative) - 1)}}
	}
	if zero > 0 {
		h.ZeroCount = &writev2.Histogram_ZeroCountInt{ZeroCountInt: zero}
	}
	if bounds != nil {
		h.Schema, h.CustomValues = -53, bounds
	}
	return h
}

// TestVersion2 holds the receiver to the specification of 2.0, with the cases
// that Prometheus's own compliance suite is made of.
func TestVersion2(t *testing.T) {
	name := func(n string, more ...string) []string { return append([]string{"__name__", n}, more...) }
	trace := [][]string{{"trace_id", "abc"}}
	good := whole(27, 1, []int64{1, 2, 1, 3, 1}, []int64{1, 1}, nil)
	custom := whole(30, 0, []int64{2, 1, 2, 3, -1, -2}, nil, []float64{0.1, 0.5, 1, 2.5, 5, 10})
	type want struct{ status, floats, histograms, exemplars int }
	type testCase struct {
		what string
		list []sent
		want want
	}
	cases := []testCase{
		{"nothing", nil, want{204, 0, 0, 0}},
		{"histogram of all kinds of buckets", []sent{{labels: name("h"), histograms: []writev2.Histogram{good}}}, want{204, 0, 1, 0}},
		{"histogram with own bounds", []sent{{labels: name("h"), histograms: []writev2.Histogram{custom}, exemplars: trace}}, want{204, 0, 1, 1}},
		{"histogram of the zero bucket", []sent{{labels: name("h"), histograms: []writev2.Histogram{whole(1, 1, nil, nil, nil)}}}, want{204, 0, 1, 0}},
		{"histogram of nothing", []sent{{labels: name("h"), histograms: []writev2.Histogram{whole(0, 0, nil, nil, nil)}}}, want{204, 0, 1, 0}},
		{"histogram that counts wrong", []sent{{labels: name("h"), histograms: []writev2.Histogram{whole(99, 0, []int64{1}, nil, nil)}}}, want{400, 0, 0, 0}},
		{"histogram of an unknown schema", []sent{{labels: name("h"), histograms: []writev2.Histogram{{Schema: -60, Count: &writev2.Histogram_CountFloat{}}}}}, want{400, 0, 0, 0}},
		{"histogram finer than can be kept", []sent{{labels: name("h"), histograms: []writev2.Histogram{{Schema: 10, Count: &writev2.Histogram_CountFloat{CountFloat: 2},
			PositiveSpans: []writev2.BucketSpan{{Length: 2}}, PositiveCounts: []float64{1, 1}}}}}, want{204, 0, 1, 0}},
		{"good beside bad", []sent{{labels: []string{"job", "x"}, floats: []float64{1}, exemplars: trace}, {labels: name("up"), floats: []float64{1, 2}}}, want{400, 2, 0, 0}},
		{"exemplars", []sent{{labels: name("up", "region", "🌍"), floats: []float64{1}, exemplars: [][]string{{"trace_id", "测试", "span_id", "s"}, {}}}}, want{204, 1, 0, 2}},
		{"exemplars alone", []sent{{labels: name("orphan"), exemplars: trace}}, want{204, 0, 0, 1}},
		{"exemplar that is too long", []sent{{labels: name("up"), floats: []float64{1}, exemplars: [][]string{{"trace_id", strings.Repeat("x", 128)}}}}, want{204, 1, 0, 0}},
		{"metadata alone", []sent{{labels: name("orphan"), help: "helps"}}, want{204, 0, 0, 0}},
		{"metadata beside samples", []sent{{labels: name("up"), floats: []float64{1}, help: "a\n\"b\""}}, want{204, 1, 0, 0}},
		{"metadata without a name", []sent{{labels: []string{"job", "x"}, floats: []float64{1}, help: "h"}}, want{400, 0, 0, 0}},
		{"samples and histograms in one series", []sent{{labels: name("up"), floats: []float64{1}, histograms: []writev2.Histogram{good}}}, want{400, 0, 0, 0}},
		{"any order", []sent{{labels: name("up"), floats: []float64{1}}, {labels: name("up"), floats: []float64{1}, age: time.Hour}, {labels: name("up"), floats: []float64{1}, age: time.Minute}}, want{204, 3, 0, 0}},
		{"too old", []sent{{labels: name("up"), floats: []float64{1}, age: 4 * time.Hour}, {labels: name("up"), floats: []float64{1}}}, want{400, 1, 0, 0}},
		{"in the future", []sent{{labels: name("up"), floats: []float64{1}, age: -11 * time.Minute}}, want{400, 0, 0, 0}},
		{"a little in the future", []sent{{labels: name("up"), floats: []float64{1}, age: -9 * time.Minute}}, want{204, 1, 0, 0}},
		{"a label twice", []sent{{labels: name("up", "a", "1", "a", "2"), floats: []float64{1}}}, want{400, 0, 0, 0}},
		{"a name without value", []sent{{labels: name("up", "a", ""), floats: []float64{1}}}, want{204, 1, 0, 0}},
		{"a label that is too long", []sent{{labels: name("up", "a", strings.Repeat("x", 2049)), floats: []float64{1}}}, want{400, 0, 0, 0}},
		{"no pairs", []sent{{labels: []string{"__name__", "up", "a"}, floats: []float64{1}}}, want{400, 0, 0, 0}},
		{"not UTF-8", []sent{{labels: name("up", "a", "\xff"), floats: []float64{1}}}, want{400, 0, 0, 0}},
	}
	for what, v := range map[string]float64{"1": 1, "stale": math.Float64frombits(value.StaleNaN), "NaN": math.NaN(), "Inf": math.Inf(1), "-Inf": math.Inf(-1)} {
		add := func(kind string, w want, labels ...[]string) {
			c := testCase{what: kind + " " + what, want: w}
			for _, ls := range labels {
				c.list = append(c.list, sent{labels: ls, floats: []float64{v}})
			}
			cases = append(cases, c)
		}
		add("name alone", want{204, 1, 0, 0}, name("up"))
		add("labels", want{204, 1, 0, 0}, name("up", "job", "j", "instance", "i"))
		add("new lines", want{204, 1, 0, 0}, name("up", "job", "a\nb\n"))
		add("dots", want{204, 1, 0, 0}, name("cpu.usage", "job.name", "j"))
		add("spaces", want{204, 1, 0, 0}, name("cpu usage", "job name", "j"))
		add("no name", want{400, 0, 0, 0}, []string{"job", "j"})
		add("empty name", want{400, 0, 0, 0}, name(""))
		add("no labels", want{400, 0, 0, 0}, nil)
		add("many", want{204, 3, 0, 0}, name("up", "i", "1"), name("up", "i", "2"), name("up", "i", "3"))
		add("many without name", want{400, 0, 0, 0}, []string{"i", "1"}, []string{"i", "2"})
		add("one without name", want{400, 2, 0, 0}, name("up", "i", "1"), []string{"i", "2"}, name("up", "i", "3"))
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			s := newSite(t, nil)
			w := s.send(encodeV2(t, c.list...), nil)
			got := want{status: w.Code, floats: written(t, w, "Samples"), histograms: written(t, w, "Histograms"), exemplars: written(t, w, "Exemplars")}
			if got != c.want {
				t.Errorf("%+v, want %+v: %s", got, c.want, w.Body)
			}
			stored := 0
			for _, n := range s.stored() {
				stored += n
			}
			if told := got.floats + got.histograms + got.exemplars; stored != told {
				t.Errorf("%d are in the queue, %d were told", stored, told)
			}
		})
	}
}

func written(t *testing.T, w *httptest.ResponseRecorder, what string) int {
	t.Helper()
	n, err := strconv.Atoi(w.Header().Get("X-Prometheus-Remote-Write-" + what + "-Written"))
	if err != nil {
		t.Fatalf("%s: %v (%d %s)", what, err, w.Code, w.Body)
	}
	return n
}

func TestVersion1(t *testing.T) {
	now := time.Now().UnixMilli()
	series := func(name string, at int64, v float64) prompb.TimeSeries {
		return prompb.TimeSeries{Labels: []prompb.Label{{Name: "job", Value: "j"}, {Name: "__name__", Value: name}}, Samples: []prompb.Sample{{Timestamp: at, Value: v}}}
	}
	withHistogram := prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: "h"}}, Histograms: []prompb.Histogram{{Timestamp: now, Schema: 1, Count: &prompb.Histogram_CountFloat{}}},
		Exemplars: []prompb.Exemplar{{Labels: []prompb.Label{{Name: "trace_id", Value: "x"}}, Timestamp: now}}}
	for _, contentType := range []string{"application/x-protobuf", "application/x-protobuf; proto=prometheus.WriteRequest"} {
		s := newSite(t, nil)
		header := map[string]string{"Content-Type": contentType}
		w := s.send(encodeV1(t, series("up", now, 1), series("up", now-1, 1), withHistogram), header)
		if w.Code != http.StatusNoContent || w.Header().Get("X-Prometheus-Remote-Write-Samples-Written") != "" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		w = s.send(encodeV1(t, series("late", now-5*3_600_000, 1), series("fine", now, 1)), header)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"too_old"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		got := s.stored()
		if got[`{__name__="up", job="j"}`] != 2 || got[`{__name__="h"}`] != 2 || got[`{__name__="fine", job="j"}`] != 1 || len(got) != 3 {
			t.Errorf("stored %v", got)
		}
		if n := testutil.ToFloat64(s.h.metrics.rejected.WithLabelValues("too_old")); n != 1 {
			t.Errorf("%v rejected", n)
		}
	}
}

// TestHeadersComeFirst: what is not ours is refused before a byte is read.
func TestHeadersComeFirst(t *testing.T) {
	s := newSite(t, nil)
	corrupt := []byte("0 no snappy")
	for _, header := range []map[string]string{
		{"Content-Type": "application/json"}, {"Content-Type": "image/png"}, {"Content-Type": ""},
		{"Content-Type": "application/x-protobuf;proto=other"}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "deflate"},
	} {
		if w := s.send(corrupt, header); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%v: %d %s", header, w.Code, w.Body)
		}
	}
	for _, contentType := range []string{typeV2, "application/x-protobuf"} {
		for _, body := range [][]byte{corrupt, {0xff}, nil, snappy.Encode(nil, []byte("\x0a\xff\xff\xff\xff\x0f"))} {
			if w := s.send(body, map[string]string{"Content-Type": contentType}); w.Code != http.StatusBadRequest {
				t.Errorf("%s %q: %d %s", contentType, body, w.Code, w.Body)
			}
		}
	}
}

func TestBombs(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Bodies.Bytes, c.SeriesBytes, c.Symbols = 1<<20, 1<<16, 100 })
	large := snappy.Encode(nil, make([]byte, 2<<20))
	var symbols, histograms []byte
	for range 101 {
		symbols = append(symbols, 0x22, 0)
	}
	for range 1 << 16 {
		histograms = append(histograms, 0x1a, 0)
	}
	one := append([]byte{0x2a, 0x80, 0x80, 0x08}, histograms...)
	for what, c := range map[string]struct {
		body   []byte
		status int
	}{
		"decompressed": {large, http.StatusRequestEntityTooLarge},
		"as it comes":  {bytes.Repeat([]byte("x"), 2<<20), http.StatusRequestEntityTooLarge},
		"symbols":      {snappy.Encode(nil, symbols), http.StatusBadRequest},
		"one series":   {snappy.Encode(nil, one), http.StatusBadRequest},
		"says 4 GiB":   {[]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}, http.StatusRequestEntityTooLarge},
	} {
		if w := s.send(c.body, nil); w.Code != c.status {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	if got := s.stored(); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
}

func TestRefusalsAreToBeSentAgain(t *testing.T) {
	body := encodeV2(t, sent{labels: []string{"__name__", "up"}, floats: []float64{1}})
	for class, status := range map[error]int{decode.ErrFull: 503, decode.ErrTooFast: 429, errors.New("disk on fire"): 500} {
		s := newSite(t, func(c *Config) {
			c.Put = func(context.Context, *event.Batch) error {
				return &decode.RetryError{Class: class, After: 7 * time.Second}
			}
		})
		w := s.send(body, nil)
		if w.Code != status || written(t, w, "Samples") != 0 || status < 500 != (status == 429) {
			t.Errorf("%v: %d %s", class, w.Code, w.Body)
		}
		if status != 500 && w.Header().Get("Retry-After") != "7" {
			t.Errorf("%v: Retry-After %q", class, w.Header().Get("Retry-After"))
		}
		if strings.Contains(w.Body.String(), "on fire") {
			t.Error("a fault of the server's own is told to the sender")
		}
	}
}

func TestNoRoomForSeries(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Samples.Admit = func(ls labels.Labels) error {
			if ls.Get("i") == "new" {
				return errors.New("1000000 series are in memory")
			}
			return nil
		}
	})
	w := s.send(encodeV2(t, sent{labels: []string{"__name__", "up", "i", "new"}, floats: []float64{1}}, sent{labels: []string{"__name__", "up", "i", "old"}, floats: []float64{1}}), nil)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "series_limit") || written(t, w, "Samples") != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTooManyLabels(t *testing.T) {
	s := newSite(t, nil)
	for n, status := range map[int]int{63: 204, 64: 400} {
		ls := []string{"__name__", "up"}
		for i := range n {
			ls = append(ls, fmt.Sprint("l", i), "v")
		}
		if w := s.send(encodeV2(t, sent{labels: ls, floats: []float64{1}}), nil); w.Code != status {
			t.Errorf("%d labels: %d %s", n+1, w.Code, w.Body)
		}
	}
}

// FuzzRead takes any message: nothing may panic, and what is taken must be
// readable again.
func FuzzRead(f *testing.F) {
	body, err := snappy.Decode(nil, encodeV2(f, sent{labels: []string{"__name__", "up"}, floats: []float64{1}, exemplars: [][]string{{"a", "b"}}},
		sent{labels: []string{"__name__", "h"}, histograms: []writev2.Histogram{whole(4, 1, []int64{1, 1}, nil, nil)}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body, true)
	f.Add([]byte("\x0a\x04\x0a\x02\x0a\x00"), false)
	cfg := Config{Put: func(context.Context, *event.Batch) error { return nil }}
	cfg.setDefaults()
	f.Fuzz(func(t *testing.T, message []byte, second bool) {
		ver := v1
		if second {
			ver = v2
		}
		taken := newTaken(&cfg)
		if taken.read(ver, message) != nil || taken.build.Rows() == 0 {
			return
		}
		b, err := event.Decode(taken.build.Batch().AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range b.Points.Series.Values {
			if _, err := sample.Labels(v); err != nil {
				t.Fatal(err)
			}
		}
	})
}
