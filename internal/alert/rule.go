package alert

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/prometheus/common/model"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// Origin says where a rule comes from. Where two rules have one name, the
// file beats the API and the API beats what is built in; the loser is listed
// as shadowed.
type Origin string

// The origins, weakest first.
const (
	OriginBuiltin Origin = "builtin"
	OriginAPI     Origin = "api"
	OriginFile    Origin = "file"
)

// Errors that callers test for with errors.Is.
var (
	ErrInvalid  = errors.New("the rule is not valid")
	ErrNotFound = errors.New("there is no such rule")
	ErrReadOnly = errors.New("the rule comes from the configuration file and is changed there")
	ErrTooMany  = errors.New("there are too many rules")
)

// Rule is one named rule: a threshold or a document of Prometheus groups,
// exactly one of the two. Rules are known by (Origin, Name).
type Rule struct {
	Name      string         `json:"name"`
	Origin    Origin         `json:"origin"`
	Threshold *ThresholdRule `json:"threshold,omitempty"`
	PromQL    *PromQLRule    `json:"promql,omitempty"`

	Version int64  `json:"version"`           // counts the changes of a stored rule
	Author  string `json:"author,omitempty"`  // of the last change
	Updated int64  `json:"updated,omitempty"` // ms
	// ShadowedBy is the origin of the rule of this name that is in force
	// instead of this one; empty when this one is.
	ShadowedBy Origin  `json:"shadowed_by,omitempty"`
	Status     *Status `json:"status,omitempty"` // of a rule in force, as listed by Rules
}

// Status is what the last evaluation of a rule gave.
type Status struct {
	Health         string  `json:"health"` // ok, err or unknown
	LastError      string  `json:"last_error,omitempty"`
	LastEvaluation int64   `json:"last_evaluation,omitempty"` // ms
	Seconds        float64 `json:"seconds"`                   // that it took
	Pending        int     `json:"pending"`
	Firing         int     `json:"firing"`
	// Expressions are the PromQL that is evaluated, by severity, of a threshold.
	Expressions map[string]string `json:"expressions,omitempty"`
}

// Operator compares the metric, at the left, to the limit.
type Operator = catalogue.Operator

// spelled takes the two short spellings that people write too.
func spelled(o Operator) Operator {
	switch o {
	case "ge":
		return catalogue.GTE
	case "le":
		return catalogue.LTE
	}
	return o
}

// direction is what two rules must share for one to override the other.
func direction(o Operator) string {
	switch o {
	case catalogue.GT, catalogue.GTE:
		return "above"
	case catalogue.LT, catalogue.LTE:
		return "below"
	}
	return string(o)
}

// Any selects every value of a label.
const Any = "*"

// ThresholdRule compares one metric of the catalogue to one or two limits.
type ThresholdRule struct {
	Title    Text     `json:"title,omitzero" yaml:"title,omitempty"`
	Metric   string   `json:"metric" yaml:"metric"` // key of the catalogue
	Operator Operator `json:"operator" yaml:"operator"`
	Warning  *float64 `json:"warning,omitempty" yaml:"warning,omitempty"`
	Critical *float64 `json:"critical,omitempty" yaml:"critical,omitempty"`

	Duration   model.Duration `json:"duration,omitempty" yaml:"duration,omitempty"`       // it must hold so long before it fires
	KeepFiring model.Duration `json:"keep_firing,omitempty" yaml:"keep_firing,omitempty"` // it fires so long after it last held
	// MinSamples labels (for quality) or predictions must be in the trailing
	// window that the value was computed over; not for metrics of hosts.
	MinSamples int `json:"min_samples,omitempty" yaml:"min_samples,omitempty"`

	Model   string            `json:"model,omitempty" yaml:"model,omitempty"`     // "" and "*": every model
	Version string            `json:"version,omitempty" yaml:"version,omitempty"` // "" and "*": every version
	Segment string            `json:"segment,omitempty" yaml:"segment,omitempty"` // "": the whole model; "*": every segment too
	Match   map[string]string `json:"match,omitempty" yaml:"match,omitempty"`     // further labels, by exact value: host, feature, …

	Enabled     bool              `json:"enabled" yaml:"enabled"` // true where it is not written
	Labels      map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty" yaml:"annotations,omitempty"`
	Runbook     string            `json:"runbook,omitempty" yaml:"runbook,omitempty"` // a link
}

// UnmarshalJSON makes a rule enabled unless it says otherwise.
func (t *ThresholdRule) UnmarshalJSON(b []byte) error {
	type plain ThresholdRule
	p := plain{Enabled: true}
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	p.Operator = spelled(p.Operator)
	*t = ThresholdRule(p)
	return nil
}

// UnmarshalYAML makes a rule enabled unless it says otherwise.
func (t *ThresholdRule) UnmarshalYAML(unmarshal func(any) error) error {
	type plain ThresholdRule
	p := plain{Enabled: true}
	if err := unmarshal(&p); err != nil {
		return err
	}
	p.Operator = spelled(p.Operator)
	*t = ThresholdRule(p)
	return nil
}

// PromQLRule is a document in Prometheus's own format: groups with alerting
// and recording rules, as a rule file has them.
type PromQLRule struct {
	Groups  string `json:"groups" yaml:"groups"`
	Enabled bool   `json:"enabled" yaml:"enabled"` // true where it is not written
}

// UnmarshalJSON makes a document enabled unless it says otherwise.
func (p *PromQLRule) UnmarshalJSON(b []byte) error {
	type plain PromQLRule
	v := plain{Enabled: true}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*p = PromQLRule(v)
	return nil
}

// Problem is one thing that is wrong with a rule.
type Problem struct {
	Field  string
	Reason string
}

func (p Problem) Error() string { return fmt.Sprintf("%s: %s", p.Field, p.Reason) }

// limit is one severity's limit of a threshold.
type limit struct {
	severity string
	value    float64
}

func (t *ThresholdRule) limits() []limit {
	var out []limit
	if t.Warning != nil {
		out = append(out, limit{"warning", *t.Warning})
	}
	if t.Critical != nil {
		out = append(out, limit{"critical", *t.Critical})
	}
	return out
}
