// Package app builds Leeway, starts it and stops it, in the order of the path
// of the data: what a stage needs stands before it. It is the diagram of the
// architecture as code.
//
// Open starts everything but the listener; Serve answers requests until its
// context ends; Close undoes the steps in reverse, each once. One process may
// run several Apps, each with its own folder and address.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/inference"
	"github.com/leewayhq/leeway/internal/collect/otlp"
	"github.com/leewayhq/leeway/internal/collect/probe"
	"github.com/leewayhq/leeway/internal/collect/scrape"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/dashboard"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/notify"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/process/logmetric"
	"github.com/leewayhq/leeway/internal/process/publish"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store"
	"github.com/leewayhq/leeway/internal/store/archive"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// Options are what the command line decides.
type Options struct {
	Config     *config.Config
	ConfigFile string // for a reload; empty when there is none
	// Fixed are the keys that the command line set, "listen" or "data": a reload
	// leaves them as they are, whatever the file says.
	Fixed []string
	// AcceptLoss goes on where the queue lost what was processed.
	AcceptLoss bool
	Version    string
	Build      string
	Demo       bool // says so on every page
	Logger     *slog.Logger
	LogLevel   *slog.LevelVar // changed by a reload; may be nil
	// Fatal is told that a database cannot go on: the process must end now,
	// without Close, for locks are held that nobody lets go. It must not return.
	// It may be called during Open and Close too, by several goroutines. Nil
	// panics. Nothing that was acknowledged is lost: the next start finds it.
	Fatal func(error)
}

// App is a running server.
type App struct {
	opts  Options
	cfg   *config.Config // of the start; never changed
	log   *slog.Logger
	reg   *prometheus.Registry
	steps steps

	disk       *store.Disk
	tokens     *access.Store
	guard      *access.Guard
	outgoing   *access.Outgoing
	registry   *model.Registry
	queue      *segment.Log
	profiles   *profiles.Store
	references *profiles.References
	series     *series.Store
	logMetrics *logmetric.Metrics
	archive    *archive.Archive
	publisher  *publish.Publisher
	processor  *process.Processor
	door       *collect.Door
	scraper    *scrape.Scraper
	inference  *inference.Collector // nil where it is not wanted
	notify     *notify.Notifier
	alerts     *alert.Engine
	probes     *probe.Prober

	otlp         *otlp.Receiver // nil where it is not wanted
	otlpListener net.Listener   // of gRPC

	reloading sync.Mutex // held while inForce changes
	inForce   *taken
	zones     atomic.Pointer[zones]

	dashboard atomic.Pointer[dashboard.Server]
	server    *http.Server
	listener  net.Listener
}

// stage is one step of Open.
type stage struct {
	name  string
	start func(*App, context.Context) error
}

// stages in the order of the path.
var stages = []stage{
	{"configuration", (*App).takeConfig},
	{"data folder", (*App).openFolder},
	{"disk", (*App).openDisk},
	{"access", (*App).openAccess},
	{"model registry", (*App).openRegistry},
	{"queue", (*App).openQueue},
	{"profiles", (*App).openProfiles},
	{"series", (*App).openSeries},
	{"log metrics", (*App).openLogMetrics},
	{"log archive", (*App).openArchive},
	{"publisher", (*App).openPublisher},
	{"processor", (*App).openProcessor},
	{"door", (*App).openDoor},
	{"scraping", (*App).openScrape},
	{"inference", (*App).openInference},
	{"log sources", (*App).openLogs},
	{"otlp", (*App).openOTLP},
	{"listener", (*App).openListener},
	{"notify", (*App).openNotify},
	{"alert rules", (*App).openAlerts},
	{"host collector", (*App).openHost},
	{"probes", (*App).openProbes},
	{"upkeep", (*App).openUpkeep},
	{"dashboard", (*App).openDashboard},
}

// Open starts every stage. When one fails, those before it are stopped again.
func Open(ctx context.Context, opts Options) (*App, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a := &App{opts: opts, cfg: opts.Config, log: opts.Logger, reg: reg, steps: steps{log: opts.Logger}}
	for _, st := range stages {
		start := time.Now()
		if err := st.start(a, ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("starting %s: %w", st.name, err), a.Close())
		}
		a.log.Debug("started", "stage", st.name, "took", time.Since(start))
	}
	return a, nil
}

// stopTime is what a stop may take before connections are cut.
const stopTime = 4 * time.Second

// Close stops everything, the listener first.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if a.disk != nil {
		a.disk.Release() // or a full disk would keep the stop waiting
	}
	return a.steps.stop(ctx)
}

// URL is where the server answers.
func (a *App) URL() string {
	return a.scheme() + "://" + a.listener.Addr().String() + a.cfg.PathPrefix
}

func (a *App) scheme() string {
	if a.cfg.TLS.CertFile != "" {
		return "https"
	}
	return "http"
}

// Serve answers requests until the context ends or the listener fails.
func (a *App) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() {
		if a.server.TLSConfig != nil {
			failed <- a.server.ServeTLS(a.listener, "", "")
			return
		}
		failed <- a.server.Serve(a.listener)
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serving %s: %w", a.listener.Addr(), err)
	}
}

