package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/measure"
)

func TestModelsAreDeclaredReadAndDeleted(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.problem("GET", "/api/v1/models/m", nil, http.StatusNotFound, "model_not_found")
	s.do("PUT", "/api/v1/models/m", `{"title":"Fraud","task":"binary","features":[{"name":"age","kind":"numeric"}]}`, http.StatusCreated, nil)
	s.do("PUT", "/api/v1/models/m", `{"threshold":0.7}`, http.StatusOK, nil)
	var m struct {
		Name, Title, Task, State string
		Threshold                float64
		Schema                   []struct{ Name, Kind string }
	}
	s.get("/api/v1/models/m", &m)
	if m.Title != "Fraud" || m.Task != "binary" || m.Threshold != 0.7 || m.State != stateNoData || len(m.Schema) != 1 {
		t.Errorf("the model is %+v", m)
	}
	s.problem("PUT", "/api/v1/models/m", `{"threshold":7}`, http.StatusBadRequest, "declaration_invalid")
	s.problem("PUT", "/api/v1/models/m", `{"tasks":"binary"}`, http.StatusBadRequest, "body_invalid")
	s.problem("PUT", "/api/v1/models/m", `{"title":"`+strings.Repeat("x", 2<<20)+`"}`, http.StatusRequestEntityTooLarge, "body_too_large")
	s.problem("PUT", "/api/v1/models/..%2Fm", `{}`, http.StatusBadRequest, "bad_model_name")
	s.send("m", time.Now(), 50, 40)
	var q qualityGot
	s.get("/api/v1/models/m/quality", &q)
	if len(q.Windows) != 1 || q.Windows[0].Labels != 50 || !near(q.Windows[0].Metrics["accuracy"].Value, 0.8) {
		t.Errorf("quality is %+v", q)
	}
	var list struct {
		Models []struct{ Name, State string }
	}
	s.get("/api/v1/models", &list)
	if len(list.Models) != 1 || list.Models[0].State != stateOK {
		t.Errorf("models are %+v", list)
	}
	s.do("DELETE", "/api/v1/models/m", nil, http.StatusNoContent, nil)
	s.problem("GET", "/api/v1/models/m/quality", nil, http.StatusNotFound, "model_not_found")
	if _, _, ok, err := s.store.Extent('p', "m"); ok || err != nil {
		t.Errorf("the profiles are still there (%v)", err)
	}
}

func TestQualityIsCutAsAsked(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(c *Config) { c.Zone = zone })
	s.contract = openContract(t)
	noon := time.Date(2026, 3, 31, 12, 0, 0, 0, zone)
	s.send("m", noon, 60, 60)
	s.send("m", noon.AddDate(0, 0, 1), 60, 30) // the next day is another month
	for _, c := range []struct {
		query   string
		windows []string // from=labels
	}{
		{"", []string{"2026-03-31T11:59:00+08:00=120"}},
		{"?step=1M", []string{"2026-03-31T11:59:00+08:00=60", "2026-04-01T00:00:00+08:00=60"}},
		{"?step=1d&from=2026-03-01&to=2026-05-01", []string{"2026-03-31T00:00:00+08:00=60", "2026-04-01T00:00:00+08:00=60"}},
		{"?step=1w&from=2026-03-01&to=2026-05-01", []string{"2026-03-30T00:00:00+08:00=120"}},
		{"?from=2026-04-01&to=2026-04-02", []string{"2026-04-01T00:00:00+08:00=60"}},
		{"?from=1774972800&to=1775059200000", []string{"2026-04-01T00:00:00+08:00=60"}}, // seconds, milliseconds
		{"?from=2025-01-01&to=2025-02-01", nil},
		{"?version=v1&step=1M", []string{"2026-03-31T11:59:00+08:00=60", "2026-04-01T00:00:00+08:00=60"}},
		{"?version=v2", nil},
		{"?from=&to=&step=&version=&segment=", []string{"2026-03-31T11:59:00+08:00=120"}}, // nothing is asked for
		{"?set=reference", nil},
	} {
		var got qualityGot
		s.get("/api/v1/models/m/quality"+c.query, &got)
		var have []string
		for _, w := range got.Windows {
			have = append(have, fmt.Sprintf("%s=%d", w.From, w.Labels))
		}
		if !slices.Equal(have, c.windows) {
			t.Errorf("%q gives %v, want %v", c.query, have, c.windows)
		}
	}
	for query, code := range map[string]string{
		"?step=1y": "bad_parameter", "?step=10s": "bad_parameter", "?from=tomorrow": "bad_parameter", "?set=all": "bad_parameter",
		"?from=2026-04-02&to=2026-04-01": "bad_range",
	} {
		s.problem("GET", "/api/v1/models/m/quality"+query, nil, http.StatusBadRequest, code)
	}
}

