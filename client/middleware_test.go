package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func describeJSON(e Exchange, p *Prediction) bool {
	var asked struct{ ID string }
	var said struct{ Label string }
	if json.Unmarshal(e.Body, &asked) != nil || json.Unmarshal(e.Answer, &said) != nil {
		panic("no JSON")
	}
	p.ID, p.Prediction = asked.ID, said.Label
	p.Segments = map[string]string{"type": e.Header.Get("Content-Type")}
	return asked.ID != "hidden"
}

// endpoint is a model service with the middleware, over a real connection.
func endpoint(t *testing.T, m Middleware) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"label":`)
		w.(http.Flusher).Flush()
		io.WriteString(w, `"yes"}`)
	})
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
	})
	s := httptest.NewServer(m.Wrap(mux))
	t.Cleanup(s.Close)
	return s.URL
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res.StatusCode, ""
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// recorded waits until the model has this many rows: a handler's end is seen by
// the caller before it is recorded.
func recorded(t *testing.T, s *server, c *Client, want int) []map[string]any {
	t.Helper()
	for ctx := within(t); ; {
		if err := c.Flush(ctx); err != nil {
			t.Fatalf("%d rows, wanted %d: %v", len(s.got("/api/v1/models/m/predictions")), want, err)
		}
		if rows := s.got("/api/v1/models/m/predictions"); len(rows) >= want {
			if len(rows) > want {
				t.Fatalf("%d rows, wanted %d: %v", len(rows), want, rows)
			}
			return rows
		}
	}
}

func TestMiddlewareRecords(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{})
	url := endpoint(t, Middleware{Client: c, Model: "m", Version: "v2", Describe: describeJSON})
	for _, step := range []struct {
		path, body string
		status     int
		rows       int // recorded
	}{
		{"/ok", `{"id":"1"}`, 200, 1},
		{"/ok", `{"id":"hidden"}`, 200, 0},
		{"/bad", `{}`, 400, 0},
		{"/down", `{}`, 503, 1},
		{"/panic", `{}`, 0, 1},
		{"/hijack", `{}`, 101, 1},
		{"/empty", `{}`, 200, 1}, // Describe panics: the row has its latency
	} {
		before := len(s.got("/api/v1/models/m/predictions"))
		if status, _ := post(t, url+step.path, step.body); status != step.status {
			t.Fatalf("%s: status %d", step.path, status)
		}
		recorded(t, s, c, before+step.rows)
	}
	rows := recorded(t, s, c, 5)
	if r := rows[0]; r["id"] != "1" || r["prediction"] != "yes" || r["version"] != "v2" || r["latency_ms"].(float64) <= 0 ||
		r["segments"].(map[string]any)["type"] != "application/json" {
		t.Errorf("%v", r)
	}
	if rows[1]["error"] != "status 503" || rows[2]["error"] != "panic" {
		t.Errorf("%v %v", rows[1], rows[2])
	}
	if r := rows[4]; r["error"] != nil || r["prediction"] != nil || r["latency_ms"] == nil {
		t.Errorf("%v", r)
	}
}

func TestMiddlewarePassesLargeBodies(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{})
	got := make(chan Exchange, 1)
	m := Middleware{Client: c, Model: "m", MaxBody: 10, Describe: func(e Exchange, _ *Prediction) bool { got <- e; return true }}
	if status, answer := post(t, endpoint(t, m)+"/ok", strings.Repeat("x", 100_000)); status != 200 || answer != `{"label":"yes"}` {
		t.Fatal(status, answer)
	}
	if e := <-got; e.Body != nil || e.Answer != nil || e.Status != 200 {
		t.Errorf("%d and %d bytes, status %d", len(e.Body), len(e.Answer), e.Status)
	}
}

// discard is a server for benchmarks.
func discard(b *testing.B) string {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	b.Cleanup(s.Close)
	return s.URL
}

// What the middleware adds to a request, with a body of 1 KiB each way.
func BenchmarkMiddleware(b *testing.B) {
	c := New(discard(b), Options{MaxRows: 1 << 30, MaxBytes: 1 << 40})
	body := bytes.Repeat([]byte("x"), 1024)
	m := Middleware{Client: c, Model: "m", Describe: func(e Exchange, p *Prediction) bool {
		p.ID, p.Prediction = "request-1234567", "yes"
		return len(e.Body) == len(body)
	}}
	h := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			b.Error(err)
		}
		w.Write(read)
	}))
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
	}
	b.StopTimer()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil && !errors.Is(err, ctx.Err()) {
		b.Error(err)
	}
}
