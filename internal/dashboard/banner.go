package dashboard

import (
	"github.com/leewayhq/leeway/internal/alert"
)

// banner is what the page says first: the worst state, since when, and what it
// coincides with.
type banner struct {
	State       string   `json:"state"`
	Critical    int      `json:"critical"`
	Warning     int      `json:"warning"`
	Since       stamp    `json:"since"`
	Checks      int      `json:"checks"`
	LabelsUntil stamp    `json:"labels_until"`
	Explain     []reason `json:"explain"`
}

func (v *view) banner(out *overviewAnswer) *banner {
	b := &banner{State: stateOK, Checks: v.rules.checks, LabelsUntil: stamp(v.labelledUntil()), Explain: []reason{}}
	if v.total == nil {
		b.State = stateNoData
	}
	for _, a := range v.alerts {
		v.count(b, a)
	}
	for _, t := range out.Quality {
		if t.State == stateWarning || t.State == stateCritical {
			b.State = worse(b.State, t.State)
		}
	}
	switch b.State {
	case stateWarning, stateCritical:
		b.Explain = v.explain(out)
	case stateOK, stateSilenced:
		b.Since = stamp(v.quietSince())
	}
	return b
}

func (v *view) count(b *banner, a *alert.Alert) {
	state := v.s.stateOf(a)
	b.State = worse(b.State, state)
	if a.Inhibited || a.State != alert.Firing {
		return
	}
	switch state {
	case stateCritical:
		b.Critical++
	case stateWarning:
		b.Warning++
	default:
		return
	}
	if b.Since == 0 || a.FiringSince < int64(b.Since) {
		b.Since = stamp(a.FiringSince)
	}
}

// quietSince is when the model's last alert ended, as far as history goes.
func (v *view) quietSince() int64 {
	list, err := v.s.cfg.Alerts.History(0, v.now+1, alert.Filter{State: alert.Resolved, Model: v.m.Name, Limit: 1})
	if err != nil || len(list) == 0 {
		return 0 // the sentence does without
	}
	return list[0].Time
}

const maxExplain = 4

// explain gathers facts that may be the cause, the strongest first.
func (v *view) explain(out *overviewAnswer) []reason {
	list := []reason{}
	for _, t := range out.Quality {
		if m := v.s.metric[t.Key]; (t.State == stateWarning || t.State == stateCritical) && t.Change.ok() && worsened(string(m.Good), t.Change) {
			list = append(list, reason{"metric_fell", map[string]any{"metric": t.Key, "title": t.Title, "change": t.Change, "unit": t.Unit}})
			break
		}
	}
	if n := len(v.m.Versions); n > 1 {
		for _, ver := range v.m.Versions {
			if ver.Name == latestVersion(v.m) && ver.FirstSeen >= v.sp.from && ver.FirstSeen < v.sp.to {
				list = append(list, reason{"deployment", map[string]any{"version": ver.Name, "at": ver.FirstSeen}})
			}
		}
	}
	if out.Drift.Drifted > 0 {
		list = append(list, reason{"features_drifted", map[string]any{"drifted": out.Drift.Drifted, "total": out.Drift.Total}})
	}
	for _, a := range v.alerts {
		if len(list) >= maxExplain {
			break
		}
		if a.State == alert.Firing && !a.Inhibited {
			list = append(list, reason{"alert", map[string]any{"title": v.s.alertOf(a).Title, "at": a.FiringSince}})
		}
	}
	return list
}

func worsened(good string, change num) bool {
	if good == "lower" {
		return change > 0
	}
	return change < 0
}
