package publish

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	samples, failures prometheus.Counter
	took              prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		samples:  prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_publish_samples_total", Help: "Samples written to the series."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_publish_failures_total", Help: "Publications that failed."}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "leeway_publish_seconds", Help: "Time of one publication.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	reg.MustRegister(m.samples, m.failures, m.took)
	return m
}
