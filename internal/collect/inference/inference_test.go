package inference

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

// site is a collector over a log on a disk that can lose what was not synced.
type site struct {
	t         *testing.T
	dir       string
	fs        *vfs.MemFS
	log       *segment.Log
	collector *Collector
	reg       *prometheus.Registry
	stop      func()

	mu   sync.Mutex
	rows []row
	fail error // of the door
}

// row is a prediction as it reached the door.
type row struct {
	model, id, version, class, err string
	value, score, latency          float64
	nums                           map[string]float64
	cats                           map[string]string
	time                           int64
}

func newSite(t *testing.T, change func(*Config)) *site {
	s := &site{t: t, dir: t.TempDir(), fs: vfs.NewCrashableMem()}
	s.start(change)
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) start(change func(*Config)) {
	s.t.Helper()
	var err error
	if s.log, err = segment.Open(segment.Config{Dir: "q", FS: s.fs, Partitions: 1}); err != nil {
		s.t.Fatal(err)
	}
	s.reg = prometheus.NewRegistry()
	cfg := Config{Log: s.log, Dir: s.dir, Put: s.put, Registerer: s.reg, Wait: time.Hour}
	if change != nil {
		change(&cfg)
	}
	if s.collector, err = New(cfg); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.collector.Run(ctx) }()
	s.stop = func() { cancel(); <-done; _ = s.log.Close() }
}

func (s *site) put(_ context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for i := range b.Rows {
		r := row{model: b.Model, id: string(b.ID.At(i)), time: b.Time[i], value: math.NaN(), score: math.NaN(), latency: math.NaN(), nums: map[string]float64{}, cats: map[string]string{}}
		r.version, _ = b.Version.At(i)
		r.class, _ = b.Pred.At(i)
		r.err, _ = b.Err.At(i)
		for _, c := range []struct {
			to *float64
			n  *event.Num
		}{{&r.value, &b.PredValue}, {&r.score, &b.Score}, {&r.latency, &b.Latency}} {
			if !c.n.Null(i) {
				*c.to = c.n.Values[i]
			}
		}
		for k := range b.Nums {
			if !b.Nums[k].Null(i) {
				r.nums[b.Nums[k].Name] = b.Nums[k].Values[i]
			}
		}
		for k := range b.Cats {
			if v, ok := b.Cats[k].At(i); ok {
				r.cats[b.Cats[k].Name] = v
			}
		}
		s.rows = append(s.rows, r)
	}
	return nil
}

