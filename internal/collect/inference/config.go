package inference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/queue"
)

// Config is what the collector needs. Zeros are the defaults.
type Config struct {
	// Log keeps halves until they are joined. It has one partition and no other
	// user; whoever opened it closes it after Run has returned.
	Log queue.Log
	// Dir is where the place up to which the log is joined is kept.
	Dir string
	// Put makes a batch durable: collect.Door's.
	Put func(context.Context, *event.Batch) error
	// Room says why nothing may be taken now; nil is always room.
	Room func() error
	// Wait is how long a half waits for the other: 1 minute.
	Wait time.Duration
	// MaxWaiting bounds the bytes of halves that wait in memory: 64 MiB. The
	// oldest then go alone.
	MaxWaiting int64
	Bodies     collect.BodyLimits
	// Namespaces puts the namespace before a model's name.
	Namespaces bool
	// Models are the mappings by name of the service.
	Models      map[string]Mapping
	Limits      Limits        // of one payload
	Rows        decode.Limits // of the rows made of it
	FutureLimit time.Duration // 10 minutes
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time
}

// pastLimit is how old an event may be by its own clock: brokers keep what
// they could not deliver for a week at most. Older, the clock is wrong.
const pastLimit = 7 * 24 * time.Hour

func (c *Config) setDefaults() {
	c.Wait = cmp.Or(c.Wait, time.Minute)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 64<<20)
	c.FutureLimit = cmp.Or(c.FutureLimit, 10*time.Minute)
	c.Limits = c.Limits.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Room == nil {
		c.Room = func() error { return nil }
	}
}

// Validate reports everything that is wrong.
func (c *Config) Validate() []error {
	var errs []error
	if c.Log == nil || c.Put == nil || c.Dir == "" {
		errs = append(errs, errors.New("inference: Log, Put and Dir are needed"))
	}
	if c.Wait < 0 || c.MaxWaiting < 0 {
		errs = append(errs, errors.New("inference: limits are not negative"))
	}
	for name, m := range c.Models {
		if m.Model != "" && !validModel(m.Model) {
			errs = append(errs, fmt.Errorf("inference: models.%s: %q is no name of a model", name, m.Model))
		}
	}
	return errs
}
