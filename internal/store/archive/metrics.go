package archive

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	lines    prometheus.Counter
	replayed prometheus.Counter
	flushes  prometheus.Counter
	merged   prometheus.Counter
	removed  *prometheus.CounterVec // reason
	damaged  prometheus.Counter
	scanned  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, a *Archive) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string, f func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("leeway_archive_files", "Files of log lines.", func() float64 {
		n, _ := a.Size()
		return float64(n)
	})
	gauge("leeway_archive_bytes", "Bytes of the files of log lines.", func() float64 {
		_, n := a.Size()
		return float64(n)
	})
	m := &metrics{
		lines:    counter("leeway_archive_lines_total", "Log lines taken in."),
		replayed: counter("leeway_archive_replayed_records_total", "Records that a file covers already, passed over after a crash."),
		flushes:  counter("leeway_archive_flushes_total", "Files written from memory."),
		merged:   counter("leeway_archive_merged_files_total", "Small files merged into larger ones."),
		damaged:  counter("leeway_archive_damaged_reads_total", "Reads of files that are damaged; the log names them."),
		scanned:  counter("leeway_archive_scanned_lines_total", "Lines that searches looked at."),
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_archive_removed_files_total", Help: "Files removed by retention.",
		}, []string{"reason"}),
	}
	reg.MustRegister(m.removed)
	return m
}
