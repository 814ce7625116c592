package alert

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are gathered in a registry of their own, which is one collector of
// the given one: so an engine can be closed and opened again.
type metrics struct {
	parent prometheus.Registerer
	own    *prometheus.Registry

	evaluations, failures, late, sent, storeErrors, cutOff prometheus.Counter
	duration                                               prometheus.Histogram
	transitions                                            *prometheus.CounterVec
}

func newMetrics(parent prometheus.Registerer) *metrics {
	m := &metrics{parent: parent, own: prometheus.NewRegistry()}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leeway", Subsystem: "alert", Name: name, Help: help})
		m.own.MustRegister(c)
		return c
	}
	m.evaluations = counter("evaluations_total", "Evaluations of rules.")
	m.failures = counter("evaluation_failures_total", "Evaluations of rules that failed; they change no alert.")
	m.late = counter("late_evaluations_total", "Evaluations of rule groups that began more than one interval late.")
	m.sent = counter("handed_on_total", "Alerts handed on to be notified, repetitions included.")
	m.storeErrors = counter("store_errors_total", "Writes of alerts that failed and are tried again.")
	m.cutOff = counter("subscribers_cut_off_total", "Listeners to transitions that lagged behind.")
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "leeway", Subsystem: "alert", Name: "evaluation_seconds",
		Help:    "Time that one evaluation of one rule group took.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})
	m.transitions = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "leeway", Subsystem: "alert", Name: "transitions_total", Help: "Transitions of alerts, by the state that they led to.",
	}, []string{"to"})
	m.own.MustRegister(m.duration, m.transitions)
	return m
}

// register adds the numbers of alerts by state and shows everything.
func (m *metrics) register(counts func() map[State]int) error {
	for _, state := range []State{Pending, Firing, Resolved} {
		m.own.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "leeway", Subsystem: "alert", Name: "alerts", Help: "Alerts by state.",
			ConstLabels: prometheus.Labels{"state": string(state)},
		}, func() float64 { return float64(counts()[state]) }))
	}
	if m.parent == nil {
		return nil
	}
	if err := m.parent.Register(m.own); err != nil {
		return fmt.Errorf("alert: metrics: %w", err)
	}
	return nil
}

func (m *metrics) unregister() {
	if m.parent != nil {
		m.parent.Unregister(m.own)
	}
}
