package alert

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// clockwork steps the life by hand: no manager runs.
type clockwork struct {
	*site
	e   *Engine
	sp  *spec
	now time.Time
}

func newClockwork(t *testing.T, sp *spec) *clockwork {
	sp.ref = "promql/x/g/a"
	c := &clockwork{site: newSite(t), sp: sp, now: time.UnixMilli(1_700_000_000_000)}
	c.reopen()
	return c
}

func (c *clockwork) reopen() {
	c.e = c.open(func(cfg *Config) { cfg.Now = func() time.Time { return c.now } })
}

// kill loses the process and everything that was not synced.
func (c *clockwork) kill() {
	c.crash()
	c.e.Close()
	c.reopen()
}

// step evaluates after a while; models are those for which the rule holds.
func (c *clockwork) step(after time.Duration, models ...string) []*Alert {
	c.t.Helper()
	c.now = c.now.Add(after)
	var results []observed
	for _, m := range models {
		results = append(results, observed{labels: labels.FromStrings("alertname", "a", "model", m), value: 1})
	}
	out, err := c.e.life.step(context.Background(), c.sp, c.now, results)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *clockwork) state(model string) State {
	for _, a := range c.e.Alerts("") {
		if a.Model == model {
			return a.State
		}
	}
	return Inactive
}

func (c *clockwork) expect(model string, want State) {
	c.t.Helper()
	if got := c.state(model); got != want {
		c.t.Fatalf("%s is %s, want %s", model, got, want)
	}
}

func TestPendingTimerSurvivesACrash(t *testing.T) {
	c := newClockwork(t, &spec{hold: time.Minute})
	began := c.now.UnixMilli()
	c.step(0, "m")
	c.expect("m", Pending)
	c.kill()
	c.expect("m", Pending)
	c.step(59*time.Second, "m")
	c.expect("m", Pending)
	out := c.step(time.Second, "m")
	if len(out) != 1 || out[0].State != Firing || out[0].PendingSince != began {
		t.Fatalf("handed on: %+v", out)
	}
}

func TestPendingDoesNotOutliveALongStop(t *testing.T) {
	c := newClockwork(t, &spec{hold: time.Minute})
	c.step(0, "m")
	c.e.store.beat(c.now)
	c.e.Close()
	c.now = c.now.Add(3 * time.Hour)
	c.reopen()
	c.step(0, "m")
	c.expect("m", Pending)
}

func TestKeepFiringTimerSurvivesACrash(t *testing.T) {
	c := newClockwork(t, &spec{keep: time.Minute})
	c.step(0, "m")
	c.step(time.Second)
	c.kill()
	c.step(59 * time.Second)
	c.expect("m", Firing)
	c.step(time.Second)
	c.expect("m", Resolved)
}

func TestKeepFiringBeginsAnewWhenItHoldsAgain(t *testing.T) {
	c := newClockwork(t, &spec{keep: time.Minute})
	c.step(0, "m")
	c.step(50 * time.Second)
	c.step(50*time.Second, "m")
	c.kill()
	c.step(50 * time.Second)
	c.expect("m", Firing)
	if n := len(c.e.life.everything()); n != 1 {
		t.Fatalf("%d alerts are handed on at the start", n)
	}
}

func TestEndThatWasNotToldIsToldAfterACrash(t *testing.T) {
	c := newClockwork(t, &spec{})
	c.step(0, "m")
	c.step(time.Second)
	c.now = c.now.Add(5 * time.Hour) // the process was away for long
	c.kill()
	c.e.life.forget(c.now)
	out := c.e.life.everything()
	if len(out) != 1 || out[0].State != Resolved || out[0].ResolvedAt == 0 {
		t.Fatalf("handed on: %+v", out)
	}
	c.now = c.now.Add(16 * time.Minute)
	c.e.life.forget(c.now)
	c.expect("m", Inactive)
	c.kill()
	c.expect("m", Inactive)
}

func TestFiringAlertOfADeletedRuleEnds(t *testing.T) {
	c := newClockwork(t, &spec{})
	c.step(0, "m")
	c.kill()
	out := c.e.life.drop(&specs{}, c.now)
	if len(out) != 1 || out[0].State != Resolved || out[0].Reason != ReasonRuleGone {
		t.Fatalf("handed on: %+v", out)
	}
}

