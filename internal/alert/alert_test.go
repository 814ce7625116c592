package alert

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

// site is what stands around an engine: a real TSDB, a disk that can crash,
// and somebody who is told.
type site struct {
	t  testing.TB
	db *tsdb.DB
	fs *vfs.MemFS

	mu   sync.Mutex
	told []*Alert
}

func newSite(t testing.TB) *site {
	t.Helper()
	opts := tsdb.DefaultOptions()
	opts.OutOfOrderTimeWindow = time.Hour.Milliseconds()
	db, err := tsdb.Open(t.TempDir(), nil, nil, opts, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &site{t: t, db: db, fs: vfs.NewCrashableMem()}
}

func (s *site) config() Config {
	return Config{
		Dir: "alert", FS: s.fs, Queryable: s.db, Appendable: s.db,
		Engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: 1e6, Timeout: 10 * time.Second, LookbackDelta: 5 * time.Minute,
			Parser: parser.NewParser(parser.Options{}),
		}),
		Notify: func(_ context.Context, as []*Alert) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, as...)
		},
		Interval: 20 * time.Millisecond, HostInterval: 20 * time.Millisecond,
		Registerer: prometheus.NewRegistry(), Builtin: []Rule{},
	}
}

func (s *site) open(change func(*Config)) *Engine {
	s.t.Helper()
	cfg := s.config()
	if change != nil {
		change(&cfg)
	}
	e, err := Open(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { e.Close() })
	return e
}

func (s *site) start(change func(*Config)) *Engine {
	s.t.Helper()
	e := s.open(change)
	if err := e.Start(); err != nil {
		s.t.Fatal(err)
	}
	return e
}

// crash leaves only what was synced, as a power cut does.
func (s *site) crash() {
	s.fs = s.fs.CrashClone(vfs.CrashCloneCfg{})
	s.mu.Lock()
	s.told = nil
	s.mu.Unlock()
}

func (s *site) sample(v float64, at time.Time, l ...string) {
	s.t.Helper()
	app := s.db.Appender(context.Background())
	if _, err := app.Append(0, labels.FromStrings(l...), at.UnixMilli(), v); err != nil {
		s.t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) accuracy(model string, v float64, at time.Time) {
	s.t.Helper()
	s.sample(v, at, "__name__", "model_accuracy", "model", model)
	s.sample(100, at, "__name__", "model_evaluated_window", "model", model)
}

// was says whether somebody was told of an alert like that.
func (s *site) was(state State, severity, model string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.told, func(a *Alert) bool {
		return a.State == state && a.Severity == severity && a.Model == model
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func (s *site) series(expr string) promql.Vector {
	s.t.Helper()
	cfg := s.config()
	q, err := cfg.Engine.NewInstantQuery(context.Background(), s.db, nil, expr, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.Clone(v)
}

func threshold(name string, t ThresholdRule) Rule {
	t.Enabled = true
	return Rule{Name: name, Threshold: &t}
}

func num(v float64) *float64 { return &v }

func TestABreachFiresAndRecovers(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) { c.Builtin = nil })
	stream, cancel := e.Subscribe()
	defer cancel()
	s.accuracy("fraud", 0.87, time.Now())
	eventually(t, "fraud fires", func() bool { return s.was(Firing, "critical", "fraud") })

	a := e.Alerts(Firing)
	if len(a) != 1 || a[0].Rule != "accuracy_low" || a[0].Value != 0.87 || *a[0].Limit != 0.9 ||
		a[0].Labels["model"] != "fraud" || a[0].Origin != OriginBuiltin || a[0].FiringSince == 0 {
		t.Fatalf("firing: %+v", a)
	}
	if got := a[0].Annotations["summary_zh"]; got != "fraud 的准确率为 0.87，低于 0.9" {
		t.Errorf("summary_zh is %q", got)
	}
	eventually(t, "ALERTS is written", func() bool {
		return len(s.series(`ALERTS{alertname="accuracy_low",alertstate="firing",model="fraud"}`)) == 1
	})
	if tr := <-stream; tr.To != Firing || tr.From != Inactive || tr.ID == 0 {
		t.Errorf("transition: %+v", tr)
	}

	s.accuracy("fraud", 0.95, time.Now())
	eventually(t, "fraud resolves", func() bool { return s.was(Resolved, "critical", "fraud") })
	r := e.Alerts(Resolved)
	if len(r) != 1 || r[0].Reason != ReasonRecover || r[0].Value != 0.95 || r[0].FiringSince != a[0].FiringSince {
		t.Fatalf("resolved: %+v", r)
	}
	eventually(t, "ALERTS has ended", func() bool { return len(s.series(`ALERTS`)) == 0 })
	h, err := e.History(0, time.Now().UnixMilli()+1, Filter{Model: "fraud"})
	if err != nil || len(h) != 2 || h[0].To != Resolved || h[1].To != Firing || h[0].ID <= h[1].ID {
		t.Fatalf("history: %+v, %v", h, err)
	}
}

func TestFewSamplesDoNotFire(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) { c.Builtin = nil })
	now := time.Now()
	s.sample(0.1, now, "__name__", "model_accuracy", "model", "small")
	s.sample(29, now, "__name__", "model_evaluated_window", "model", "small")
	s.accuracy("big", 0.1, now)
	eventually(t, "big fires", func() bool { return s.was(Firing, "critical", "big") })
	if s.was(Firing, "critical", "small") || len(e.Alerts(Firing)) != 1 {
		t.Fatalf("alerts: %+v", e.Alerts(""))
	}
}

