package loki

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leewayhq/leeway/internal/collect/logs/logtest"
	"github.com/leewayhq/leeway/internal/event"
)

const noon = int64(1_777_636_800_000) // 2026-05-01T12:00:00Z

func bytesField(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func varintField(b []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
}

// protoPush is a push of one stream; the lines are a millisecond apart.
func protoPush(labels string, lines ...string) []byte {
	stream := bytesField(nil, 1, []byte(labels))
	for i, line := range lines {
		ms := noon + int64(i)
		at := varintField(varintField(nil, 1, ms/1000), 2, ms%1000*1e6)
		e := bytesField(bytesField(nil, 1, at), 2, []byte(line))
		e = bytesField(e, 3, bytesField(bytesField(nil, 1, []byte("trace")), 2, []byte("t1")))
		stream = bytesField(stream, 2, e)
	}
	return s2.EncodeSnappy(nil, bytesField(nil, 1, varintField(stream, 3, 77)))
}

func jsonPush(labels map[string]string, lines ...string) []byte {
	values := [][]any{}
	for i, line := range lines {
		values = append(values, []any{fmt.Sprint((noon + int64(i)) * 1e6), line, map[string]string{"trace": "t1"}})
	}
	b, _ := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": values}}})
	return b
}

func serve(t testing.TB, change func(*Config), put func(context.Context, *event.Batch) error) *httptest.Server {
	t.Helper()
	cfg := Config{Put: put}
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func post(url, kind, encoding string, body []byte) (int, string, error) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", kind)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

const proto, asJSON = "application/x-protobuf", "application/json"

func TestConformance(t *testing.T) {
	for kind, encode := range map[string]func(lines ...string) []byte{
		proto:  func(lines ...string) []byte { return protoPush(`{app="web"}`, lines...) },
		asJSON: func(lines ...string) []byte { return jsonPush(map[string]string{"app": "web"}, lines...) },
	} {
		t.Run(kind, func(t *testing.T) {
			logtest.Run(t, func(t *testing.T) *logtest.Source {
				var url string
				return &logtest.Source{
					Once: true,
					Start: func(put func(context.Context, *event.Batch) error) func() {
						s := serve(t, nil, put)
						url = s.URL
						return s.Close
					},
					Send: func(lines ...string) error {
						status, text, err := post(url, kind, "", encode(lines...))
						if err == nil && status != http.StatusNoContent {
							err = fmt.Errorf("%d: %s", status, text)
						}
						return err
					},
				}
			})
		})
	}
}

func TestLabelsFindTheirPlace(t *testing.T) {
	for kind, body := range map[string][]byte{
		proto:  protoPush(`{service_name="api", job="x/y", model="churn",level="warn", msg="a \"b\""}`, `{"level":"error","ts":1,"msg":"hi"}`),
		asJSON: jsonPush(map[string]string{"service_name": "api", "job": "x/y", "model": "churn", "level": "warn", "msg": `a "b"`}, `{"level":"error","ts":1,"msg":"hi"}`),
	} {
		d := logtest.NewDoor(t)
		s := serve(t, nil, d.Put)
		if status, text, err := post(s.URL, kind, "", body); status != http.StatusNoContent {
			t.Fatal(kind, status, text, err)
		}
		l := d.Lines()[0]
		if l.Time != noon || l.Level != "warning" || l.Service != "api" || l.Model != "churn" || l.Message != "hi" ||
			l.Fields["job"] != "x/y" || l.Fields["trace"] != "t1" || l.Fields["msg"] != `a "b"` || l.Fields["level"] != "error" {
			t.Errorf("%s: %+v", kind, l)
		}
	}
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func TestRefusals(t *testing.T) {
	d := logtest.NewDoor(t)
	s := serve(t, func(c *Config) { c.BodyBytes, c.Lines, c.Streams = 1<<20, 10, 2 }, d.Put)
	many := strings.Split(strings.Repeat("x ", 20), " ")
	for name, c := range map[string]struct {
		kind, encoding string
		body           []byte
		status         int
	}{
		"gzip":            {asJSON, "gzip", gzipped(jsonPush(nil, "fine")), 204},
		"a named snappy":  {proto, "snappy", protoPush("{}", "fine, too"), 204},
		"nothing":         {asJSON, "", []byte(`{"streams":[]}`), 204},
		"bomb":            {asJSON, "gzip", gzipped(make([]byte, 8<<20)), 413},
		"snappy bomb":     {proto, "", s2.EncodeSnappy(nil, make([]byte, 8<<20)), 413},
		"long":            {asJSON, "", make([]byte, 2<<20), 413},
		"lines":           {proto, "", protoPush("{}", many...), 413},
		"json lines":      {asJSON, "", jsonPush(nil, many...), 413},
		"streams":         {asJSON, "", []byte(`{"streams":[{},{},{}]}`), 413},
		"no snappy":       {proto, "", []byte("hello"), 400},
		"no proto":        {proto, "", s2.EncodeSnappy(nil, []byte{0xff, 0xff}), 400},
		"labels":          {proto, "", protoPush(`app="web"`, "x"), 400},
		"open labels":     {proto, "", protoPush(`{app="web"`, "x"), 400},
		"json":            {asJSON, "", []byte("{"), 400},
		"time":            {asJSON, "", []byte(`{"streams":[{"values":[["x","y"]]}]}`), 400},
		"type":            {"text/plain", "", []byte("x"), 415},
		"encoding":        {asJSON, "br", []byte("x"), 415},
		"a line too many": {asJSON, "", []byte(`{"streams":[{"values":[["1","y","z","a"]]}]}`), 400},
	} {
		if status, text, err := post(s.URL, c.kind, c.encoding, c.body); status != c.status {
			t.Errorf("%s: %d %s %v", name, status, text, err)
		}
	}
	if n := len(d.Lines()); n != 2 {
		t.Errorf("%d lines were taken", n)
	}
}

func FuzzPush(f *testing.F) {
	raw, _ := s2.Decode(nil, protoPush(`{a="b"}`, "x", "y"))
	f.Add(raw)
	f.Add(jsonPush(map[string]string{"a": "b"}, "x"))
	h, err := New(Config{Put: func(context.Context, *event.Batch) error { return nil }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, body []byte) {
		for _, read := range []func(*push, []byte) error{(*push).json, (*push).proto} {
			p := &push{parser: h.parser, maxLines: 1000, maxStreams: 100}
			if read(p, body) == nil {
				_ = h.sink.Put(context.Background(), p.lines, "")
			}
		}
	})
}
