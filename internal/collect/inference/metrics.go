package inference

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	events  *prometheus.CounterVec // type, result
	joined  *prometheus.CounterVec // model
	alone   *prometheus.CounterVec // model, half, reason
	rows    *prometheus.CounterVec // model, result
	left    *prometheus.CounterVec // model, reason
	lost    *prometheus.CounterVec // reason
	waiting prometheus.Gauge
	bytes   prometheus.Gauge

	mu     sync.Mutex
	models map[string]bool
}

// maxModels bounds the model label; the rest is "other".
const maxModels = 1000

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		reg.MustRegister(g)
		return g
	}
	return &metrics{
		events:  counter("leeway_inference_events_total", "CloudEvents of inference loggers, by what became of them: accepted, ignored (another type), rejected, refused (no room).", "half", "result"),
		joined:  counter("leeway_inference_joined_total", "Exchanges whose request and response met.", "model"),
		alone:   counter("leeway_inference_alone_total", "Halves that went on alone, because the other did not come in time or memory was full.", "model", "half", "reason"),
		rows:    counter("leeway_inference_rows_total", "Predictions made of exchanges: accepted, rejected (a value broke a rule), refused (a limit of the model).", "model", "result"),
		left:    counter("leeway_inference_left_out_total", "What of an exchange was not used: a repeated half, tensors too wide for features, a response with other rows than its request, a clock that was wrong.", "model", "reason"),
		lost:    counter("leeway_inference_lost_total", "Acknowledged events that could not be read again from the disk.", "reason"),
		waiting: gauge("leeway_inference_waiting", "Halves that wait for the other."),
		bytes:   gauge("leeway_inference_waiting_bytes", "Bytes of halves that wait for the other."),
		models:  map[string]bool{},
	}
}

// model is the label of a model, whose name the sender chose.
func (m *metrics) model(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.models[name] {
		if len(m.models) >= maxModels {
			return "other"
		}
		m.models[name] = true
	}
	return name
}

func halfName(response bool) string {
	if response {
		return "response"
	}
	return "request"
}
