package otlp

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/protobuf/encoding/protowire"
)

// within wraps a message in fields, the last number outermost.
func within(b []byte, numbers ...protowire.Number) []byte {
	for _, n := range numbers {
		b = protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
	}
	return b
}

// deep is a log record whose body is a list in a list, many times.
func deep(levels int) []byte {
	var heads [][]byte
	size := 0
	for range levels {
		for _, n := range []protowire.Number{1, 5} {
			head := protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.BytesType), uint64(size))
			heads = append(heads, head)
			size += len(head)
		}
	}
	slices.Reverse(heads)
	return within(bytes.Join(heads, nil), 5, 2, 2, 1)
}

func TestBombs(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Decoded = 64 << 20 })
	for name, c := range map[string]struct {
		path   string
		format format
		body   []byte
		status int
	}{
		"deep":           {"/v1/logs", protobuf, deep(500_000), 400},
		"deep, allowed":  {"/v1/logs", protobuf, deep(10), 200},
		"deep json":      {"/v1/logs", asJSON, []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":` + strings.Repeat(`{"arrayValue":{"values":[`, 1_000_000)), 400},
		"deep unknown":   {"/v1/logs", asJSON, []byte(`{"x":` + strings.Repeat("[", 5_000_000)), 400},
		"empty messages": {"/v1/traces", protobuf, bytes.Repeat([]byte("\x0a\x00"), 8<<20), 413},
		"empty spans":    {"/v1/traces", protobuf, within(within(bytes.Repeat([]byte("\x12\x00"), 4<<20), 2), 1), 413},
		"empty objects":  {"/v1/metrics", asJSON, []byte(`{"resourceMetrics":[` + strings.Repeat("{},", 4<<20) + `{}]}`), 413},
		"buckets":        {"/v1/metrics", protobuf, within(bytes.Repeat([]byte{1}, 8<<20), 2, 8, 1, 10, 2, 2, 1), 413},
		"group":          {"/v1/logs", protobuf, bytes.Repeat([]byte{0x0b}, 1<<20), 400},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := s.send(c.path, c.format, "gzip", gzipped(c.body))
		runtime.ReadMemStats(&after)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 160<<20 {
			t.Errorf("%s took %d MiB", name, took>>20)
		}
	}
}

func TestMemoryIsSharedByAll(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Bodies.RoomTimeout = 1 })
	held := s.bodies.Share(t.Context())
	defer held.Release()
	if err := held.Room(s.cfg.Bodies.InFlight); err != nil {
		t.Fatal(err)
	}
	req, _ := oneLog()
	if w := s.send("/v1/logs", protobuf, "", encode(t, req, protobuf)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Error(w.Code, w.Body)
	}
}

// The estimate must not be below what decoding takes.
func TestWeightIsEnough(t *testing.T) {
	req, spans := oneSpan()
	for i := range 2000 {
		addSpan(spans, byte(i), "gen_ai.request.model", "m", "a", 1, "b", "x", "c", true, "d", 2.5, "e", []any{1, 2, 3})
	}
	for _, f := range []format{protobuf, asJSON} {
		q := &request{format: f, data: encode(t, req, f)}
		weight, err := newShapes().traces.weigh(q, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		into := ptraceotlp.NewExportRequest()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := q.decode(into); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(into)
		if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > weight+int64(len(q.data)) {
			t.Errorf("decoding kept %d bytes, %d were expected of %d", kept, weight, len(q.data))
		}
	}
}

// pairs are n attributes in the field of a message.
func pairs(field protowire.Number, n int) []byte {
	var out []byte
	for i := range n {
		pair := append(within([]byte(fmt.Sprint("l", i)), 1), within([]byte("v"), 1, 2)...)
		out = append(out, within(pair, field)...)
	}
	return out
}

// The translator's time grows with the square of attributes; ours must not.
func TestManyAttributes(t *testing.T) {
	const many = 60_000
	when := protowire.AppendFixed64(protowire.AppendTag(nil, 3, protowire.Fixed64Type), uint64(at(0)))
	points := append(within(when, 1), within(append(pairs(7, many), when...), 1)...)
	metric := append(within([]byte("g"), 1), within(points, 5)...)
	job := within(append(within([]byte("service.name"), 1), within([]byte("api"), 1, 2)...), 1)
	resource := append(pairs(1, many), job...)
	body := within(append(within(resource, 1), within(metric, 2, 2)...), 1)
	s := newSite(t, nil)
	began := time.Now()
	w := s.send("/v1/metrics", protobuf, "", body)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	resp := pmetricotlp.NewExportResponse()
	if err := resp.UnmarshalProto(w.Body.Bytes()); err != nil || resp.PartialSuccess().RejectedDataPoints() != 1 {
		t.Error(w.Code, err, resp.PartialSuccess().RejectedDataPoints())
	}
	s.wantSeries(map[string]string{`{__name__="g", job="api"}@0`: "0"})
}

func fuzz(f *testing.F, as format) {
	logs, l := oneLog()
	l.Body().SetStr("hello")
	put(l.Attributes(), "a", []any{1, "b", map[string]any{"c": 2.5}})
	traces, spans := oneSpan()
	addSpan(spans, 1, "gen_ai.request.model", "m", "gen_ai.usage.input_tokens", 3)
	for i, m := range []requester{logs, delta(0, 2), traces} {
		f.Add(uint8(i), encode(f, m, as))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		s := newSite(t, func(c *Config) { c.Decoded = 16 << 20; c.Services = true })
		sig := s.signals[int(which)%len(s.signals)]
		w := s.send(sig.path, as, "", body)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		s.series()
	})
}

func FuzzJSON(f *testing.F)     { fuzz(f, asJSON) }
func FuzzProtobuf(f *testing.F) { fuzz(f, protobuf) }
