package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/prometheus/model/histogram"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/event/sample"
	"github.com/leewayhq/leeway/internal/model"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// site is a receiver whose door writes each batch and reads it again, as the
// queue does.
type site struct {
	t testing.TB
	*Receiver
	mu      sync.Mutex
	refuse  error
	batches []*event.Batch
}

func newSite(t testing.TB, change func(*Config)) *site {
	t.Helper()
	s := &site{t: t}
	cfg := Config{Put: s.put, Now: func() time.Time { return noon }}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Receiver = r
	return s
}

func (s *site) put(_ context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	for _, part := range b.Split(1) {
		kept, err := event.Decode(part.AppendTo(nil))
		if err != nil {
			s.t.Errorf("a batch cannot be read again: %v", err)
		}
		s.batches = append(s.batches, kept)
	}
	return nil
}

// of is the batch of a model.
func (s *site) of(model string) *event.Batch {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		if b.Model == model && b.Kind == event.Predictions {
			return b
		}
	}
	s.t.Fatalf("no rows of %q among %d batches", model, len(s.batches))
	return nil
}

// series is each sample that was kept: "name{labels}" and its time to its value.
func (s *site) series() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for _, b := range s.batches {
		if b.Kind != event.Samples {
			continue
		}
		for i := range b.Rows {
			text, _ := b.Points.Series.At(i)
			ls, err := sample.Labels(text)
			if err != nil {
				s.t.Fatal(err)
			}
			key := fmt.Sprintf("%s@%d", ls, b.Time[i]-noon.UnixMilli())
			switch {
			case len(b.Points.Histogram.At(i)) > 0:
				h, err := sample.Histogram(b.Points.Histogram.At(i))
				if err != nil {
					s.t.Fatal(err)
				}
				out[key] = describe(h)
			case len(b.Points.Exemplar.At(i)) > 0:
				out["exemplar "+key] = fmt.Sprint(b.Points.Value.Values[i])
			default:
				out[key] = fmt.Sprint(b.Points.Value.Values[i])
			}
		}
	}
	return out
}

func describe(h *histogram.FloatHistogram) string {
	return fmt.Sprintf("schema %d count %v sum %v", h.Schema, h.Count, h.Sum)
}

// requester is what all three requests of pdata offer.
type requester interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

func encode(t testing.TB, m requester, f format) []byte {
	t.Helper()
	b, err := marshal(m, f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send posts a body by the handlers.
func (s *site) send(path string, f format, encoding string, body []byte) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentTypes[f])
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	s.Handlers()[path].ServeHTTP(w, r)
	return w
}

func (s *site) mustSend(path string, m requester) {
	s.t.Helper()
	if w := s.send(path, protobuf, "", encode(s.t, m, protobuf)); w.Code != http.StatusOK || w.Body.Len() != 0 {
		s.t.Fatalf("%d %q", w.Code, w.Body)
	}
}

func put(m pcommon.Map, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		if err := m.PutEmpty(pairs[i].(string)).FromRaw(pairs[i+1]); err != nil {
			panic(err)
		}
	}
}

func at(d time.Duration) pcommon.Timestamp { return pcommon.NewTimestampFromTime(noon.Add(d)) }

func oneLog() (plogotlp.ExportRequest, plog.LogRecord) {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	put(rl.Resource().Attributes(), "service.name", "checkout", "host.name", "n1")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("app.pay")
	l := sl.LogRecords().AppendEmpty()
	l.SetTimestamp(at(-time.Second))
	return plogotlp.NewExportRequestFromLogs(logs), l
}

func TestLogsBecomeLines(t *testing.T) {
	req, l := oneLog()
	l.SetSeverityNumber(plog.SeverityNumberWarn2)
	l.Body().SetStr("card declined")
	put(l.Attributes(), "attempt", 3, "ok", false, "ratio", 0.5, "items", []any{"a", 1}, "gen_ai.request.model", "gpt-4o", "bad", math.NaN())
	l.SetTraceID(pcommon.TraceID{1})
	for _, f := range []format{protobuf, asJSON} {
		for name, pack := range map[string]func([]byte) []byte{"": slices.Clone[[]byte], "gzip": gzipped, "zstd": zstded} {
			s := newSite(t, nil)
			if w := s.send("/v1/logs", f, name, pack(encode(t, req, f))); w.Code != http.StatusOK {
				t.Fatal(f, name, w.Code, w.Body)
			}
			b := s.batches[0]
			values := map[string]string{}
			for i := range b.Cats {
				values[b.Cats[i].Name], _ = b.Cats[i].At(0)
			}
			if values["level"] != "warning" || values["service"] != "checkout" || values["model"] != "gpt-4o" ||
				string(b.Message.At(0)) != "card declined" || b.Time[0] != noon.UnixMilli()-1000 {
				t.Errorf("%v %q %d", values, b.Message.At(0), b.Time[0])
			}
			want := `{"attempt":3,"ok":false,"ratio":0.5,"items":["a",1],"gen_ai.request.model":"gpt-4o","bad":"NaN","trace_id":"01000000000000000000000000000000","host.name":"n1","otel.scope.name":"app.pay"}`
			if f == protobuf && string(b.Attrs.At(0)) != want {
				t.Errorf("%s", b.Attrs.At(0))
			}
		}
	}
}