func TestItFiresAnewAfterItsEnd(t *testing.T) {
	c := newClockwork(t, &spec{})
	c.step(0, "m")
	c.step(time.Second)
	out := c.step(time.Second, "m")
	if len(out) != 1 || out[0].State != Firing || out[0].PendingSince != c.now.UnixMilli() || out[0].ResolvedAt != 0 {
		t.Fatalf("handed on: %+v", out)
	}
	if n := len(c.e.Alerts("")); n != 1 {
		t.Fatalf("%d alerts", n)
	}
}

func TestResendAfterTheDelayOnly(t *testing.T) {
	c := newClockwork(t, &spec{})
	c.step(0, "m")
	if n := len(c.e.life.due(c.now.Add(59 * time.Second))); n != 0 {
		t.Fatalf("%d too early", n)
	}
	if n := len(c.e.life.due(c.now.Add(60 * time.Second))); n != 1 {
		t.Fatalf("%d, want 1", n)
	}
}

func TestThresholdWithoutDataIsKeptAfterAStart(t *testing.T) {
	rule := threshold("acc", ThresholdRule{Metric: "accuracy", Operator: "lt", Critical: num(0.9)})
	s := newSite(t)
	now := time.Now()
	change := func(c *Config) { c.Now = func() time.Time { return now } }
	e := s.open(change)
	sp := func() *spec {
		all, _, err := e.compile([]Rule{rule})
		if err != nil {
			t.Fatal(err)
		}
		return all.byRef["threshold/acc/critical"]
	}
	held := []observed{{labels: labels.FromStrings("alertname", "acc", "metric", "accuracy",
		"model", "m", "rule", "acc", "severity", "critical"), value: 0.5}}
	step := func(results []observed) State {
		if _, err := e.life.step(context.Background(), sp(), now, results); err != nil {
			t.Fatal(err)
		}
		return e.Alerts("")[0].State
	}
	step(held)
	s.crash()
	e.Close()
	e = s.open(change)
	if got := step(nil); got != Firing {
		t.Fatalf("without data it is %s right after a start", got)
	}
	now = now.Add(6 * time.Minute)
	if got := step(nil); got != Resolved {
		t.Fatalf("without data it is %s after the grace", got)
	}
	if r := e.Alerts("")[0].Reason; r != ReasonNoData {
		t.Errorf("reason %s", r)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	c := newClockwork(t, &spec{})
	c.e.store.cfg.MaxHistory = 50
	for range 40 {
		c.step(time.Second, "m")
		c.step(time.Second)
	}
	c.e.store.trim(c.now)
	h, err := c.e.History(0, c.now.UnixMilli()+1, Filter{})
	if err != nil || len(h) != 45 || c.e.store.meta.Rows != 45 {
		t.Fatalf("%d rows, %d counted, %v", len(h), c.e.store.meta.Rows, err)
	}
	last := h[0].ID
	c.kill()
	c.step(time.Second, "m")
	if h, _ = c.e.History(0, c.now.UnixMilli()+1, Filter{Limit: 1}); len(h) != 1 || h[0].ID <= last {
		t.Fatalf("ids do not increase: %d after %d", h[0].ID, last)
	}
}

func TestCounts(t *testing.T) {
	c := newClockwork(t, &spec{})
	from := c.now.UnixMilli()
	c.step(0, "a", "b")
	c.step(time.Hour)
	c.step(0, "a")
	n, err := c.e.Counts(from, c.now.UnixMilli()+1, time.Hour, Filter{})
	if err != nil || len(n) != 2 || n[0].Other != 2 || n[1].Other != 1 {
		t.Fatalf("%+v %v", n, err)
	}
	if _, err := c.e.Counts(0, from, time.Second, Filter{}); err == nil {
		t.Error("a billion steps are not refused")
	}
}

func TestASlowListenerIsCutOff(t *testing.T) {
	c := newClockwork(t, &spec{})
	ch, cancel := c.e.Subscribe()
	defer cancel()
	for range streamDepth {
		c.step(time.Second, "m")
		c.step(time.Second)
	}
	n := 0
	for range ch {
		n++
	}
	if n != streamDepth {
		t.Fatalf("%d transitions before the cut, want %d", n, streamDepth)
	}
}
