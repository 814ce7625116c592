package app

import (
	"net/http"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/remotewrite"
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
