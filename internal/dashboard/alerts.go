package dashboard

import (
	"net/http"
	"strconv"

	"github.com/leewayhq/leeway/internal/alert"
)

// The states of an alert in answers; silenced is a firing one that somebody
// silenced.
const alertSilenced = "silenced"

type words struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

func wordsOf(en, zh string) words {
	if zh == "" {
		zh = en
	}
	return words{en, zh}
}

type alertJSON struct {
	Fingerprint string            `json:"fingerprint"`
	Rule        string            `json:"rule"`
	Title       words             `json:"title"`
	Severity    string            `json:"severity"`
	State       string            `json:"state"`
	Model       string            `json:"model"`
	Version     string            `json:"version"`
	Segment     string            `json:"segment"`
	Feature     string            `json:"feature"`
	Host        string            `json:"host"`
	Metric      string            `json:"metric"`
	Unit        string            `json:"unit"`
	Value       num               `json:"value"`
	Limit       num               `json:"limit"`
	Operator    string            `json:"operator"`
	Reason      string            `json:"reason"`
	Since       int64             `json:"since"`
	Until       stamp             `json:"until"`
	Inhibited   bool              `json:"inhibited"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func (s *Server) alertOf(a *alert.Alert) alertJSON {
	out := alertJSON{
		Fingerprint: a.Fingerprint, Rule: a.Rule, Severity: a.Severity, State: string(a.State),
		Title: wordsOf(firstOf(a.Annotations["title"], a.Annotations["summary"], a.Labels["alertname"], a.Rule), a.Annotations["title_zh"]),
		Model: a.Model, Version: a.Labels["version"], Segment: a.Labels["segment"],
		Feature: a.Labels["feature"], Host: a.Labels["host"], Metric: a.Metric, Unit: a.Unit,
		Value: num(a.Value), Limit: numOf(a.Limit), Operator: string(a.Operator), Reason: a.Reason,
		Since: a.FiringSince, Until: stamp(a.ResolvedAt), Inhibited: a.Inhibited,
		Labels: orEmptyMap(a.Labels), Annotations: orEmptyMap(a.Annotations),
	}
	if out.Since == 0 {
		out.Since = a.PendingSince
	}
	if a.State == alert.Firing && s.cfg.Silenced(a.Labels) {
		out.State = alertSilenced
	}
	return out
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func orEmptyMap(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (s *Server) getAlerts(r *http.Request) (any, error) {
	q := r.URL.Query()
	state := q.Get("state")
	switch state {
	case "", string(alert.Pending), string(alert.Firing), string(alert.Resolved), alertSilenced:
	default:
		return nil, badParam("state", state, "pending, firing, resolved or silenced")
	}
	limit, err := limitOf(r, 1000, 10_000)
	if err != nil {
		return nil, err
	}
	out := []alertJSON{}
	total := 0
	for _, a := range s.cfg.Alerts.Alerts("") {
		j := s.alertOf(a)
		// A silenced alert fires all the same.
		in := state == "" || j.State == state || (state == string(alert.Firing) && j.State == alertSilenced)
		if !in || !passes(q.Get("model"), j.Model) || !passes(q.Get("severity"), j.Severity) || !passes(q.Get("metric"), j.Metric) {
			continue
		}
		if total++; len(out) < limit {
			out = append(out, j)
		}
	}
	return map[string]any{"alerts": out, "total": total}, nil
}

func passes(want, have string) bool { return want == "" || want == have }

type transitionJSON struct {
	ID          uint64            `json:"id"`
	Time        int64             `json:"time"`
	From        string            `json:"from"`
	To          string            `json:"to"`
	Reason      string            `json:"reason"`
	DurationMS  int64             `json:"duration_ms"`
	Fingerprint string            `json:"fingerprint"`
	Rule        string            `json:"rule"`
	Title       words             `json:"title"`
	Severity    string            `json:"severity"`
	Model       string            `json:"model"`
	Metric      string            `json:"metric"`
	Unit        string            `json:"unit"`
	Value       num               `json:"value"`
	Limit       num               `json:"limit"`
	Operator    string            `json:"operator"`
	Labels      map[string]string `json:"labels"`
}

func transitionOf(t *alert.Transition) transitionJSON {
	return transitionJSON{
		ID: t.ID, Time: t.Time, From: string(t.From), To: string(t.To), Reason: t.Reason, DurationMS: t.Duration,
		Fingerprint: t.Fingerprint, Rule: t.Rule, Title: wordsOf(firstOf(t.Title.En, t.Rule), t.Title.Zh),
		Severity: t.Severity, Model: t.Model, Metric: t.Metric, Unit: t.Unit, Value: num(t.Value),
		Limit: numOf(t.Limit), Operator: string(t.Operator), Labels: orEmptyMap(t.Labels),
	}
}

// getHistory lists transitions, the newest first. The cursor is the time from
// which the next page goes on into the past.
func (s *Server) getHistory(r *http.Request) (any, error) {
	q := r.URL.Query()
	now := s.cfg.Now().UnixMilli()
	sp := span{from: now - 7*dayMS, to: now + 1}
	if err := s.readRange(r, &sp, q.Get("from") != "", q.Get("to") != ""); err != nil {
		return nil, err
	}
	limit, err := limitOf(r, 100, 10_000)
	if err != nil {
		return nil, err
	}
	if text := q.Get("cursor"); text != "" {
		before, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badParam("cursor", text, "a cursor that an earlier answer gave")
		}
		sp.to = min(sp.to, before)
	}
	list, err := s.cfg.Alerts.History(sp.from, sp.to, alert.Filter{
		State: alert.State(q.Get("state")), Severity: q.Get("severity"), Model: q.Get("model"),
		Metric: q.Get("metric"), Rule: q.Get("rule"), Fingerprint: q.Get("fingerprint"), Limit: limit,
	})
	if err != nil {
		return nil, err
	}
	out := make([]transitionJSON, 0, len(list))
	for i := range list {
		out = append(out, transitionOf(&list[i]))
	}
	answer := map[string]any{"transitions": out, "next": ""}
	if len(out) == limit {
		answer["next"] = strconv.FormatInt(list[limit-1].Time, 10)
	}
	return answer, nil
}
