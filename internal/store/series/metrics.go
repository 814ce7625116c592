package series

import "github.com/prometheus/client_golang/prometheus"

// The reasons for which a sample is refused.
const (
	reasonTooOld    = "too_old"
	reasonFuture    = "future"
	reasonDuplicate = "duplicate"
	reasonInvalid   = "invalid"
	reasonLimit     = "series_limit"
	reasonExemplar  = "exemplar"
)

type metrics struct {
	appended prometheus.Counter
	imported prometheus.Counter
	refused  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		appended: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_series_samples_appended_total",
			Help: "Samples written to the store as they happened.",
		}),
		imported: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_series_samples_imported_total",
			Help: "Samples of imported history written as blocks.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_series_samples_refused_total",
			Help: "Samples that were not stored, by reason.",
		}, []string{"reason"}),
	}
	for _, r := range []string{reasonTooOld, reasonFuture, reasonDuplicate, reasonInvalid, reasonLimit, reasonExemplar} {
		m.refused.WithLabelValues(r)
	}
	reg.MustRegister(m.appended, m.imported, m.refused)
	return m
}
