package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	// Decoded bounds what one body may take in memory, by estimate: 256 MiB, or
	// all of Bodies.InFlight if that is less.
	Decoded int64

	// ModelAttributes are further attributes of spans that name a model. A span
	// with one is a call of it.
	ModelAttributes []string
	// Services counts the spans of servers and consumers that call no model as
	// rows of a model named for the service.
	Services bool
	// IDs gives each row the id traceid-spanid, so that labels can be sent for
	// it. It then waits for one.
	IDs bool
	// Prices are by model, in any currency; the longest name with which a
	// model's begins is its price.
	Prices map[string]Price
	Past   time.Duration // older spans are refused: 10 years, as other rows
	Future time.Duration // later spans are refused: 10 min
	Models int           // in one request: 100

	// ResourceLabels are the attributes of a resource that become labels of its
	// series; the others stand in target_info.
	ResourceLabels []string
	// NativeHistograms keeps histograms with explicit bounds as native ones.
	NativeHistograms bool
	DeltaSeries      int           // of which sums are kept: 100,000
	DeltaIdle        time.Duration // after which a sum is forgotten: 1 h

	// WriteTimeout is how long a client may take to read its answer: 30 seconds.
	WriteTimeout time.Duration
	Logger       *slog.Logger
	Registerer   prometheus.Registerer
	Now          func() time.Time
}

// Price is what a million tokens cost.
type Price struct {
	Input, Output float64
	CachedInput   *float64 // of input tokens that were read from a cache; nil is Input
}

// retryFault is when a sender may try again after a fault of the server's own.
const retryFault = 5 * time.Second

func (c *Config) setDefaults() {
	c.Bodies, c.Samples = c.Bodies.WithDefaults(), c.Samples.WithDefaults()
	c.Decoded = min(cmp.Or(c.Decoded, 256<<20), c.Bodies.InFlight)
	c.Past = cmp.Or(c.Past, 10*365*24*time.Hour)
	c.Future = cmp.Or(c.Future, 10*time.Minute)
	c.Models = cmp.Or(c.Models, 100)
	c.DeltaSeries = cmp.Or(c.DeltaSeries, 100_000)
	c.DeltaIdle = cmp.Or(c.DeltaIdle, time.Hour)
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

// Validate reports every problem.
func (c *Config) Validate() error {
	var errs []error
	if c.Put == nil {
		errs = append(errs, errors.New("otlp: Put is missing"))
	}
	if c.Decoded < 0 || c.Past < 0 || c.Future < 0 || c.Models < 0 || c.DeltaSeries < 0 || c.DeltaIdle < 0 {
		errs = append(errs, errors.New("otlp: a limit is negative"))
	}
	for name, p := range c.Prices {
		if err := p.Validate(); name == "" || err != nil {
			errs = append(errs, fmt.Errorf("otlp: the price of %q: %w", name, cmp.Or(err, errors.New("a price has the name of a model"))))
		}
	}
	return errors.Join(errs...)
}

// Validate tells whether the price can be one.
func (p Price) Validate() error {
	for _, v := range []float64{p.Input, p.Output, p.cached()} {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("%v is not a price", v)
		}
	}
	return nil
}

func (p Price) cached() float64 {
	if p.CachedInput == nil {
		return p.Input
	}
	return *p.CachedInput
}
