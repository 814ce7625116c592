package host

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	failed  *prometheus.CounterVec
	leftOut *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_host_sensor_failures_total",
			Help: "Readings of the machine that could not be taken, by sensor.",
		}, []string{"sensor"}),
		leftOut: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leeway_host_left_out",
			Help: "Disks, interfaces, containers and so on that are not measured because there are too many, by sensor.",
		}, []string{"sensor"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.failed, m.leftOut} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("host: register metrics: %w", err)
		}
	}
	return m, nil
}