func TestFiringAlertEndsAfterAStopInWhichItRecovered(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) { c.Builtin = nil })
	s.accuracy("fraud", 0.5, time.Now())
	eventually(t, "fires", func() bool { return s.was(Firing, "critical", "fraud") })
	since := e.Alerts(Firing)[0].FiringSince
	s.crash()
	e.Close()
	s.accuracy("fraud", 0.99, time.Now())
	e = s.start(func(c *Config) { c.Builtin = nil })
	if !s.was(Firing, "critical", "fraud") {
		t.Error("what fired before was not handed on at the start")
	}
	eventually(t, "resolves", func() bool { return s.was(Resolved, "critical", "fraud") })
	if a := e.Alerts(Resolved)[0]; a.FiringSince != since || a.Reason != ReasonRecover {
		t.Errorf("resolved: %+v, fired since %d", a, since)
	}
}

func TestPromQLGroupsAreTakenAsTheyAre(t *testing.T) {
	s := newSite(t)
	doc := `
groups:
- name: mine
  interval: 20ms
  labels: {team: risk}
  rules:
  - record: model:errors:ratio
    expr: model_error_rate * 2
  - alert: ManyErrors
    expr: model:errors:ratio > 0.1
    for: 100ms
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.model }} has {{ $value }}"}
  - alert: Broken
    expr: model_error_rate * on() group_left() model_error_rate
`
	e := s.start(func(c *Config) {
		c.FileRules = []Rule{{Name: "pasted", PromQL: &PromQLRule{Groups: doc, Enabled: true}}}
	})
	now := time.Now()
	s.sample(0.1, now, "__name__", "model_error_rate", "model", "a")
	s.sample(0.01, now, "__name__", "model_error_rate", "model", "b")
	eventually(t, "a fires", func() bool { return s.was(Firing, "critical", "a") })
	a := e.Alerts(Firing)
	if len(a) != 1 || a[0].Labels["team"] != "risk" || a[0].Annotations["summary"] != "a has 0.2" || a[0].Rule != "pasted" {
		t.Fatalf("alerts: %+v", a[0])
	}
	if held := a[0].FiringSince - a[0].PendingSince; held < 100 {
		t.Errorf("fired after %d ms", held)
	}
	h, err := e.History(0, time.Now().UnixMilli()+1, Filter{})
	if err != nil || len(h) != 2 || h[1].To != Pending || h[0].Duration < 100 {
		t.Fatalf("history: %+v %v", h, err)
	}
	r, ok := e.Rule("pasted")
	if !ok || r.Status.Health != "err" || r.Status.LastError == "" {
		t.Errorf("the broken rule is not shown: %+v", r.Status)
	}
}

