package app

import (
	"net/http"

	dto "github.com/prometheus/client_model/go"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/remotewrite"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/dashboard/exposition"
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
