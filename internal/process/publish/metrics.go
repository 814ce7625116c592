package publish

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	samples, failures, repaired, limited prometheus.Counter
	took                                 prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		samples:  prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_publish_samples_total", Help: "Samples written to the series."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_publish_failures_total", Help: "Publications that failed."}),
		repaired: prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_publish_repaired_minutes_total", Help: "Minutes of a model, version and segment that a start wrote into the series because a crash had kept something of them from there."}),
		limited:  prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_publish_repair_limited_total", Help: "Models, versions and segments whose series may lack more than a start could write: too far back, or no time."}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "leeway_publish_seconds", Help: "Time of one publication.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	reg.MustRegister(m.samples, m.failures, m.repaired, m.limited, m.took)
	return m
}
