package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/notify"
)

func (s *server) receivers() string {
	var names []string
	for _, r := range s.notify.Receivers() {
		names = append(names, r.Name)
	}
	return strings.Join(names, " ")
}

const oneOfEach = `
models: {m: {title: First, time_zone: Asia/Shanghai}}
rules: [{name: mine, metric: accuracy, operator: ge, warning: 0.5}]
rule_files: [rules/*.yml]
alerting: {channels: [{name: one, type: webhook, url: "https://hooks.example.com/1"}]}
`

const groups = `groups: [{name: g, rules: [{alert: A, expr: "model_accuracy < %s"}]}]`

func writeRules(t *testing.T, dir, limit string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules", "own.yml"), fmt.Appendf(nil, groups, limit), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReloadTakesAllUp(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, "1")
	s := start(t, load(t, settings(t, dir, oneOfEach)))
	if r, ok := s.alerts.Rule("mine"); !ok || r.Threshold.Operator != "gte" {
		t.Errorf("the rule with ge: %+v", r)
	}
	if _, ok := s.alerts.Rule("own"); !ok {
		t.Error("the pattern of rule_files found nothing")
	}
	if got := s.zoneOf("m").String(); got != "Asia/Shanghai" {
		t.Error(got)
	}
	settings(t, dir, strings.NewReplacer("First", "Second", "Asia/Shanghai", "Asia/Tokyo", "mine", "yours", "ge,", "le,", "name: one", "name: two").Replace(oneOfEach))
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if m, err := s.registry.Get("m"); err != nil || m.Title != "Second" {
		t.Errorf("%+v %v", m, err)
	}
	if got := s.zoneOf("m").String(); got != "Asia/Tokyo" {
		t.Error(got)
	}
	if _, ok := s.alerts.Rule("mine"); ok {
		t.Error("the old rule stays")
	}
	if r, ok := s.alerts.Rule("yours"); !ok || r.Threshold.Operator != "lte" {
		t.Errorf("the new rule: %+v", r)
	}
	if got := s.receivers(); !strings.Contains(got, "two") || strings.Contains(got, "one") {
		t.Error(got)
	}
}

// When the last of those who take a configuration up refuses it, the others go
// back, to the files as they were too.
func TestReloadIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, "1")
	limit := "ingest: {max_models: 2}\n"
	s := start(t, load(t, settings(t, dir, limit+oneOfEach)))
	if ok, err := predict(s.url, "taken", "a"); !ok {
		t.Fatal(err)
	}
	writeRules(t, dir, "0.5")
	more := strings.NewReplacer("First", "Second", "Asia/Shanghai", "Asia/Tokyo", "mine", "yours", "name: one", "name: two",
		"models: {", "models: {zz: {title: Too many}, ").Replace(oneOfEach)
	settings(t, dir, limit+more)
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "zz") {
		t.Fatalf("reload: %v", err)
	}
	if m, err := s.registry.Get("m"); err != nil || m.Title != "First" {
		t.Errorf("model %+v %v", m, err)
	}
	if got := s.zoneOf("m").String(); got != "Asia/Shanghai" {
		t.Error(got)
	}
	if _, ok := s.alerts.Rule("mine"); !ok {
		t.Error("the rule is gone")
	}
	if r, _ := s.alerts.Rule("own"); r.PromQL == nil || r.PromQL.Groups != fmt.Sprintf(groups, "1") {
		t.Errorf("the rule file: %+v", r.PromQL)
	}
	if got := s.receivers(); !strings.Contains(got, "one") || strings.Contains(got, "two") {
		t.Error(got)
	}
	settings(t, dir, limit+strings.Replace(oneOfEach, "First", "Third", 1))
	if err := s.Reload(); err != nil {
		t.Errorf("the next reload: %v", err)
	}
	if m, _ := s.registry.Get("m"); m.Title != "Third" {
		t.Errorf("%+v", m)
	}
}

func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	dir := t.TempDir()
	name := settings(t, dir, "")
	opts := load(t, name)
	s := start(t, opts)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("127.0.0.1:0", "127.0.0.1:1", "./data", "./elsewhere").Replace(string(text)) + "ingest: {max_rows: 5}\n"
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	err = s.Reload()
	for _, key := range []string{"listen", "data", "ingest.max_rows"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("without %s: %v", key, err)
		}
	}
	s.opts.Fixed = []string{"listen", "data"}
	if err = s.Reload(); err == nil || err.Error() != "these keys need a restart: ingest.max_rows" {
		t.Errorf("with flags: %v", err)
	}
}

// Run with the race detector: reloads of both kinds beside each other, requests
// and upkeep.
func TestReloadBesideRequests(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, "1")
	s := start(t, load(t, settings(t, dir, oneOfEach)))
	done := make(chan struct{})
	var running sync.WaitGroup
	for w := range 3 {
		running.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				body := fmt.Sprintf(`[{"id":"%d-%d","time":%q,"prediction":1}]`, w, i, time.Now().Add(-20*time.Hour).Format("2006-01-02T15:04:05"))
				if status, text, err := call("POST", s.url+"/api/v1/models/m/predictions", body); err != nil || status != 200 {
					t.Error(status, text, err)
					return
				}
				if status, text, err := call("GET", s.url+"/api/v1/alerts", ""); err != nil || status != 200 {
					t.Error(status, text, err)
					return
				}
				(&upkeep{app: s.App}).expire(&s.registry.List()[0])
			}
		})
	}
	var reloading sync.WaitGroup
	for i := range 10 {
		settings(t, dir, strings.NewReplacer("First", fmt.Sprint("Title ", i), "Asia/Shanghai", []string{"UTC", "Asia/Tokyo"}[i%2]).Replace(oneOfEach))
		for range 2 {
			reloading.Go(func() {
				if err := s.Reload(); err != nil {
					t.Error(err)
				}
			})
		}
		reloading.Wait()
	}
	close(done)
	running.Wait()
	if m, _ := s.registry.Get("m"); m.Title != "Title 9" {
		t.Errorf("%+v", m)
	}
}

// What the packages behind the configuration cannot do is said at its line.
func TestCheckSaysWhatToDo(t *testing.T) {
	name := settings(t, t.TempDir(), `
rules:
- {name: twice, metric: cpu_usage, operator: ge, warning: 0.5, model: m}
rule_files: [twice.yml]
alerting:
  channels:
  - name: a
    type: webhook
    url: https://hooks.example.com/1
    severities: [warning]
  - name: b
    type: webhook
    url: https://hooks.example.com/1
    language: zh
  - name: c
    type: webhook
    url: https://hooks.example.com/1
    models: [m]
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(name), "twice.yml"), fmt.Appendf(nil, groups, "1"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(name)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []struct {
		line int
		text string
	}{{8, `there is a rule or a rule file of the name "twice"`}, {7, "match: {host: …}"}, {18, "alerting.language"}, {22, "section alertmanager"}}
	got := Check(cfg)
	for _, w := range want {
		found := false
		for _, p := range got {
			found = found || p.Line == w.line && strings.Contains(p.Message, w.text)
		}
		if !found {
			t.Errorf("line %d: nothing says %q in\n%v", w.line, w.text, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems:\n%v", len(got), got)
	}
	s, _ := notifySettings(cfg)
	if got := (notify.Settings{Channels: s.Channels}).Channels[0].Severity; got != "warning" {
		t.Errorf("the channel for warnings gets %q", got)
	}
}