func TestUndefinedIsNullWithAReason(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	predictions, _ := rows("m", time.Now(), 10, 10)
	s.do("POST", "/api/v1/models/m/predictions", predictions, http.StatusOK, nil)
	s.caughtUp()
	var got qualityGot
	s.get("/api/v1/models/m/quality", &got)
	if m := got.Windows[0].Metrics["accuracy"]; m.Value != nil || m.Reason != "no_labels" {
		t.Errorf("accuracy without labels is %+v", m)
	}
}

func TestDriftAndDataQuality(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	type answer struct {
		Reference struct {
			Source string
			Rows   int64
		}
		Features, Prediction []struct {
			Name, Kind, Grade string
			Value             *float64
			N                 int64
			RefN              int64 `json:"reference_n"`
			Drifted           bool
		}
		Share  struct{ Value *float64 }
		Reason string
	}
	var got answer
	s.get("/api/v1/models/california/drift", &got)
	if got.Reason != reasonNoReference && got.Reference.Source != "import" && got.Reference.Source != "first_day" {
		t.Errorf("the reference is %+v", got.Reference)
	}
	s.do("PUT", "/api/v1/models/california/reference", `{"source":"import"}`, http.StatusOK, nil)
	for _, method := range []string{"psi", "ks", "js", "wasserstein"} {
		s.get("/api/v1/models/california/drift?method="+method, &got)
		if len(got.Features) != 8 || got.Reference.Rows != 5832 || got.Features[0].N != 8232 || got.Features[0].RefN != 5832 || got.Share.Value == nil {
			t.Errorf("%s: %+v", method, got)
		}
	}
	s.get("/api/v1/models/california/drift?method=chi2", &got)
	if len(got.Features) != 0 {
		t.Errorf("chi2 of numbers: %+v", got.Features)
	}
	for _, method := range measure.Methods() {
		s.get("/api/v1/models/california/drift?method="+method, &got)
	}
	for _, preset := range measure.Presets() {
		s.get("/api/v1/models/california/drift?preset="+preset, &got)
		if len(got.Features) != 8 || got.Share.Value == nil {
			t.Errorf("%s: %+v", preset, got)
		}
	}
	s.problem("GET", "/api/v1/models/california/drift?preset=magic", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", "/api/v1/models/california/drift?preset=nannyml&method=psi", nil, http.StatusBadRequest, "bad_parameter")
	// Against itself nothing has drifted.
	s.get("/api/v1/models/california/drift?from=2021-07-01&to=2021-08-01&reference=2021-07-01/2021-08-01", &got)
	if len(got.Features) != 8 || slices.ContainsFunc(got.Features, func(f struct {
		Name, Kind, Grade string
		Value             *float64
		N                 int64
		RefN              int64 `json:"reference_n"`
		Drifted           bool
	}) bool {
		return f.Drifted || *f.Value > 1e-12
	}) {
		t.Errorf("against itself: %+v", got.Features)
	}
	s.problem("GET", "/api/v1/models/california/drift?method=magic", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", "/api/v1/models/california/drift?reference=tomorrow", nil, http.StatusBadRequest, "bad_parameter")

	var q struct {
		Rows     int64
		Features []struct {
			Name      string
			Rows      int64
			Mean, Min *float64
			Quantiles map[string]float64
			Compared  bool
			Distinct  int64
			Constant  bool
			Score     *float64
		}
		Data *struct {
			Score         struct{ Value float64 }
			DuplicateRate struct{ Value float64 } `json:"duplicate_rate"`
			Volume        struct{ Reason string }
			Newest        int64
			Age           float64 `json:"age_ms"`
		}
	}
	s.get("/api/v1/models/california/data-quality", &q)
	if d := q.Data; d == nil || !(d.Score.Value > 0.5 && d.Score.Value <= 1) || d.DuplicateRate.Value != 0 || d.Volume.Reason != "no_history" || d.Newest == 0 || d.Age == 0 {
		t.Errorf("the state of the data is %+v", d)
	}
	if f := q.Features[0]; f.Distinct == 0 || f.Score == nil || f.Constant {
		t.Errorf("a feature is %+v", f)
	}
	if q.Rows != 8232 || len(q.Features) != 8 || !q.Features[0].Compared || len(q.Features[0].Quantiles) != 7 || q.Features[0].Mean == nil {
		t.Errorf("data quality is %+v", q)
	}
}

func TestReferenceIsChosen(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s.send("m", day, 60, 60)
	s.send("m", day.AddDate(0, 0, 3), 60, 60)
	var ref struct {
		Source string
		Rows   int64
		From   *string
	}
	s.get("/api/v1/models/m/reference", &ref)
	if ref.Source != "first_day" || ref.Rows != 60 {
		t.Errorf("the reference is %+v, want the first day", ref)
	}
	s.problem("PUT", "/api/v1/models/m/reference", `{"source":"import"}`, http.StatusConflict, "no_reference_rows")
	s.problem("PUT", "/api/v1/models/m/reference", `{"from":"2026-03-01"}`, http.StatusBadRequest, "body_invalid")
	s.do("PUT", "/api/v1/models/m/reference", `{"from":"2026-03-01","to":"2026-03-10"}`, http.StatusOK, &ref)
	if ref.Source != "range" || ref.Rows != 120 {
		t.Errorf("the reference is %+v, want the range", ref)
	}
	// Rows that come into the range belong to it at once.
	s.send("m", day.AddDate(0, 0, 4), 60, 60)
	if s.get("/api/v1/models/m/reference", &ref); ref.Rows != 180 {
		t.Errorf("the reference has %d rows, want 180", ref.Rows)
	}
	s.do("DELETE", "/api/v1/models/m/reference", nil, http.StatusOK, &ref)
	if ref.Source != "first_day" || ref.Rows != 60 {
		t.Errorf("the reference is %+v, want the first day again", ref)
	}
}

func TestRulesAreWrittenAndDeleted(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	var list struct {
		Rules []struct {
			Name, Metric, Origin, Duration string
			Enabled                        bool
			Critical                       *float64
		}
	}
	s.get("/api/v1/rules", &list)
	i := slices.IndexFunc(list.Rules, func(r struct {
		Name, Metric, Origin, Duration string
		Enabled                        bool
		Critical                       *float64
	}) bool {
		return r.Name == "accuracy_low"
	})
	if i < 0 || list.Rules[i].Origin != "builtin" || !near(list.Rules[i].Critical, 0.9) {
		t.Fatalf("the rules are %+v", list.Rules)
	}
	// What was read can be changed and sent back.
	var rule map[string]any
	s.get("/api/v1/rules/accuracy_low", &rule)
	rule["critical"], rule["duration"] = 0.8, "5m"
	s.do("PUT", "/api/v1/rules/accuracy_low", rule, http.StatusOK, &rule)
	if rule["origin"] != "api" || rule["critical"] != 0.8 || rule["duration"] != "5m" {
		t.Errorf("the rule is %v", rule)
	}
	s.do("DELETE", "/api/v1/rules/accuracy_low", nil, http.StatusNoContent, nil)
	if s.get("/api/v1/rules/accuracy_low", &rule); rule["critical"] != 0.9 {
		t.Errorf("the built-in rule is %v", rule)
	}
	s.do("PUT", "/api/v1/rules/up", `{"title":"Up","kind":"promql","groups":"groups:\n- name: g\n  rules:\n  - alert: down\n    expr: up == 0\n"}`, http.StatusOK, nil)
	s.problem("DELETE", "/api/v1/rules/accuracy_low", nil, http.StatusConflict, "rule_read_only")
	s.problem("DELETE", "/api/v1/rules/nobody", nil, http.StatusNotFound, "rule_not_found")
	s.problem("PUT", "/api/v1/rules/x", `{"name":"y","metric":"accuracy"}`, http.StatusBadRequest, "body_invalid")
	var p access.Problem
	s.do("PUT", "/api/v1/rules/x", `{"metric":"acuracy","operator":"lt","critical":1}`, http.StatusBadRequest, &p)
	if p.Code != "rule_invalid" || !strings.Contains(fmt.Sprint(p.Params["problems"]), "metric") {
		t.Errorf("the problem is %+v", p)
	}
}

func TestSmallLists(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	for _, path := range []string{"/api/v1/logs?text=x&level=warn", "/api/v1/notifications", "/api/v1/metrics-catalogue", "/api/v1/probes", "/api/v1/status", "/api/v1/alerts", "/api/v1/alerts/history", "/api/v1/bootstrap", "/api/v1/session", "/api/v1/tokens"} {
		s.get(path, nil)
	}
	s.problem("GET", "/api/v1/logs?level=loud", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", "/api/v1/logs?limit=0", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", "/api/v1/alerts?state=sad", nil, http.StatusBadRequest, "bad_parameter")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/prometheus/api/v1/labels"} {
		if res, text := s.call("GET", path, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	if _, text := s.call("GET", "/metrics", nil); !strings.Contains(string(text), `leeway_http_request_seconds_count{code="ok",route="/api/v1/alerts"} 1`) {
		t.Errorf("the requests are not counted: %s", text)
	}
	s.contract = nil
	s.problem("GET", "/api/v1/nothing", nil, http.StatusNotFound, "not_found")
	s.problem("GET", "/alertmanager/api/v2/status", nil, http.StatusNotFound, "not_found")
}

func TestNotReadyAndReload(t *testing.T) {
	var bad error
	s := newSite(t, func(c *Config) {
		c.Ready = func() error { return bad }
		c.Reload = func() error { return bad }
	})
	s.contract = openContract(t)
	s.do("POST", "/-/reload", nil, http.StatusOK, nil)
	bad = errors.New("leeway.yml:3:1: what is this")
	s.problem("POST", "/-/reload", nil, http.StatusUnprocessableEntity, "config_invalid")
	if res, text := s.call("GET", "/readyz", nil); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "what is this") {
		t.Errorf("readyz is %d %s", res.StatusCode, text)
	}
}

func TestRolesAreAsked(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	secret := map[access.Role]string{}
	for _, role := range []access.Role{access.Ingest, access.Read, access.Edit, access.Admin} {
		text, _, err := s.tokens.Create(role.String(), role)
		if err != nil {
			t.Fatal(err)
		}
		secret[role] = "Bearer " + text
	}
	for _, c := range []struct {
		method, path, body string
		need               access.Role
	}{
		{"GET", "/api/v1/models", "", access.Read},
		{"GET", "/api/v1/overview", "", access.Read},
		{"GET", "/prometheus/api/v1/labels", "", access.Read},
		{"PUT", "/api/v1/models/m", "{}", access.Edit},
		{"PUT", "/api/v1/models/m/reference", "{}", access.Edit},
		{"PUT", "/api/v1/rules/r", "{}", access.Edit},
		{"DELETE", "/api/v1/models/other", "", access.Edit},
		{"POST", "/api/v1/models/m/predictions", "[]", access.Ingest},
		{"POST", "/-/reload", "", access.Admin},
	} {
		for role, token := range secret {
			res, text := s.call(c.method, c.path, []byte(c.body), "Authorization", token)
			if refused := res.StatusCode == http.StatusForbidden; refused == role.Includes(c.need) {
				t.Errorf("%s %s with the role %s: %d %s", c.method, c.path, role, res.StatusCode, text)
			}
		}
		if res, _ := s.call(c.method, c.path, []byte(c.body)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d", c.method, c.path, res.StatusCode)
		}
	}
	var boot struct {
		Auth, Role    string
		Authenticated bool
	}
	if s.get("/api/v1/bootstrap", &boot); boot.Auth != "token" || boot.Authenticated || boot.Role != "none" {
		t.Errorf("without a token: %+v", boot)
	}
	_, text := s.call("GET", "/api/v1/bootstrap", nil, "Authorization", secret[access.Edit])
	if err := json.Unmarshal(text, &boot); err != nil || !boot.Authenticated || boot.Role != "edit" {
		t.Errorf("with a token: %+v %v", boot, err)
	}
}

func TestForeignHostIsRefused(t *testing.T) {
	s := newSite(t, nil)
	req, err := http.NewRequest("GET", s.web.URL+"/api/v1/bootstrap", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another name got %d", res.StatusCode)
	}
}

func TestAnswersAreNotSentTwice(t *testing.T) {
	s := newSite(t, nil)
	res, _ := s.call("GET", "/api/v1/metrics-catalogue", nil)
	tag := res.Header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	if res, text := s.call("GET", "/api/v1/metrics-catalogue", nil, "If-None-Match", tag); res.StatusCode != http.StatusNotModified || len(text) > 0 {
		t.Errorf("the second answer is %d with %d bytes", res.StatusCode, len(text))
	}
	res, text := s.call("GET", "/api/v1/metrics-catalogue", nil, "Accept-Encoding", "gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || text[0] != 0x1f {
		t.Error("the answer is not compressed")
	}
}

// event is one of a stream.
type sseEvent struct{ id, name, data string }

func (s *site) events(lastID string) <-chan sseEvent {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", s.web.URL+s.prefix+"/api/v1/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", lastID)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	out := make(chan sseEvent, 100)
	done := make(chan struct{})
	s.t.Cleanup(func() { cancel(); <-done; res.Body.Close() })
	go func() {
		defer close(done)
		defer close(out)
		var e sseEvent
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				out <- e
				e = sseEvent{}
			}
		}
	}()
	return out
}

