package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/notify"
)

func (a *App) openNotify(context.Context) error {
	settings, problems := notifySettings(a.cfg)
	if len(problems) > 0 {
		return problems
	}
	n, err := notify.Open(notify.Config{
		Dir: a.dir("notify"), Settings: settings, ExternalURL: a.externalURL(),
		Guard:  a.outgoing.Control,
		Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.notify = n
	a.steps.closer("notify", n.Close)
	return nil
}

func (a *App) externalURL() string {
	if a.cfg.ExternalURL != "" {
		return a.cfg.ExternalURL
	}
	return "http://" + a.cfg.Listen + a.cfg.PathPrefix
}

// notifySettings brings the channels of the configuration into notify's form.
func notifySettings(cfg *config.Config) (notify.Settings, config.Errors) {
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		zone = time.UTC // the configuration was validated
	}
	s := notify.Settings{Alertmanager: string(cfg.Alertmanager.Text), Language: cfg.Alerting.Language, Location: zone}
	var problems config.Errors
	for i := range cfg.Alerting.Channels {
		c := &cfg.Alerting.Channels[i]
		path := "alerting.channels[" + itoa(i) + "]"
		if len(c.Models) > 0 {
			problems = append(problems, cfg.Problem(path+".models", "a channel of some models needs the section alertmanager, with a route that matches model"))
		}
		s.Channels = append(s.Channels, channel(c))
	}
	if len(problems) == 0 {
		if err := s.Validate(); err != nil {
			problems = append(problems, cfg.Problem("alerting", err.Error()))
		}
	}
	return s, problems
}

func channel(c *config.Channel) notify.Channel {
	out := notify.Channel{Name: c.Name, Quiet: !c.SendResolved}
	if len(c.Severities) == 1 {
		out.Severity = c.Severities[0]
	}
	if c.Type == "email" {
		out.Email = &notify.Email{To: c.To, From: c.From, Server: c.SMTP, Username: c.Username, Password: c.Password.Reveal(), TLS: "starttls"}
		if !c.RequireTLS {
			out.Email.TLS = "none"
		}
		return out
	}
	out.Webhook = &notify.Webhook{URL: c.URL.Reveal()}
	return out
}

func (a *App) openAlerts(context.Context) error {
	file, problems := fileRules(a.cfg)
	if len(problems) > 0 {
		return problems
	}
	e, err := alert.Open(alert.Config{
		Dir: a.dir("alert"), Queryable: a.series.Queryable(), Appendable: a.series.Appendable(), Engine: a.series.RuleEngine(),
		Notify: a.tell, FileRules: file,
		Interval: a.cfg.Alerting.Interval, HostInterval: a.cfg.Alerting.HostInterval,
		ExternalURL: a.externalURL(), Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.alerts = e
	a.steps.closer("alert rules", e.Close)
	return e.Start()
}

// tell is the seam from the rules to the messages.
func (a *App) tell(ctx context.Context, list []*alert.Alert) {
	out := make([]notify.Alert, 0, len(list))
	for _, one := range list {
		n := notify.Alert{Labels: one.Labels, Annotations: one.Annotations, StartsAt: one.FiringSince, EndsAt: one.ValidUntil}
		if one.State == alert.Resolved {
			n.EndsAt = one.ResolvedAt
		}
		out = append(out, n)
	}
	if err := a.notify.Put(ctx, out...); err != nil {
		a.log.Error("alerts were not taken by the notifier", "err", err)
	}
}

// Check reports what only the packages behind the configuration can judge.
func Check(cfg *config.Config) config.Errors {
	rules, problems := fileRules(cfg)
	for i, r := range rules {
		if r.Threshold == nil {
			continue
		}
		if err := alert.Validate(r, catalogue.Get); err != nil {
			problems = append(problems, cfg.Problem("rules["+itoa(i)+"]", err.Error()))
		}
	}
	for name := range cfg.Models {
		m := cfg.Models[name]
		if _, err := declaration(&m); err != nil {
			problems = append(problems, cfg.Problem("models."+name, err.Error()))
		}
	}
	_, more := notifySettings(cfg)
	return append(problems, more...)
}

// Reload takes up what has changed in the configuration file: all of it or,
// when anything is wrong or needs a restart, nothing.
func (a *App) Reload() error {
	if a.opts.ConfigFile == "" {
		return errors.New("the server was started without a configuration file")
	}
	cfg, problems := config.Load(a.opts.ConfigFile)
	if len(problems) == 0 {
		problems = Check(cfg)
	}
	if len(problems) > 0 {
		return problems
	}
	cfg.Listen, cfg.Data = a.cfg.Listen, a.cfg.Data // flags may have set them
	changed, restart := config.Diff(a.cfg, cfg)
	if len(restart) > 0 {
		return fmt.Errorf("these keys need a restart: %v", restart)
	}
	settings, _ := notifySettings(cfg)
	rules, _ := fileRules(cfg)
	if err := a.notify.Reload(settings); err != nil {
		return err
	}
	if err := a.alerts.SetFileRules(rules); err != nil {
		old, _ := notifySettings(a.cfg)
		return errors.Join(err, a.notify.Reload(old))
	}
	if err := a.declareModels(cfg); err != nil {
		return err
	}
	if a.opts.LogLevel != nil {
		_ = a.opts.LogLevel.UnmarshalText([]byte(cfg.Log.Level))
	}
	a.cfg = cfg
	a.log.Info("configuration reloaded", "changed", changed)
	return nil
}
