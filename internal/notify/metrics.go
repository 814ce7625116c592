package notify

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are gathered in a registry of their own, Alertmanager's among them,
// which is one collector of the given one: so a notifier can be closed and
// opened again.
type metrics struct {
	parent prometheus.Registerer
	own    *prometheus.Registry

	sent                 *prometheus.CounterVec
	invalid, storeErrors prometheus.Counter
	requests             *prometheus.HistogramVec
}

func newMetrics(parent prometheus.Registerer) *metrics {
	m := &metrics{
		parent: parent, own: prometheus.NewRegistry(),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "leeway", Subsystem: "notify", Name: "tries_total",
			Help: "Tries to notify, by kind of channel and result (sent, retrying, failed).",
		}, []string{"kind", "result"}),
		invalid: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "leeway", Subsystem: "notify", Name: "invalid_alerts_total", Help: "Alerts that were refused.",
		}),
		storeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "leeway", Subsystem: "notify", Name: "store_errors_total",
			Help: "Changes of silences, notification log, inbox or records that could not be written.",
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "alertmanager_http_request_duration_seconds", Help: "Latency of requests to Alertmanager's API.",
			Buckets: prometheus.DefBuckets,
		}, []string{"handler", "method", "code"}),
	}
	m.own.MustRegister(m.sent, m.invalid, m.storeErrors, m.requests)
	return m
}

// register shows everything; it comes last, when all parts have registered.
func (m *metrics) register() error {
	if m.parent == nil {
		return nil
	}
	if err := m.parent.Register(m.own); err != nil {
		return fmt.Errorf("notify: metrics: %w", err)
	}
	return nil
}

func (m *metrics) unregister() {
	if m.parent != nil {
		m.parent.Unregister(m.own)
	}
}
