package alert

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

func TestDefaultRulesAreValidAndThere(t *testing.T) {
	s := newSite(t)
	e := s.open(func(c *Config) { c.Builtin = nil })
	for _, want := range []struct {
		name              string
		warning, critical *float64
		enabled           bool
	}{
		{"accuracy_low", nil, num(0.90), true},
		{"precision_low", num(0.85), nil, true},
		{"recall_low", num(0.85), nil, true},
		{"response_time_high", num(150), num(300), true},
		{"cpu_usage_high", num(0.70), num(0.85), true},
		{"memory_usage_high", num(0.75), num(0.90), true},
		{"disk_usage_high", num(0.80), num(0.95), true},
		{"throughput_low", num(800), num(500), false},
		{"error_rate_high", num(0.02), num(0.05), true},
	} {
		r, ok := e.Rule(want.name)
		if !ok {
			t.Errorf("%s is missing", want.name)
			continue
		}
		same := func(a, b *float64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
		if got := r.Threshold; got.Enabled != want.enabled || !same(got.Warning, want.warning) || !same(got.Critical, want.critical) {
			t.Errorf("%s: %+v", want.name, got)
		}
	}
	if err := e.validateAll(BuiltinRules()); err != nil {
		t.Error(err)
	}
}

func TestExpressions(t *testing.T) {
	s := newSite(t)
	e := s.open(nil)
	acc := func(t ThresholdRule) ThresholdRule {
		t.Metric, t.Operator, t.Critical = "accuracy", "lt", num(0.9)
		return t
	}
	general := threshold("all", acc(ThresholdRule{MinSamples: 30}))
	for name, c := range map[string]struct {
		others []Rule
		want   string
	}{
		"alone": {nil,
			`(model_accuracy{segment=""} < 0.9) and on(model,version,segment) (model_evaluated_window >= 30)`},
		"one model of its own": {[]Rule{threshold("x", acc(ThresholdRule{Model: "x.y"}))},
			`(model_accuracy{model!~"x\\.y",segment=""} < 0.9) and on(model,version,segment) (model_evaluated_window >= 30)`},
		"one version of its own": {[]Rule{threshold("x", acc(ThresholdRule{Model: "x", Version: "2"}))},
			`((model_accuracy{segment=""} unless model_accuracy{model="x",version="2",segment=""}) < 0.9) and on(model,version,segment) (model_evaluated_window >= 30)`},
		"another direction": {[]Rule{threshold("x", ThresholdRule{Metric: "accuracy", Operator: "gt", Critical: num(1), Model: "x"})},
			`(model_accuracy{segment=""} < 0.9) and on(model,version,segment) (model_evaluated_window >= 30)`},
		"another segment": {[]Rule{threshold("x", acc(ThresholdRule{Model: "x", Segment: "eu"}))},
			`(model_accuracy{segment=""} < 0.9) and on(model,version,segment) (model_evaluated_window >= 30)`},
	} {
		sp, _, err := e.compile(append([]Rule{general}, c.others...))
		if err != nil {
			t.Fatal(err)
		}
		got := sp.byRef["threshold/all/critical"].expr
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
		if _, err := e.parser.ParseExpr(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAModelWithItsOwnLimit(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) { c.Builtin = nil })
	own := threshold("accuracy of x", ThresholdRule{Metric: "accuracy", Operator: "lt", Critical: num(0.85), Model: "x"})
	if err := e.PutRule(own, "ana"); err != nil {
		t.Fatal(err)
	}
	quiet := threshold("accuracy of q", ThresholdRule{Metric: "accuracy", Operator: "lt", Critical: num(0.85), Model: "q"})
	quiet.Threshold.Enabled = false
	if err := e.PutRule(quiet, "ana"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.accuracy("x", 0.87, now)
	s.accuracy("q", 0.10, now)
	s.accuracy("y", 0.87, now)
	eventually(t, "y fires", func() bool { return s.was(Firing, "critical", "y") })
	if a := e.Alerts(""); len(a) != 1 {
		t.Fatalf("alerts: %+v", a)
	}
	s.accuracy("x", 0.84, time.Now())
	eventually(t, "x fires", func() bool { return s.was(Firing, "critical", "x") })
	if a := e.Alerts(Firing); len(a) != 2 {
		t.Fatalf("%d alerts", len(a))
	}
	if err := e.DeleteRule("accuracy of x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "x is under the general rule", func() bool {
		r, f := e.Alerts(Resolved), e.Alerts(Firing)
		return len(r) == 1 && r[0].Reason == ReasonRuleGone && len(f) == 2
	})
}

func TestOriginsOfOneName(t *testing.T) {
	s := newSite(t)
	rule := func(limit float64) Rule {
		return threshold("accuracy_low", ThresholdRule{Metric: "accuracy", Operator: "lt", Critical: num(limit)})
	}
	e := s.open(func(c *Config) { c.Builtin = nil })
	for i, limit := range []float64{0.8, 0.7} {
		if err := e.PutRule(rule(limit), "ana"); err != nil {
			t.Fatal(err)
		}
		if r, _ := e.Rule("accuracy_low"); r.Version != int64(i+1) || r.Origin != OriginAPI || r.Author != "ana" {
			t.Fatalf("%+v", r)
		}
	}
	s.crash()
	e.Close()
	e = s.open(func(c *Config) { c.Builtin = nil; c.FileRules = []Rule{rule(0.6)} })
	var have []string
	for _, r := range e.Rules() {
		if r.Name == "accuracy_low" {
			have = append(have, string(r.Origin)+"<"+string(r.ShadowedBy))
		}
	}
	if got := strings.Join(have, " "); got != "file< api<file builtin<file" {
		t.Errorf("rules: %s", got)
	}
	if err := e.PutRule(rule(0.5), "bob"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a file's rule was changed: %v", err)
	}
	if err := e.SetFileRules([]Rule{rule(0.6), {Name: "bad"}}); err == nil {
		t.Error("a bad file was taken")
	}
	if err := e.SetFileRules(nil); err != nil {
		t.Fatal(err)
	}
	if r, _ := e.Rule("accuracy_low"); r.Origin != OriginAPI || *r.Threshold.Critical != 0.7 {
		t.Errorf("in force: %+v", r)
	}
	if err := e.DeleteRule("accuracy_low"); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteRule("accuracy_low"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a built-in rule was deleted: %v", err)
	}
	if err := e.DeleteRule("no such"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	get := table(catalogue.All())
	r := threshold("", ThresholdRule{Metric: "nope", Operator: "near", Duration: -1, MinSamples: -1, Runbook: "javascript:x",
		Labels: map[string]string{"severity": "x", "a": "{{ .Value }}"}})
	err := Validate(r, get)
	if !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	for _, field := range []string{"name:", "metric:", "operator:", "warning:", "duration:", "min_samples:", "runbook:", "labels.severity:", "labels.a:"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not reported in %v", field, err)
		}
	}
	swapped := threshold("x", ThresholdRule{Metric: "accuracy", Operator: "lt", Warning: num(0.8), Critical: num(0.9)})
	if err := Validate(swapped, get); err == nil {
		t.Error("a critical limit before the warning is taken")
	}
	host := threshold("x", ThresholdRule{Metric: "cpu_usage", Operator: "gt", Warning: num(0.8), Model: "m"})
	if err := Validate(host, get); err == nil {
		t.Error("a host rule with a model is taken")
	}
	for _, doc := range []string{"", "groups: [{name: a, rules: [{alert: x, expr: 'a >'}]}]", "groups: 1", "nonsense: true"} {
		if err := Validate(Rule{Name: "x", PromQL: &PromQLRule{Groups: doc}}, get); err == nil {
			t.Errorf("%q is taken", doc)
		}
	}
}

func TestRuleJSON(t *testing.T) {
	var r Rule
	in := `{"name":"x","threshold":{"metric":"accuracy","operator":"le","critical":0.9,"duration":"90s"}}`
	if err := json.Unmarshal([]byte(in), &r); err != nil {
		t.Fatal(err)
	}
	if th := r.Threshold; !th.Enabled || th.Operator != "lte" || time.Duration(th.Duration) != 90*time.Second {
		t.Fatalf("%+v", th)
	}
	out, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(out), `"duration":"1m30s"`) {
		t.Fatalf("%s %v", out, err)
	}
}

func TestWarningIsInhibitedByItsCritical(t *testing.T) {
	s := newSite(t)
	e := s.start(func(c *Config) { c.Builtin = nil })
	s.sample(400, time.Now(), "__name__", "model_response_time", "model", "m")
	eventually(t, "both fire", func() bool { return len(e.Alerts(Firing)) == 2 })
	a := e.Alerts(Firing)
	if a[0].Severity != "critical" || a[0].Inhibited || a[1].Severity != "warning" || !a[1].Inhibited {
		t.Fatalf("%+v %+v", a[0], a[1])
	}
	if got := a[0].Annotations["limit"]; got != "300 ms" {
		t.Errorf("limit %q", got)
	}
}
