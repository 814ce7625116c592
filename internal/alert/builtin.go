package alert

import (
	"github.com/prometheus/common/model"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// BuiltinRules are the rules that every team starts with, one for each row of
// the catalogue that has a limit. They apply to every model or every host;
// those that the catalogue leaves off are disabled until somebody opts in.
// docs/formats/rules.md lists them.
func BuiltinRules() []Rule {
	var out []Rule
	for _, m := range catalogue.All() {
		if m.HasRule() {
			out = append(out, builtinRule(m))
		}
	}
	return out
}

func builtinRule(m catalogue.Metric) Rule {
	name, en, zh := m.Key+"_high", " is high", "过高"
	if direction(m.Operator) == "below" {
		name, en, zh = m.Key+"_low", " is low", "过低"
	}
	t := &ThresholdRule{
		Title:  Text{En: m.Title.En + en, Zh: m.Title.Zh + zh},
		Metric: m.Key, Operator: m.Operator, Warning: m.Warning, Critical: m.Critical,
		Duration: model.Duration(m.For), Enabled: m.EnabledByDefault,
	}
	if m.Group != catalogue.Host {
		t.MinSamples = m.MinSamples
	}
	return Rule{Name: name, Origin: OriginBuiltin, Threshold: t, Version: 1}
}
