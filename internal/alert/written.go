package alert

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// written publishes the alerts as the series that every Prometheus has:
// ALERTS (1 while pending or firing) and ALERTS_FOR_STATE (since when, in
// seconds). It remembers what it wrote, to end those series when the alert
// ends or changes its state.
type written struct {
	to storage.Appendable

	mu    sync.Mutex
	byRef map[string]map[uint64]mark
}

// mark is what was written last for one alert.
type mark struct {
	labels labels.Labels // of the alert
	state  State
}

// active is an alert that is pending or firing.
type active struct {
	mark
	since int64 // ms
}

func newWritten(to storage.Appendable) *written {
	return &written{to: to, byRef: map[string]map[uint64]mark{}}
}

// seed tells what the last process wrote.
func (w *written) seed(en *entry) {
	if en.State != Pending && en.State != Firing {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byRef[en.ref] == nil {
		w.byRef[en.ref] = map[uint64]mark{}
	}
	w.byRef[en.ref][en.hash] = mark{en.labels, en.State}
}

// write appends the samples of one evaluation of one alerting rule.
func (w *written) write(ctx context.Context, ref string, now map[uint64]active, ts time.Time) error {
	w.mu.Lock()
	before := w.byRef[ref]
	w.mu.Unlock()
	if len(now) == 0 && len(before) == 0 {
		return nil
	}
	app := w.to.Appender(ctx)
	t, stale := ts.UnixMilli(), math.Float64frombits(value.StaleNaN)
	var errs []error
	put := func(l labels.Labels, v float64) {
		if _, err := app.Append(0, l, t, v); err != nil {
			errs = append(errs, err)
		}
	}
	for hash, old := range before {
		if a, ok := now[hash]; !ok || a.state != old.state {
			put(old.alerts(), stale)
			if !ok {
				put(old.forState(), stale)
			}
		}
	}
	next := make(map[uint64]mark, len(now))
	for hash, a := range now {
		put(a.alerts(), 1)
		put(a.forState(), float64(a.since/1000))
		next[hash] = a.mark
	}
	if len(errs) > 0 {
		return errors.Join(errors.Join(errs[:min(len(errs), 3)]...), app.Rollback())
	}
	if err := app.Commit(); err != nil {
		return err
	}
	w.mu.Lock()
	w.byRef[ref] = next
	w.mu.Unlock()
	return nil
}

// drop ends the series of alerting rules that are no more. What cannot be
// written ends by itself after the lookback.
func (w *written) drop(next *specs, now time.Time) {
	w.mu.Lock()
	var gone []string
	for ref := range w.byRef {
		if next.byRef[ref] == nil {
			gone = append(gone, ref)
		}
	}
	w.mu.Unlock()
	for _, ref := range gone {
		_ = w.write(context.Background(), ref, nil, now)
		w.mu.Lock()
		delete(w.byRef, ref)
		w.mu.Unlock()
	}
}

func (m mark) alerts() labels.Labels {
	b := labels.NewBuilder(m.labels)
	b.Set(labels.MetricName, "ALERTS")
	b.Set("alertstate", string(m.state))
	return b.Labels()
}

func (m mark) forState() labels.Labels {
	b := labels.NewBuilder(m.labels)
	b.Set(labels.MetricName, "ALERTS_FOR_STATE")
	return b.Labels()
}

// activeOf is what written writes for one alerting rule.
func (l *life) activeOf(ref string) map[uint64]active {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[uint64]active, len(l.byRef[ref]))
	for hash, en := range l.byRef[ref] {
		if en.State == Pending || en.State == Firing {
			out[hash] = active{mark{en.labels, en.State}, en.PendingSince}
		}
	}
	return out
}
