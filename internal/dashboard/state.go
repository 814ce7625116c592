package dashboard

import (
	"slices"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// The states of tiles, rows and pages.
const (
	stateOK       = "ok"
	stateSilenced = "silenced"
	stateNoData   = "no_data"
	statePending  = "pending"
	stateWarning  = "warning"
	stateCritical = "critical"
)

// rank orders states: the greater is shown where one has to stand for many.
func rank(state string) int {
	return slices.Index([]string{"", stateOK, stateSilenced, stateNoData, statePending, stateWarning, stateCritical}, state)
}

func worse(a, b string) string {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// stateOf is what one alert makes of what it is about.
func (s *Server) stateOf(a *alert.Alert) string {
	switch {
	case a.State == alert.Pending:
		return statePending
	case a.State != alert.Firing:
		return stateOK
	case s.cfg.Silenced(a.Labels):
		return stateSilenced
	case a.Severity == stateCritical:
		return stateCritical
	}
	return stateWarning
}

// limits is a threshold rule as a tile needs it.
type limits struct {
	op                catalogue.Operator
	warning, critical *float64
	minSamples        int
	enabled           bool
}

type limitsJSON struct {
	Operator string   `json:"operator"`
	Warning  *float64 `json:"warning"`
	Critical *float64 `json:"critical"`
}

// judge is the state of a value by its limits alone.
func (l *limits) judge(v num) string {
	switch {
	case !v.ok():
		return stateNoData
	case l.critical != nil && l.op.Breaks(float64(v), *l.critical):
		return stateCritical
	case l.warning != nil && l.op.Breaks(float64(v), *l.warning):
		return stateWarning
	}
	return stateOK
}

// rulebook finds the rule that speaks of a metric of a model.
type rulebook struct {
	own     map[[2]string]*limits // by metric and model
	general map[string]*limits
	checks  int
}

func (s *Server) rulebook() *rulebook {
	b := &rulebook{own: map[[2]string]*limits{}, general: map[string]*limits{}}
	for _, r := range s.cfg.Alerts.Rules() {
		if r.ShadowedBy != "" {
			continue
		}
		if r.PromQL != nil && r.PromQL.Enabled {
			b.checks++
		}
		if t := r.Threshold; t != nil {
			b.add(t)
		}
	}
	return b
}

func (b *rulebook) add(t *alert.ThresholdRule) {
	if t.Enabled {
		b.checks++
	}
	if t.Segment != "" || (t.Version != "" && t.Version != alert.Any) || len(t.Match) > 0 {
		return // it speaks of a part
	}
	l := &limits{op: t.Operator, warning: t.Warning, critical: t.Critical, minSamples: t.MinSamples, enabled: t.Enabled}
	if t.Model != "" && t.Model != alert.Any {
		b.own[[2]string{t.Metric, t.Model}] = firstEnabled(b.own[[2]string{t.Metric, t.Model}], l)
		return
	}
	b.general[t.Metric] = firstEnabled(b.general[t.Metric], l)
}

// firstEnabled prefers a rule that runs.
func firstEnabled(a, b *limits) *limits {
	if a == nil || (!a.enabled && b.enabled) {
		return b
	}
	return a
}

// of is nil where no rule has limits for the metric.
func (b *rulebook) of(metric, model string) *limits {
	if l := b.own[[2]string{metric, model}]; l != nil {
		return l
	}
	return b.general[metric]
}

func (l *limits) json() *limitsJSON {
	if l == nil || !l.enabled {
		return nil
	}
	return &limitsJSON{Operator: string(l.op), Warning: l.warning, Critical: l.critical}
}

// shown is the limits by which features are coloured, whether the rule runs or
// not: those of the rule, else of the catalogue.
func (s *Server) shown(b *rulebook, metric, model string) *limits {
	if l := b.of(metric, model); l != nil {
		return l
	}
	m := s.metric[metric]
	return &limits{op: m.Operator, warning: m.Warning, critical: m.Critical}
}
