package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	registry "github.com/leewayhq/leeway/internal/model"
)

// fileRules brings the configuration's rules and rule files into the form of
// package alert. What only alert can judge is in its errors.
func fileRules(cfg *config.Config) ([]alert.Rule, config.Errors) {
	var out []alert.Rule
	var problems config.Errors
	for i := range cfg.Rules {
		out = append(out, thresholdRule(&cfg.Rules[i]))
	}
	for i, pattern := range cfg.RuleFiles {
		names, err := ruleFiles(pattern)
		if err != nil {
			problems = append(problems, cfg.Problem("rule_files["+itoa(i)+"]", err.Error()))
		}
		for _, name := range names {
			r, errs := ruleFile(name)
			if slices.ContainsFunc(out, func(other alert.Rule) bool { return other.Name == r.Name }) {
				errs = append(errs, fmt.Errorf("there is a rule or a rule file of the name %q already", r.Name))
			}
			for _, e := range errs {
				problems = append(problems, cfg.Problem("rule_files["+itoa(i)+"]", filepath.Base(name)+": "+e.Error()))
			}
			out = append(out, r)
		}
	}
	return out, problems
}

// ruleFiles are the files of a pattern, which may be none; a name without a
// pattern must exist.
func ruleFiles(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	return filepath.Glob(pattern)
}

func ruleFile(name string) (alert.Rule, []error) {
	base := filepath.Base(name)
	r := alert.Rule{Name: strings.TrimSuffix(base, filepath.Ext(base)), Origin: alert.OriginFile}
	text, err := os.ReadFile(name)
	r.PromQL = &alert.PromQLRule{Groups: string(text), Enabled: true}
	if err != nil {
		return r, []error{err}
	}
	return r, alert.CheckGroups(text)
}

func thresholdRule(r *config.Rule) alert.Rule {
	return alert.Rule{Name: r.Name, Origin: alert.OriginFile, Threshold: &alert.ThresholdRule{
		Title: alert.Text(r.Title), Metric: r.Metric, Operator: operator(r.Operator),
		Warning: r.Warning, Critical: r.Critical,
		Duration: promDuration(r.Duration), KeepFiring: promDuration(r.KeepFiring), MinSamples: r.MinSamples,
		Model: r.Model, Version: r.Version, Segment: r.Segment, Match: r.Match,
		Enabled: r.Enabled, Labels: r.Labels, Annotations: r.Annotations, Runbook: r.Runbook,
	}}
}

// operator translates the two that the catalogue spells out.
func operator(written string) alert.Operator {
	switch written {
	case "ge":
		return catalogue.GTE
	case "le":
		return catalogue.LTE
	}
	return alert.Operator(written)
}

func promDuration(d time.Duration) model.Duration { return model.Duration(d) }

// declaration is what the configuration says of a model.
func declaration(m *config.Model) (registry.Declaration, error) {
	d := registry.Declaration{Threshold: m.Threshold}
	if m.Title != "" {
		d.Title = &m.Title
	}
	if m.PositiveClass != "" {
		d.Positive = &m.PositiveClass
	}
	if len(m.Segments) > 0 {
		d.Segments = &m.Segments
	}
	if m.Task != "" {
		task, err := event.ParseTask(m.Task)
		if err != nil {
			return d, err
		}
		t := registry.Task(task)
		d.Task = &t
	}
	if m.Reference != "" {
		if _, err := registry.ParseReference(m.Reference); err != nil {
			return d, err
		}
		d.Reference = &m.Reference
	}
	for name, f := range m.Features {
		d.Features = append(d.Features, registry.Feature{Name: name, Kind: registry.FeatureKind(f.Kind)})
	}
	return d, nil
}
