package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// server takes rows as Leeway's door is documented to: a batch id counts once,
// rows are rejected one by one, and a try may be refused or its answer lost.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	seen   map[string]bool
	rows   map[string][]map[string]any // by path
	tries  int
	answer func(try int, w http.ResponseWriter) bool // false: answered already
	after  bool                                      // ask answer after the batch was taken
	auth   string
}

func newServer(t *testing.T) *server {
	s := &server{seen: map[string]bool{}, rows: map[string][]map[string]any{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	s.auth = r.Header.Get("Authorization")
	if s.answer != nil && !s.after && !s.answer(s.tries, w) {
		return
	}
	rejected := s.take(r.URL.Path, r.Header.Get("Leeway-Batch-Id"), body)
	if s.answer != nil && s.after && !s.answer(s.tries, w) {
		return
	}
	fmt.Fprintf(w, `{"accepted":%d,"rejected":%d}`, bytes.Count(body, []byte("\n"))-rejected, rejected)
}

func (s *server) take(path, id string, body []byte) (rejected int) {
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		var row map[string]any
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row["id"] == "bad" {
			rejected++
		} else if id == "" || !s.seen[id] {
			s.rows[path] = append(s.rows[path], row)
		}
	}
	s.seen[id] = true
	return rejected
}

func (s *server) got(path string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.rows[path]...)
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, s *server, o Options) *Client {
	o.RetryMin, o.RetryMax = time.Millisecond, 2*time.Millisecond
	c := New(s.URL+"/", o)
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func TestEverythingArrivesAsItWas(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{Token: "lw_secret"})
	at := time.UnixMilli(1_700_000_000_123)
	features := map[string]any{"n": 1.5, "f": float32(0.1), "i": 7, "b": true, "none": nil, "nan": math.NaN(), "s": "a\"\\\n\x01é\xff漢", "u": uint8(3)}
	c.Predict(Prediction{Model: "m x", ID: "1", Time: at, Version: "v2", Features: features, Prediction: "yes", Score: Float(0.25),
		Segments: map[string]string{"country": "DE"}, Latency: 12500 * time.Microsecond, Error: "late"})
	features["n"] = 99.0 // the caller's again
	c.Predict(Prediction{Model: "m x", Prediction: 3.5, Scores: map[string]float64{"a": 0.5}, Label: 4})
	c.Label(Label{Model: "m x", ID: "1", Label: false, Time: at})
	c.Log(LogLine{Time: at, Level: "info", Message: "hello", Service: "svc", Model: "m x", Attrs: map[string]any{"k": 1, "level": "mine"}})
	if err := c.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	rows := s.got("/api/v1/models/m x/predictions")
	if len(rows) != 2 {
		t.Fatal(rows)
	}
	want := `{"error":"late","features":{"b":true,"f":0.1,"i":7,"n":1.5,"nan":null,"none":null,"s":"a\"\\\n\u0001é` + "\ufffd" + `漢","u":3},"id":"1","latency_ms":12.5,` +
		`"prediction":"yes","score":0.25,"segments":{"country":"DE"},"time":1700000000123,"version":"v2"}`
	if got, _ := json.Marshal(rows[0]); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if rows[1]["prediction"] != 3.5 || rows[1]["label"] != 4.0 || rows[1]["score"].(map[string]any)["a"] != 0.5 || rows[1]["time"].(float64) < 1.7e12 {
		t.Error(rows[1])
	}
	if got, _ := json.Marshal(s.got("/api/v1/models/m x/labels")); string(got) != `[{"id":"1","label":false,"time":1700000000123}]` {
		t.Errorf("%s", got)
	}
	if got, _ := json.Marshal(s.got("/api/v1/logs")); string(got) != `[{"attr_level":"mine","k":1,"level":"info","message":"hello","model":"m x","service":"svc","time":1700000000123}]` {
		t.Errorf("%s", got)
	}
	if st := c.Stats(); st != (Stats{Sent: 4}) {
		t.Errorf("%+v", st)
	}
	if s.auth != "Bearer lw_secret" {
		t.Error(s.auth)
	}
}