// takeConfig checks what config cannot, before anything is touched.
func (a *App) takeConfig(context.Context) error {
	first, problems := prepare(a.cfg)
	a.inForce = first
	a.zones.Store(first.zones)
	return problems.Err()
}

func (a *App) openFolder(context.Context) error {
	for _, name := range []string{"models", "join", "archive", "access", "alert", "notify"} {
		if err := os.MkdirAll(a.dir(name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) dir(name string) string { return filepath.Join(a.cfg.Data, name) }

// openDisk makes writes of the databases wait for space where there is none. A
// database that cannot go on for another reason is Options.Fatal.
func (a *App) openDisk(context.Context) error {
	a.disk = store.NewDisk(vfs.Default, a.cfg.Data, a.log)
	return nil
}

// fatal is for store.Log, which panics where nobody was given to be told.
func (a *App) fatal(err error) {
	a.log.Error("a database cannot go on; the server ends, and nothing that was acknowledged is lost", "err", err)
	if a.opts.Fatal != nil {
		a.opts.Fatal(err)
	}
}

func (a *App) openAccess(context.Context) (err error) {
	if a.tokens, err = access.OpenStore(a.dir("access"), a.log); err != nil {
		return err
	}
	a.steps.closer("tokens", a.tokens.Flush)
	c := &a.cfg.Access
	hosts := slices.Clone(c.AllowedHosts)
	host, secure := externalHost(a.cfg.ExternalURL)
	if host != "" {
		hosts = append(hosts, host)
	}
	a.guard, err = access.NewGuard(access.GuardOptions{
		Config: access.Config{
			Listen: a.cfg.Listen, Open: access.OpenMode(c.Open), InsecureOpen: c.InsecureOpen,
			AllowedHosts: hosts, SecureCookie: secure, AllowedOrigins: c.AllowedOrigins, PathPrefix: a.cfg.PathPrefix,
		},
		Tokens: a.tokens, Dir: a.dir("access"), Registerer: a.reg, Log: a.log,
	})
	if err != nil {
		return err
	}
	if a.outgoing, err = access.NewOutgoing(c.OutgoingAllow, a.reg); err != nil {
		return err
	}
	return a.guard.Check(a.cfg.Listen)
}

func (a *App) openRegistry(context.Context) (err error) {
	in := &a.cfg.Ingest
	a.registry, err = model.Open(model.Config{Dir: a.dir("models"), MaxModels: in.MaxModels, MaxFeatures: in.MaxFeatures, LateAfter: in.LateAfter, Centres: profile.ChooseCentres, Logger: a.log})
	if err != nil {
		return err
	}
	return a.declareModels(a.cfg)
}

func (a *App) declareModels(cfg *config.Config) error {
	for name := range cfg.Models {
		m := cfg.Models[name]
		d, err := declaration(&m)
		if err == nil {
			_, err = a.registry.Declare(name, d)
		}
		if err != nil {
			return fmt.Errorf("models.%s: %w", name, err)
		}
	}
	return nil
}

func (a *App) openQueue(context.Context) (err error) {
	q := &a.cfg.Queue
	a.queue, err = segment.Open(segment.Config{
		Dir: a.dir("queue"), Partitions: q.Partitions, SegmentBytes: q.SegmentBytes,
		RetentionAge: q.Retention, RetentionBytes: q.RetentionBytes, MaxBytes: q.MaxBytes,
		MaxRecordBytes: int(q.MaxRecordBytes), Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.steps.closer("queue", a.queue.Close)
	return nil
}

func (a *App) openProfiles(context.Context) (err error) {
	if a.profiles, err = profiles.Open(profiles.Config{Dir: a.dir("state"), FS: a.disk, Fatal: a.fatal, Logger: a.log}); err != nil {
		return err
	}
	a.references = profiles.NewReferences(a.profiles, nil)
	a.references.Zone = a.zones.Load().site
	a.steps.closer("profiles", a.profiles.Close)
	return nil
}

func (a *App) openSeries(context.Context) (err error) {
	r := &a.cfg.Retention
	a.series, err = series.Open(series.Config{Dir: a.dir("series"), Retention: r.Series, MaxBytes: r.SeriesBytes, Logger: a.log, Registerer: a.reg})
	if err != nil {
		return err
	}
	a.steps.closer("series", a.series.Close)
	return nil
}

func (a *App) openArchive(context.Context) (err error) {
	r := &a.cfg.Retention
	a.archive, err = archive.Open(archive.Config{Dir: a.dir("archive"), Retention: r.Logs, MaxBytes: r.LogsBytes, Kept: a.logMetrics.Observe, Logger: a.log, Registerer: a.reg})
	if err != nil {
		return err
	}
	a.steps.closer("log archive", a.archive.Close)
	return nil
}

func (a *App) openUpkeep(context.Context) error {
	u := &upkeep{app: a, every: 5 * time.Minute}
	a.steps.background("upkeep", u.run)
	return nil
}
