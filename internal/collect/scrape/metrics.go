package scrape

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	taken    prometheus.Counter
	lost     prometheus.Counter
	rejected *prometheus.CounterVec // reason
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		taken: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_scrape_samples_total", Help: "Scraped samples and exemplars that were made durable.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_scrape_lost_samples_total", Help: "Scraped samples that the door refused; the next scrape brings newer ones.",
		}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_scrape_rejected_total", Help: "Scraped samples and exemplars that broke a rule.",
		}, []string{"reason"}),
	}
	reg.MustRegister(m.taken, m.lost, m.rejected)
	return m
}