// Every try of a batch has the same id, whatever went wrong with the one before.
func TestRetriesCountOnce(t *testing.T) {
	for name, c := range map[string]struct {
		after  bool
		answer func(try int, w http.ResponseWriter) bool
	}{
		"full": {answer: func(try int, w http.ResponseWriter) bool {
			if try <= 2 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return try > 2
		}},
		"too fast": {answer: func(try int, w http.ResponseWriter) bool {
			if try <= 2 {
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return try > 2
		}},
		"answer lost": {after: true, answer: func(try int, w http.ResponseWriter) bool {
			if try <= 3 {
				panic(http.ErrAbortHandler)
			}
			return true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.answer, s.after = c.answer, c.after
			s.Config.ErrorLog = nil
			c := open(t, s, Options{BatchSize: 10})
			for i := range 25 {
				c.Label(Label{Model: "m", ID: fmt.Sprint(i), Label: 1})
			}
			if err := c.Flush(within(t)); err != nil {
				t.Fatal(err)
			}
			rows := s.got("/api/v1/models/m/labels")
			for i, row := range rows {
				if row["id"] != fmt.Sprint(i) {
					t.Fatalf("row %d is %v", i, row)
				}
			}
			if st := c.Stats(); len(rows) != 25 || st.Sent != 25 || st.Retries < 2 || st.Dropped+st.Failed+st.Rejected != 0 {
				t.Fatalf("%d rows, %+v", len(rows), st)
			}
		})
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{})
	c.Predict(Prediction{Model: "m", ID: "bad", Prediction: 1})
	c.Predict(Prediction{Model: "m", ID: "good", Prediction: 1})
	if err := c.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if st := c.Stats(); st != (Stats{Sent: 1, Rejected: 1}) {
		t.Fatalf("%+v", st)
	}
	s.mu.Lock()
	s.answer = func(_ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"title":"bad request","detail":"no such kind"}`)
		return false
	}
	s.mu.Unlock()
	c.Predict(Prediction{Model: "m", ID: "x", Prediction: 1})
	if err := c.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if st := c.Stats(); st != (Stats{Sent: 1, Rejected: 2}) {
		t.Fatalf("%+v", st)
	}
}

// A value that cannot be written costs its row, not its neighbours, nor the caller.
type rude struct{}

func (rude) MarshalJSON() ([]byte, error) { panic("rude") }

func TestRowsThatCannotBeWritten(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{})
	c.Label(Label{Model: "m", ID: "1", Label: 1})
	c.Label(Label{Model: "m", ID: "2", Label: make(chan int)})
	c.Label(Label{Model: "m", ID: "3", Label: rude{}})
	c.Label(Label{Model: "m", ID: "4", Label: 1})
	if err := c.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	c.Label(Label{Model: "m", ID: "5", Label: 1})
	rows := s.got("/api/v1/models/m/labels")
	if st := c.Stats(); len(rows) != 2 || rows[1]["id"] != "4" || st != (Stats{Sent: 2, Dropped: 3}) {
		t.Fatalf("%v %+v", rows, st)
	}
}

// With the server away memory stays bounded, calls return, and Close gives up
// when it is told to.
func TestBoundedWhileTheServerIsAway(t *testing.T) {
	s := newServer(t)
	s.answer = func(_ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	}
	c := open(t, s, Options{MaxRows: 50, BatchSize: 10})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				c.Predict(Prediction{Model: "m", Prediction: 1})
			}
		})
	}
	wg.Wait()
	if st := c.Stats(); st.Waiting != 50 || st.Dropped != 350 {
		t.Fatalf("%+v", st)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Close(ctx); err == nil {
		t.Fatal("closed as if all were well")
	}
	if st := c.Stats(); st.Failed != 50 || st.Waiting != 0 {
		t.Fatalf("%+v", st)
	}
	byBytes := open(t, s, Options{MaxBytes: 1000})
	for range 100 {
		byBytes.Log(LogLine{Message: strings.Repeat("x", 100)})
	}
	if st := byBytes.Stats(); st.Waiting > 10 || st.Waiting < 5 {
		t.Fatalf("%+v", st)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	byBytes.Close(ended)
}

func TestRowsGoWithoutAFlush(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{FlushInterval: 5 * time.Millisecond})
	c.Label(Label{Model: "m", ID: "1", Label: 1})
	for ctx := within(t); c.Stats().Sent != 1; {
		if ctx.Err() != nil {
			t.Fatalf("%+v", c.Stats())
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer s.Close()
	c := New(s.URL, Options{MaxRows: 1 << 30, MaxBytes: 1 << 40})
	features := map[string]any{}
	for i := range 15 {
		features[fmt.Sprint("feature_", i)] = float64(i) * 1.37
	}
	b.ResetTimer()
	b.ReportAllocs()
	for b.Loop() {
		c.Predict(Prediction{Model: "m", ID: "request-1234567", Version: "v2", Features: features, Prediction: "yes", Score: Float(0.25), Latency: time.Millisecond})
	}
	b.StopTimer()
	c.Close(context.Background())
}

func TestRankingsArriveAsTheyWere(t *testing.T) {
	s := newServer(t)
	c := open(t, s, Options{})
	at := time.UnixMilli(1_700_000_000_123)
	c.Predict(Prediction{Model: "search", ID: "q", Time: at, Items: []string{"b", `a"`}})
	c.Predict(Prediction{Model: "search", ID: "r", Time: at, Items: []string{}})
	c.Label(Label{Model: "search", ID: "q", Time: at, Relevant: map[string]float64{"a": 2.5}})
	c.Label(Label{Model: "search", ID: "r", Time: at, Relevant: map[string]float64{}})
	if err := c.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(s.got("/api/v1/models/search/predictions")); string(got) != `[{"id":"q","items":["b","a\""],"time":1700000000123},{"id":"r","items":[],"time":1700000000123}]` {
		t.Errorf("%s", got)
	}
	if got, _ := json.Marshal(s.got("/api/v1/models/search/labels")); string(got) != `[{"id":"q","relevant":{"a":2.5},"time":1700000000123},{"id":"r","relevant":{},"time":1700000000123}]` {
		t.Errorf("%s", got)
	}
}
