package otlp

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests    *prometheus.CounterVec // signal, transport, code
	bytes       *prometheus.CounterVec // signal, transport
	taken       *prometheus.CounterVec // signal
	rejected    *prometheus.CounterVec // signal, reason
	spans       *prometheus.CounterVec // as
	deltas      prometheus.Gauge
	connections prometheus.Gauge
	turnedAway  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leeway_otlp_" + name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	m := &metrics{
		requests: counter("requests_total", "Requests of OTLP, by the answer's status (HTTP's in both transports).", "signal", "transport", "code"),
		bytes:    counter("body_bytes_total", "Bytes of bodies; as they came over HTTP, after decompression over gRPC.", "signal", "transport"),
		taken:    counter("accepted_total", "Log records, metric samples and spans of which something was made durable.", "signal"),
		rejected: counter("rejected_total", "Log records, metric points and spans that broke a rule and were left out.", "signal", "reason"),
		spans:    counter("spans_total", "Spans by what they counted as: model, service, nested (inside a call that counts) or ignored.", "as"),
		deltas:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "leeway_otlp_delta_series", Help: "Series of deltas of which a sum is kept."}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "leeway_otlp_grpc_connections", Help: "Connections to the gRPC listener.",
		}),
		turnedAway: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leeway_otlp_grpc_refused_connections_total", Help: "Connections that were closed at once because there were too many.",
		}),
	}
	reg.MustRegister(m.deltas, m.connections, m.turnedAway)
	return m
}

func (m *metrics) done(signal string, o *outcome) {
	m.taken.WithLabelValues(signal).Add(float64(o.taken))
	for reason, n := range o.reasons {
		m.rejected.WithLabelValues(signal, reason).Add(float64(n))
	}
}

func (m *metrics) request(signal, transport string, status int, bytes int64) {
	m.requests.WithLabelValues(signal, transport, strconv.Itoa(status)).Inc()
	m.bytes.WithLabelValues(signal, transport).Add(float64(bytes))
}
