package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says what is read, how often, and where it goes.
type Config struct {
	// Interval is the time between readings: 5 s if zero.
	Interval time.Duration
	// DataDir is a folder on the disk that is watched: "." if empty.
	DataDir string
	// Host is the label of all readings: the machine's own name if empty.
	Host string
	// Emit takes each batch; required. It must not keep the slice.
	Emit func(context.Context, []Reading)

	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if c.DataDir == "" {
		c.DataDir = "."
	}
	if c.Host == "" {
		c.Host = hostname()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func hostname() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var problems []error
	if c.Interval < 100*time.Millisecond {
		// CPU time is counted in steps of 10 ms; below this it is noise.
		problems = append(problems, fmt.Errorf("host: interval: %s is below 100ms", c.Interval))
	}
	if c.Emit == nil {
		problems = append(problems, errors.New("host: emit: must be set"))
	}
	return errors.Join(problems...)
}
