package alert

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// The largest document of rule groups that is taken, in bytes.
const maxGroupsBytes = 4 << 20

var ruleName = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.\- ]{0,127}$`)

// reservedLabels are set by the rule or by the series itself.
var reservedLabels = map[string]bool{
	"alertname": true, "severity": true, "rule": true, "metric": true, "__name__": true,
}

// problems gathers what is wrong, so that a person sees all of it at once.
type problems []error

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalid, errors.Join(p...))
}

// Validate reports every problem of a rule; the error is ErrInvalid and holds
// a Problem for each.
func Validate(r Rule, metric func(string) (catalogue.Metric, bool)) error {
	var p problems
	if !ruleName.MatchString(r.Name) {
		p.add("name", "must be 1 to 128 letters, digits, spaces, '_', '-' or '.', and begin with a letter, a digit or '_'")
	}
	switch {
	case r.Threshold != nil && r.PromQL != nil:
		p.add("promql", "a rule is a threshold or PromQL groups, not both")
	case r.Threshold != nil:
		r.Threshold.check(&p, metric)
	case r.PromQL != nil:
		_, errs := parseGroups([]byte(r.PromQL.Groups), parser.NewParser(parser.Options{}))
		for _, err := range errs {
			p.add("promql.groups", "%v", err)
		}
	default:
		p.add("threshold", "a rule needs a threshold or PromQL groups")
	}
	return p.err()
}

func (t *ThresholdRule) check(p *problems, metric func(string) (catalogue.Metric, bool)) {
	m, ok := metric(t.Metric)
	if !ok {
		p.add("metric", "%q is not in the catalogue of metrics", t.Metric)
	} else if m.NoSeries {
		p.add("metric", "%q is in answers of the API alone and has no series that a rule could watch", t.Metric)
	}
	if !t.Operator.Valid() {
		p.add("operator", "%q is none of %q", t.Operator, catalogue.Operators())
	}
	t.checkLimits(p)
	if t.Duration < 0 {
		p.add("duration", "must not be negative")
	}
	if t.KeepFiring < 0 {
		p.add("keep_firing", "must not be negative")
	}
	switch {
	case t.MinSamples < 0:
		p.add("min_samples", "must not be negative")
	case t.MinSamples > 0 && ok && (m.Group == catalogue.Host || m.Group == catalogue.Probe):
		p.add("min_samples", "does not apply to %q, a metric of %ss", t.Metric, m.Group)
	}
	if ok && m.Group == catalogue.Host && (concrete(t.Model) || concrete(t.Version) || concrete(t.Segment)) {
		p.add("model", "%q is a metric of a host; select one with match: {host: …}", t.Metric)
	}
	t.checkLabels(p)
	if t.Runbook != "" {
		if u, err := url.Parse(t.Runbook); err != nil || (u.Scheme != "http" && u.Scheme != "https") {
			p.add("runbook", "must be an http or https link")
		}
	}
}

func (t *ThresholdRule) checkLimits(p *problems) {
	if t.Warning == nil && t.Critical == nil {
		p.add("warning", "a threshold needs a warning or a critical limit")
	}
	for _, l := range t.limits() {
		if math.IsNaN(l.value) || math.IsInf(l.value, 0) {
			p.add(l.severity, "must be a finite number")
		}
	}
	if t.Warning == nil || t.Critical == nil {
		return
	}
	switch d := direction(t.Operator); {
	case d == "above" && *t.Critical < *t.Warning:
		p.add("critical", "%v is crossed before the warning limit %v", *t.Critical, *t.Warning)
	case d == "below" && *t.Critical > *t.Warning:
		p.add("critical", "%v is crossed before the warning limit %v", *t.Critical, *t.Warning)
	}
}

func (t *ThresholdRule) checkLabels(p *problems) {
	for name, value := range t.Labels {
		field := "labels." + name
		switch {
		case reservedLabels[name] || name == "model" || name == "version" || name == "segment" || name == "host":
			p.add(field, "is set by Leeway")
		case !model.LegacyValidation.IsValidLabelName(name):
			p.add(field, "is not a label name")
		case strings.Contains(value, "{{"):
			p.add(field, "a threshold's labels are fixed texts; use annotations for templates")
		case len(value) > 2048:
			p.add(field, "is longer than 2048 bytes")
		}
	}
	for name := range t.Match {
		if !model.LegacyValidation.IsValidLabelName(name) || name == model.MetricNameLabel {
			p.add("match."+name, "is not a label name")
		}
	}
	for name := range t.Annotations {
		if !model.LegacyValidation.IsValidLabelName(name) {
			p.add("annotations."+name, "is not an annotation name")
		}
	}
}

func concrete(selector string) bool { return selector != "" && selector != Any }

// CheckGroups reports every problem of a document of Prometheus rule groups.
func CheckGroups(document []byte) []error {
	_, errs := parseGroups(document, parser.NewParser(parser.Options{}))
	return errs
}

func parseGroups(document []byte, p parser.Parser) (*rulefmt.RuleGroups, []error) {
	if len(document) > maxGroupsBytes {
		return nil, []error{fmt.Errorf("the document has %d bytes, more than %d", len(document), maxGroupsBytes)}
	}
	groups, errs := rulefmt.Parse(document, false, model.UTF8Validation, p, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return nil, errs
	}
	if len(groups.Groups) == 0 {
		return nil, []error{errors.New("there are no groups in it")}
	}
	return groups, nil
}

// validateAll checks rules from one origin, names and all.
func (e *Engine) validateAll(list []Rule) error {
	var errs []error
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf("rule %q is there twice", r.Name))
		}
		seen[r.Name] = true
		if err := Validate(r, e.cfg.Metrics); err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", r.Name, err))
		}
	}
	return errors.Join(errs...)
}