// wait returns the rows once there are n.
func (s *site) wait(n int) []row {
	s.t.Helper()
	end := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		rows := slices.Clone(s.rows)
		s.mu.Unlock()
		if len(rows) >= n {
			return rows
		}
		select {
		case <-end:
			s.t.Fatalf("%d rows came, %d were expected: %+v", len(rows), n, rows)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *site) post(h map[string]string, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/api/v1/inference", strings.NewReader(body))
	for k, v := range h {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.collector.ServeHTTP(w, r)
	return w
}

// kserve is the headers of KServe's logger.
func kserve(half, id string, more ...string) map[string]string {
	h := map[string]string{
		"Content-Type": "application/json", "Ce-Id": id, "Ce-Specversion": "1.0", "Ce-Source": "http://localhost:9081/",
		"Ce-Type": "org.kubeflow.serving.inference." + half, "Ce-Inferenceservicename": "iris", "Ce-Namespace": "shop",
		"Ce-Component": "predictor", "Ce-Endpoint": "", "Ce-Metadata": "{}",
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

func (s *site) accept(h map[string]string, body string) {
	s.t.Helper()
	if w := s.post(h, body); w.Code != http.StatusOK {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func TestHalvesOfKServeBecomePredictions(t *testing.T) {
	s := newSite(t, nil)
	at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	s.accept(kserve("request", "a", "Ce-Time", stamp(at)), `{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}`)
	s.accept(kserve("response", "a", "Ce-Time", stamp(at.Add(25*time.Millisecond))), `{"predictions": [1, 2]}`)
	rows := s.wait(2)
	if r := rows[1]; r.model != "iris" || r.id != "a-1" || r.class != "2" || r.latency != 25 || r.nums["x_0"] != 6 || r.nums["x_3"] != 1.6 || r.time != at.Add(25*time.Millisecond).UnixMilli() && r.time != at.UnixMilli() {
		t.Errorf("%+v", r)
	}
	// The response may come first, and has the same id with one row.
	s.accept(kserve("response", "b"), `{"model_name":"iris","model_version":"v7","outputs":[{"name":"predict","shape":[1],"datatype":"INT64","data":[0]}]}`)
	s.accept(kserve("request", "b"), `{"inputs":[{"name":"len","shape":[1,1],"datatype":"FP32","data":[[5.1]]},{"name":"kind","shape":[1],"datatype":"BYTES","data":["wild"]}]}`)
	if r := s.wait(3)[2]; r.id != "b" || r.class != "0" || r.version != "v7" || r.nums["len"] != 5.1 || r.cats["kind"] != "wild" {
		t.Errorf("%+v", r)
	}
}

func TestEventsOfOtherModes(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Models = map[string]Mapping{"income": {Model: "income-model"}} })
	seldon := func(half, id string, data string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"requestid":"puid-1","source":"http://x/","type":"io.seldon.serving.inference.%s",
			"inferenceservicename":"income","modelid":"classifier","endpoint":"canary","datacontenttype":"application/json",%s}`, id, half, data)
	}
	s.accept(map[string]string{"Content-Type": "application/cloudevents+json; charset=UTF-8"}, seldon("request", "1", `"data":{"data":{"names":["age","hours"],"ndarray":[[39,40]]}}`))
	answer := base64.StdEncoding.EncodeToString([]byte(`{"data":{"names":["no","yes"],"tensor":{"shape":[1,2],"values":[0.2,0.8]}},"meta":{}}`))
	w := s.post(map[string]string{"Content-Type": "application/cloudevents-batch+json"},
		"["+seldon("response", "2", `"data_base64":"`+answer+`"`)+`,{"type":"io.seldon.serving.feedback","id":"9"}]`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"accepted":1,"ignored":1`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if r := s.wait(1)[0]; r.model != "income-model" || r.id != "puid-1" || r.version != "canary" || r.class != "yes" || r.nums["age"] != 39 || r.nums["hours"] != 40 {
		t.Errorf("%+v", r)
	}
}

func TestFailuresAreErrors(t *testing.T) {
	s := newSite(t, nil)
	s.accept(kserve("request", "a"), `{"instances": [[1], [2]]}`)
	s.accept(kserve("response", "a", "Ce-Statuscode", "503"), `upstream is away`)
	s.accept(kserve("request", "b"), `{"instances": [[3]]}`)
	s.accept(kserve("response", "b"), `{"error": "shape (1,1) is wrong"}`)
	rows := s.wait(3)
	if rows[0].err != "status 503" || rows[1].err != "status 503" || rows[1].nums["x"] != 2 || rows[2].err != "shape (1,1) is wrong" || rows[2].class != "" {
		t.Errorf("%+v", rows)
	}
}

func TestAHalfAloneIsNoError(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Wait = 20 * time.Millisecond })
	s.accept(kserve("request", "a"), `{"instances": [[1, 2]]}`)
	if r := s.wait(1)[0]; r.id != "a" || r.nums["x_1"] != 2 || r.err != "" || r.class != "" {
		t.Errorf("%+v", r)
	}
	s.accept(kserve("response", "b"), `{"predictions": [0.5]}`)
	if r := s.wait(2)[1]; r.id != "b" || r.value != 0.5 || r.err != "" || len(r.nums) != 0 {
		t.Errorf("%+v", r)
	}
	if n := testutil.ToFloat64(s.collector.metrics.alone.WithLabelValues("iris", "request", "time")); n != 1 {
		t.Errorf("%v requests went alone", n)
	}
}

// TestNothingAcknowledgedIsLost takes the power away between the halves, while
// the door takes nothing, and again while both wait to pass it.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	s := newSite(t, nil)
	s.fail = &decode.RetryError{Class: decode.ErrFull, After: time.Millisecond}
	crash := func() {
		s.stop()
		s.fs = s.fs.CrashClone(vfs.CrashCloneCfg{}) // only what was synced
		s.start(nil)
	}
	s.accept(kserve("request", "a"), `{"instances": [[1]]}`)
	crash()
	s.accept(kserve("response", "a"), `{"predictions": ["yes"]}`)
	crash()
	s.mu.Lock()
	s.fail = nil
	s.mu.Unlock()
	if r := s.wait(1)[0]; r.id != "a" || r.class != "yes" || r.nums["x"] != 1 {
		t.Errorf("%+v", r)
	}
}

