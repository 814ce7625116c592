package remotewrite

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/event"
)

// Config is what the receiver needs. Zeros are the defaults.
type Config struct {
	// Put makes a batch durable: collect.Door's.
	Put     func(context.Context, *event.Batch) error
	Bodies  collect.BodyLimits
	Samples collect.SampleLimits
	// SeriesBytes bounds one series of a body, with all its samples: 1 MiB.
	// Protobuf can say in two bytes what takes two hundred in memory.
	SeriesBytes int
	// Symbols bounds the texts of a body of 2.0: 1,000,000.
	Symbols int
	// WriteTimeout is how long a client may take to read its answer: 30 seconds.
	WriteTimeout time.Duration
	Logger       *slog.Logger
	Registerer   prometheus.Registerer
	Now          func() time.Time
}

func (c *Config) setDefaults() {
	c.Bodies, c.Samples = c.Bodies.WithDefaults(), c.Samples.WithDefaults()
	c.SeriesBytes = cmp.Or(c.SeriesBytes, 1<<20)
	c.Symbols = cmp.Or(c.Symbols, 1_000_000)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}
