package gpu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect"
)

// Config says how often GPUs are read, and where it goes.
type Config struct {
	// Interval is the time between readings: 5 s if zero. Utilisation is what
	// the driver says of its last period, a second or less.
	Interval time.Duration
	// Host is the label of all readings: the machine's own name if empty.
	Host string
	// MaxGPUs bounds the cards that are read: 64 if zero.
	MaxGPUs int
	// Emit takes each batch; required. It must not keep the slice.
	Emit func(context.Context, []collect.Reading)

	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if c.MaxGPUs == 0 {
		c.MaxGPUs = 64
	}
	if c.Host == "" {
		if c.Host, _ = os.Hostname(); c.Host == "" {
			c.Host = "localhost"
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports every problem at once. Zero fields are fine.
func (c Config) Validate() error {
	c = c.withDefaults()
	var problems []error
	if c.Interval < 100*time.Millisecond {
		problems = append(problems, fmt.Errorf("gpu: interval: %s is below 100ms", c.Interval))
	}
	if c.MaxGPUs < 0 {
		problems = append(problems, fmt.Errorf("gpu: max_gpus: %d is below zero", c.MaxGPUs))
	}
	if c.Emit == nil {
		problems = append(problems, errors.New("gpu: emit: must be set"))
	}
	return errors.Join(problems...)
}