// TestTheLogIsLetGo: a start after everything has passed the door makes
// nothing again.
func TestTheLogIsLetGo(t *testing.T) {
	s := newSite(t, nil)
	s.accept(kserve("request", "a"), `{"instances": [[1]]}`)
	s.accept(kserve("response", "a"), `{"predictions": ["yes"]}`)
	s.wait(1)
	s.stop()
	s.start(nil)
	s.accept(kserve("request", "b"), `{"instances": [[1]]}`)
	s.accept(kserve("response", "b"), `{"predictions": ["yes"]}`)
	rows := s.wait(2)
	if len(rows) != 2 || rows[1].id != "b" {
		t.Errorf("%+v", rows)
	}
}

func TestMemoryOfWaitingHalvesIsBounded(t *testing.T) {
	s := newSite(t, func(c *Config) { c.MaxWaiting = 10_000 })
	text := `{"instances": [` + strings.Repeat("1,", 200) + `1]}`
	for i := range 40 {
		s.accept(kserve("request", fmt.Sprint(i)), text)
	}
	rows := s.wait(201 * 20)
	if rows[0].id != "0-0" {
		t.Errorf("the oldest goes first: %+v", rows[0])
	}
	if n := testutil.ToFloat64(s.collector.metrics.alone.WithLabelValues("iris", "request", "memory")); n < 20 {
		t.Errorf("%v", n)
	}
	if n := testutil.ToFloat64(s.collector.metrics.bytes); n > 10_000 {
		t.Errorf("%v bytes wait", n)
	}
}

func TestClocksTenYearsOff(t *testing.T) {
	s := newSite(t, nil)
	for i, years := range []int{-10, 10} {
		at, id := time.Now().AddDate(years, 0, 0), fmt.Sprint(i)
		s.accept(kserve("request", id, "Ce-Time", stamp(at)), `{"instances": [[1]]}`)
		s.accept(kserve("response", id, "Ce-Time", stamp(at.Add(7*time.Millisecond))), `{"predictions": ["yes"]}`)
		r := s.wait(i + 1)[i]
		if d := time.Since(time.UnixMilli(r.time)); d < 0 || d > time.Minute || math.Abs(r.latency-7) > 1 {
			t.Errorf("%d years: %v ago, latency %v", years, d, r.latency)
		}
	}
	if n := testutil.ToFloat64(s.collector.metrics.left.WithLabelValues("iris", "clock")); n != 2 {
		t.Errorf("%v clocks were counted", n)
	}
}

