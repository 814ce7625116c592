package remotewrite

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	requests *prometheus.CounterVec // version, code
	bytes    prometheus.Counter
	samples  *prometheus.CounterVec // kind
	rejected *prometheus.CounterVec // reason
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_remote_write_requests_total", Help: "Requests of remote write, by version and the answer's status.",
		}, []string{"version", "code"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_remote_write_body_bytes_total", Help: "Bytes of bodies as they came, before decompression.",
		}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_remote_write_accepted_total", Help: "Samples, histograms and exemplars that were made durable.",
		}, []string{"kind"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_remote_write_rejected_total", Help: "Samples, histograms and exemplars that broke a rule and were left out.",
		}, []string{"reason"}),
	}
	reg.MustRegister(m.requests, m.bytes, m.samples, m.rejected)
	return m
}
