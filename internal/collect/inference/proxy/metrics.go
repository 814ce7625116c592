package proxy

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	requests *prometheus.CounterVec // code
	recorded prometheus.Counter
	rows     prometheus.Counter
	dropped  *prometheus.CounterVec // reason
	partial  *prometheus.CounterVec // reason
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leeway_proxy_requests_total", Help: "Requests that were passed on, by the class of the answer; none is no answer."}, []string{"code"}),
		recorded: prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_proxy_recorded_total", Help: "Exchanges that were handed to the client."}),
		rows:     prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_proxy_rows_total", Help: "Predictions that were handed to the client."}),
		dropped:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leeway_proxy_dropped_total", Help: "Exchanges that were passed on and not recorded: queue (recording is too slow), path (of no model), cancelled (by the caller), closed."}, []string{"reason"}),
		partial:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leeway_proxy_partial_total", Help: "Exchanges that were recorded without what their bodies say: too_large, encoding, payload (of no known form), shape (rows of the answer are not those of the request)."}, []string{"reason"}),
	}
	reg.MustRegister(m.requests, m.recorded, m.rows, m.dropped, m.partial)
	return m
}
