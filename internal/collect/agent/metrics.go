package agent

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	sent, dropped, refused, failures prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_agent_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	return &metrics{
		sent:     counter("sent_samples_total", "Samples that the server has taken."),
		dropped:  counter("dropped_samples_total", "Samples that were given up: the buffer was full, or its disk failed."),
		refused:  counter("refused_samples_total", "Samples that the server will not take, however often they are sent."),
		failures: counter("failed_requests_total", "Requests that failed and were, or will be, sent again."),
	}
}
