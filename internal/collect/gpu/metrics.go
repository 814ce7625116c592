package gpu

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

func newFailures(reg prometheus.Registerer) (prometheus.Counter, error) {
	failed := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "leeway_gpu_failures_total",
		Help: "Readings of the GPUs that could not be taken because the driver failed.",
	})
	if reg == nil {
		return failed, nil
	}
	if err := reg.Register(failed); err != nil {
		return nil, fmt.Errorf("gpu: register metrics: %w", err)
	}
	return failed, nil
}
