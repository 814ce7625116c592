package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
)

// server is a handler behind HTTP and what it has put.
type server struct {
	*httptest.Server
	handler *Handler
	put     []*event.Batch
	refuse  error
}

func serve(t *testing.T, change func(*Config)) *server {
	t.Helper()
	s := &server{}
	cfg := Config{
		Put: func(_ context.Context, b *event.Batch) error {
			if s.refuse != nil {
				return s.refuse
			}
			again, err := event.Decode(b.AppendTo(nil))
			s.put = append(s.put, again)
			return err
		},
		Registerer: prometheus.NewRegistry(),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if s.handler, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.handler.Routes(mux)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// reply is an answer or a problem.
type reply struct {
	Answer
	Title, Detail, Code string
	Params              map[string]any
	status              int
	header              http.Header
}

func (s *server) post(t *testing.T, path, contentType string, body []byte, header ...string) *reply {
	t.Helper()
	r, err := http.NewRequest("POST", s.URL+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out := &reply{status: res.StatusCode, header: res.Header}
	text, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%d %s: %v", res.StatusCode, text, err)
	}
	wantType := "application/json"
	if res.StatusCode != 200 {
		wantType = "application/problem+json"
	}
	if got := res.Header.Get("Content-Type"); got != wantType {
		t.Errorf("status %d with %s", res.StatusCode, got)
	}
	return out
}

const (
	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
)

func TestRowsAreTakenAndNamed(t *testing.T) {
	s := serve(t, nil)
	got := s.post(t, "/models/fraud/predictions", ndjsonType, []byte("{\"id\":\"a\",\"prediction\":1,\"x\":2}\n{\"id\":\"b\",\"score\":7}\n"), "Leeway-Batch-Id", "b-1")
	want := Answer{Accepted: 1, Rejected: 1,
		Rejections: []decode.Rejection{{Row: 1, Field: "score", Code: decode.CodeRange, Reason: "a score is a probability from 0 to 1"}},
		Warnings:   []decode.Warning{{Field: "x", Code: decode.CodeUnknown, Reason: "not a field of this kind of row", Count: 1}},
	}
	if got.status != 200 || !reflect.DeepEqual(got.Answer, want) {
		t.Fatalf("%d %+v", got.status, got.Answer)
	}
	b := s.put[0]
	if b.Model != "fraud" || b.Kind != event.Predictions || b.BatchID != "b-1" || b.Flags != 0 || b.Rows != 1 {
		t.Fatalf("%+v", b.Header)
	}
	expect := `# HELP leeway_ingest_rejected_rows_total Rows that broke a rule and were left out.
# TYPE leeway_ingest_rejected_rows_total counter
leeway_ingest_rejected_rows_total{kind="predictions",model="fraud",reason="range"} 1
`
	if err := testutil.CollectAndCompare(s.handler.metrics.rejected, strings.NewReader(expect)); err != nil {
		t.Error(err)
	}
}

func TestKindsAndFormats(t *testing.T) {
	s := serve(t, nil)
	frame := &event.Batch{Header: event.Header{Kind: event.Labels, BatchID: "f"}, Rows: 1, Time: []int64{time.Now().UnixMilli()}, Label: event.Dict{Codes: []int32{0}, Values: []string{"1"}}}
	frame.ID.Append("a")
	for i, c := range []struct {
		path, contentType, body string
		kind                    event.Kind
	}{
		{"/models/m/predictions", jsonType + "; charset=utf-8", `{"prediction":1}`, event.Predictions},
		{"/models/m/labels", jsonType, `{"id":"a","label":1}`, event.Labels},
		{"/models/m/reference", "text/csv", "x,y\n1,2\n", event.Reference},
		{"/models/m.v-2_x/labels?map=label=truth", "text/csv; header=present", "id,truth\na,1\n", event.Labels},
		{"/models/m/labels", "application/vnd.leeway.batch", string(frame.AppendTo(nil)), event.Labels},
		{"/logs", ndjsonType, `{"level":"warn","msg":"hi"}`, event.Logs},
		{"/logs", jsonType, `[{"level":"warn","msg":"hi"}]`, event.Logs},
	} {
		if got := s.post(t, c.path, c.contentType, []byte(c.body)); got.status != 200 || got.Accepted != 1 {
			t.Fatalf("%s: %d %+v", c.path, got.status, got)
		}
		if b := s.put[i]; b.Kind != c.kind || b.Rows != 1 {
			t.Errorf("%s: %+v", c.path, b.Header)
		}
	}
}

func TestQueryParameters(t *testing.T) {
	s := serve(t, nil)
	got := s.post(t, "/models/m/predictions?import=true&time=2024-05-01&zone=Europe/Berlin&map=prediction=y", "text/csv", []byte("y,x\n1,2\n"))
	if got.status != 200 || s.put[0].Flags != event.Imported|event.KeepBatchID || !s.put[0].Pred.Present() {
		t.Fatalf("%+v", got)
	}
	if want := time.Date(2024, 4, 30, 22, 0, 0, 0, time.UTC).UnixMilli(); s.put[0].Time[0] != want {
		t.Error(s.put[0].Time[0], want)
	}
	for _, q := range []string{"map=x", "map=nobody=y", "zone=Nowhere/At", "time=soon", "import=perhaps", "mode=fast"} {
		if got := s.post(t, "/models/m/predictions?"+q, "text/csv", []byte("y\n1\n")); got.status != 400 || got.Code != "bad_parameter" {
			t.Errorf("%s: %d %s", q, got.status, got.Detail)
		}
	}
}

func TestWholeBodyProblems(t *testing.T) {
	s := serve(t, func(c *Config) { c.Limits.BodyBytes = 1000; c.Limits.Rows = 3 })
	for _, c := range []struct {
		name, path, contentType, body, code, detail string
		status                                      int
		header                                      []string
	}{
		{"position", "/models/m/predictions", jsonType, "[{\"id\":1},\n{]", "bad_body", "line 2, column 2", 400, nil},
		{"type", "/models/m/predictions", "text/plain", "x", "unsupported_type", "text/csv", 415, nil},
		{"no type", "/models/m/predictions", "", "x", "unsupported_type", "missing", 415, nil},
		{"log type", "/logs", "text/csv", "x", "unsupported_type", "json", 415, nil},
		{"encoding", "/models/m/predictions", jsonType, "x", "unsupported_encoding", "zstd", 415, []string{"Content-Encoding", "br"}},
		{"not gzip", "/models/m/predictions", jsonType, "x", "bad_body", "gzip", 400, []string{"Content-Encoding", "gzip"}},
		{"size", "/models/m/predictions", jsonType, strings.Repeat(" ", 1001), "too_large", "1000 bytes of body", 413, nil},
		{"rows", "/models/m/predictions", jsonType, `[{"score":1},{"score":1},{"score":1},{"score":1}]`, "too_large", "3 rows", 413, nil},
		{"kind", "/models/m/dreams", jsonType, "{}", "not_found", "predictions", 404, nil},
		{"name", "/models/a%20b/labels", jsonType, "{}", "bad_model_name", "letters", 400, nil},
		{"long name", "/models/" + strings.Repeat("x", 129) + "/labels", jsonType, "{}", "bad_model_name", "128", 400, nil},
		{"batch id", "/models/m/labels", jsonType, "{}", "bad_batch_id", "128", 400, []string{"Leeway-Batch-Id", strings.Repeat("x", 129)}},
		{"all rows", "/models/m/labels", jsonType, `[{"label":1},{"id":"a"}]`, "no_row_accepted", "All 2 rows", 422, nil},
	} {
		got := s.post(t, c.path, c.contentType, []byte(c.body), c.header...)
		if got.status != c.status || got.Code != c.code || !strings.Contains(got.Detail, c.detail) {
			t.Errorf("%s: %d %s %q", c.name, got.status, got.Code, got.Detail)
		}
	}
	if len(s.put) != 0 {
		t.Error("rows of a refused body were put")
	}
	if got := s.post(t, "/models/m/predictions", jsonType, []byte("[{\"id\":1},\n{]")); got.Params["line"] != 2.0 || got.Params["offset"] != 12.0 {
		t.Error(got.Params)
	}
	if got := s.post(t, "/models/m/labels", jsonType, []byte(`{"label":1}`)); len(got.Params["rejections"].([]any)) != 1 {
		t.Error(got.Params)
	}
	if got := s.post(t, "/models/m/predictions", ndjsonType, nil); got.status != 200 || got.Accepted != 0 || len(s.put) != 0 {
		t.Error("an empty body:", got.status)
	}
}

func TestCompression(t *testing.T) {
	s := serve(t, func(c *Config) { c.Limits.BodyBytes = 10_000 })
	body := []byte(strings.Repeat("{\"score\":0.5}\n", 700))
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, _ := zstd.NewWriter(&zs)
	bomb := func(w io.WriteCloser, b []byte) {
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	bomb(g, body)
	bomb(z, body)
	for encoding, packed := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zs.Bytes()} {
		if got := s.post(t, "/models/m/predictions", ndjsonType, packed, "Content-Encoding", encoding); got.Accepted != 700 {
			t.Errorf("%s: %d %s", encoding, got.status, got.Detail)
		}
		if got := s.post(t, "/models/m/predictions", jsonType, packed); got.status != 400 || !strings.Contains(got.Detail, "Content-Encoding") {
			t.Errorf("%s without its header: %d %s", encoding, got.status, got.Detail)
		}
	}
	gz.Reset()
	g.Reset(&gz)
	bomb(g, make([]byte, 1<<20))
	if got := s.post(t, "/models/m/predictions", ndjsonType, gz.Bytes(), "Content-Encoding", "gzip"); got.status != 413 || !strings.Contains(got.Detail, "after decompression") {
		t.Errorf("%d %s", got.status, got.Detail)
	}
}

func TestTheDoorsRefusals(t *testing.T) {
	s := serve(t, nil)
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{&decode.RetryError{Class: decode.ErrTooFast, After: 1500 * time.Millisecond}, 429, "2"},
		{&decode.RetryError{Class: decode.ErrFull, After: 10 * time.Second}, 503, "10"},
		{fmt.Errorf("partition 1: %w", decode.ErrFull), 503, "5"},
		{decode.ErrReadOnly, 503, ""},
		{decode.ErrTooLarge, 413, ""},
		{fmt.Errorf("%w: 1000 models", model.ErrLimit), 422, ""},
		{errors.New("disk on fire"), 500, ""},
	} {
		s.refuse = c.err
		got := s.post(t, "/models/m/predictions", jsonType, []byte(`{"score":1}`))
		if got.status != c.status || got.header.Get("Retry-After") != c.retry || strings.Contains(got.Detail, "fire") {
			t.Errorf("%v: %d, Retry-After %q, %q", c.err, got.status, got.header.Get("Retry-After"), got.Detail)
		}
	}
}

// TestBodiesInFlightAreBounded: while one large body is on its way, another has
// no room and is told to come back.
func TestBodiesInFlightAreBounded(t *testing.T) {
	s := serve(t, func(c *Config) { c.Limits.BodyBytes = 1000; c.InFlight = 1000 })
	started, finish := make(chan struct{}), make(chan struct{})
	put := s.handler.cfg.Put
	s.handler.cfg.Put = func(ctx context.Context, b *event.Batch) error {
		close(started)
		<-finish
		return put(ctx, b)
	}
	done := make(chan *reply)
	large := []byte(`{"score":1}` + strings.Repeat(" ", 900))
	go func() { done <- s.post(t, "/models/m/predictions", jsonType, large) }()
	<-started
	if got := s.post(t, "/models/m/predictions", jsonType, large); got.status != 503 || got.header.Get("Retry-After") != "1" {
		t.Error(got.status, got.Detail)
	}
	close(finish)
	if got := <-done; got.status != 200 {
		t.Error(got.status)
	}
}

// TestBuffersAreNotShared: what was put must not change when the next request
// uses the same buffer.
func TestBuffersAreNotShared(t *testing.T) {
	s := serve(t, nil)
	var kept []*event.Batch
	s.handler.cfg.Put = func(_ context.Context, b *event.Batch) error {
		kept = append(kept, b)
		return nil
	}
	for i := range 20 {
		body := fmt.Sprintf(`{"id":"row-%02d","version":"v%02d","features":{"f%02d":"value-%02d"}}`, i, i, i, i)
		s.post(t, "/models/m/predictions", jsonType, []byte(body))
	}
	for i, b := range kept {
		v, _ := b.Version.At(0)
		if string(b.ID.At(0)) != fmt.Sprintf("row-%02d", i) || v != fmt.Sprintf("v%02d", i) || b.Cats[0].Values[0] != fmt.Sprintf("value-%02d", i) || b.Cats[0].Name != fmt.Sprintf("f%02d", i) {
			t.Fatalf("batch %d became %s", i, b.ID.At(0))
		}
	}
}

func TestModelLabelIsBounded(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	for i := range 2 * maxModels {
		m.model(fmt.Sprint(i))
	}
	if m.model("another") != "other" || m.model("5") != "5" {
		t.Error("the model label grows without bound")
	}
}