func (s *site) next(events <-chan sseEvent, name string) sseEvent {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				s.t.Fatalf("the stream ended before an event %s", name)
			}
			if e.name == name {
				return e
			}
		case <-deadline:
			s.t.Fatalf("no event %s", name)
		}
	}
}

func TestEventStream(t *testing.T) {
	s := newSite(t, func(c *Config) { c.MaxStreams = 2 })
	events := s.events("")
	if e := s.next(events, "build"); !strings.Contains(e.data, `"build":"b1"`) {
		t.Errorf("the build is %s", e.data)
	}
	s.send("m", time.Now(), 10, 10)
	if e := s.next(events, "model"); !strings.Contains(e.data, `"name":"m"`) {
		t.Errorf("the model is %s", e.data)
	}
	if err := s.alerts.Start(); err != nil {
		t.Fatal(err)
	}
	s.do("PUT", "/api/v1/rules/always", `{"groups":"groups:\n- name: g\n  interval: 20ms\n  rules:\n  - alert: always\n    expr: vector(1)\n    labels: {severity: warning}\n"}`, http.StatusOK, nil)
	e := s.next(events, "alert")
	if !strings.Contains(e.data, `"to":"firing"`) || e.id == "" {
		t.Errorf("the alert is %+v", e)
	}
	// Who comes back gets what it missed, and not what it has.
	again := s.events("0")
	if first := s.next(again, "alert"); first.id != e.id {
		t.Errorf("the replay begins with %+v, want %s", first, e.id)
	}
	s.problem("GET", "/api/v1/events", nil, http.StatusServiceUnavailable, "too_many_streams")
	s.srv.Close()
	for range events {
	}
}