func TestLogsOfImpossibleTimesAreOfNow(t *testing.T) {
	s := newSite(t, nil)
	req, l := oneLog()
	l.SetTimestamp(at(10 * 365 * 24 * time.Hour))
	s.mustSend("/v1/logs", req)
	if b := s.batches[0]; b.Time[0] != noon.UnixMilli() || !strings.Contains(string(b.Attrs.At(0)), "original_time") {
		t.Errorf("%d %s", b.Time[0], b.Attrs.At(0))
	}
}

func TestRepetitionHasTheSameBatchID(t *testing.T) {
	s := newSite(t, nil)
	req, l := oneLog()
	s.mustSend("/v1/logs", req)
	s.mustSend("/v1/logs", req)
	l.Body().SetStr("another")
	s.mustSend("/v1/logs", req)
	ids := []string{s.batches[0].BatchID, s.batches[1].BatchID, s.batches[2].BatchID}
	if ids[0] == "" || ids[0] != ids[1] || ids[0] == ids[2] {
		t.Error(ids)
	}
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func TestRefusalsAreToldAsTheProtocolWants(t *testing.T) {
	req, _ := oneLog()
	body := encode(t, req, protobuf)
	for name, c := range map[string]struct {
		refuse   error
		kind     string
		encoding string
		body     []byte
		status   int
		after    string
	}{
		"full":       {refuse: &decode.RetryError{Class: decode.ErrFull, After: 7 * time.Second}, body: body, status: 503, after: "7"},
		"too fast":   {refuse: &decode.RetryError{Class: decode.ErrTooFast, After: 2 * time.Second}, body: body, status: 429, after: "2"},
		"a fault":    {refuse: fmt.Errorf("disk on fire"), body: body, status: 503, after: "5"},
		"type":       {kind: "text/plain", body: body, status: 415},
		"encoding":   {encoding: "br", body: body, status: 415},
		"no message": {body: []byte("\xff\xff\xff"), status: 400},
		"no json":    {kind: "application/json", body: []byte("{"), status: 400},
		"wrong json": {kind: "application/json", body: []byte(`{"resourceLogs":7}`), status: 400},
		"long":       {body: make([]byte, 2<<20), status: 413},
		"gzip bomb":  {encoding: "gzip", body: gzipped(make([]byte, 64<<20)), status: 413},
		"zstd bomb":  {encoding: "zstd", body: zstded(make([]byte, 64<<20)), status: 413},
	} {
		s := newSite(t, func(c *Config) { c.Bodies.Bytes = 1 << 20 })
		s.refuse = c.refuse
		r := httptest.NewRequest(http.MethodPost, "/v1/logs", bytes.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-protobuf")
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		r.Header.Set("Content-Encoding", c.encoding)
		w := httptest.NewRecorder()
		s.Handlers()["/v1/logs"].ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Retry-After") != c.after || w.Body.Len() == 0 || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%s: %d, after %q: %q", name, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
		if c.kind == "application/json" && !strings.HasPrefix(w.Body.String(), `{"code":3,"message":`) {
			t.Errorf("%s: %s", name, w.Body)
		}
		if len(s.batches) > 0 {
			t.Errorf("%s was stored", name)
		}
	}
}

func TestNothingIsSomething(t *testing.T) {
	s := newSite(t, nil)
	for path := range s.Handlers() {
		if w := s.send(path, protobuf, "", nil); w.Code != http.StatusOK {
			t.Error(path, w.Code, w.Body)
		}
		if w := s.send(path, asJSON, "", []byte("{}")); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "{") {
			t.Error(path, w.Code, w.Body)
		}
	}
}

// A slow body ends with its connection's deadline, and holds no memory then.
func TestHalfOpenBody(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Bodies.IdleTimeout = 50 * time.Millisecond })
	server := httptest.NewServer(s.Handlers()["/v1/logs"])
	defer server.Close()
	body, write := io.Pipe()
	defer write.Close()
	go func() { _, _ = write.Write([]byte("\x0a")) }()
	r, _ := http.NewRequest(http.MethodPost, server.URL+"/v1/logs", body)
	r.Header.Set("Content-Type", contentTypes[protobuf])
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Error(resp.StatusCode)
	}
}

