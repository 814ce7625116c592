// Package scrape pulls metrics from targets as a Prometheus does: it runs
// Prometheus's own discovery and scraping from a section scrape_configs in
// Prometheus's own format.
//
// What a scrape brings, native histograms, exemplars and the series up and
// scrape_… included, is one batch to the door. A scrape whose batch the door
// refuses is lost and counted: the next one comes by itself. Marks of staleness
// go the same way, so a target that is gone ends its series.
//
// Start runs the discovery and the scraping, with a goroutine a target, until
// Close. Apply changes what is scraped while they run.
package scrape

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
	promscrape "github.com/prometheus/prometheus/scrape"

	// The kinds of discovery that a configuration can name; kubernetes.go has one
	// more.
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/moby"
)

// Scraper pulls metrics. All methods are safe for concurrent use.
type Scraper struct {
	cfg      Config
	registry *prometheus.Registry // of Prometheus's own metrics
	metrics  *metrics
	found    *discovery.Manager
	targets  *promscrape.Manager
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	inForce *Settings
}

// New makes a scraper that scrapes nothing yet.
func New(cfg Config) (*Scraper, error) {
	if cfg.Put == nil {
		return nil, errors.New("scrape: Put is missing")
	}
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Scraper{cfg: cfg, registry: prometheus.NewRegistry(), stop: stop}
	s.metrics = newMetrics(s.registry)
	if err := s.build(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("scrape: %w", err)
	}
	if err := cfg.Registerer.Register(s.registry); err != nil {
		stop()
		return nil, fmt.Errorf("scrape: register metrics: %w", err)
	}
	return s, nil
}

func (s *Scraper) build(ctx context.Context) (err error) {
	mechanisms, err := discovery.CreateAndRegisterSDMetrics(s.registry)
	if err != nil {
		return err
	}
	s.found = discovery.NewManager(ctx, s.cfg.Logger, s.registry, mechanisms, discovery.Name("scrape"), discovery.Updatert(s.cfg.Settle))
	if s.found == nil {
		return errors.New("the discovery could not be set up")
	}
	s.targets, err = promscrape.NewManager(&promscrape.Options{
		DiscoveryReloadInterval: model.Duration(s.cfg.Settle), DiscoveryReloadOnStartup: true,
	}, s.cfg.Logger, nil, nil, appendable{s}, s.registry)
	return err
}

// Start begins to scrape what Apply has told, or will.
func (s *Scraper) Start() {
	s.running.Go(func() {
		if err := s.found.Run(); err != nil && !errors.Is(err, context.Canceled) {
			s.cfg.Logger.Error("the discovery of targets ended", "err", err)
		}
	})
	s.running.Go(func() {
		if err := s.targets.Run(s.found.SyncCh()); err != nil {
			s.cfg.Logger.Error("scraping ended", "err", err)
		}
	})
}

// Close ends scraping. What was scraped is with the door.
func (s *Scraper) Close() error {
	s.targets.Stop()
	s.stop()
	s.running.Wait()
	s.cfg.Registerer.Unregister(s.registry)
	return nil
}

// Apply makes the settings those in force. When it fails, those before stand.
func (s *Scraper) Apply(next *Settings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.inForce
	err := s.apply(next)
	if err == nil {
		s.inForce = next
		return nil
	}
	err = fmt.Errorf("scrape: %w", err)
	if old != nil {
		err = errors.Join(err, s.apply(old))
	}
	return err
}

func (s *Scraper) apply(to *Settings) error {
	if err := s.targets.ApplyConfig(to.config); err != nil {
		return err
	}
	jobs := map[string]discovery.Configs{}
	for _, job := range to.jobs {
		jobs[job.JobName] = job.ServiceDiscoveryConfigs
	}
	return s.found.ApplyConfig(jobs)
}

// Target is what is known of one target.
type Target struct {
	Job      string
	URL      string
	Labels   map[string]string
	Health   string // up, down or unknown
	Error    string // of the last scrape
	Last     time.Time
	Took     time.Duration
	Interval string
}

// maxTargets bounds a list of targets.
const maxTargets = 10_000

// Targets lists the targets by job and address, 10,000 at most, and counts
// those that relabelling dropped.
func (s *Scraper) Targets() (active []Target, dropped map[string]int) {
	for job, list := range s.targets.TargetsActive() {
		for _, t := range list {
			if len(active) == maxTargets {
				break
			}
			active = append(active, describe(job, t))
		}
	}
	slices.SortFunc(active, func(a, b Target) int {
		return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.URL, b.URL))
	})
	return active, s.targets.TargetsDroppedCounts()
}

func describe(job string, t *promscrape.Target) Target {
	out := Target{
		Job: job, URL: t.URL().Redacted(), Labels: map[string]string{}, Health: string(t.Health()),
		Last: t.LastScrape(), Took: t.LastScrapeDuration(), Interval: t.GetValue(model.ScrapeIntervalLabel),
	}
	t.LabelsRange(func(l labels.Label) { out.Labels[l.Name] = l.Value })
	if err := t.LastError(); err != nil {
		out.Error = err.Error()
	}
	return out
}