func promQL(name, rules string) Rule {
	doc := "groups:\n- name: g\n  interval: 20ms\n  limit: 1\n  rules:\n" + rules
	return Rule{Name: name, PromQL: &PromQLRule{Groups: doc, Enabled: true}}
}

func TestAFailedEvaluationChangesNothing(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) {
		c.FileRules = []Rule{promQL("one", "  - alert: Up\n    expr: model_x > 0\n    labels: {severity: critical}\n")}
	})
	s.sample(1, time.Now(), "__name__", "model_x", "model", "a")
	eventually(t, "a fires", func() bool { return s.was(Firing, "critical", "a") })
	s.sample(1, time.Now(), "__name__", "model_x", "model", "b") // beyond the limit of one result
	failed := func() bool { r, _ := e.Rule("one"); return r.Status.Health == "err" }
	eventually(t, "the evaluation fails", failed)
	at := e.status(e.manager)["one"].LastEvaluation
	eventually(t, "it is evaluated again", func() bool { return e.status(e.manager)["one"].LastEvaluation > at+100 })
	if a := e.Alerts(""); len(a) != 1 || a[0].State != Firing || a[0].Model != "a" {
		t.Fatalf("alerts: %+v", a)
	}
}

func TestPendingAlertsAreNotShownAsFiring(t *testing.T) {
	s := newSite(t)
	s.start(func(c *Config) {
		c.FileRules = []Rule{promQL("one", "  - alert: Up\n    expr: model_x > 0\n    for: 1h\n")}
	})
	s.sample(1, time.Now(), "__name__", "model_x", "model", "a")
	eventually(t, "ALERTS shows it pending", func() bool { return len(s.series(`ALERTS{alertstate="pending"}`)) == 1 })
	if got := s.series("ALERTS"); len(got) != 1 {
		t.Fatalf("ALERTS: %v", got)
	}
	if got := s.series("ALERTS_FOR_STATE"); len(got) != 1 || time.Since(time.Unix(int64(got[0].F), 0)) > time.Minute {
		t.Fatalf("ALERTS_FOR_STATE: %v", got)
	}
}

func TestPrometheusSeesTheTrueStates(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) {
		c.FileRules = []Rule{
			promQL("slow", "  - alert: Slow\n    expr: model_x > 0\n    for: 1h\n    labels: {v: '{{ $value }}'}\n"),
			promQL("fast", "  - alert: Fast\n    expr: model_x > 0\n    keep_firing_for: 1h\n"),
			promQL("rec", "  - record: model_y\n    expr: model_x\n"),
		}
	})
	s.sample(1, time.Now(), "__name__", "model_x", "model", "a")
	eventually(t, "both are there", func() bool { return len(e.Alerts("")) == 2 })
	s.sample(0, time.Now(), "__name__", "model_x", "model", "b")
	s.sample(-1, time.Now(), "__name__", "model_x", "model", "a")
	eventually(t, "only the kept one is left", func() bool {
		a := e.Alerts("")
		return len(a) == 1 && a[0].KeepFiringSince != 0
	})
	s.sample(2, time.Now(), "__name__", "model_x", "model", "b")
	eventually(t, "b is there", func() bool { return len(e.Alerts(Pending)) == 1 })

	got := map[string]string{}
	for _, g := range e.PrometheusGroups() {
		if g.Interval() != 20*time.Millisecond || time.Since(g.GetLastEvaluation()) > time.Minute {
			t.Errorf("group %s: every %s, last %s", g.File(), g.Interval(), g.GetLastEvaluation())
		}
		for _, r := range g.AlertingRules() {
			got[r.Name()] = r.HoldDuration().String() + " " + r.KeepFiringFor().String() + " " + r.State().String()
			for _, a := range r.ActiveAlerts() {
				got[r.Name()+" "+a.Labels.Get("model")] = a.State.String() + " " + a.Labels.Get("v")
			}
		}
	}
	want := map[string]string{
		"Slow": "1h0m0s 0s pending", "Slow b": "pending 2",
		"Fast": "0s 1h0m0s firing", "Fast a": "firing ",
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
}
