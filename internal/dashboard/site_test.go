package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/collect"
	probes "github.com/leewayhq/leeway/internal/collect/probe"
	"github.com/leewayhq/leeway/internal/collect/rest"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
	"github.com/leewayhq/leeway/internal/store/series/promapi"
)

// site is the whole path from the door to the page, with real parts, and a
// browser's end of it.
type site struct {
	t        testing.TB
	srv      *Server
	web      *httptest.Server
	reg      *model.Registry
	store    *profiles.Store
	series   *series.Store
	alerts   *alert.Engine
	tokens   *access.Store
	proc     *process.Processor
	contract *contract // nil: answers are not held against it
	prefix   string
}

var testUI = fstest.MapFS{
	"index.html": {Data: []byte(`<!doctype html><script type="application/json" id="leeway-bootstrap">{"basePath":""}</script>` +
		`<link rel="stylesheet" href="./assets/a-123.css"><script type="module" src="./assets/a-123.js"></script>`)},
	"assets/a-123.js":    {Data: []byte("plain")},
	"assets/a-123.js.br": {Data: []byte("brotli")},
	"assets/a-123.js.gz": {Data: []byte("gzip")},
	"licenses.txt":       {Data: []byte("licences")},
}

func newSite(t testing.TB, change func(*Config)) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.reg, err = model.Open(model.Config{Dir: filepath.Join(dir, "models")})
	must(err)
	s.store, err = profiles.Open(profiles.Config{Dir: filepath.Join(dir, "state")})
	must(err)
	t.Cleanup(func() { s.store.Close() })
	s.series, err = series.Open(series.Config{Dir: filepath.Join(dir, "series")})
	must(err)
	t.Cleanup(func() { s.series.Close() })
	log, err := segment.Open(segment.Config{Dir: filepath.Join(dir, "queue"), Partitions: 2})
	must(err)
	t.Cleanup(func() { log.Close() })
	s.alerts, err = alert.Open(alert.Config{
		Dir: filepath.Join(dir, "alert"), Queryable: s.series.Queryable(), Appendable: s.series.Appendable(),
		Engine: s.series.RuleEngine(), Interval: 20 * time.Millisecond, HostInterval: 20 * time.Millisecond,
	})
	must(err)
	t.Cleanup(func() { s.alerts.Close() })
	s.tokens, err = access.OpenStore(filepath.Join(dir, "access"), nil)
	must(err)
	guard, err := access.NewGuard(access.GuardOptions{Tokens: s.tokens, Dir: filepath.Join(dir, "access")})
	must(err)
	promAPI, err := promapi.New(promapi.Config{Store: s.series})
	must(err)
	door := collect.New(collect.Config{Log: log, Registry: s.reg})
	t.Cleanup(door.Close)
	ingest, err := rest.New(rest.Config{Put: door.Put})
	must(err)
	metrics := prometheus.NewRegistry()
	cfg := Config{
		Registry: s.reg, Profiles: s.store, References: profiles.NewReferences(s.store, nil), Series: s.series,
		Alerts: s.alerts, Guard: guard, Ingest: ingest, PromAPI: promAPI, UI: testUI, Version: "v1", Build: "b1", Told: true,
		MetricsHandler: promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}), Registerer: metrics,
		Notifications: func(int) []Notification {
			return []Notification{{Time: 1, Receiver: "inbox", Status: "firing", Title: "t"}}
		},
		Logs: func(_ context.Context, q LogQuery) (LogPage, error) {
			return LogPage{Lines: []LogLine{{Time: q.From, Level: "error", Text: q.Text}}}, nil
		},
		Reload: func() error { return nil },
		Probes: func() []probes.State {
			right := true
			return []probes.State{{Name: "new", Kind: probes.TCP, Target: "h:1"}, {Name: "p", Kind: probes.HTTP, Target: "http://h/", Last: &probes.Result{
				Correct: &right, Success: true, Phases: map[string]float64{"connect": 0.1}}}}
		},
	}
	if change != nil {
		change(&cfg)
	}
	s.prefix = cfg.PathPrefix
	s.srv, err = New(cfg)
	must(err)
	s.proc, err = process.Open(process.Config{
		Log: log, Profiles: s.store, JoinDir: filepath.Join(dir, "join"), StepTime: 5 * time.Millisecond,
		Published: func(u *process.Update) { s.srv.Changed(u.Deltas) },
	})
	must(err)
	s.proc.Start()
	t.Cleanup(func() { s.proc.Close() })
	s.web = httptest.NewServer(s.srv)
	t.Cleanup(s.web.Close)
	t.Cleanup(func() { s.srv.Close() })
	return s
}

// caughtUp returns once everything that was sent is folded.
func (s *site) caughtUp() {
	s.t.Helper()
	s.until("the processor to catch up", func() bool {
		for _, p := range s.proc.Status() {
			if p.Err != nil {
				s.t.Fatal(p.Err)
			}
			if p.Next < p.End {
				return false
			}
		}
		return true
	})
}

func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			s.t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// call makes a request and holds request and answer against the contract.
func (s *site) call(method, path string, body []byte, header ...string) (*http.Response, []byte) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.web.URL+s.prefix+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.contract != nil {
		s.contract.check(s.t, req, body, res, text)
	}
	return res, text
}

// get expects a good answer and reads it into v.
func (s *site) get(path string, v any) {
	s.t.Helper()
	s.do("GET", path, nil, http.StatusOK, v)
}

func (s *site) do(method, path string, body any, want int, v any) {
	s.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	res, answer := s.call(method, path, text)
	if res.StatusCode != want {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, res.StatusCode, want, answer)
	}
	if v != nil {
		if err := json.Unmarshal(answer, v); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
}

// problem expects a problem document with a code.
func (s *site) problem(method, path string, body any, status int, code string) {
	s.t.Helper()
	var p access.Problem
	s.do(method, path, body, status, &p)
	if p.Code != code || p.Status != status || p.Detail == "" {
		s.t.Errorf("%s %s: problem %+v, want the code %s", method, path, p, code)
	}
}

const data = "../../../shared/data"

// california sends the data set over HTTP as a client would.
func (s *site) california() {
	s.t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(data, "california", name))
		if err != nil {
			s.t.Skipf("the data set is not here: %v", err)
		}
		return text
	}
	m := "?import=true&map=id%3Did,time%3Dtimestamp,prediction%3Dy_pred,score%3Dy_pred_proba,label%3Dclf_target"
	s.csv("/api/v1/models/california/reference"+m, read("reference.csv"))
	s.csv("/api/v1/models/california/predictions"+strings.Replace(m, ",label%3Dclf_target", "", 1), read("production.csv"))
	s.csv("/api/v1/models/california/labels?import=true&map=id%3Did,label%3Dclf_target", read("labels.csv"))
	s.caughtUp()
}

func (s *site) csv(path string, body []byte) {
	s.t.Helper()
	keep := s.contract
	s.contract = nil
	defer func() { s.contract = keep }()
	res, text := s.call("POST", path, body, "Content-Type", "text/csv")
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, res.StatusCode, text)
	}
}
