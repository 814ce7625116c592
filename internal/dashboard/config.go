package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	probes "github.com/leewayhq/leeway/internal/collect/probe"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// Config is what the server is built from. The stores and the guard are
// required; a handler or function that is nil answers 404.
type Config struct {
	Registry   *model.Registry
	Profiles   *profiles.Store
	References *profiles.References
	Series     *series.Store
	Alerts     *alert.Engine
	Guard      *access.Guard

	// Ingest takes POST /api/v1/models/{model}/{kind} and POST /api/v1/logs.
	Ingest http.Handler
	// PromAPI and AlertmanagerAPI take /prometheus/ and /alertmanager/.
	PromAPI         http.Handler
	AlertmanagerAPI http.Handler
	MetricsHandler  http.Handler // /metrics
	Federate        http.Handler // /federate
	ModelMetrics    http.Handler // /metrics/models
	RemoteWrite     http.Handler // POST /api/v1/write, and below /prometheus
	// OTLP takes POST of /v1/logs, /v1/metrics and /v1/traces, by path.
	OTLP map[string]http.Handler
	// Inference takes the CloudEvents of inference loggers at POST
	// /api/v1/inference and at InferencePath, if there is one.
	Inference     http.Handler
	InferencePath string
	UI            fs.FS // the built pages; without index.html a notice is shown

	// Logs searches the archive.
	Logs func(context.Context, LogQuery) (LogPage, error)
	// FollowLogs tells of log lines as they come, until ctx ends.
	FollowLogs func(ctx context.Context, q LogQuery) *LogFeed
	// Loki takes POST /loki/api/v1/push.
	Loki http.Handler
	// Notifications lists what was sent, the newest first.
	Notifications func(limit int) []Notification
	// Silenced tells whether somebody silenced alerts with these labels.
	Silenced func(labels map[string]string) bool
	// Erase deletes what other stores hold of a model that is deleted.
	Erase func(ctx context.Context, model string) error
	// Targets lists what is scraped, and how many targets of each job were
	// dropped by its own rules.
	Targets func() ([]Target, map[string]int)
	// Probes tells what probes found last; nil tells nothing.
	Probes func() []probes.State
	// Partitions tells how far the processor is; nil tells nothing.
	Partitions func() []Partition
	// Ready says why the server cannot do its work yet, if it cannot.
	Ready func() error
	// Reload reads the configuration again, all or nothing.
	Reload func() error

	PathPrefix   string // "" or "/leeway"
	Version      string
	Build        string // differs between builds; pages reload when it changes
	Demo         bool
	InboxEnabled bool
	Zone         *time.Location // days and months are cut here, naive times read; UTC
	// Told says that Changed is called for every commit of the processor.
	// Without it merged windows are trusted for two seconds only.
	Told bool
	// CacheBytes bounds merged windows in memory, about: 128 MiB.
	CacheBytes int64
	// MaxConcurrent is how many answers are computed at once; the rest wait.
	MaxConcurrent int
	// MaxStreams is how many event streams are open at once: 256.
	MaxStreams int
	// Timeout ends an answer: 60 s.
	Timeout    time.Duration
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (c Config) withDefaults() Config {
	orDefault(&c.CacheBytes, 128<<20)
	orDefault(&c.MaxConcurrent, 2*runtime.GOMAXPROCS(0))
	orDefault(&c.MaxStreams, 256)
	orDefault(&c.Timeout, time.Minute)
	orDefault(&c.Zone, time.UTC)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Silenced == nil {
		c.Silenced = func(map[string]string) bool { return false }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	return c
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"Registry": c.Registry == nil, "Profiles": c.Profiles == nil, "References": c.References == nil,
		"Series": c.Series == nil, "Alerts": c.Alerts == nil, "Guard": c.Guard == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("%s must be given", name))
		}
	}
	if p := c.PathPrefix; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || strings.ContainsAny(p, "\"<>?#{} ")) {
		errs = append(errs, fmt.Errorf("path prefix %q must begin with a slash and not end with one", p))
	}
	if c.CacheBytes < 0 || c.MaxConcurrent < 0 || c.MaxStreams < 0 || c.Timeout < 0 {
		errs = append(errs, errors.New("limits must not be negative"))
	}
	return errors.Join(errs...)
}
