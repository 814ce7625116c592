package alert

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// entry is one alert as the life keeps it.
type entry struct {
	Alert
	ref      string
	hash     uint64
	labels   labels.Labels
	lastSent int64
	restored bool // it comes from before the start of this process

	spec  *spec         // the rule that described it last
	given labels.Labels // the rule's own annotations then
}

// observed is one result of an evaluation.
type observed struct {
	labels      labels.Labels
	annotations labels.Labels
	value       float64
}

// life keeps all alerts. One evaluation of one alerting rule is one step;
// steps of the same rule come one after another.
type life struct {
	e        *Engine
	openedAt int64

	mu    sync.Mutex
	byRef map[string]map[uint64]*entry
	dirty *change // what could not be written yet
}

func newLife(e *Engine, stored []storedAlert, heartbeat int64, now time.Time) *life {
	l := &life{e: e, openedAt: now.UnixMilli(), byRef: map[string]map[uint64]*entry{}, dirty: newChange()}
	outage := heartbeat > 0 && l.openedAt-heartbeat > e.cfg.OutageTolerance.Milliseconds()
	for _, s := range stored {
		lset := labels.FromMap(s.Labels)
		en := &entry{Alert: s.Alert, ref: s.Ref, hash: lset.Hash(), labels: lset, restored: true}
		if en.State == Pending && outage {
			l.dirty.remove(en) // too long ago to count as held all the time
			continue
		}
		l.put(en)
		e.written.seed(en)
	}
	return l
}

func (l *life) put(en *entry) {
	m := l.byRef[en.ref]
	if m == nil {
		m = map[uint64]*entry{}
		l.byRef[en.ref] = m
	}
	m[en.hash] = en
}

