package logs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
)

// SinkConfig says where lines go.
type SinkConfig struct {
	Source string // the label of its counters: file, loki, syslog, journal
	// Put makes a batch durable: collect.Door's. Its errors have the classes of
	// package decode.
	Put        func(context.Context, *event.Batch) error
	Now        func() time.Time
	Registerer prometheus.Registerer
}

// Sink hands lines to the door. It is safe for use by many goroutines.
type Sink struct {
	cfg     SinkConfig
	metrics *metrics
}

// NewSink makes the sink of one source.
func NewSink(cfg SinkConfig) (*Sink, error) {
	if cfg.Put == nil {
		return nil, fmt.Errorf("logs: %s: Put is missing", cfg.Source)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	return &Sink{cfg: cfg, metrics: newMetrics(cfg.Registerer, cfg.Source)}, nil
}

// Put makes lines durable, at once or not at all. A batch id makes a second Put
// of the same lines count once.
func (s *Sink) Put(ctx context.Context, lines []Line, batchID string) error {
	if len(lines) == 0 {
		return nil
	}
	err := s.cfg.Put(ctx, s.batch(lines, batchID))
	if err != nil {
		s.metrics.refused.Add(float64(len(lines)))
		return err
	}
	s.metrics.lines.Add(float64(len(lines)))
	return nil
}

// The pace at which Deliver tries again.
const (
	firstWait = 50 * time.Millisecond
	longWait  = 5 * time.Second
)

// Deliver is Put for sources that nobody waits for: it tries until the lines
// are durable, until ctx ends, or until trying again cannot help.
func (s *Sink) Deliver(ctx context.Context, lines []Line, batchID string) error {
	wait := firstWait
	for {
		err := s.Put(ctx, lines, batchID)
		if err == nil || errors.Is(err, decode.ErrTooLarge) || ctx.Err() != nil {
			return err
		}
		s.metrics.retries.Inc()
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
		wait = min(2*wait, longWait)
	}
}

// Drop counts lines that a source could not take.
func (s *Sink) Drop(reason string, n int) { s.metrics.dropped.WithLabelValues(reason).Add(float64(n)) }

type metrics struct {
	lines, refused, retries, cut, badTimes prometheus.Counter
	dropped                                *prometheus.CounterVec // reason
}

func newMetrics(reg prometheus.Registerer, source string) *metrics {
	reg = prometheus.WrapRegistererWith(prometheus.Labels{"source": source}, reg)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_logs_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	m := &metrics{
		lines:    counter("lines_total", "Log lines that were made durable."),
		refused:  counter("refused_lines_total", "Log lines that the queue refused for now; a source that keeps them sends them again."),
		retries:  counter("retries_total", "Batches of log lines that are tried again."),
		cut:      counter("cut_lines_total", "Log lines of which something was over a limit and left out."),
		badTimes: counter("replaced_times_total", "Log lines whose time was more than 10 minutes ahead or 10 years ago."),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leeway_logs_dropped_lines_total", Help: "Log lines that a limit or a damaged message lost.",
		}, []string{"reason"}),
	}
	reg.MustRegister(m.dropped)
	return m
}