func oneSpan() (ptraceotlp.ExportRequest, ptrace.ScopeSpans) {
	traces := ptrace.NewTraces()
	rs := traces.ResourceSpans().AppendEmpty()
	put(rs.Resource().Attributes(), "service.name", "assistant")
	return ptraceotlp.NewExportRequestFromTraces(traces), rs.ScopeSpans().AppendEmpty()
}

// addSpan adds a span of 2 s that ended now.
func addSpan(to ptrace.ScopeSpans, id byte, attributes ...any) ptrace.Span {
	span := to.Spans().AppendEmpty()
	span.SetName("chat")
	span.SetTraceID(pcommon.TraceID{9})
	span.SetSpanID(pcommon.SpanID{id})
	span.SetStartTimestamp(at(-2 * time.Second))
	span.SetEndTimestamp(at(0))
	put(span.Attributes(), attributes...)
	return span
}

func num(t *testing.T, b *event.Batch, name string, row int) float64 {
	t.Helper()
	for i := range b.Nums {
		if b.Nums[i].Name == name {
			if b.Nums[i].Null(row) {
				return math.NaN()
			}
			return b.Nums[i].Values[row]
		}
	}
	t.Errorf("no column %q", name)
	return 0
}

func TestModelCallsBecomeRows(t *testing.T) {
	cached := 1.25
	s := newSite(t, func(c *Config) {
		c.Prices = map[string]Price{"gpt": {Input: 99, Output: 99}, "gpt-4o": {Input: 2.5, Output: 10, CachedInput: &cached}}
	})
	req, spans := oneSpan()
	addSpan(spans, 1, "gen_ai.request.model", "gpt-4o", "gen_ai.response.model", "gpt-4o-2024-08-06", "gen_ai.provider.name", "openai",
		"gen_ai.operation.name", "chat", "gen_ai.usage.input_tokens", 1000, "gen_ai.usage.cache_read.input_tokens", 400,
		"gen_ai.usage.output_tokens", 300, "gen_ai.response.time_to_first_chunk", 0.5, "gen_ai.response.finish_reasons", []any{"stop"})
	failed := addSpan(spans, 2, "gen_ai.request.model", "gpt-4o", "error.type", "rate_limit")
	failed.Status().SetCode(ptrace.StatusCodeError)
	addSpan(spans, 3, "gen_ai.system", "vllm", "gen_ai.response.model", "meta-llama/Llama-3.1:8b", "gen_ai.usage.prompt_tokens", 7)
	addSpan(spans, 4, "http.route", "/pay").SetKind(ptrace.SpanKindServer)
	addSpan(spans, 5, "gen_ai.request.model", "gpt-4o", "gen_ai.operation.name", "invoke_agent")
	addSpan(spans, 6, "gen_ai.request.model", "gpt-4o").SetParentSpanID(pcommon.SpanID{1})
	s.mustSend("/v1/traces", req)

	b := s.of("gpt-4o")
	if b.Rows != 2 || b.HasIDs() || b.BatchID == "" || b.Latency.Values[0] != 2000 || b.Time[0] != noon.UnixMilli() {
		t.Fatalf("%d rows, latency %v", b.Rows, b.Latency.Values)
	}
	for name, want := range map[string]float64{
		"tokens_in": 1000, "tokens_cached": 400, "tokens_out": 300, "time_to_first_token_ms": 500, "tokens_per_second": 200,
		"cost": (600*2.5 + 400*1.25 + 300*10) / 1e6,
	} {
		if got := num(t, b, name, 0); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
		if got := num(t, b, name, 1); !math.IsNaN(got) {
			t.Errorf("%s of the failure is %v", name, got)
		}
	}
	version, _ := b.Version.At(0)
	failure, _ := b.Err.At(1)
	if _, ok := b.Err.At(0); ok || version != "gpt-4o-2024-08-06" || failure != "rate_limit" {
		t.Errorf("version %q, failure %q", version, failure)
	}
	cut := map[string]string{}
	for i := range b.Segments {
		cut[b.Segments[i].Name], _ = b.Segments[i].At(0)
	}
	if cut["service"] != "assistant" || cut["system"] != "openai" || cut["operation"] != "chat" {
		t.Error(cut)
	}
	if got := num(t, s.of("meta-llama-Llama-3.1-8b"), "tokens_in", 0); got != 7 {
		t.Error(got)
	}
	if len(s.batches) != 2 {
		t.Errorf("%d models", len(s.batches))
	}
}