func TestPages(t *testing.T) {
	for _, prefix := range []string{"", "/leeway"} {
		s := newSite(t, func(c *Config) { c.PathPrefix = prefix })
		res, text := s.call("GET", "/models/some", nil)
		page := string(text)
		if res.Header.Get("Cache-Control") != "no-cache" || res.Header.Get("Content-Security-Policy") == "" || res.Header.Get("X-UI-Build") != "b1" {
			t.Errorf("headers are %v", res.Header)
		}
		for _, want := range []string{`src="` + prefix + `/assets/a-123.js"`, `"basePath":"` + prefix + `"`, `"auth":"open"`} {
			if !strings.Contains(page, want) {
				t.Errorf("%s is not in %s", want, page)
			}
		}
		for accept, want := range map[string]string{"br, gzip": "brotli", "gzip": "gzip", "identity": "plain", "br;q=0, gzip;q=0": "plain"} {
			res, text := s.call("GET", "/assets/a-123.js", nil, "Accept-Encoding", accept)
			if string(text) != want || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") {
				t.Errorf("%s: %q, %v", accept, text, res.Header)
			}
		}
		if res, _ := s.call("GET", "/assets/a-999.js", nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("a file that is not there: %d", res.StatusCode)
		}
		if res, text := s.call("GET", "/licenses.txt", nil); string(text) != "licences" || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("licences: %q", text)
		}
		s.get("/api/v1/models", nil)
	}
	s := newSite(t, func(c *Config) { c.PathPrefix = "/leeway" })
	s.prefix = ""
	if res, _ := s.call("GET", "/", nil); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/leeway/" {
		t.Errorf("the root leads to %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	s.problem("GET", "/api/v1/models", nil, http.StatusNotFound, "not_found")
}

func TestWithoutPages(t *testing.T) {
	s := newSite(t, func(c *Config) { c.UI = nil })
	if _, text := s.call("GET", "/", nil); !strings.Contains(string(text), "without its web pages") {
		t.Errorf("the notice is %s", text)
	}
}

func TestSketches(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	const path = "/api/v1/models/california/sketch?feature="
	res, body := s.call("GET", path+"MedInc&kind=kll", nil)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/octet-stream" || len(body) < 1000 || body[2] != 15 {
		t.Errorf("%s, %s, %d bytes", res.Status, res.Header.Get("Content-Type"), len(body))
	}
	_, fine := s.call("GET", path+"MedInc&kind=kll&k=4000", nil)
	if len(fine) < 4*len(body) {
		t.Errorf("k of 4000: %d bytes, of 200: %d", len(fine), len(body))
	}
	s.problem("GET", path+"nothing&kind=kll", nil, http.StatusNotFound, "no_such_feature")
	s.problem("GET", path+"MedInc&kind=kll&k=3", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", path+"MedInc&kind=tdigest", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", path+"MedInc&kind=hll&log_slots=99", nil, http.StatusBadRequest, "bad_parameter")
}
