package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leewayhq/leeway/internal/collect/probe"
	"github.com/leewayhq/leeway/internal/config"
)

func (a *App) openProbes(ctx context.Context) (err error) {
	a.probes, err = probe.New(probe.Config{
		Outgoing: a.outgoing, Put: a.door.Put, Counts: a.probeCounts(ctx), Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.steps.closer("probes", a.probes.Close)
	return a.setProbes(a.cfg)
}

func (a *App) setProbes(cfg *config.Config) error {
	specs := make([]probe.Spec, len(cfg.Probes))
	var err error
	for i := range cfg.Probes {
		if specs[i], err = probeSpec(&cfg.Probes[i]); err != nil {
			return err
		}
	}
	return a.probes.Set(specs)
}

// probeCounts are the failures in a row as the series had them last, so that a
// restart does not end an alert. A start must not fail for want of them.
func (a *App) probeCounts(ctx context.Context) func(name, model, target string) (failures, wrong int) {
	type key struct{ series, name, model, target string }
	known := map[key]int{}
	v, err := a.series.Query(ctx, `{__name__=~"probe_failures|probe_wrong_answers"}`, time.Now())
	if err != nil {
		a.log.Warn("what probes found before the start is not known", "err", err)
	}
	for i := range v {
		m := v[i].Metric
		known[key{m.Get("__name__"), m.Get("probe"), m.Get("model"), m.Get("target")}] = int(v[i].F)
	}
	return func(name, model, target string) (int, int) {
		return known[key{"probe_failures", name, model, target}], known[key{"probe_wrong_answers", name, model, target}]
	}
}

// checkProbes reports what is wrong with probes, each problem at its line.
func checkProbes(cfg *config.Config) config.Errors {
	var problems config.Errors
	if n := len(cfg.Probes); n > probe.MaxProbes {
		problems = append(problems, cfg.Problem("probes", fmt.Sprintf("%d probes, %d are allowed", n, probe.MaxProbes)))
	}
	names := map[string]int{}
	for i := range cfg.Probes {
		p := &cfg.Probes[i]
		at := "probes[" + itoa(i) + "]."
		if other, twice := names[p.Name]; twice && p.Name != "" {
			problems = append(problems, cfg.Problem(at+"name", fmt.Sprintf("probe %d has the name %q already", other+1, p.Name)))
		}
		names[p.Name] = i
		spec, err := probeSpec(p)
		if err != nil {
			problems = append(problems, cfg.Problem(at+"body_file", err.Error()))
			continue
		}
		for _, one := range spec.Check() {
			problems = append(problems, cfg.Problem(at+one.Key, one.Message))
		}
	}
	return problems
}

func probeSpec(p *config.Probe) (probe.Spec, error) {
	s := probe.Spec{
		Name: p.Name, Kind: p.Kind, Target: p.Target, Model: p.Model, Interval: p.Interval, Timeout: p.Timeout,
		Method: p.Method, Body: p.Body, Service: p.Service, ServedModel: p.ServedModel, Version: p.Version,
		API: p.API, Prompt: p.Prompt, CAFile: p.CAFile, ServerName: p.ServerName, Insecure: p.Insecure,
		Expect: probe.Expect(p.Expect),
	}
	for _, h := range p.Headers {
		s.Headers = append(s.Headers, probe.Header{Name: h.Name, Value: h.Value})
	}
	if p.BodyFile == "" {
		return s, nil
	}
	if p.Body != "" {
		return s, fmt.Errorf("give either body or body_file")
	}
	var err error
	s.Body, err = readBody(p.BodyFile)
	return s, err
}

// maxProbeBody bounds a file with a golden input.
const maxProbeBody = 1 << 20

func readBody(name string) (string, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxProbeBody+1))
	if len(text) > maxProbeBody {
		return "", fmt.Errorf("%s is longer than 1MiB", name)
	}
	return string(text), err
}