// step takes the results of one evaluation and returns copies of the alerts
// that began to fire or ended, already on disk.
func (l *life) step(ctx context.Context, sp *spec, ts time.Time, results []observed) ([]*Alert, error) {
	seen := make(map[uint64]struct{}, len(results))
	for i := range results {
		seen[results[i].labels.Hash()] = struct{}{}
	}
	var values map[uint64]float64
	if sp.threshold != nil && l.missing(sp.ref, seen) {
		var err error
		if values, err = l.e.lookup(ctx, sp, ts); err != nil {
			return nil, fmt.Errorf("look up %s: %w", sp.base, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ev := evaluation{newChange(), sp, ts.UnixMilli(), values}
	for _, o := range results {
		l.holds(ev, o)
	}
	for hash, en := range l.byRef[sp.ref] {
		if _, ok := seen[hash]; !ok {
			l.holdsNoMore(ev, en)
		}
	}
	return l.commit(ev.change), nil
}

// evaluation is one step under way: values are those of a threshold's series
// whether they are beyond the limit or not.
type evaluation struct {
	*change
	sp     *spec
	ts     int64 // ms
	values map[uint64]float64
}

// missing says whether a firing alert of the rule is not among the results.
func (l *life) missing(ref string, seen map[uint64]struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for hash, en := range l.byRef[ref] {
		if _, ok := seen[hash]; !ok && en.State == Firing {
			return true
		}
	}
	return false
}

func (l *life) holds(ev evaluation, o observed) {
	sp, ts := ev.sp, ev.ts
	hash := o.labels.Hash()
	en := l.byRef[sp.ref][hash]
	if en == nil || en.State == Resolved {
		en = newEntry(sp, o, hash, ts)
		l.put(en)
		if sp.hold > 0 {
			ev.move(en, Inactive, ts, ts)
		}
	}
	en.describe(sp, o)
	en.Value, en.LastSeen = Number(o.value), ts
	if en.KeepFiringSince != 0 {
		en.KeepFiringSince = 0
		ev.keep(en)
	}
	if en.State == Pending && ts-en.PendingSince >= sp.hold.Milliseconds() {
		from := Pending
		if en.PendingSince == ts {
			from = Inactive // it was never seen pending
		}
		en.State, en.FiringSince = Firing, ts
		ev.move(en, from, ts, en.PendingSince)
	}
}

func newEntry(sp *spec, o observed, hash uint64, ts int64) *entry {
	lset := o.labels.Map()
	set := make(model.LabelSet, len(lset))
	for k, v := range lset {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	en := &entry{ref: sp.ref, hash: hash, labels: o.labels.Copy(), Alert: Alert{
		Fingerprint: set.Fingerprint().String(), Labels: lset,
		Rule: sp.rule, Severity: lset["severity"], Model: lset["model"], Metric: lset["metric"],
		State: Pending, Reason: ReasonBreach, PendingSince: ts,
	}}
	return en
}

// describe refreshes what can change while the alert goes on: the rule's
// limit and origin, and the texts. Mostly nothing did.
func (en *entry) describe(sp *spec, o observed) {
	if en.spec == sp && float64(en.Value) == o.value && labels.Equal(en.given, o.annotations) {
		return
	}
	en.spec, en.given, en.Origin = sp, o.annotations, sp.origin
	if sp.threshold != nil {
		limit := sp.limit
		en.Limit, en.Operator, en.Unit = &limit, sp.threshold.Operator, string(sp.metric.Unit)
	}
	en.Annotations = annotations(sp, en.Labels, o)
}

func (l *life) holdsNoMore(ev evaluation, en *entry) {
	sp, ts := ev.sp, ev.ts
	switch en.State {
	case Pending:
		en.Reason = ReasonRecover
		l.end(ev.change, en, ts)
	case Firing:
		if sp.keep > 0 {
			if en.KeepFiringSince == 0 {
				en.KeepFiringSince = ts
				ev.keep(en)
			}
			if ts-en.KeepFiringSince < sp.keep.Milliseconds() {
				return
			}
		}
		en.Reason = ReasonRecover
		if sp.threshold != nil {
			v, ok := ev.values[en.hash]
			switch {
			case !ok && en.restored && ts-l.openedAt < l.e.cfg.NoDataGrace.Milliseconds():
				return // nothing was measured since the start: not a recovery
			case !ok:
				en.Reason = ReasonNoData
			case sp.threshold.Operator.Breaks(v, sp.limit):
				en.Value, en.Reason = Number(v), ReasonFew
			default:
				en.Value = Number(v)
			}
		}
		l.end(ev.change, en, ts)
	}
}

// end resolves what fires and lets go what is pending.
func (l *life) end(ch *change, en *entry, ts int64) {
	from, began := en.State, en.FiringSince
	en.KeepFiringSince = 0
	if from == Firing {
		en.State, en.ResolvedAt = Resolved, ts
	} else {
		en.State, began = Inactive, en.PendingSince
		delete(l.byRef[en.ref], en.hash)
	}
	ch.move(en, from, ts, began)
}

// commit writes the change, publishes its transitions, and returns copies of
// what is to be handed on. When the disk fails the alerts are handed on all
// the same, and the next commit tries again.
func (l *life) commit(ch *change) []*Alert {
	if ch.empty() && l.dirty.empty() {
		return nil
	}
	l.dirty.merge(ch)
	if err := l.e.store.commit(l.dirty); err != nil {
		l.e.met.storeErrors.Inc()
		l.e.log.Error("alerts could not be written; they are tried again", "err", err)
		l.dirty.bound(l.e.cfg.MaxAlertsPerRule)
	} else {
		l.dirty = newChange()
	}
	var out []*Alert
	now := l.e.cfg.Now().UnixMilli()
	for _, m := range ch.moves {
		l.e.met.transitions.WithLabelValues(string(m.transition.To)).Inc()
		l.e.stream.publish(*m.transition)
		if m.entry.State == Firing || m.entry.State == Resolved {
			out = append(out, l.handOn(m.entry, now))
		}
	}
	return out
}

// handOn copies an alert for the one who is told.
func (l *life) handOn(en *entry, now int64) *Alert {
	en.lastSent = now
	a := en.copy()
	repeat := max(l.e.cfg.ResendDelay, l.e.cfg.HostInterval)
	a.ValidUntil = now + 4*repeat.Milliseconds()
	return a
}

func (en *entry) copy() *Alert {
	a := en.Alert
	a.Labels, a.Annotations = maps.Clone(a.Labels), maps.Clone(a.Annotations)
	return &a
}

// everything returns what fires or ended lately, for the first hand-over
// after a start.
func (l *life) everything() []*Alert { return l.choose(func(*entry) bool { return true }) }

// due returns what has to be repeated.
func (l *life) due(now time.Time) []*Alert {
	before := now.Add(-l.e.cfg.ResendDelay).UnixMilli()
	return l.choose(func(en *entry) bool { return en.lastSent <= before })
}

func (l *life) choose(want func(*entry) bool) []*Alert {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*Alert
	now := l.e.cfg.Now().UnixMilli()
	for _, m := range l.byRef {
		for _, en := range m {
			if (en.State == Firing || en.State == Resolved) && want(en) {
				out = append(out, l.handOn(en, now))
			}
		}
	}
	slices.SortFunc(out, func(a, b *Alert) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
	return out
}

// forget removes alerts that ended so long ago that everybody was told. The
// time counts from the start of the process if that came later, because an
// end from before it may not have been told.
func (l *life) forget(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ch := newChange()
	before := now.Add(-l.e.cfg.ResolvedFor).UnixMilli()
	for _, m := range l.byRef {
		for hash, en := range m {
			if en.State == Resolved && max(en.ResolvedAt, l.openedAt) < before {
				delete(m, hash)
				ch.remove(en)
			}
		}
	}
	l.commit(ch)
}

// drop ends the alerts of alerting rules that are no more.
func (l *life) drop(next *specs, now time.Time) []*Alert {
	l.mu.Lock()
	defer l.mu.Unlock()
	ch := newChange()
	ts := now.UnixMilli()
	for ref, m := range l.byRef {
		if next.byRef[ref] != nil {
			continue
		}
		for _, en := range m {
			if en.State == Pending || en.State == Firing {
				en.Reason = ReasonRuleGone
				l.end(ch, en, ts)
			}
		}
	}
	return l.commit(ch)
}

// counts is read by the metrics.
func (l *life) counts() map[State]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[State]int{Pending: 0, Firing: 0, Resolved: 0}
	for _, m := range l.byRef {
		for _, en := range m {
			out[en.State]++
		}
	}
	return out
}

// list copies the alerts in a state, or all with "".
func (l *life) list(state State) []*Alert {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*Alert
	for _, m := range l.byRef {
		for _, en := range m {
			if state == "" || en.State == state {
				a := en.copy()
				a.Inhibited = l.inhibited(en)
				out = append(out, a)
			}
		}
	}
	return out
}

func (l *life) inhibited(en *entry) bool {
	if en.Severity != "warning" || en.State == Resolved {
		return false
	}
	critical := "threshold/" + en.Rule + "/critical"
	if len(l.byRef[critical]) == 0 || en.ref == critical {
		return false
	}
	b := labels.NewBuilder(en.labels)
	b.Set("severity", "critical")
	other := l.byRef[critical][b.Labels().Hash()]
	return other != nil && other.State == Firing
}
