package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/agent"
	"github.com/leewayhq/leeway/internal/collect/host"
	"github.com/leewayhq/leeway/internal/config"
)

// AgentOptions say what an agent measures and to whom it sends.
type AgentOptions struct {
	Config    *config.Config // its sections host and gpu
	Server    string
	Token     access.Secret
	TokenFile string
	CAFile    string
	Host      string // the label; empty: the machine's name
	Dir       string // of the buffer
	MaxBytes  int64  // of the buffer; 0: the agent's default
	Logger    *slog.Logger
}

// RunAgent measures this machine for a server elsewhere until the context ends
// or the buffer's disk fails.
func RunAgent(ctx context.Context, o AgentOptions) error {
	reg := prometheus.NewRegistry()
	a, err := agent.Open(agent.Config{
		Server: o.Server, Token: o.Token, TokenFile: o.TokenFile, CAFile: o.CAFile,
		Dir: o.Dir, MaxBytes: o.MaxBytes, Logger: o.Logger, Registerer: reg,
	})
	if err != nil {
		return err
	}
	if o.Host == "" {
		o.Host = host.Name()
	}
	disk, err := filepath.Abs(o.Dir)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	put := func(ctx context.Context, readings []collect.Reading) {
		if err := a.Put(ctx, readings); err != nil && ctx.Err() == nil {
			cancel(err) // the log takes no more; the next start may
		}
	}
	all, err := machine{cfg: o.Config, disk: disk, host: o.Host, log: o.Logger, reg: reg}.collectors(
		func() func(context.Context, []collect.Reading) { return put })
	if err != nil {
		return errors.Join(err, a.Close())
	}
	all = append(all, collector{"own metrics", func(ctx context.Context) {
		every(ctx, o.Config.Host.Interval, func() { put(ctx, own(reg, o.Host, time.Now())) })
	}})
	var running sync.WaitGroup
	for _, c := range all {
		running.Go(func() { c.run(ctx) })
	}
	if err := a.Run(ctx); err != nil {
		cancel(err)
	}
	<-ctx.Done()
	running.Wait()
	err = a.Close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("the agent's buffer: %w", errors.Join(cause, err))
	}
	return err
}

func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// own are the agent's counters as readings: nothing else tells the server what
// an agent gave up. They are one round older than they say.
func own(reg *prometheus.Registry, host string, now time.Time) (out []collect.Reading) {
	families, _ := reg.Gather() // what cannot be gathered is left out
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "leeway_") {
			continue
		}
		for _, m := range f.GetMetric() {
			v := m.GetCounter().GetValue()
			if m.GetGauge() != nil {
				v = m.GetGauge().GetValue()
			}
			b := labels.NewBuilder(labels.FromStrings(labels.MetricName, f.GetName(), "host", host))
			for _, l := range m.GetLabel() {
				b.Set(l.GetName(), l.GetValue())
			}
			out = append(out, collect.Reading{Labels: b.Labels(), T: now.UnixMilli(), Value: v})
		}
	}
	return out
}
