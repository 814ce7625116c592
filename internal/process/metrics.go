package process

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/store/join"
)

type metrics struct {
	records, bytes, failures, skipped, losses prometheus.Counter
	rows                                      *prometheus.CounterVec // model, result
	steps                                     prometheus.Histogram
	pending, unlabelled, joinBytes            *prometheus.GaugeVec // partition
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_process_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "leeway_join_" + name, Help: help}, []string{"partition"})
		reg.MustRegister(g)
		return g
	}
	m := &metrics{
		records:  counter("records_total", "Queue records that were folded."),
		bytes:    counter("bytes_total", "Bytes of queue records that were folded."),
		failures: counter("failures_total", "Steps that failed, were undone and tried again."),
		skipped:  counter("skipped_records_total", "Records that could not be folded and were skipped."),
		losses:   counter("accepted_losses_total", "Partitions that went on behind a loss in the queue, as asked."),
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_process_rows_total", Help: "Rows by what became of them.",
		}, []string{"model", "result"}),
		steps: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "leeway_process_commit_seconds", Help: "Time of a commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		pending:    gauge("entries", "Ids that are remembered."),
		unlabelled: gauge("waiting", "Predictions that wait for a label."),
		joinBytes:  gauge("index_bytes", "Memory of the index."),
	}
	reg.MustRegister(m.rows, m.steps)
	return m
}

// count counts rows of a model by what became of them.
func (m *metrics) count(model, result string, n int) {
	if n > 0 {
		m.rows.WithLabelValues(model, result).Add(float64(n))
	}
}

func (m *metrics) commit(partition int, s join.Stats, took time.Duration) {
	m.steps.Observe(took.Seconds())
	p := strconv.Itoa(partition)
	m.pending.WithLabelValues(p).Set(float64(s.Entries))
	m.unlabelled.WithLabelValues(p).Set(float64(s.Unlabelled))
	m.joinBytes.WithLabelValues(p).Set(float64(s.IndexBytes))
}
