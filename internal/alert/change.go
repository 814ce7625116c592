package alert

import "slices"

// Transition is one step in the life of an alert.
type Transition struct {
	ID          uint64            `json:"id"`   // increases with every transition, over restarts too
	Time        int64             `json:"time"` // ms
	From        State             `json:"from"`
	To          State             `json:"to"`
	Reason      string            `json:"reason"`
	Duration    int64             `json:"duration"` // ms spent in From; 0 for inactive
	Fingerprint string            `json:"fingerprint"`
	Rule        string            `json:"rule"`
	Origin      Origin            `json:"origin"`
	Severity    string            `json:"severity,omitempty"`
	Model       string            `json:"model,omitempty"`
	Metric      string            `json:"metric,omitempty"`
	Labels      map[string]string `json:"labels"`
	Value       Number            `json:"value"`
	Limit       *float64          `json:"limit,omitempty"`
	Operator    Operator          `json:"operator,omitempty"`
	Unit        string            `json:"unit,omitempty"`
	Title       Text              `json:"title,omitzero"`
}

// change is what one step does to the store: it is written as a whole or not
// at all.
type change struct {
	alerts map[string]*entry // by key; nil removes
	moves  []move
}

type move struct {
	entry      *entry
	transition *Transition
}

func newChange() *change { return &change{alerts: map[string]*entry{}} }

func (c *change) empty() bool { return len(c.alerts) == 0 && len(c.moves) == 0 }

func (c *change) keep(en *entry) { c.alerts[en.key()] = en }

func (c *change) remove(en *entry) { c.alerts[en.key()] = nil }

// move records that the alert went from a state, in which it was since began,
// to the state that it has now.
func (c *change) move(en *entry, from State, ts, began int64) {
	if en.State == Inactive {
		c.remove(en)
	} else {
		c.keep(en)
	}
	c.moves = append(c.moves, move{en, &Transition{
		Time: ts, From: from, To: en.State, Reason: en.Reason, Duration: ts - began,
		Fingerprint: en.Fingerprint, Rule: en.Rule, Origin: en.Origin, Severity: en.Severity,
		Model: en.Model, Metric: en.Metric, Labels: en.Labels, Value: en.Value, Limit: en.Limit,
		Operator: en.Operator, Unit: en.Unit,
		Title: Text{En: en.Annotations["title"], Zh: en.Annotations["title_zh"]},
	}})
}

func (c *change) merge(o *change) {
	for k, en := range o.alerts {
		c.alerts[k] = en
	}
	c.moves = append(c.moves, o.moves...)
}

// bound keeps what waits for a broken disk small: the newest history stays.
func (c *change) bound(n int) {
	if extra := len(c.moves) - n; extra > 0 {
		c.moves = slices.Delete(c.moves, 0, extra)
	}
}

func (en *entry) key() string { return en.ref + "\x00" + en.Fingerprint }
