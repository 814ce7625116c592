package collect

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	accepted *prometheus.CounterVec // model, kind
	refused  *prometheus.CounterVec // reason
	dropped  *prometheus.CounterVec // model, reason
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_ingest_accepted_rows_total", Help: "Rows that were made durable.",
		}, []string{"model", "kind"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_ingest_refused_rows_total", Help: "Rows of batches that were refused whole, to be sent again.",
		}, []string{"reason"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_ingest_dropped_total", Help: "Columns or values that a limit left out of accepted batches.",
		}, []string{"model", "reason"}),
	}
	reg.MustRegister(m.accepted, m.refused, m.dropped)
	return m
}
