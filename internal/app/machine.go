package app

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/gpu"
	"github.com/leewayhq/leeway/internal/collect/host"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/store/series"
)

// openHost measures the machine and its GPUs into the series. Nobody was
// promised these samples, so they need not go through the queue.
func (a *App) openHost(context.Context) error {
	all, err := machine{cfg: a.cfg, disk: a.cfg.Data, log: a.log, reg: a.reg}.collectors(func() func(context.Context, []collect.Reading) {
		return (&intoSeries{store: a.series, log: a.log}).emit
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		a.steps.background(c.name, c.run)
	}
	return nil
}

// machine is what the server and the agent measure alike.
type machine struct {
	cfg  *config.Config
	disk string // a folder on the disk whose usage is disk_usage
	host string // the label; empty: the machine's name
	log  *slog.Logger
	reg  prometheus.Registerer
}

type collector struct {
	name string
	run  func(context.Context)
}

// collectors makes those that the configuration wants. Each runs in a goroutine
// of its own and has an emit of its own.
func (m machine) collectors(emit func() func(context.Context, []collect.Reading)) (out []collector, err error) {
	if h := &m.cfg.Host; h.Enabled {
		cfg := host.Config{
			Interval: h.Interval, Parts: h.Collectors, MaxSets: h.MaxSets, Root: h.Root, DataDir: m.disk, Host: m.host,
			Emit: emit(), Logger: m.log, Registerer: m.reg,
		}
		for _, p := range h.Processes {
			cfg.Processes = append(cfg.Processes, host.Process(p))
		}
		c, err := host.New(cfg)
		if err != nil {
			return nil, err
		}
		out = append(out, collector{"host collector", c.Run})
	}
	if g := &m.cfg.GPU; g.Enabled {
		c, err := gpu.New(gpu.Config{Interval: g.Interval, Host: m.host, Emit: emit(), Logger: m.log, Registerer: m.reg})
		if err != nil {
			return nil, err
		}
		out = append(out, collector{"GPU collector", c.Run})
	}
	return out, nil
}

// intoSeries writes readings. It keeps the handles of the last batch alone, so
// that containers and processes that went are forgotten.
type intoSeries struct {
	store *series.Store
	log   *slog.Logger
	known map[string]*series.Series
}

func (s *intoSeries) emit(ctx context.Context, readings []collect.Reading) {
	samples := make([]series.Sample, 0, len(readings))
	now := make(map[string]*series.Series, len(readings))
	for i := range readings {
		r := &readings[i]
		key := r.Labels.String()
		h := s.known[key]
		if h == nil {
			h = s.store.Series(r.Labels)
		}
		now[key] = h
		samples = append(samples, series.Sample{Series: h, T: r.T, V: r.Value})
	}
	s.known = now
	if err := s.store.Append(ctx, samples); err != nil && ctx.Err() == nil {
		s.log.Warn("host samples were not stored", "err", err)
	}
}
