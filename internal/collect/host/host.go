// Package host measures the machine under the models: CPU, load, memory, file
// systems, disks, network, open files, pressure, temperature, containers, and
// processes that the configuration names. docs/operate/host.md lists every
// series.
//
// Levels (memory, disk, load, files) are read at once, and rates (CPU, network)
// one second later, so a server that just started has them all within two
// seconds; from then on everything is read once an Interval. Shares are ratios
// from 0 to 1, traffic is in bytes a second, sizes are in bytes.
//
// A sensor that fails is counted each time and logged once, and once more when
// it is back; the others go on. What a machine has not (pressure in an old
// kernel, temperatures in a virtual machine) is no failure and gives nothing. A
// rate that cannot be known yet is left out, never zero.
//
// The label sets of a sensor are bounded: what is there first keeps its place
// until it goes, and what finds no place is counted. Reading starts no
// goroutine and never waits for a network: remote file systems are left out.
package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/collect"
)

// firstRates is when the first rates follow the first levels.
const firstRates = time.Second

// prefix begins the names of all series of a machine.
const prefix = "system_"

// Collector reads the sensors of one machine.
type Collector struct {
	cfg     Config
	log     *slog.Logger
	sensors []*sensor
	metrics *metrics
}

// New checks the configuration; nothing is read before Run.
func New(cfg Config) (*Collector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	c := &Collector{cfg: cfg, log: cfg.Logger, metrics: m}
	for _, s := range sensors(&cfg) {
		if s.part == "" || slices.Contains(cfg.Parts, s.part) {
			c.sensors = append(c.sensors, s)
		}
	}
	return c, nil
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
	if batch := c.round(ctx, time.Now()); len(batch) > 0 {
		c.cfg.Emit(ctx, batch)
	}
}

// round reads every sensor once.
func (c *Collector) round(ctx context.Context, now time.Time) (batch []collect.Reading) {
	var build labels.ScratchBuilder
	for _, s := range c.sensors {
		values, err := s.safely(ctx, now)
		if ctx.Err() != nil {
			return nil // what was read on the way out says nothing about the sensors
		}
		c.note(s, err)
		for _, v := range values {
			batch = append(batch, collect.Reading{Labels: v.labels(&build, c.cfg.Host), T: now.UnixMilli(), Value: v.value})
		}
	}
	return batch
}

// safely reads a sensor. The libraries that take the kernel's files apart trust
// them; a file of another shape must not end the server.
func (s *sensor) safely(ctx context.Context, now time.Time) (values []value, err error) {
	defer func() {
		if r := recover(); r != nil {
			values, err = nil, fmt.Errorf("a file of the kernel has an unknown shape: %v", r)
		}
	}()
	return s.read(ctx, now)
}

// errNotThere is what a sensor returns whose part this machine has not.
var errNotThere = errors.New("not there")

// there tells a missing file, or one that the kernel has turned off, from a
// failure to read it.
func there(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOTDIR) {
		return errNotThere
	}
	return err
}

// note counts a failure, and logs where a sensor changes between well and not.
func (c *Collector) note(s *sensor, err error) {
	if s.places != nil {
		c.metrics.leftOut.WithLabelValues(s.name).Set(float64(s.places.without))
	}
	if errors.Is(err, errNotThere) {
		return
	}
	if err != nil {
		c.metrics.failed.WithLabelValues(s.name).Inc()
	}
	switch {
	case err != nil && !s.failing:
		c.log.Warn("host: a sensor fails, its readings are missing", "sensor", s.name, "error", err)
	case err == nil && s.failing:
		c.log.Info("host: a sensor is back", "sensor", s.name)
	}
	s.failing = err != nil
}
