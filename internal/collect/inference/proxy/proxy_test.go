package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/client"
	"github.com/leewayhq/leeway/internal/collect/inference"
)

// leeway takes rows as the server does.
type leeway struct {
	*httptest.Server
	mu   sync.Mutex
	rows []row
}

type row struct {
	ID, Version, Error string
	Prediction         any
	Score              any
	Latency            float64 `json:"latency_ms"`
	Features           map[string]any
	path               string
}

func newLeeway(t testing.TB) *leeway {
	l := &leeway{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			var one row
			if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
				t.Errorf("%s: %v", lines.Bytes(), err)
			}
			one.path = r.URL.Path
			l.mu.Lock()
			l.rows = append(l.rows, one)
			l.mu.Unlock()
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *leeway) wait(t *testing.T, n int) []row {
	t.Helper()
	end := time.After(10 * time.Second)
	for {
		l.mu.Lock()
		rows := slices.Clone(l.rows)
		l.mu.Unlock()
		if len(rows) >= n {
			return rows
		}
		select {
		case <-end:
			t.Fatalf("%d rows came, %d were expected", len(rows), n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// site is a proxy before a model server.
type site struct {
	*Proxy
	url    string
	leeway *leeway
}

func newSite(t testing.TB, model http.HandlerFunc, change func(*Config)) *site {
	t.Helper()
	server := httptest.NewServer(model)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{leeway: newLeeway(t)}
	c := client.New(s.leeway.URL, client.Options{FlushInterval: 5 * time.Millisecond})
	cfg := Config{Target: target, Client: c, Model: "m"}
	if change != nil {
		change(&cfg)
	}
	if s.Proxy, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(s.Proxy)
	s.url = front.URL
	t.Cleanup(func() {
		front.Close()
		s.Proxy.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = cfg.Client.Close(ctx)
	})
	return s
}

// answers gives the same answer to everything.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func post(t testing.TB, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestWhatGoesByIsRecorded(t *testing.T) {
	var seen http.Header
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		answers(200, `{"model_version":"7","outputs":[{"name":"predict","shape":[2],"datatype":"INT64","data":[1,0]}]}`)(w, r)
	}, nil)
	res, text := post(t, s.url+"/v2/models/iris/infer?x=1", `{"inputs":[{"name":"age","shape":[2,1],"datatype":"FP32","data":[41,17]}]}`, "X-Request-Id", "r1", "Authorization", "Bearer theirs")
	if res.StatusCode != 200 || !strings.HasPrefix(text, `{"model_version"`) || res.Header.Get(IDHeader) != "" {
		t.Fatal(res, text)
	}
	if seen.Get("Authorization") != "Bearer theirs" || seen.Get("X-Forwarded-For") == "" || seen.Get("Accept-Encoding") != "gzip" {
		t.Errorf("the server got %v", seen)
	}
	rows := s.leeway.wait(t, 2)
	if r := rows[1]; r.path != "/api/v1/models/m/predictions" || r.ID != "r1-1" || r.Version != "7" || r.Prediction != 0.0 || r.Features["age"] != 17.0 || r.Latency <= 0 {
		t.Errorf("%+v", r)
	}
	// Without an id the caller learns of one, and with a failure it is an error.
	s2 := newSite(t, answers(422, `{"error":"shape"}`), func(c *Config) { c.Model = "" })
	res, _ = post(t, s2.url+"/v1/models/churn/versions/3:predict", `{"instances":[[1]]}`)
	if r := s2.leeway.wait(t, 1)[0]; r.path != "/api/v1/models/churn/predictions" || r.ID == "" || r.ID != res.Header.Get(IDHeader) || r.Error != "status 422: shape" || r.Version != "3" || r.Features["x"] != 1.0 {
		t.Errorf("%+v", r)
	}
	post(t, s2.url+"/other", `{"instances":[[1]]}`)
	if n := testutil.ToFloat64(s2.metrics.dropped.WithLabelValues("path")); n != 1 {
		t.Errorf("%v requests of no model", n)
	}
}

func TestMappingAndCompression(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, `{"result":{"decision":"no","risk":0.25}}`)
	_ = z.Close()
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}, func(c *Config) {
		c.Mapping = inference.Mapping{ID: "uid", Prediction: "result.decision", Score: "result.risk"}
	})
	r, err := http.NewRequest("POST", s.url+"/score", strings.NewReader(`{"uid":"u7","income":30,"land":"DE"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, _ := io.ReadAll(res.Body); !bytes.Equal(got, packed.Bytes()) {
		t.Error("the packed body was changed")
	}
	if r := s.leeway.wait(t, 1)[0]; r.ID != "u7" || r.Prediction != "no" || r.Score != 0.25 || r.Features["income"] != 30.0 || r.Features["land"] != "DE" || len(r.Features) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestStreamsArePassedOnAsTheyCome: the caller has an event before the server
// has made the next.
func TestStreamsArePassedOnAsTheyCome(t *testing.T) {
	next := make(chan bool)
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for i := range 3 {
			fmt.Fprintf(w, "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n", strings.Repeat("x", 3000*i))
			_ = http.NewResponseController(w).Flush()
			<-next
		}
		_, _ = io.WriteString(w, "data: {\"model\":\"m-1\",\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":3}}\n\ndata: [DONE]\n\n")
	}, func(c *Config) { c.MaxBody = 2048 })
	res, err := http.Post(s.url+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","messages":[{}],"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for range 3 {
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		next <- true
		_, _ = lines.ReadString('\n')
	}
	if rest, err := io.ReadAll(lines); err != nil || !strings.HasSuffix(string(rest), "[DONE]\n\n") {
		t.Fatal(string(rest), err)
	}
	r := s.leeway.wait(t, 1)[0]
	if r.Version != "m-1" || r.Features["finish_reason"] != "stop" || r.Features["usage.completion_tokens"] != 3.0 || r.Features["messages"] != 1.0 || r.Features["first_byte_ms"].(float64) <= 0 || r.Error != "" {
		t.Errorf("%+v", r)
	}
}

func TestUpgradesArePassedOn(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = buf.Flush()
		line, _ := buf.ReadString('\n')
		_, _ = buf.WriteString("echo " + line)
		_ = buf.Flush()
	}, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	fmt.Fprint(conn, "hello\n")
	if line, err := r.ReadString('\n'); err != nil || line != "echo hello\n" {
		t.Error(line, err)
	}
}

// TestTrafficGoesOnWithoutLeeway: nobody answers where Leeway was, memory for
// exchanges is used up, and callers notice nothing.
func TestTrafficGoesOnWithoutLeeway(t *testing.T) {
	away, err := net.Listen("tcp", "127.0.0.1:0") // half open: it never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	c := client.New("http://"+away.Addr().String(), client.Options{MaxRows: 5, FlushInterval: time.Millisecond})
	s := newSite(t, answers(200, `{"predictions":[1]}`), func(cfg *Config) { cfg.Client, cfg.MaxBytes, cfg.Queue = c, 32<<10, 4 })
	for range 50 {
		if res, text := post(t, s.url+"/p", `{"instances":[[`+strings.Repeat("1,", 500)+`1]]}`); res.StatusCode != 200 || text != `{"predictions":[1]}` {
			t.Fatal(res.StatusCode, text)
		}
	}
	s.Close()
	if c.Stats().Dropped == 0 {
		t.Error("nothing was dropped")
	}
	if n := s.held.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
	if res, _ := post(t, s.url+"/p", `{}`); res.StatusCode != 200 {
		t.Error("a closed recorder stops the traffic")
	}
}

func TestHostileBodies(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 64<<20))
	_ = z.Close()
	large := `{"predictions":[` + strings.Repeat("1,", 1<<20) + `1]}`
	for name, c := range map[string]struct {
		body, encoding, reason string
	}{
		"bomb":      {bomb.String(), "gzip", "encoding"},
		"brotli":    {"x", "br", "encoding"},
		"too large": {large, "", "too_large"},
		"no json":   {"<html>", "", "payload"},
	} {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			if c.encoding != "" {
				w.Header().Set("Content-Encoding", c.encoding)
			}
			_, _ = io.WriteString(w, c.body)
		}, func(cfg *Config) { cfg.MaxBody = 1 << 20 })
		r, err := http.NewRequest("POST", s.url+"/p", strings.NewReader(`{"instances":[[1]]}`))
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(res.Body); string(got) != c.body {
			t.Errorf("%s: the body was changed", name)
		}
		_ = res.Body.Close()
		if r := s.leeway.wait(t, 1)[0]; r.Error != "" || r.Features["x"] != 1.0 || r.Latency <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if n := testutil.ToFloat64(s.metrics.partial.WithLabelValues(c.reason)); n != 1 {
			t.Errorf("%s: counted %v", name, n)
		}
	}
}

func TestServersThatFail(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"predictions":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, nil)
	res, err := http.Post(s.url+"/p", "application/json", strings.NewReader(`{"instances":[[1]]}`))
	if err == nil {
		if _, err = io.ReadAll(res.Body); err == nil {
			t.Error("a cut answer looks whole")
		}
		_ = res.Body.Close()
	}
	if r := s.leeway.wait(t, 1)[0]; r.Error != "the answer was cut off" || r.Features["x"] != 1.0 {
		t.Errorf("%+v", r)
	}
	s = newSite(t, answers(200, ""), func(c *Config) { c.Target.Host = "127.0.0.1:1" }) // nobody listens there
	if res, _ := post(t, s.url+"/p", `{"instances":[[2]]}`); res.StatusCode != http.StatusBadGateway {
		t.Errorf("answered %d", res.StatusCode)
	}
	if r := s.leeway.wait(t, 1)[0]; r.Error != "no answer from the model server" {
		t.Errorf("%+v", r)
	}
}

func TestConfig(t *testing.T) {
	cfg := Config{Target: &url.URL{Scheme: "ftp", Host: "x"}, MaxBody: -1, Paths: []string{"["}}
	if errs := cfg.Validate(); len(errs) != 4 {
		t.Errorf("%v", errs)
	}
}

// BenchmarkAddedLatency measures one caller's requests directly and through the
// proxy, in turns.
func BenchmarkAddedLatency(b *testing.B) {
	body := `{"instances":[[` + strings.TrimSuffix(strings.Repeat("6.8,", 20), ",") + `]]}`
	model := answers(200, `{"predictions":[[0.1,0.9]]}`)
	direct := httptest.NewServer(model)
	defer direct.Close()
	s := newSite(b, model, nil)
	caller := &http.Client{Transport: NewTransport()}
	once := func(url string) time.Duration {
		start := time.Now()
		res, err := caller.Post(url+"/v1/models/m:predict", "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return time.Since(start)
	}
	var times [2][]time.Duration
	for b.Loop() {
		times[0] = append(times[0], once(direct.URL))
		times[1] = append(times[1], once(s.url))
	}
	for i := range times {
		slices.Sort(times[i])
	}
	at := func(i int, q float64) float64 {
		return float64(times[i][int(q*float64(len(times[i])-1))]) / float64(time.Microsecond)
	}
	for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		b.ReportMetric(at(0, q), "direct-"+name+"-µs")
		b.ReportMetric(at(1, q)-at(0, q), "added-"+name+"-µs")
	}
}
