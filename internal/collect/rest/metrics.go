package rest

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

type metrics struct {
	requests *prometheus.CounterVec // kind, code
	bytes    *prometheus.CounterVec // kind
	rejected *prometheus.CounterVec // model, kind, reason
	warned   *prometheus.CounterVec // kind, reason

	mu     sync.Mutex
	models map[string]bool
}

// maxModels bounds the model label: names of rejected rows are the sender's
// choice, and no registry has seen them. The rest is counted as "other".
const maxModels = 1000

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	return &metrics{
		requests: counter("leeway_ingest_http_requests_total", "Requests with rows, by the answer's status.", "kind", "code"),
		bytes:    counter("leeway_ingest_http_body_bytes_total", "Bytes of bodies as they came, before decompression.", "kind"),
		rejected: counter("leeway_ingest_rejected_rows_total", "Rows that broke a rule and were left out.", "model", "kind", "reason"),
		warned:   counter("leeway_ingest_warnings_total", "Values that were not used, or not as they stood.", "kind", "reason"),
		models:   map[string]bool{},
	}
}

func (m *metrics) done(q *request, res *decode.Result, status int) {
	kind := "none"
	if q.kind != 0 {
		kind = q.kind.String()
	}
	m.requests.WithLabelValues(kind, strconv.Itoa(status)).Inc()
	m.bytes.WithLabelValues(kind).Add(float64(q.bytes))
	if res == nil || res.RejectedCount == 0 && len(res.Warnings) == 0 {
		return
	}
	for _, w := range res.Warnings {
		m.warned.WithLabelValues(kind, w.Code).Add(float64(w.Count))
	}
	for code, n := range res.RejectedBy {
		m.rejected.WithLabelValues(m.model(q.model), kind, code).Add(float64(n))
	}
}

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
