package dashboard

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests  *prometheus.HistogramVec // route, code class
	refused   *prometheus.CounterVec   // by code of the problem
	streams   prometheus.Gauge
	cutOff    prometheus.Counter
	cacheHits *prometheus.CounterVec // hit, miss
	cacheSize prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "leeway_http_request_seconds", Help: "Time to answer a request of the API.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"route", "code"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_http_problems_total", Help: "Requests of the API that were answered with a problem, by code.",
		}, []string{"code"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "leeway_http_event_streams", Help: "Event streams that are open.",
		}),
		cutOff: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_http_event_streams_refused_total", Help: "Event streams refused because too many were open.",
		}),
		cacheHits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_dashboard_windows_total", Help: "Merged windows that an answer needed, by whether they were in memory.",
		}, []string{"from"}),
		cacheSize: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "leeway_dashboard_windows_bytes", Help: "Memory of merged windows, about.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.refused, m.streams, m.cutOff, m.cacheHits, m.cacheSize} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