func TestServicesCountWhereAsked(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Services, c.IDs = true, true; c.ModelAttributes = []string{"ml.model"} })
	req, spans := oneSpan()
	served := addSpan(spans, 1)
	served.SetKind(ptrace.SpanKindServer)
	served.Status().SetCode(ptrace.StatusCodeError)
	addSpan(spans, 2)
	addSpan(spans, 3, "ml.model", "churn")
	s.mustSend("/v1/traces", req)
	b := s.of("assistant")
	if failure, _ := b.Err.At(0); b.Rows != 1 || failure != "error" || string(b.ID.At(0)) != "09000000000000000000000000000000-0100000000000000" {
		t.Errorf("%d rows, %q, id %q", b.Rows, failure, b.ID.At(0))
	}
	if s.of("churn").Rows != 1 {
		t.Error("a named attribute names no model")
	}
}

func TestTimeToTheFirstTokenIsFoundInEvents(t *testing.T) {
	s := newSite(t, nil)
	req, spans := oneSpan()
	span := addSpan(spans, 1, "gen_ai.request.model", "m")
	for i := range 2 {
		e := span.Events().AppendEmpty()
		e.SetName("llm.content.completion.chunk")
		e.SetTimestamp(at(time.Duration(i)*time.Second - 1750*time.Millisecond))
	}
	s.mustSend("/v1/traces", req)
	if got := num(t, s.of("m"), "time_to_first_token_ms", 0); got != 250 {
		t.Error(got)
	}
}

func partialSpans(t *testing.T, w *httptest.ResponseRecorder) (int64, string) {
	t.Helper()
	resp := ptraceotlp.NewExportResponse()
	if err := resp.UnmarshalProto(w.Body.Bytes()); err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body, err)
	}
	return resp.PartialSuccess().RejectedSpans(), resp.PartialSuccess().ErrorMessage()
}

func TestSpansOfImpossibleTimesAreRejected(t *testing.T) {
	s := newSite(t, nil)
	req, spans := oneSpan()
	for i, end := range []time.Duration{10 * 365 * 24 * time.Hour, -11 * 365 * 24 * time.Hour, -3 * time.Second} {
		addSpan(spans, byte(i+1), "gen_ai.request.model", "m").SetEndTimestamp(at(end))
	}
	addSpan(spans, 9, "gen_ai.request.model", "m").SetEndTimestamp(math.MaxUint64)
	addSpan(spans, 10, "gen_ai.request.model", "m")
	n, message := partialSpans(t, s.send("/v1/traces", protobuf, "", encode(t, req, protobuf)))
	if n != 4 || message == "" || s.of("m").Rows != 1 {
		t.Error(n, message)
	}
}

func TestTooManyModels(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Models = 2 })
	req, spans := oneSpan()
	for i := range 5 {
		addSpan(spans, byte(i+1), "gen_ai.request.model", fmt.Sprint("m", i))
	}
	if n, _ := partialSpans(t, s.send("/v1/traces", protobuf, "", encode(t, req, protobuf))); n != 3 || len(s.batches) != 2 {
		t.Error(n, len(s.batches))
	}
	s.refuse = fmt.Errorf("the registry: %w", model.ErrLimit)
	if n, _ := partialSpans(t, s.send("/v1/traces", protobuf, "", encode(t, req, protobuf))); n != 5 {
		t.Error(n)
	}
}

func TestModelNames(t *testing.T) {
	for in, want := range map[string]string{
		"gpt-4o": "gpt-4o", "a/b:c d": "a-b-c-d", "..": "", "": "", "/": "", "模型": "", "x模": "x-", strings.Repeat("x", 200): strings.Repeat("x", 128),
	} {
		if got := modelName(in); got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
}

func newMetric(name, unit string) (pmetricotlp.ExportRequest, pmetric.Metric) {
	m := pmetric.NewMetrics()
	rm := m.ResourceMetrics().AppendEmpty()
	put(rm.Resource().Attributes(), "service.name", "api", "service.namespace", "shop", "service.instance.id", "i-1", "k8s.pod.name", "api-7")
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName(name)
	metric.SetUnit(unit)
	return pmetricotlp.NewExportRequestFromMetrics(m), metric
}
