package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/collect/scrape"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/notify"
)

// taken is a configuration in the forms in which the packages took it. What
// files it names may have changed since, so going back to it needs these.
type taken struct {
	cfg    *config.Config
	notify notify.Settings
	rules  []alert.Rule
	zones  *zones
	scrape *scrape.Settings
}

// prepare reads and checks all of a configuration and changes nothing.
func prepare(cfg *config.Config) (*taken, config.Errors) {
	problems := Check(cfg)
	settings, _ := notifySettings(cfg)
	rules, more := fileRules(cfg)
	zones, err := modelZones(cfg)
	if err != nil {
		problems = append(problems, cfg.Problem("models", err.Error()))
	}
	if len(problems) == 0 {
		problems = more // a file that changed since the check
	}
	targets, _ := scrapeSettings(cfg)
	return &taken{cfg, settings, rules, zones, targets}, problems
}

// Reload takes up what has changed in the configuration file: all of it or,
// when anything is wrong or needs a restart, nothing. Two reloads run one
// after the other. App.cfg stays that of the start: what is read from it while
// the server runs needs a restart to change.
func (a *App) Reload() error {
	if a.opts.ConfigFile == "" {
		return errors.New("the server was started without a configuration file")
	}
	a.reloading.Lock()
	defer a.reloading.Unlock()
	cfg, problems := config.Load(a.opts.ConfigFile)
	if len(problems) > 0 {
		return problems
	}
	a.keepFixed(cfg)
	next, problems := prepare(cfg)
	if len(problems) > 0 {
		return problems
	}
	changed, restart := config.Diff(a.inForce.cfg, cfg)
	if len(restart) > 0 {
		return fmt.Errorf("these keys need a restart: %s", strings.Join(restart, ", "))
	}
	if err := a.apply(next); err != nil {
		return err
	}
	a.inForce = next
	a.log.Info("configuration reloaded", "changed", changed)
	return nil
}

// keepFixed lays over the file what the command line set.
func (a *App) keepFixed(cfg *config.Config) {
	if slices.Contains(a.opts.Fixed, "listen") {
		cfg.Listen = a.cfg.Listen
	}
	if slices.Contains(a.opts.Fixed, "data") {
		cfg.Data = a.cfg.Data
	}
}

// apply hands a configuration to everybody; when one refuses, those before it
// get back the one in force.
func (a *App) apply(next *taken) error {
	old := a.inForce
	models := a.rememberModels(next.cfg)
	steps := []struct {
		name     string
		do, undo func() error
	}{
		{"alerting", func() error { return a.notify.Reload(next.notify) }, func() error { return a.notify.Reload(old.notify) }},
		{"rules", func() error { return a.alerts.SetFileRules(next.rules) }, func() error { return a.alerts.SetFileRules(old.rules) }},
		{"models", func() error { return a.declareModels(next.cfg) }, models.putBack},
		{"probes", func() error { return a.setProbes(next.cfg) }, func() error { return a.setProbes(old.cfg) }},
		{"scraping", func() error { return a.scraper.Apply(next.scrape) }, func() error { return a.scraper.Apply(old.scrape) }},
	}
	for i, s := range steps {
		err := s.do()
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", s.name, err)
		for j := i; j >= 0; j-- { // the one that failed may have changed a part
			if e := steps[j].undo(); e != nil {
				err = errors.Join(err, fmt.Errorf("putting back %s: %w", steps[j].name, e))
			}
		}
		return err
	}
	a.zones.Store(next.zones)
	if a.opts.LogLevel != nil {
		_ = a.opts.LogLevel.UnmarshalText([]byte(next.cfg.Log.Level)) // the configuration was validated
	}
	return nil
}

// declared is what models were declared as before a reload.
type declared struct {
	registry *model.Registry
	was      map[string]*model.Model // nil: the model did not exist
}

func (a *App) rememberModels(cfg *config.Config) *declared {
	d := &declared{registry: a.registry, was: map[string]*model.Model{}}
	for name := range cfg.Models {
		d.was[name] = nil
		if m, err := a.registry.Get(name); err == nil {
			d.was[name] = &m
		}
	}
	return d
}

// putBack undoes declarations; what was learnt from rows in between stays.
func (d *declared) putBack() error {
	var err error
	for name, was := range d.was {
		now, e := d.registry.Get(name)
		switch {
		case errors.Is(e, model.ErrNotFound):
			e = nil
		case e != nil:
		case was == nil && now.FirstEvent == 0: // rows make a model by themselves
			e = d.registry.Delete(name)
		case was != nil:
			_, e = d.registry.Update(name, func(m *model.Model) error { restore(m, was); return nil })
		}
		err = errors.Join(err, e)
	}
	return err
}

// restore puts back what a declaration changes. Features keep what they learnt
// in between, in the order in which they stood; those without a grid that rows
// would find again are dropped.
func restore(m, was *model.Model) {
	m.Title, m.Task, m.Declared, m.Positive, m.Threshold, m.Segments = was.Title, was.Task, was.Declared, was.Positive, was.Threshold, was.Segments
	m.Reference = was.Reference
	place := func(f *model.Feature) int {
		return slices.IndexFunc(was.Features, func(g model.Feature) bool { return g.Name == f.Name && g.Kind == f.Kind })
	}
	m.Features = slices.DeleteFunc(m.Features, func(f model.Feature) bool { return place(&f) < 0 && f.Epoch == 0 })
	slices.SortStableFunc(m.Features, func(x, y model.Feature) int {
		px, py := place(&x), place(&y)
		if px < 0 || py < 0 {
			return cmp.Compare(py, px) // those that are new come last
		}
		return cmp.Compare(px, py)
	})
}

// zones gives the zone of a model's times that name none: its own, else the
// site's.
type zones struct {
	site *time.Location
	own  map[string]*time.Location
}

func modelZones(cfg *config.Config) (*zones, error) {
	z := &zones{own: map[string]*time.Location{}}
	var err error
	if z.site, err = time.LoadLocation(cfg.TimeZone); err != nil {
		return nil, err
	}
	for name := range cfg.Models {
		if zone := cfg.Models[name].TimeZone; zone != "" {
			if z.own[name], err = time.LoadLocation(zone); err != nil {
				return nil, fmt.Errorf("models.%s.time_zone: %w", name, err)
			}
		}
	}
	return z, nil
}

func (a *App) zoneOf(model string) *time.Location {
	z := a.zones.Load()
	if own := z.own[model]; own != nil {
		return own
	}
	return z.site
}
