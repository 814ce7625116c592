package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/event"
)

// Config says which files are followed. Zeros are the defaults.
type Config struct {
	Dir   string // of the positions; it exists
	Files []FileConfig
	Put   func(context.Context, *event.Batch) error
	// Poll is how often the files are looked at: 250 ms.
	Poll time.Duration
	// LeaveAfter is how long a file that was renamed or removed is still looked
	// at: who has it open may go on writing. 10 seconds.
	LeaveAfter time.Duration
	// MaxFiles is how many files are followed: 1,000. More are counted.
	MaxFiles   int
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// FileConfig is a set of files that are read alike.
type FileConfig struct {
	Paths   []string // patterns of absolute paths, as filepath.Match has them
	Exclude []string // patterns of paths or names
	Service string
	Model   string
	Fields  map[string]string
	// Beginning reads files that are there at the first start from their
	// beginning; without it only what comes is read.
	Beginning bool
	Parse     logs.ParseConfig
	Join      logs.JoinConfig
}

func (c Config) withDefaults() Config {
	if c.Poll == 0 {
		c.Poll = 250 * time.Millisecond
	}
	if c.LeaveAfter == 0 {
		c.LeaveAfter = 10 * time.Second
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = 1000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	c.Logger = discard(c.Logger)
	return c
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" || c.Put == nil {
		errs = append(errs, errors.New("tail: Dir and Put must be given"))
	}
	if c.Poll < 0 || c.LeaveAfter < 0 || c.MaxFiles < 0 {
		errs = append(errs, errors.New("tail: times and limits are not negative"))
	}
	for i := range c.Files {
		f := &c.Files[i]
		if len(f.Paths) == 0 {
			errs = append(errs, fmt.Errorf("tail: files[%d]: paths are missing", i))
		}
		for _, p := range append(append([]string(nil), f.Paths...), f.Exclude...) {
			if _, err := filepath.Match(p, ""); err != nil {
				errs = append(errs, fmt.Errorf("tail: files[%d]: %q is not a pattern such as /var/log/app/*.log", i, p))
			}
		}
		if err := errors.Join(f.Parse.Validate(), f.Join.Validate()); err != nil {
			errs = append(errs, fmt.Errorf("tail: files[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

type metrics struct {
	bytes, truncated, lost, unparsed, failed, tooMany, unreadable prometheus.Counter
	files                                                         prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_logs_file_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	m := &metrics{
		bytes:      counter("bytes_total", "Bytes of log files that were taken."),
		truncated:  counter("truncations_total", "Log files that were truncated and read from their beginning."),
		lost:       counter("lost_total", "Log files that went away before they were read to their end, as far as it is known."),
		unparsed:   counter("unparsed_lines_total", "Lines that are not of the format of their file; they are kept as they are."),
		failed:     counter("position_failures_total", "Times that the positions could not be saved; nothing is sent meanwhile."),
		tooMany:    counter("ignored_total", "Looks at files that are too many to be followed."),
		unreadable: counter("unreadable_total", "Looks at files that cannot be opened."),
		files:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "leeway_logs_files", Help: "Log files that are followed."}),
	}
	reg.MustRegister(m.files)
	return m
}
