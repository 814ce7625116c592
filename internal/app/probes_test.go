package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/collect/probe"
	"github.com/leewayhq/leeway/internal/config"
)

// probesConfig writes a file with probes of one server and loads it.
func probesConfig(t *testing.T, dir, list string) Options {
	t.Helper()
	file := filepath.Join(dir, "leeway.yml")
	text := "listen: 127.0.0.1:0\ndata: data\nhost: {enabled: false}\nqueue: {partitions: 2}\naccess: {outgoing_allow: [127.0.0.1]}\nprobes:\n" + list
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(file)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if problems := Check(cfg); len(problems) > 0 {
		t.Fatal(problems)
	}
	return Options{Config: cfg, ConfigFile: file, Fixed: []string{"listen", "data"}}
}

func (s *server) get(path string) string {
	s.t.Helper()
	code, text, err := call("GET", s.url+path, "")
	if err != nil || code != http.StatusOK {
		s.t.Fatal(path, code, text, err)
	}
	return text
}

func (s *server) until(what string, done func() bool) {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			s.t.Fatalf("not in 20 s: %s", what)
		case <-tick.C:
		}
	}
}

// TestAProbesWay goes from a golden input to the series, the API and an alert,
// over a restart and a reload.
func TestAProbesWay(t *testing.T) {
	var answer atomic.Value
	answer.Store(`{"score": 0.5}`)
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer.Load() == "" {
			w.WriteHeader(http.StatusBadGateway)
		}
		w.Write([]byte(answer.Load().(string)))
	}))
	defer model.Close()
	dir := t.TempDir()
	one := "  - {name: golden, kind: json, target: '" + model.URL + "/score?key=k', model: credit, interval: 1s, body: '{}', expect: {path: $.score, equals: 0.5}}\n"
	opts := probesConfig(t, dir, one)
	s := start(t, opts)
	s.until("the right answer is a series", func() bool {
		return strings.Contains(s.get("/prometheus/api/v1/query?query=probe_correct%7Bmodel=%22credit%22,probe=%22golden%22%7D"), `,"1"]`)
	})
	answer.Store(`{"score": 0.6}`)
	s.until("two wrong answers are an alert", func() bool {
		return strings.Contains(s.get("/api/v1/alerts"), `"probe_wrong_answers_high"`)
	})
	var list struct{ Probes []probe.State }
	if err := json.Unmarshal([]byte(s.get("/api/v1/probes")), &list); err != nil || len(list.Probes) != 1 {
		t.Fatal(list, err)
	}
	if p := list.Probes[0]; p.Wrong < 2 || p.Last.Correct == nil || *p.Last.Correct || !strings.Contains(p.Last.Reason, "0.6, expected is 0.5") || p.Target != model.URL+"/score" {
		t.Errorf("%+v %+v", p, p.Last)
	}
	s.close()

	s = start(t, opts)
	s.until("the count goes on after a restart", func() bool {
		json.Unmarshal([]byte(s.get("/api/v1/probes")), &list)
		return list.Probes[0].Last != nil
	})
	if list.Probes[0].Wrong < 3 {
		t.Errorf("%d wrong answers in a row after a restart", list.Probes[0].Wrong)
	}
	probesConfig(t, dir, strings.Replace(one, "golden", "other", 1))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := s.get("/api/v1/probes"); strings.Contains(got, "golden") || !strings.Contains(got, "other") {
		t.Error(got)
	}
}

func TestProblemsOfProbesHaveTheirLines(t *testing.T) {
	cfg, problems := config.Parse(filepath.Join(t.TempDir(), "leeway.yml"), []byte(`probes:
  - name: a
    kind: http
    target: https://user:hunter2@h/
  - name: a
    kind: tcp
    target: h:1
    ca_file: missing.pem
    expect: {equals: 1}
  - {name: b, kind: json, target: "http://h", body_file: missing.json}
  - name: c
    kind: grpc
    target: grpc://h:1
    headers:
      - {name: "x y", value: hunter2}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := Check(cfg).Error()
	for _, want := range []string{":4:13: probes[0].target:", ":5:11: probes[1].name:", ":8:14: probes[1].ca_file:", ":9:13: probes[1].expect:", ":10:", "probes[2].body_file:", ":15:16: probes[3].headers[0].name:"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("a secret is shown:\n%s", got)
	}
}

func TestExampleOfProbes(t *testing.T) {
	cfg, problems := config.Load("../../examples/probes.yml")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if problems := Check(cfg); len(problems) > 0 || len(cfg.Probes) != 8 {
		t.Errorf("%d probes: %v", len(cfg.Probes), problems)
	}
}
