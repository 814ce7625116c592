package app

import (
	"context"
	"maps"
	"net"
	"os"
	"slices"
	"time"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/notify"
)

func (a *App) openNotify(context.Context) error {
	n, err := notify.Open(notify.Config{
		Dir: a.dir("notify"), Settings: a.inForce.notify, ExternalURL: a.externalURL(),
		Guard: a.outgoing.Control, FS: a.disk, Fatal: a.fatal,
		Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.notify = n
	a.steps.closer("notify", n.Close)
	return nil
}

// externalURL is where people reach the dashboard, for links in messages. A
// listener on every address is reached by the machine's name.
func (a *App) externalURL() string {
	if a.cfg.ExternalURL != "" {
		return a.cfg.ExternalURL
	}
	addr := a.listener.Addr().String() // has the port that 0 became
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return a.URL()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			addr = net.JoinHostPort(name, port)
		}
	}
	return a.scheme() + "://" + addr + a.cfg.PathPrefix
}

// notifySettings brings the channels of the configuration into notify's form.
func notifySettings(cfg *config.Config) (notify.Settings, config.Errors) {
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		zone = time.UTC // a problem of its own
	}
	s := notify.Settings{Alertmanager: string(cfg.Alertmanager.Text), Language: cfg.Alerting.Language, Location: zone}
	var problems config.Errors
	for i := range cfg.Alerting.Channels {
		c := &cfg.Alerting.Channels[i]
		path := "alerting.channels[" + itoa(i) + "]"
		if len(c.Models) > 0 {
			problems = append(problems, cfg.Problem(path+".models", "a channel of some models needs the section alertmanager, with a route that matches model"))
		}
		if c.Language != "" && c.Language != cfg.Alerting.Language {
			problems = append(problems, cfg.Problem(path+".language", "all channels speak the language of alerting.language ("+cfg.Alerting.Language+"): set it there and remove this line"))
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
	if kinds := slices.Compact(slices.Sorted(slices.Values(c.Severities))); len(kinds) == 1 {
		out.Severity = kinds[0] // both are all
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
	e, err := alert.Open(alert.Config{
		Dir: a.dir("alert"), FS: a.disk, Fatal: a.fatal, Queryable: a.series.Queryable(), Appendable: a.series.Appendable(), Engine: a.series.RuleEngine(),
		Notify: a.tell, FileRules: a.inForce.rules,
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
	for _, name := range slices.Sorted(maps.Keys(cfg.Models)) {
		m := cfg.Models[name]
		if _, err := declaration(&m); err != nil {
			problems = append(problems, cfg.Problem("models."+name, err.Error()))
		}
	}
	problems = append(problems, checkProbes(cfg)...)
	_, more := notifySettings(cfg)
	problems = append(problems, more...)
	_, more = scrapeSettings(cfg)
	return append(problems, more...)
}
