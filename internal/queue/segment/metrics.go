package segment

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one open log. They leave the registerer on Close, so
// that a log can be opened again in one process.
type metrics struct {
	reg prometheus.Registerer
	all []prometheus.Collector

	appended   *prometheus.CounterVec // by partition
	bytes      *prometheus.CounterVec // by partition
	corrupt    *prometheus.CounterVec // by partition
	corruptRec *prometheus.CounterVec // by partition
	fromDisk   prometheus.Counter
	fromTail   prometheus.Counter
	tornBytes  prometheus.Counter
	skipped    prometheus.Counter
	trimmed    prometheus.Counter
	full       prometheus.Counter
	tooLarge   prometheus.Counter
	readOnly   prometheus.Gauge
	fsync      prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{reg: reg}
	m.appended = m.vec("leeway_queue_appended_records_total", "Records made durable.")
	m.bytes = m.vec("leeway_queue_appended_bytes_total", "Bytes of data made durable, without framing.")
	m.corrupt = m.vec("leeway_queue_corrupt_places_total", "Damaged places found.")
	m.corruptRec = m.vec("leeway_queue_corrupt_records_total", "Records known to be lost to damage; a place whose number cannot be told counts one.")
	read := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leeway_queue_read_records_total",
		Help: "Records read, from the disk and from the tail in memory."}, []string{"from"})
	m.fromDisk, m.fromTail = read.WithLabelValues("disk"), read.WithLabelValues("memory")
	m.all = append(m.all, read)
	m.tornBytes = m.counter("leeway_queue_torn_bytes_total", "Bytes dropped at start because their write had not finished before a crash.")
	m.skipped = m.counter("leeway_queue_skipped_places_total", "Damaged places that an operator has given up.")
	m.trimmed = m.counter("leeway_queue_trimmed_segments_total", "Segments removed by retention.")
	m.full = m.counter("leeway_queue_full_total", "Appends refused because the log was full.")
	m.tooLarge = m.counter("leeway_queue_too_large_total", "Appends refused because the record was too large.")
	m.readOnly = prometheus.NewGauge(prometheus.GaugeOpts{Name: "leeway_queue_read_only",
		Help: "1 after a failed write or fsync: the log takes no more records."})
	m.fsync = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "leeway_queue_fsync_seconds",
		Help: "Time of one fsync.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16)})
	m.all = append(m.all, m.readOnly, m.fsync)
	return m
}

func (m *metrics) vec(name, help string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"partition"})
	m.all = append(m.all, v)
	return v
}

func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.all = append(m.all, c)
	return c
}

// addSizes shows a partition's size on disk and in memory, asked for at each
// scrape.
func (m *metrics) addSizes(partition int, disk, tail func() float64) {
	labels := prometheus.Labels{"partition": strconv.Itoa(partition)}
	m.all = append(m.all,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "leeway_queue_disk_bytes", Help: "Bytes of the partition's files.", ConstLabels: labels}, disk),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "leeway_queue_tail_bytes", Help: "Bytes of the newest records that are kept in memory for the reader.", ConstLabels: labels}, tail))
}

// register leaves the registerer as it was if it fails: what is in the way there
// belongs to another log.
func (m *metrics) register() error {
	if m.reg == nil {
		return nil
	}
	for i, c := range m.all {
		if err := m.reg.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return err
		}
	}
	return nil
}

func (m *metrics) unregister() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all {
		m.reg.Unregister(c)
	}
}

// fsyncSeconds is a histogram for pebble, which observes nanoseconds.
type fsyncSeconds struct{ prometheus.Histogram }

func (h fsyncSeconds) Observe(ns float64) { h.Histogram.Observe(ns / 1e9) }
