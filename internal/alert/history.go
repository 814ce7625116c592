package alert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Filter narrows lists of alerts and history; an empty field lets all pass.
type Filter struct {
	State       State // of alerts; To of transitions
	From        State // of transitions
	Severity    string
	Model       string
	Metric      string
	Rule        string
	Fingerprint string
	Limit       int // at most this many transitions, the newest; 0: 1,000; at most 100,000
}

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return 1000
	}
	return min(f.Limit, 100_000)
}

func passes(want, have string) bool { return want == "" || want == have }

func (f Filter) wants(t *Transition) bool {
	return passes(string(f.State), string(t.To)) && passes(string(f.From), string(t.From)) &&
		passes(f.Severity, t.Severity) && passes(f.Model, t.Model) && passes(f.Metric, t.Metric) &&
		passes(f.Rule, t.Rule) && passes(f.Fingerprint, t.Fingerprint)
}

// Alerts lists what is pending, firing or lately resolved; critical first,
// then the newest first. An empty state lists all.
func (e *Engine) Alerts(state State) []*Alert {
	out := e.life.list(state)
	rank := func(a *Alert) int {
		n := map[State]int{Firing: 0, Pending: 10, Resolved: 20}[a.State]
		switch a.Severity {
		case "critical":
			return n
		case "warning":
			return n + 1
		}
		return n + 2
	}
	slices.SortFunc(out, func(a, b *Alert) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.PendingSince, a.PendingSince),
			cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out
}

// Alert finds one by its fingerprint.
func (e *Engine) Alert(fingerprint string) (*Alert, bool) {
	for _, a := range e.life.list("") {
		if a.Fingerprint == fingerprint {
			return a, true
		}
	}
	return nil, false
}

// History lists the transitions with from <= time < to (ms), newest first.
func (e *Engine) History(from, to int64, f Filter) ([]Transition, error) {
	var out []Transition
	err := e.store.transitions(from, to, true, func(t *Transition) bool {
		if f.wants(t) {
			out = append(out, *t)
		}
		return len(out) < f.limit()
	})
	return out, err
}

// Count is how many alerts began to fire in one step of time.
type Count struct {
	From     int64 `json:"from"` // ms
	Critical int   `json:"critical"`
	Warning  int   `json:"warning"`
	Other    int   `json:"other"`
}

// Counts counts the alerts that began to fire with from <= time < to (ms), by
// steps of time, which begin at multiples of step; steps without alerts are
// there with zeros.
func (e *Engine) Counts(from, to int64, step time.Duration, f Filter) ([]Count, error) {
	ms := step.Milliseconds()
	if ms <= 0 || to < from || (to-from)/ms > 11_000 {
		return nil, fmt.Errorf("alert: %w: counts from %d to %d by %s are more than 11000 steps or none", ErrInvalid, from, to, step)
	}
	begin := from - from%ms
	out := make([]Count, (to-begin+ms-1)/ms)
	for i := range out {
		out[i].From = begin + int64(i)*ms
	}
	f.State = Firing
	err := e.store.transitions(from, to, false, func(t *Transition) bool {
		if !f.wants(t) {
			return true
		}
		c := &out[(t.Time-begin)/ms]
		switch t.Severity {
		case "critical":
			c.Critical++
		case "warning":
			c.Warning++
		default:
			c.Other++
		}
		return true
	})
	return out, err
}

func (s *store) transitions(from, to int64, backward bool, f func(*Transition) bool) error {
	if to <= from {
		return nil
	}
	return s.each(historyKey(from, 0), historyKey(to, 0), backward, func(b []byte) (bool, error) {
		var t Transition
		if err := decode(b, &t); err != nil {
			return false, err
		}
		return f(&t), nil
	})
}

// trim removes history that is too old or too much, once an hour. When there
// is too much a tenth goes at once.
func (s *store) trim(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.trimmed) < time.Hour && s.meta.Rows <= s.cfg.MaxHistory {
		return
	}
	s.trimmed = now
	if err := s.trimLocked(now); err != nil {
		s.cfg.Logger.Error("alert history not trimmed", "err", err)
	}
}

func (s *store) trimLocked(now time.Time) error {
	old := now.Add(-s.cfg.HistoryRetention).UnixMilli()
	excess := 0
	if s.meta.Rows > s.cfg.MaxHistory {
		excess = s.meta.Rows - s.cfg.MaxHistory*9/10
	}
	removed, last := 0, int64(-1)
	err := s.each(historyKey(0, 0), historyKey(math.MaxInt64, 0), false, func(b []byte) (bool, error) {
		var t Transition
		if err := decode(b, &t); err != nil {
			return false, err
		}
		if t.Time >= old && removed >= excess && t.Time != last {
			return false, nil // whole milliseconds go, so the range below is exact
		}
		removed, last = removed+1, t.Time
		return true, nil
	})
	if err != nil || removed == 0 {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.DeleteRange(historyKey(0, 0), historyKey(last+1, 0), nil); err != nil {
		return err
	}
	next := s.meta
	next.Rows -= removed
	if err := setMeta(b, next); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return err
	}
	s.meta = next
	return nil
}
