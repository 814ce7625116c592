package series

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// minBlock is the span of the smallest TSDB block; the head holds at most one
// and a half of it.
const minBlock = 2 * time.Hour

// Config says where the series live and what bounds them. A zero field takes
// the default of DefaultConfig.
type Config struct {
	// Dir is the folder of the TSDB; required.
	Dir string
	// Retention is how long samples are kept.
	Retention time.Duration
	// MaxBytes is the size of all blocks above which the oldest are dropped.
	MaxBytes int64
	// OutOfOrderWindow is how old a sample may be for Append, counted from the
	// newest sample or from now, whichever is earlier.
	OutOfOrderWindow time.Duration
	// FutureLimit is how far ahead of the clock a sample may be. One sample
	// far in the future would make everything after it out of order.
	FutureLimit time.Duration
	// MaxSeries bounds the series in memory, about 3.4 KiB each.
	MaxSeries int
	// MaxLabels and MaxLabelBytes bound the label set of one series: their
	// number, and the bytes of each name and each value.
	MaxLabels     int
	MaxLabelBytes int
	// MaxExemplars is how many exemplars are kept of all series together, the
	// newest; about 100 bytes of memory each.
	MaxExemplars int
	// MaxImportSamples bounds one Import, about 2 bytes of memory a sample.
	MaxImportSamples int

	// MaxQuerySamples is how many samples one query may hold in memory.
	MaxQuerySamples int
	// QueryTimeout ends a query, its time in the queue included.
	QueryTimeout time.Duration
	// MaxConcurrentQueries is how many queries run at once; rules and the
	// publisher do not count.
	MaxConcurrentQueries int
	// Lookback is how old the newest sample of a series may be before the
	// series counts as absent.
	Lookback time.Duration

	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// DefaultConfig is a store for one machine.
func DefaultConfig(dir string) Config { return Config{Dir: dir}.withDefaults() }

func (c Config) withDefaults() Config {
	orDefault(&c.Retention, 15*24*time.Hour)
	orDefault(&c.MaxBytes, 20<<30)
	orDefault(&c.OutOfOrderWindow, 3*time.Hour)
	orDefault(&c.FutureLimit, 10*time.Minute)
	orDefault(&c.MaxSeries, 1_000_000)
	orDefault(&c.MaxLabels, 64)
	orDefault(&c.MaxLabelBytes, 2048)
	orDefault(&c.MaxExemplars, 50_000)
	orDefault(&c.MaxImportSamples, 50_000_000)
	orDefault(&c.MaxQuerySamples, 20_000_000)
	orDefault(&c.QueryTimeout, time.Minute)
	orDefault(&c.MaxConcurrentQueries, 2*runtime.GOMAXPROCS(0))
	orDefault(&c.Lookback, 5*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("series: "+format, args...))
		}
	}
	need(c.Dir != "", "dir: must be set")
	need(c.Retention >= minBlock, "retention: %s is below %s", c.Retention, minBlock)
	need(c.MaxBytes >= 0, "max_bytes: %d is negative", c.MaxBytes)
	// Imported history is kept apart from the head by this window.
	need(c.OutOfOrderWindow >= time.Minute, "out_of_order_window: %s is below 1m", c.OutOfOrderWindow)
	need(c.OutOfOrderWindow <= c.Retention, "out_of_order_window: %s is above the retention of %s", c.OutOfOrderWindow, c.Retention)
	need(c.FutureLimit >= 0, "future_limit: %s is negative", c.FutureLimit)
	need(c.QueryTimeout > 0, "query_timeout: %s is not positive", c.QueryTimeout)
	need(c.Lookback > 0, "lookback: %s is not positive", c.Lookback)
	for _, l := range []struct {
		key   string
		value int
	}{
		{"max_series", c.MaxSeries}, {"max_labels", c.MaxLabels}, {"max_label_bytes", c.MaxLabelBytes},
		{"max_exemplars", c.MaxExemplars}, {"max_import_samples", c.MaxImportSamples}, {"max_query_samples", c.MaxQuerySamples},
		{"max_concurrent_queries", c.MaxConcurrentQueries},
	} {
		need(l.value > 0, "%s: %d is not positive", l.key, l.value)
	}
	return errors.Join(problems...)
}

// maxBlock is the span up to which blocks are merged. Prometheus's library
// default of two hours makes a query over weeks open hundreds of blocks.
func (c Config) maxBlock() time.Duration {
	return max(minBlock, min(c.Retention/10, 31*24*time.Hour))
}
