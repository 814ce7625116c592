package probe

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	probes prometheus.Gauge
	runs   *prometheus.CounterVec // kind, outcome
	missed prometheus.Counter
	lost   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		probes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "leeway_probe_configured", Help: "Probes that are configured.",
		}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_probe_runs_total", Help: "Checks that were made, by kind and outcome (ok, wrong, or the reason of the failure).",
		}, []string{"kind", "outcome"}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_probe_missed_total", Help: "Rounds that were left out because the ones before took too long, or too many checks ran.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_probe_lost_total", Help: "Results that could not be stored.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	var err error
	for _, c := range []prometheus.Collector{m.probes, m.runs, m.missed, m.lost} {
		err = errors.Join(err, reg.Register(c))
	}
	if err != nil {
		return nil, fmt.Errorf("probe: register metrics: %w", err)
	}
	return m, nil
}
