package rest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

// begin opens a connection, sends the head of a chunked request and the body's
// first byte, and returns once the handler reads.
func (s *server) begin(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /api/v1/models/m/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", jsonType)
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatal(line, err)
	}
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "1\r\n{\r\n")
	return conn, r
}

func TestIdleConnectionsHoldNoRoom(t *testing.T) {
	s := serve(t, nil)
	for range 64 {
		s.begin(t)
	}
	if got := s.post(t, "/models/m/predictions", jsonType, []byte(`{"score":1}`)); got.status != 200 {
		t.Error(got.status, got.Detail)
	}
	s.CloseClientConnections()
	s.Close() // waits for the handlers
	if !s.handler.inFlight.TryAcquire(s.handler.cfg.InFlight) {
		t.Error("what a request held was not given back")
	}
}

func TestABodyThatStandsStillIsGivenUp(t *testing.T) {
	s := serve(t, func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
	_, r := s.begin(t)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 408 || !strings.Contains(string(text), "body_too_slow") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

// TestASteadyBodyIsWaitedFor: the pauses are short, the whole is longer than
// one pause may be.
func TestASteadyBodyIsWaitedFor(t *testing.T) {
	s := serve(t, func(c *Config) { c.IdleTimeout = 400 * time.Millisecond })
	conn, r := s.begin(t)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, c := range `"score":1}` {
		<-tick.C
		fmt.Fprintf(conn, "1\r\n%c\r\n", c)
	}
	fmt.Fprint(conn, "0\r\n\r\n")
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Error(res.StatusCode)
	}
}

// connection is a response that knows when it must be written.
type connection struct {
	*httptest.ResponseRecorder
	write time.Time
}

func (c *connection) SetWriteDeadline(at time.Time) error {
	c.write = at
	return nil
}

func TestAnAnswerIsNotWaitedForLong(t *testing.T) {
	h, err := New(Config{Put: func(context.Context, *event.Batch) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Routes(mux)
	for body, want := range map[string]int{`{"score":1}`: 200, `{`: 400} {
		w := &connection{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("POST", "/api/v1/models/m/predictions", strings.NewReader(body))
		r.Header.Set("Content-Type", jsonType)
		mux.ServeHTTP(w, r)
		if left := time.Until(w.write); w.Code != want || left < 20*time.Second || left > 30*time.Second {
			t.Errorf("%d, written within %v", w.Code, left)
		}
	}
}
