package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/event"
)

// Config says where to listen and what to take. Zeros are the defaults.
type Config struct {
	TCP, TLS, UDP string // addresses; empty does not listen
	TLSConfig     *tls.Config
	Put           func(context.Context, *event.Batch) error
	// Allow are the networks that may send besides this machine.
	Allow   []netip.Prefix
	Service string // of lines that name no program
	Parse   logs.ParseConfig
	Zone    *time.Location // of times that name none: UTC
	// Connections bounds those of all hosts, HostConnections those of one: 500
	// and 100. More are closed, counted.
	Connections, HostConnections int
	// IdleTimeout closes a connection on which nothing came: 15 minutes.
	IdleTimeout time.Duration
	// Rate is the lines a second of one host; 0 is no limit. TCP waits, UDP drops.
	Rate float64
	// UDPLines is how many lines of UDP wait for the queue: 10,000.
	UDPLines   int
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (c Config) withDefaults() Config {
	or(&c.Connections, 500)
	or(&c.HostConnections, 100)
	or(&c.IdleTimeout, 15*time.Minute)
	or(&c.UDPLines, 10_000)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func or[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Put == nil {
		errs = append(errs, errors.New("syslog: Put is missing"))
	}
	if c.TCP == "" && c.TLS == "" && c.UDP == "" {
		errs = append(errs, errors.New("syslog: no address to listen on"))
	}
	if c.TLS != "" && c.TLSConfig == nil {
		errs = append(errs, errors.New("syslog: TLS without a certificate"))
	}
	if c.Connections < 0 || c.HostConnections < 0 || c.IdleTimeout < 0 || c.Rate < 0 || c.UDPLines < 0 {
		errs = append(errs, errors.New("syslog: limits are not negative"))
	}
	return errors.Join(append(errs, c.Parse.Validate())...)
}

type metrics struct {
	refused, malformed, timeouts prometheus.Counter
	connections                  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_logs_syslog_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	m := &metrics{
		refused:     counter("refused_connections_total", "Connections that were closed because there are too many, or of a host that may not send."),
		malformed:   counter("malformed_total", "Connections that were closed because a message had no readable length."),
		timeouts:    counter("idle_connections_total", "Connections that were closed because nothing came, or at a stop."),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "leeway_logs_syslog_connections", Help: "Open connections."}),
	}
	reg.MustRegister(m.connections)
	return m
}
