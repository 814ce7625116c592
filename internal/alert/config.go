package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// Text is one text in the languages that messages can have.
type Text struct {
	En string `json:"en,omitempty" yaml:"en,omitempty"`
	Zh string `json:"zh,omitempty" yaml:"zh,omitempty"`
}

// Config is all that the engine needs. Dir, Queryable, Appendable and Engine
// must be given; the rest has defaults.
type Config struct {
	Dir string // holds the Pebble database of rules, alerts and history
	FS  vfs.FS // the disk; default vfs.Default
	// Fatal ends the process when the database cannot go on, as store.Log says;
	// nil panics.
	Fatal func(error)

	Queryable  storage.Queryable
	Appendable storage.Appendable // ALERTS series and recording rules go here
	Engine     *promql.Engine
	Metrics    func(key string) (catalogue.Metric, bool)  // default: the catalogue
	Notify     func(ctx context.Context, alerts []*Alert) // nil: nobody is told

	Builtin   []Rule // default BuiltinRules()
	FileRules []Rule // from the configuration file; they beat stored rules

	Interval         time.Duration // of rules on models; default 1 s
	HostInterval     time.Duration // of rules on hosts and probes, and of PromQL groups that name none; default 15 s
	ResendDelay      time.Duration // a firing alert is handed on again after this; default 1 m
	ResolvedFor      time.Duration // a resolved alert is kept, and its end repeated, this long; default 15 m
	OutageTolerance  time.Duration // a pending alert survives a stop up to this long; default 10 m
	NoDataGrace      time.Duration // after a start, a firing threshold alert without data is kept this long; default 5 m
	HistoryRetention time.Duration // default 90 days
	MaxHistory       int           // rows of history; default 1,000,000
	MaxAlertsPerRule int           // a rule with more results fails; default 10,000
	MaxRules         int           // stored rules; default 10,000

	ExternalURL string // of the dashboard, for links; may be empty
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time // default time.Now
}

func (c Config) withDefaults() Config {
	duration := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	number := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	duration(&c.Interval, time.Second)
	duration(&c.HostInterval, 15*time.Second)
	duration(&c.ResendDelay, time.Minute)
	duration(&c.ResolvedFor, 15*time.Minute)
	duration(&c.OutageTolerance, 10*time.Minute)
	duration(&c.NoDataGrace, 5*time.Minute)
	duration(&c.HistoryRetention, 90*24*time.Hour)
	number(&c.MaxHistory, 1_000_000)
	number(&c.MaxAlertsPerRule, 10_000)
	number(&c.MaxRules, 10_000)
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Builtin == nil {
		c.Builtin = BuiltinRules()
	}
	if c.Metrics == nil {
		c.Metrics = table(catalogue.All())
	}
	return c
}

// table finds rows by key without building the catalogue each time.
func table(rows []catalogue.Metric) func(string) (catalogue.Metric, bool) {
	byKey := make(map[string]catalogue.Metric, len(rows))
	for _, m := range rows {
		byKey[m.Key] = m
	}
	return func(key string) (catalogue.Metric, bool) {
		m, ok := byKey[key]
		return m, ok
	}
}

// Validate reports every problem of the configuration.
func (c Config) Validate() error {
	var errs []error
	missing := func(absent bool, name string) {
		if absent {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	missing(c.Dir == "", "Dir")
	missing(c.Queryable == nil, "Queryable")
	missing(c.Appendable == nil, "Appendable")
	missing(c.Engine == nil, "Engine")
	for name, d := range map[string]time.Duration{
		"Interval": c.Interval, "HostInterval": c.HostInterval, "ResendDelay": c.ResendDelay,
		"ResolvedFor": c.ResolvedFor, "OutageTolerance": c.OutageTolerance,
		"NoDataGrace": c.NoDataGrace, "HistoryRetention": c.HistoryRetention,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s must not be negative", name))
		}
	}
	if c.MaxHistory < 0 || c.MaxAlertsPerRule < 0 || c.MaxRules < 0 {
		errs = append(errs, errors.New("MaxHistory, MaxAlertsPerRule and MaxRules must not be negative"))
	}
	return errors.Join(errs...)
}
