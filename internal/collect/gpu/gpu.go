// Package gpu measures the graphics processors of a machine: how busy they
// are, their memory, power, temperature, clocks, memory errors, and what holds
// them back. docs/operate/host.md lists every series.
//
// NVIDIA's are read through its library (NVML), which belongs to the driver and
// is opened when it is first needed. A machine without a driver is told in one
// line of the log, and looked at again now and then, for drivers can be loaded
// later. NVML needs cgo: a program that is built without it, or for something
// else than Linux, has no GPUs and says so the same way.
//
// What a card does not tell has no reading. A card that fell off the bus has
// gpu_up 0 and nothing else.
package gpu

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/collect"
)

// prefix begins the names of all series.
const prefix = "gpu_"

// lookAgain is how long after a driver was not there it is looked for again.
const lookAgain = 10 * time.Minute

// driver reads all cards of one kind. It is used by one goroutine.
type driver interface {
	read() ([]card, error)
	close()
}

// card is one GPU and what it says.
type card struct {
	index  string
	values []value
}

// value is one number; with holds the names and values of its further labels.
type value struct {
	key   string
	value float64
	with  []string
}

// errNoDriver is what open returns where there is nothing to open.
var errNoDriver = errors.New("no driver")

// Collector reads the GPUs of one machine.
type Collector struct {
	cfg    Config
	log    *slog.Logger
	open   func() (driver, error)
	failed prometheus.Counter

	driver  driver    // nil until it is there
	next    time.Time // when to look for it again
	told    bool      // that there is none
	failing bool
}

// New checks the configuration; nothing is opened before Run.
func New(cfg Config) (*Collector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	failed, err := newFailures(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	return &Collector{cfg: cfg, log: cfg.Logger, open: openDriver, failed: failed}, nil
}

// Run reads and emits until ctx ends. It starts no goroutine, calls Emit one
// batch at a time, and may run once.
func (c *Collector) Run(ctx context.Context) {
	defer c.shut()
	tick := time.NewTicker(c.cfg.Interval)
	defer tick.Stop()
	for {
		c.collect(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *Collector) shut() {
	if c.driver != nil {
		c.driver.close()
		c.driver = nil
	}
}

func (c *Collector) collect(ctx context.Context) {
	now := time.Now()
	if !c.ready(now) {
		return
	}
	cards, err := c.driver.read()
	c.note(err)
	if err != nil {
		c.shut() // a driver that was replaced must be opened anew
		c.next = now.Add(c.cfg.Interval)
		return
	}
	if len(cards) > c.cfg.MaxGPUs {
		cards = cards[:c.cfg.MaxGPUs]
	}
	if batch := c.readings(cards, now.UnixMilli()); len(batch) > 0 {
		c.cfg.Emit(ctx, batch)
	}
}

// ready opens the driver if it is there.
func (c *Collector) ready(now time.Time) bool {
	if c.driver != nil {
		return true
	}
	if now.Before(c.next) {
		return false
	}
	d, err := c.open()
	if err == nil {
		c.driver = d
		return true
	}
	c.next = now.Add(lookAgain)
	if errors.Is(err, errNoDriver) {
		if !c.told {
			c.log.Info("gpu: no NVIDIA driver on this machine, nothing is measured", "reason", err)
		}
		c.told = true
		return false
	}
	c.note(err)
	return false
}

// note counts a failure, and logs where it begins and ends.
func (c *Collector) note(err error) {
	if err != nil {
		c.failed.Inc()
	}
	switch {
	case err != nil && !c.failing:
		c.log.Warn("gpu: the driver fails, readings are missing", "error", err)
	case err == nil && c.failing:
		c.log.Info("gpu: the driver is back")
	}
	c.failing = err != nil
}

func (c *Collector) readings(cards []card, at int64) (out []collect.Reading) {
	var b labels.ScratchBuilder
	for _, card := range cards {
		for _, v := range card.values {
			b.Reset()
			b.Add(labels.MetricName, prefix+v.key)
			b.Add("host", c.cfg.Host)
			b.Add("gpu", card.index)
			for i := 0; i+1 < len(v.with); i += 2 {
				b.Add(v.with[i], v.with[i+1])
			}
			b.Sort()
			out = append(out, collect.Reading{Labels: b.Labels(), T: at, Value: v.value})
		}
	}
	return out
}
