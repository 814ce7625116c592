package alert

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

// PrometheusGroups shows the rules and alerts as Prometheus's own API does,
// for /prometheus/api/v1/rules and /alerts. The groups that really run have
// neither "for" nor states that mean anything, so copies are made that have:
// they are given the alerts that we keep and are never run.
func (e *Engine) PrometheusGroups() []*rules.Group {
	e.rulesMu.Lock()
	manager := e.manager
	e.rulesMu.Unlock()
	if manager == nil {
		return nil
	}
	known, alerts := e.specs.Load(), e.life.copies()
	opts := &rules.ManagerOptions{
		QueryFunc:  func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil },
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
		Appendable: nowhere{}, Metrics: e.shown, Logger: slog.New(slog.DiscardHandler),
		Context: context.Background(),
	}
	var out []*rules.Group
	for _, live := range manager.RuleGroups() {
		out = append(out, showGroup(live, known, alerts, opts))
	}
	return out
}

func showGroup(live *rules.Group, known *specs, alerts map[string][]entry, opts *rules.ManagerOptions) *rules.Group {
	names := newRefs(live.File(), live.Name())
	var list []rules.Rule
	var pending []func()
	last := live.GetLastEvaluation()
	for _, r := range live.Rules() {
		ar, ok := r.(*rules.AlertingRule)
		if !ok {
			shown := rules.NewRecordingRule(r.Name(), r.Query(), r.Labels())
			list = append(list, shown)
			pending = append(pending, func() { copyStatus(shown, r) })
			continue
		}
		ref := names.next(ar.Name(), ar.Labels())
		var hold, keep time.Duration
		if sp := known.byRef[ref]; sp != nil {
			hold, keep = sp.hold, sp.keep
		}
		shown := rules.NewAlertingRule(ar.Name(), ar.Query(), hold, keep, ar.Labels(), ar.Annotations(),
			noLabels, "", false, opts.Logger)
		list = append(list, shown)
		pending = append(pending, func() { showAlerts(shown, alerts[ref]); copyStatus(shown, ar) })
	}
	g := rules.NewGroup(rules.GroupOptions{
		Name: live.Name(), File: live.File(), Interval: live.Interval(), Limit: live.Limit(), Rules: list, Opts: opts,
	})
	if !last.IsZero() {
		rules.DefaultEvalIterationFunc(opts.Context, g, last) // without results: it sets the times of the group
	}
	for _, fill := range pending {
		fill()
	}
	return g
}

// showAlerts lets the rule find our alerts and then sets their true states.
func showAlerts(r *rules.AlertingRule, alerts []entry) {
	if len(alerts) == 0 {
		return
	}
	byHash := make(map[uint64]entry, len(alerts))
	vector := make(promql.Vector, 0, len(alerts))
	for _, en := range alerts {
		byHash[en.hash] = en
		vector = append(vector, promql.Sample{Metric: en.labels, F: float64(en.Value)})
	}
	found := func(context.Context, string, time.Time) (promql.Vector, error) { return vector, nil }
	if _, err := r.Eval(context.Background(), 0, time.Now(), found, nil, 0); err != nil {
		return
	}
	r.ForEachActiveAlert(func(a *rules.Alert) {
		en, ok := byHash[a.Labels.Hash()]
		if !ok {
			return
		}
		a.State, a.ActiveAt = rules.StatePending, time.UnixMilli(en.PendingSince)
		a.Annotations = labels.FromMap(en.Annotations)
		if en.State == Firing {
			a.State, a.FiredAt = rules.StateFiring, time.UnixMilli(en.FiringSince)
		}
		if en.KeepFiringSince != 0 {
			a.KeepFiringSince = time.UnixMilli(en.KeepFiringSince)
		}
	})
}

func copyStatus(to, from rules.Rule) {
	to.SetHealth(from.Health())
	to.SetLastError(from.LastError())
	to.SetEvaluationDuration(from.GetEvaluationDuration())
	to.SetEvaluationTimestamp(from.GetEvaluationTimestamp())
}

// copies are the pending and firing alerts of each alerting rule.
func (l *life) copies() map[string][]entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string][]entry{}
	for ref, m := range l.byRef {
		for _, en := range m {
			if en.State == Pending || en.State == Firing {
				c := *en
				c.Alert = *en.copy()
				out[ref] = append(out[ref], c)
			}
		}
		slices.SortFunc(out[ref], func(a, b entry) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
	}
	return out
}

// nowhere takes samples and forgets them; the shown groups have none.
type nowhere struct{}

func (nowhere) Appender(context.Context) storage.Appender { return noAppender{} }

type noAppender struct{ storage.Appender }

func (noAppender) Commit() error                     { return nil }
func (noAppender) Rollback() error                   { return nil }
func (noAppender) SetOptions(*storage.AppendOptions) {}
func (noAppender) Append(storage.SeriesRef, labels.Labels, int64, float64) (storage.SeriesRef, error) {
	return 0, nil
}