func TestWhatIsRefused(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Bodies.Bytes = 64 << 10 })
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	for name, c := range map[string]struct {
		h    map[string]string
		body string
		code int
	}{
		"no type":        {map[string]string{"Content-Type": "application/json"}, `{}`, 400},
		"no json":        {kserve("request", "a"), `{"instances": [[1]`, 422},
		"no id":          {kserve("request", ""), `{"instances": [[1]]}`, 422},
		"long id":        {kserve("request", strings.Repeat("i", 300)), `{"instances": [[1]]}`, 422},
		"bad service":    {kserve("request", "a", "Ce-Inferenceservicename", "../x"), `{"instances": [[1]]}`, 422},
		"wrong shape":    {kserve("request", "a"), `{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3]}]}`, 422},
		"bomb":           {kserve("request", "a", "Content-Encoding", "gzip"), bomb.String(), 413},
		"too large":      {kserve("request", "a"), `{"instances": [` + strings.Repeat("1,", 64<<10) + `1]}`, 413},
		"other encoding": {kserve("request", "a", "Content-Encoding", "br"), `{}`, 415},
		"bad batch":      {map[string]string{"Content-Type": batchType}, `{}`, 400},
		"deep":           {kserve("request", "a"), strings.Repeat("[", 30000), 422},
	} {
		if w := s.post(c.h, c.body); w.Code != c.code || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := s.post(kserve("request", "a", "Ce-Type", "dev.knative.ping"), `{}`); w.Code != 200 {
		t.Errorf("another type: %d %s", w.Code, w.Body)
	}
	s.collector.cfg.Room = func() error { return &decode.RetryError{Class: decode.ErrFull, After: time.Minute} }
	if w := s.post(kserve("request", "a"), `{"instances": [[1]]}`); w.Code != 503 || w.Header().Get("Retry-After") != "60" {
		t.Errorf("no room: %d %s", w.Code, w.Body)
	}
	_ = s.log.Close()
	s.collector.cfg.Room = func() error { return nil }
	if w := s.post(kserve("request", "a"), `{"instances": [[1]]}`); w.Code != 503 {
		t.Errorf("a log that takes nothing: %d %s", w.Code, w.Body)
	}
}

// TestSlowAndHalfOpenSenders: neither holds memory or a place for longer than
// the timeout.
func TestSlowAndHalfOpenSenders(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Bodies = collect.BodyLimits{Bytes: 1 << 20, InFlight: 1 << 20, ReadTimeout: 50 * time.Millisecond}
	})
	server := httptest.NewServer(s.collector)
	defer server.Close()
	body, write := io.Pipe() // its second half never comes
	go func() { _, _ = write.Write([]byte(`{"instances": [`)) }()
	r, err := http.NewRequest("POST", server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range kserve("request", "a") {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("answered %d", res.StatusCode)
	}
	_ = write.Close()
	s.accept(kserve("request", "b"), `{"instances": [[1]]}`+strings.Repeat(" ", 1<<20-100)) // all memory is free again
}

func TestADamagedPositionIsNamed(t *testing.T) {
	s := newSite(t, nil)
	if err := os.WriteFile(s.collector.joiner.file(), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Log: s.log, Dir: s.dir, Put: s.put}); err == nil || !strings.Contains(err.Error(), "position.json") {
		t.Errorf("%v", err)
	}
}

func TestConfig(t *testing.T) {
	cfg := Config{Wait: -1, Models: map[string]Mapping{"a": {Model: "b c"}}}
	if errs := cfg.Validate(); len(errs) != 3 {
		t.Errorf("%v", errs)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, []*Half{{ID: "a", Service: "s", payload: []byte("{}")}, {ID: "b", Response: true}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		halves, err := parseRecord(data, 0)
		if err != nil && !errors.Is(err, errRecord) {
			t.Fatal(err)
		}
		if again, err := parseRecord(appendRecord(nil, halves), 0); err != nil || len(again) != len(halves) {
			t.Fatalf("%d halves became %d: %v", len(halves), len(again), err)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add(`{"type":"org.kubeflow.serving.inference.request","id":"1","inferenceservicename":"s","data":{"instances":[1]}}`, false)
	f.Add(`[{"data_base64":"e30="}]`, true)
	f.Fuzz(func(t *testing.T, body string, batch bool) {
		h := http.Header{"Content-Type": {structuredType}}
		if batch {
			h.Set("Content-Type", batchType)
		}
		list, err := events(h, []byte(body))
		if err != nil {
			return
		}
		for i := range list {
			half, err := halfOf(&list[i], true)
			if err != nil {
				continue
			}
			if _, err := json.Marshal(half); err != nil {
				t.Fatal(err)
			}
		}
	})
}
