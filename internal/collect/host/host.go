// Package host measures the machine under the models: CPU, memory, the disk
// that holds the data, network, load, and the open files of this process.
//
// Levels (memory, disk, load, files) are read at once, and rates (CPU, network)
// one second later, so a server that just started has them all within two
// seconds; from then on everything is read once an Interval. Shares are ratios
// from 0 to 1, traffic is in bytes a second, over all interfaces but loopback.
//
// A sensor that fails is counted each time and logged once, and once more when
// it is back; the others go on. A rate that cannot be known yet is left out,
// never zero.
package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// firstRates is when the first rates follow the first levels.
const firstRates = time.Second

// Reading is one measured number.
type Reading struct {
	Key    string // as in the catalogue: cpu_usage, …
	Value  float64
	T      int64             // unix milliseconds
	Labels map[string]string // host; shared by all readings, not to be changed
}

// Series is the name under which the reading is kept.
func (r Reading) Series() string { return "system_" + r.Key }

// Collector reads the sensors of one machine.
type Collector struct {
	cfg     Config
	log     *slog.Logger
	labels  map[string]string
	sensors []*sensor
	failed  *prometheus.CounterVec
}

// New checks the configuration; nothing is read before Run.
func New(cfg Config) (*Collector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	failed, err := newFailures(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	return &Collector{
		cfg: cfg, log: cfg.Logger, labels: map[string]string{"host": cfg.Host},
		sensors: sensors(cfg.DataDir), failed: failed,
	}, nil
}

// Run reads and emits until ctx ends. It starts no goroutine, calls Emit one
// batch at a time, and may run once.
func (c *Collector) Run(ctx context.Context) {
	c.collect(ctx)
	wait := time.NewTimer(min(firstRates, c.cfg.Interval))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return
	case <-wait.C:
	}
	c.collect(ctx)
	tick := time.NewTicker(c.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.collect(ctx)
		}
	}
}

func (c *Collector) collect(ctx context.Context) {
	now := time.Now()
	var batch []Reading
	for _, s := range c.sensors {
		values, err := s.read(ctx, now)
		if ctx.Err() != nil {
			return // what was read on the way out says nothing about the sensors
		}
		c.note(s, err)
		for _, v := range values {
			batch = append(batch, Reading{Key: v.key, Value: v.value, T: now.UnixMilli(), Labels: c.labels})
		}
	}
	if len(batch) > 0 {
		c.cfg.Emit(ctx, batch)
	}
}

// note counts a failure, and logs where a sensor changes between well and not.
func (c *Collector) note(s *sensor, err error) {
	if err != nil {
		c.failed.WithLabelValues(s.name).Inc()
	}
	switch {
	case err != nil && !s.failing:
		c.log.Warn("host: a sensor fails, its readings are missing", "sensor", s.name, "error", err)
	case err == nil && s.failing:
		c.log.Info("host: a sensor is back", "sensor", s.name)
	}
	s.failing = err != nil
}
