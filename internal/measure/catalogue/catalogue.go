// Package catalogue is the one table of metrics: the key by which rules, the
// API and the configuration name a number, the series that carries it, its
// words in English and Chinese, its unit, its good direction and its default
// limits. The web UI, the threshold rules, the dashboards and docs/metrics.md
// are made from it; to add a metric is to add a row.
//
// The package has no state: All builds the table anew, so a caller may change
// what it got.
package catalogue

import (
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

// Placeholder stands in a PromQL template for the label matchers of a rule or
// a page, such as `model="fraud",version="3"`. It may be replaced by nothing.
const Placeholder = "$selector"

// Text is one sentence or title in both languages of the product.
type Text struct{ En, Zh string }

// Unit says how a stored number is to be read and shown.
type Unit string

// The units. Percent is stored as a ratio too (0.7) and only shown as 70 %.
const (
	Ratio          Unit = "ratio"
	Percent        Unit = "percent"
	Number         Unit = "number" // no unit, any range
	Target         Unit = "target" // the unit of what the model predicts
	Millis         Unit = "ms"
	PerSecond      Unit = "per_second"
	BytesPerSecond Unit = "bytes_per_second"
	Count          Unit = "count"
	Seconds        Unit = "seconds"
)

// Good is the direction in which a metric gets better.
type Good string

// The directions.
const (
	Higher Good = "higher"
	Lower  Good = "lower"
	None   Good = "none" // neither: the target is zero, or there is none
)

// Group is the part of the product that a metric belongs to.
type Group string

// The groups, in the order in which pages show them.
const (
	Quality Group = "quality"
	Data    Group = "data"
	Service Group = "service"
	Host    Group = "host"
	Probe   Group = "probe"
)

// Groups lists the groups in order.
func Groups() []Group { return []Group{Quality, Data, Service, Host, Probe} }

// Metric is one row.
type Metric struct {
	Key    string // how people, rules and the API name it
	Series string // how the series database names it
	Title  Text
	Help   Text
	Unit   Unit
	Good   Good
	Group  Group
	// PromQL gives the current value; it holds Placeholder inside its braces.
	PromQL string
	// By names the label, besides model, version and segment (or host, or probe
	// and target), that the series has: "feature", "phase" or nothing.
	By string

	// The default threshold rule. A nil limit is none; a rule without any
	// limit does not exist until somebody writes one.
	Operator          Operator
	Warning, Critical *float64
	For               time.Duration // how long the limit must be broken first
	// MinSamples is the number of rows (labelled rows for quality) below which
	// a value is shown as provisional and raises nothing.
	MinSamples int
	// EnabledByDefault tells whether the default rule runs without being
	// asked for; limits of the others still colour the pages.
	EnabledByDefault bool

	// NoSeries tells that the number is in answers of the API alone: it equals
	// another metric, or depends on what is asked. Series and PromQL are empty
	// and no rule can watch it.
	NoSeries bool

	// Tasks are the kinds of model for which the metric exists; empty is all.
	Tasks []event.Task
}

// Applies tells whether a model with this task can have the metric.
func (m Metric) Applies(t event.Task) bool {
	return len(m.Tasks) == 0 || slices.Contains(m.Tasks, t)
}

// Query is the metric's PromQL for the given label matchers, which the caller
// has quoted; an empty selector asks for all.
func (m Metric) Query(selector string) string {
	return strings.ReplaceAll(m.PromQL, Placeholder, selector)
}

// HasRule tells whether the row carries a default threshold rule.
func (m Metric) HasRule() bool { return m.Warning != nil || m.Critical != nil }

// All returns every metric, group by group. The slice is the caller's.
func All() []Metric {
	rows := slices.Concat(qualityRows(), dataRows(), serviceRows(), hostRows(), probeRows())
	for i := range rows {
		rows[i].fill()
	}
	return rows
}

// Get finds a metric by its key.
func Get(key string) (Metric, bool) {
	for _, m := range All() {
		if m.Key == key {
			return m, true
		}
	}
	return Metric{}, false
}

// fill sets what follows from the key and the group.
func (m *Metric) fill() {
	prefix := "model_"
	switch m.Group {
	case Host:
		prefix = "system_"
	case Probe:
		prefix = "" // their keys are the names that others know them by
	}
	if !m.NoSeries {
		m.Series = prefix + m.Key
		m.PromQL = m.Series + "{" + Placeholder + "}"
	}
	if m.Operator == "" {
		m.Operator = worse(m.Good)
	}
	if m.Group == Quality && m.MinSamples == 0 {
		m.MinSamples = 30
	}
}

// worse is the comparison by which a metric is bad.
func worse(g Good) Operator {
	if g == Higher {
		return LT
	}
	return GT
}
