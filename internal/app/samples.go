package app

import (
	"context"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/remotewrite"
	"github.com/leewayhq/leeway/internal/collect/scrape"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/dashboard"
	"github.com/leewayhq/leeway/internal/dashboard/exposition"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

// sampleLimits are those of every source of metric samples.
func (a *App) sampleLimits() collect.SampleLimits {
	return collect.SampleLimits{Admit: a.series.Admit}
}

func (a *App) remoteWrite() (http.Handler, error) {
	return remotewrite.New(remotewrite.Config{
		Put: a.door.Put, Bodies: collect.BodyLimits{Bytes: a.cfg.Ingest.MaxBodyBytes},
		Samples: a.sampleLimits(), Logger: a.log, Registerer: a.reg,
	})
}

// exposition shows the series to other Prometheus servers.
func (a *App) exposition() (*exposition.Exposition, error) {
	described := map[string]exposition.Description{}
	for _, m := range catalogue.All() {
		if !m.NoSeries {
			described[m.Series] = exposition.Description{Type: dto.MetricType_GAUGE, Help: m.Help.En}
		}
	}
	return exposition.New(exposition.Config{Store: a.series, Metrics: described, Logger: a.log, Registerer: a.reg})
}

// scrapeSettings reads the section scrape_configs.
func scrapeSettings(cfg *config.Config) (*scrape.Settings, config.Errors) {
	s, err := scrape.Parse(cfg.ScrapeConfigs.Text, cfg.Dir())
	if err != nil {
		return nil, config.Errors{cfg.Problem("scrape_configs", err.Error())}
	}
	return s, nil
}

func (a *App) openScrape(context.Context) (err error) {
	a.scraper, err = scrape.New(scrape.Config{Put: a.door.Put, Samples: a.sampleLimits(), Logger: a.log, Registerer: a.reg})
	if err != nil {
		return err
	}
	a.scraper.Start()
	a.steps.closer("scraping", a.scraper.Close)
	return a.scraper.Apply(a.inForce.scrape)
}

func (a *App) targets() ([]dashboard.Target, map[string]int) {
	active, dropped := a.scraper.Targets()
	out := make([]dashboard.Target, 0, len(active))
	for i := range active {
		t := &active[i]
		one := dashboard.Target{Job: t.Job, URL: t.URL, Labels: t.Labels, Health: t.Health, Error: t.Error, TookMS: float64(t.Took) / float64(time.Millisecond), Interval: t.Interval}
		if !t.Last.IsZero() {
			at := t.Last.UnixMilli()
			one.LastScrape = &at
		}
		out = append(out, one)
	}
	return out, dropped
}
