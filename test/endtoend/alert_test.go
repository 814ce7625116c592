package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/leewayhq/leeway/test/server"
)

// hookConfig sends everything to a receiver on this machine.
const hookConfig = `host: {enabled: false}
access: {outgoing_allow: [127.0.0.1]}
alerting:
  channels:
  - {name: hook, type: webhook, url: %q}
`

// quickConfig is the long form, at a pace that a test can wait for: by default
// the end of an alert is told with its group's next interval.
const quickConfig = `host: {enabled: false}
access: {outgoing_allow: [127.0.0.1]}
alertmanager:
  route: {receiver: hook, group_by: [model], group_wait: 100ms, group_interval: 1s, repeat_interval: 4h}
  receivers: [{name: hook, webhook_configs: [{url: %q}]}]
`

// TestAlertAndItsEnd: bad labels raise an alert that reaches the webhook, the
// API and Alertmanager's API; good ones end it, and that is told too.
func TestAlertAndItsEnd(t *testing.T) {
	hook := server.NewHook(t)
	s := server.New(t, fmt.Sprintf(quickConfig, hook.URL))
	s.Start()
	s.Send("/api/v1/models/m/predictions", rows("bad", 200, even))
	s.Send("/api/v1/models/m/labels", labels("bad", 200, odd))
	told := func(status string) func() string {
		return func() string {
			return fmt.Sprintf("a webhook that says %s; came: %+v; log: %s", status, hook.Messages(), s.Log())
		}
	}
	server.Wait(t, told("firing"), func() bool { return hook.Count("m", "accuracy_low", "firing") > 0 })
	if w := waitLabels(t, s, "m", 200); w.Metrics["accuracy"].Value == nil || *w.Metrics["accuracy"].Value != 0 {
		t.Errorf("accuracy of wrong labels: %+v", w.Metrics["accuracy"])
	}
	var alerts struct {
		Alerts []struct{ Rule, Model, State string }
	}
	s.MustGet("/api/v1/alerts?state=firing", &alerts)
	found := false
	for _, a := range alerts.Alerts {
		found = found || a.Rule == "accuracy_low" && a.Model == "m" && a.State == "firing"
	}
	if !found {
		t.Errorf("the API does not list the alert: %+v", alerts)
	}
	var listed []struct{ Labels map[string]string }
	s.MustGet("/alertmanager/api/v2/alerts", &listed)
	if len(listed) == 0 {
		t.Error("Alertmanager's API lists no alert")
	}
	s.Send("/api/v1/models/m/predictions", rows("good", 6000, even))
	s.Send("/api/v1/models/m/labels", labels("good", 6000, even))
	server.Wait(t, told("resolved"), func() bool { return hook.Count("m", "accuracy_low", "resolved") > 0 })
	if n := hook.Count("m", "accuracy_low", "firing"); n == 0 || n > 3 {
		t.Errorf("told %d times that the alert fires", n)
	}
}

// TestSilenceKeepsAnAlertFromPeople: a silence that was made through
// Alertmanager's API holds an alert back.
func TestSilenceKeepsAnAlertFromPeople(t *testing.T) {
	hook := server.NewHook(t)
	s := server.New(t, fmt.Sprintf(hookConfig, hook.URL))
	s.Start()
	body := s.Must(http.StatusOK, server.Request{Method: "POST", Path: "/alertmanager/api/v2/silences", Type: "application/json", Body: []byte(
		`{"matchers":[{"name":"model","value":"quiet","isRegex":false,"isEqual":true}],"startsAt":"2020-01-01T00:00:00Z","endsAt":"2999-01-01T00:00:00Z","createdBy":"test","comment":"planned"}`)})
	var made struct{ SilenceID string }
	if err := json.Unmarshal(body, &made); err != nil || made.SilenceID == "" {
		t.Fatalf("the silence: %s", body)
	}
	for _, model := range []string{"quiet", "loud"} {
		s.Send("/api/v1/models/"+model+"/predictions", rows("a", 200, even))
		s.Send("/api/v1/models/"+model+"/labels", labels("a", 200, odd))
	}
	var alerts []struct {
		Labels map[string]string
		Status struct {
			State      string
			SilencedBy []string `json:"silencedBy"`
		}
	}
	server.Wait(t, func() string { return fmt.Sprintf("both alerts, one silenced: %+v", alerts) }, func() bool {
		if s.Get("/alertmanager/api/v2/alerts", &alerts) != nil {
			return false
		}
		state := map[string]string{}
		for _, a := range alerts {
			if a.Labels["rule"] == "accuracy_low" {
				state[a.Labels["model"]] = a.Status.State
			}
		}
		return state["quiet"] == "suppressed" && state["loud"] == "active" && hook.Count("loud", "accuracy_low", "firing") > 0
	})
	var shown struct {
		Alerts []struct{ Rule, Model, State string }
	}
	s.MustGet("/api/v1/alerts", &shown)
	for _, a := range shown.Alerts {
		if want := map[string]string{"quiet": "silenced", "loud": "firing"}[a.Model]; a.State != want {
			t.Errorf("the API shows %s of %s as %s, wanted %s", a.Rule, a.Model, a.State, want)
		}
	}
	if n := hook.Count("quiet", "accuracy_low", "firing"); n > 0 {
		t.Errorf("a silenced alert was told %d times", n)
	}
}
