package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	prommodel "github.com/prometheus/common/model"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// maxRuleBody leaves room for the largest document of groups, escaped.
const maxRuleBody = 8 << 20

// ruleJSON is a rule as the API gives and takes it. Of what it takes, origin,
// state, unit, kind, version and the rest of what the server says is ignored,
// so that a rule that was read can be sent back.
type ruleJSON struct {
	Name        string            `json:"name"`
	Kind        string            `json:"kind"` // threshold or promql
	Title       ruleTitle         `json:"title"`
	Metric      string            `json:"metric"`
	Unit        string            `json:"unit"`
	Operator    string            `json:"operator"`
	Warning     *float64          `json:"warning"`
	Critical    *float64          `json:"critical"`
	Duration    ruleDuration      `json:"duration"`
	KeepFiring  ruleDuration      `json:"keep_firing"`
	MinSamples  int               `json:"min_samples"`
	Model       string            `json:"model"`
	Version     string            `json:"version"`
	Segment     string            `json:"segment"`
	Match       map[string]string `json:"match"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Runbook     string            `json:"runbook"`
	Groups      string            `json:"groups,omitempty"` // Prometheus's format, of a promql rule
	Enabled     *bool             `json:"enabled"`

	Origin     string        `json:"origin"`
	ShadowedBy string        `json:"shadowed_by,omitempty"`
	State      string        `json:"state"`
	Status     *alert.Status `json:"status,omitempty"`
	Revision   int64         `json:"revision"`
	Author     string        `json:"author"`
	Updated    stamp         `json:"updated"`
}

// ruleTitle is a text in both languages; one plain string is taken for both.
type ruleTitle words

// UnmarshalJSON takes a string or an object.
func (t *ruleTitle) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var text string
		err := json.Unmarshal(b, &text)
		*t = ruleTitle{text, text}
		return err
	}
	return json.Unmarshal(b, (*words)(t))
}

// ruleDuration is written as 5m; a number is taken for seconds.
type ruleDuration prommodel.Duration

// MarshalJSON writes 0s, 30s, 5m.
func (d ruleDuration) MarshalJSON() ([]byte, error) {
	return json.Marshal(prommodel.Duration(d).String())
}

// UnmarshalJSON takes 5m, or seconds.
func (d *ruleDuration) UnmarshalJSON(b []byte) error {
	var seconds float64
	if json.Unmarshal(b, &seconds) == nil {
		if !(seconds >= 0 && seconds <= 1e9) {
			return fmt.Errorf("a duration of %v s", seconds)
		}
		*d = ruleDuration(time.Duration(seconds * float64(time.Second)))
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil || text == "" {
		return err
	}
	parsed, err := prommodel.ParseDuration(text)
	*d = ruleDuration(parsed)
	return err
}

// UnmarshalJSON of a time in an answer that comes back: it is ignored.
func (t *stamp) UnmarshalJSON([]byte) error { return nil }

func (s *Server) ruleOf(r *alert.Rule, states map[string]string) ruleJSON {
	out := ruleJSON{
		Name: r.Name, Origin: string(r.Origin), ShadowedBy: string(r.ShadowedBy), Status: r.Status,
		Revision: r.Version, Author: r.Author, Updated: stamp(r.Updated), State: stateOK,
	}
	if r.ShadowedBy == "" && states[r.Name] != "" {
		out.State = states[r.Name]
	}
	if p := r.PromQL; p != nil {
		out.Kind, out.Groups, out.Enabled = "promql", p.Groups, &p.Enabled
		out.Title = ruleTitle{r.Name, r.Name}
		return out
	}
	t := r.Threshold
	out.Kind, out.Title = "threshold", ruleTitle(wordsOf(firstOf(t.Title.En, r.Name), t.Title.Zh))
	out.Metric, out.Unit, out.Operator = t.Metric, string(s.metric[t.Metric].Unit), string(t.Operator)
	out.Warning, out.Critical = t.Warning, t.Critical
	out.Duration, out.KeepFiring, out.MinSamples = ruleDuration(t.Duration), ruleDuration(t.KeepFiring), t.MinSamples
	out.Model, out.Version, out.Segment, out.Match = t.Model, t.Version, t.Segment, orEmptyMap(t.Match)
	out.Labels, out.Annotations, out.Runbook = orEmptyMap(t.Labels), orEmptyMap(t.Annotations), t.Runbook
	out.Enabled = &t.Enabled
	return out
}

// rule is what the engine stores.
func (j *ruleJSON) rule(name string) alert.Rule {
	enabled := j.Enabled == nil || *j.Enabled
	if j.Groups != "" {
		return alert.Rule{Name: name, PromQL: &alert.PromQLRule{Groups: j.Groups, Enabled: enabled}}
	}
	op := map[string]string{"ge": "gte", "le": "lte", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "==": "eq", "!=": "ne"}[j.Operator]
	return alert.Rule{Name: name, Threshold: &alert.ThresholdRule{
		Title: alert.Text{En: j.Title.En, Zh: j.Title.Zh}, Metric: j.Metric,
		Operator: catalogue.Operator(firstOf(op, j.Operator)),
		Warning:  j.Warning, Critical: j.Critical,
		Duration: prommodel.Duration(j.Duration), KeepFiring: prommodel.Duration(j.KeepFiring), MinSamples: j.MinSamples,
		Model: j.Model, Version: j.Version, Segment: j.Segment, Match: j.Match,
		Labels: j.Labels, Annotations: j.Annotations, Runbook: j.Runbook, Enabled: enabled,
	}}
}

func (s *Server) getRules(r *http.Request) (any, error) {
	q, states := r.URL.Query(), s.ruleStates()
	out := []ruleJSON{}
	for _, rule := range s.cfg.Alerts.Rules() {
		j := s.ruleOf(&rule, states)
		if passes(q.Get("metric"), j.Metric) && passes(q.Get("origin"), j.Origin) && (q.Get("model") == "" || j.Model == "" || j.Model == alert.Any || j.Model == q.Get("model")) {
			out = append(out, j)
		}
	}
	return map[string]any{"rules": out}, nil
}

// ruleStates is the worst state of each rule's alerts.
func (s *Server) ruleStates() map[string]string {
	out := map[string]string{}
	for _, a := range s.cfg.Alerts.Alerts("") {
		if a.State != alert.Resolved {
			out[a.Rule] = worse(out[a.Rule], s.stateOf(a))
		}
	}
	return out
}

func (s *Server) getRule(r *http.Request) (any, error) {
	rule, ok := s.cfg.Alerts.Rule(r.PathValue("name"))
	if !ok {
		return nil, notFound("rule_not_found", fmt.Sprintf("there is no rule %q", r.PathValue("name")), map[string]any{"rule": r.PathValue("name")})
	}
	return s.ruleOf(&rule, s.ruleStates()), nil
}

func (s *Server) putRule(r *http.Request) (any, error) {
	name := r.PathValue("name")
	var body ruleJSON
	if err := readJSON(r, maxRuleBody, &body); err != nil {
		return nil, err
	}
	if body.Name != "" && body.Name != name {
		return nil, access.Problem{
			Status: http.StatusBadRequest, Code: "body_invalid", Params: map[string]any{"name": body.Name},
			Detail: fmt.Sprintf("the body names the rule %q and the path %q; a rule is renamed by making a new one", body.Name, name),
		}
	}
	if strings.EqualFold(body.Kind, "promql") && body.Groups == "" {
		return nil, access.Problem{Status: http.StatusBadRequest, Code: "body_invalid", Detail: "a promql rule needs groups"}
	}
	if err := s.cfg.Alerts.PutRule(body.rule(name), access.From(r.Context()).Name); err != nil {
		return nil, err
	}
	s.forgetFleet()
	return s.getRule(r)
}

func (s *Server) deleteRule(r *http.Request) (any, error) {
	if err := s.cfg.Alerts.DeleteRule(r.PathValue("name")); err != nil {
		return nil, err
	}
	s.forgetFleet()
	return nil, nil
}
