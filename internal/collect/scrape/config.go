package scrape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/prometheus/config"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/event"
)

// Config is what the scraper needs. Zeros are the defaults.
type Config struct {
	// Put makes a batch durable: collect.Door's.
	Put     func(context.Context, *event.Batch) error
	Samples collect.SampleLimits
	// Settle is how often changes of targets are taken up: 2 s.
	Settle     time.Duration
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (c *Config) setDefaults() {
	c.Samples = c.Samples.WithDefaults()
	if c.Settle == 0 {
		c.Settle = 2 * time.Second
	}
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

// Settings are what is scraped: the section scrape_configs.
type Settings struct {
	config *promconfig.Config
	jobs   []*promconfig.ScrapeConfig
}

// Jobs is how many jobs there are.
func (s *Settings) Jobs() int { return len(s.jobs) }

const key = "scrape_configs:"

// defaults stand behind the section, so that the numbers of its lines stay. A
// job that says otherwise is followed.
const defaults = `
global:
  scrape_interval: 15s
  scrape_timeout: 10s
  scrape_native_histograms: true
  body_size_limit: 50MB
  sample_limit: 50000
  label_limit: 64
  label_name_length_limit: 2048
  label_value_length_limit: 2048
  target_limit: 10000
  keep_dropped_targets: 1000
`

// Parse reads a section scrape_configs: a list, in Prometheus's own format. Its
// text stands where it stands in its file, with spaces in place of its key;
// relative paths in it are relative to dir.
func Parse(text []byte, dir string) (s *Settings, err error) {
	defer func() {
		if r := recover(); r != nil { // a bug in a parser must not end the server at a reload
			s, err = nil, errors.New("this cannot be read")
		}
	}()
	doc := withKey(text)
	cfg, err := promconfig.Load(doc+defaults, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, plain(err)
	}
	cfg.SetDirectory(dir)
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return nil, plain(err)
	}
	for _, job := range jobs {
		if job.ScrapeFailureLogFile != "" {
			return nil, fmt.Errorf("job %q: scrape_failure_log_file is not taken here; failures are in GET /api/v1/targets", job.JobName)
		}
	}
	return &Settings{config: cfg, jobs: jobs}, nil
}

// withKey puts the key back where the section begins.
func withKey(text []byte) string {
	body := bytes.TrimLeft(text, "\n")
	before := strings.Repeat("\n", len(text)-len(body))
	if head := body[:min(len(key), len(body))]; len(head) == len(key) && len(bytes.TrimSpace(head)) == 0 {
		return before + key + string(body[len(key):])
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return before + key + " []\n"
	}
	return before + key + "\n" + string(body)
}

// plain says an error in one line.
func plain(err error) error {
	lines := strings.Fields(strings.ReplaceAll(err.Error(), "yaml: unmarshal errors:", ""))
	return errors.New(strings.Join(lines, " "))
}
