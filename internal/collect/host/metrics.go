package host

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

func newFailures(reg prometheus.Registerer) (*prometheus.CounterVec, error) {
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leeway_host_sensor_failures_total",
		Help: "Readings of the machine that could not be taken, by sensor.",
	}, []string{"sensor"})
	if reg == nil {
		return failed, nil
	}
	if err := reg.Register(failed); err != nil {
		return nil, fmt.Errorf("host: register metrics: %w", err)
	}
	return failed, nil
}
