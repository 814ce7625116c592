package app

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/event"
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
	for i, name := range cfg.RuleFiles {
		text, err := os.ReadFile(name)
		if err == nil {
			for _, e := range alert.CheckGroups(text) {
				problems = append(problems, cfg.Problem("rule_files["+itoa(i)+"]", filepath.Base(name)+": "+e.Error()))
			}
			base := filepath.Base(name)
			out = append(out, alert.Rule{
				Name: strings.TrimSuffix(base, filepath.Ext(base)), Origin: alert.OriginFile,
				PromQL: &alert.PromQLRule{Groups: string(text), Enabled: true},
			})
			continue
		}
		problems = append(problems, cfg.Problem("rule_files["+itoa(i)+"]", err.Error()))
	}
	return out, problems
}

func thresholdRule(r *config.Rule) alert.Rule {
	return alert.Rule{Name: r.Name, Origin: alert.OriginFile, Threshold: &alert.ThresholdRule{
		Title: alert.Text(r.Title), Metric: r.Metric, Operator: alert.Operator(r.Operator),
		Warning: r.Warning, Critical: r.Critical,
		Duration: promDuration(r.Duration), KeepFiring: promDuration(r.KeepFiring), MinSamples: r.MinSamples,
		Model: r.Model, Version: r.Version, Segment: r.Segment, Match: r.Match,
		Enabled: r.Enabled, Labels: r.Labels, Annotations: r.Annotations, Runbook: r.Runbook,
	}}
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
	for name, f := range m.Features {
		d.Features = append(d.Features, registry.Feature{Name: name, Kind: registry.FeatureKind(f.Kind)})
	}
	return d, nil
}
