package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// running is everything that depends on the settings; a reload replaces it.
type running struct {
	conf       *config.Config
	tmpl       *template.Template
	receivers  map[string][]amnotify.Integration
	list       []Receiver
	inhibitor  *inhibit.Inhibitor
	dispatcher *dispatch.Dispatcher
}

// Receiver is one receiver as it runs.
type Receiver struct {
	Name     string     `json:"name"`
	Channels []Endpoint `json:"channels"`
}

// Endpoint is where one integration of a receiver sends to.
type Endpoint struct {
	Kind   string `json:"kind"`             // webhook, email, inbox, …
	Target string `json:"target,omitempty"` // without secrets: a host, or addresses
}

func (n *Notifier) current() *running {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.now
}

// Reload replaces the settings, all or nothing: on an error everything runs on
// as before.
func (n *Notifier) Reload(s Settings) error {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	next, err := n.build(s)
	if err != nil {
		return fmt.Errorf("notify: settings: %w", err)
	}
	if old := n.current(); old != nil {
		old.stop()
	}
	n.run(next)
	return nil
}

// build makes all that can fail and touches nothing that runs.
func (n *Notifier) build(s Settings) (*running, error) {
	s = s.withDefaults()
	conf, err := s.load()
	if err != nil {
		return nil, err
	}
	r := &running{conf: conf, receivers: map[string][]amnotify.Integration{}}
	hidden := secretsOf(conf)
	if r.tmpl, err = newTemplate(conf.Templates, s.Language, s.Location, n.cfg.ExternalURL); err != nil {
		return nil, hidden.clean(err)
	}
	var errs []error
	for _, rcv := range conf.Receivers {
		list, err := n.integrations(rcv, r.tmpl, hidden)
		if err != nil {
			errs = append(errs, fmt.Errorf("receiver %q: %w", rcv.Name, hidden.clean(err)))
			continue
		}
		r.add(rcv.Name, list)
	}
	return r, errors.Join(errs...)
}

func (r *running) add(name string, list []*recorded) {
	out := Receiver{Name: name, Channels: []Endpoint{}}
	for _, i := range list {
		r.receivers[name] = append(r.receivers[name], i.integration())
		out.Channels = append(out.Channels, Endpoint{Kind: i.inner.Name(), Target: i.target})
	}
	if len(list) == 0 {
		r.receivers[name] = nil
	}
	r.list = append(r.list, out)
}

// integrations builds what a receiver consists of. E-mail is ours, because
// Alertmanager's does not let its connection be guarded.
func (n *Notifier) integrations(rcv config.Receiver, tmpl *template.Template, hidden secrets) ([]*recorded, error) {
	emails := rcv.EmailConfigs
	rcv.EmailConfigs = nil
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: n.cfg.Guard}
	list, err := receiver.BuildReceiverIntegrations(rcv, tmpl, n.log,
		commoncfg.WithDialContextFunc(dialer.DialContext))
	if err != nil {
		return nil, err
	}
	for i, c := range emails {
		list = append(list, amnotify.NewIntegration(&email{conf: c, tmpl: tmpl, log: n.log, guard: n.cfg.Guard}, c, "email", i, rcv.Name))
	}
	if rcv.Name == InboxName {
		list = append(list, amnotify.NewIntegration(&inboxSender{n, tmpl}, always{}, InboxName, 0, rcv.Name))
	}
	var out []*recorded
	for i := range list {
		inner := list[i]
		out = append(out, &recorded{
			n: n, inner: inner, receiver: rcv.Name, tmpl: tmpl, hidden: hidden,
			target: target(rcv, emails, inner.Name(), inner.Index()), open: map[string]*Record{},
		})
	}
	return out, nil
}

// target names where an integration sends to, without what is secret in it.
func target(rcv config.Receiver, emails []*config.EmailConfig, kind string, i int) string {
	switch kind {
	case "email":
		return emails[i].To
	case "webhook":
		if u, err := url.Parse(string(rcv.WebhookConfigs[i].URL)); err == nil {
			return u.Host
		}
	}
	return ""
}

// always is for receivers that want to know the end of alerts.
type always struct{}

func (always) SendResolved() bool { return true }

// run starts what build made: first the inhibitor, so that nothing is sent
// that should be held back, then the dispatcher, and only then it is shown.
func (n *Notifier) run(r *running) {
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, t := range r.conf.MuteTimeIntervals {
		intervals[t.Name] = t.TimeIntervals
	}
	for _, t := range r.conf.TimeIntervals {
		intervals[t.Name] = t.TimeIntervals
	}
	none := eventrecorder.Recorder{}
	r.inhibitor = inhibit.NewInhibitor(n.alerts, r.conf.InhibitRules, n.log, none)
	pipeline := n.pipelines.New(r.receivers, func() time.Duration { return 0 }, r.inhibitor, n.silencer,
		timeinterval.NewIntervener(intervals), n.groups, durableLog{n.nflog, n.store}, nil)
	timeout := func(d time.Duration) time.Duration { return max(d, amnotify.MinTimeout) }
	r.dispatcher = dispatch.NewDispatcher(n.alerts, dispatch.NewRoute(r.conf.Route, nil), pipeline, n.groups,
		timeout, 30*time.Second, groupLimit{}, n.log, none, n.dispatched, r.tmpl)
	go r.inhibitor.Run()
	r.inhibitor.WaitForLoading()
	go r.dispatcher.Run(n.start)
	r.dispatcher.WaitForLoading()

	n.mu.Lock()
	n.now = r
	n.mu.Unlock()
	n.api.Update(r.conf, func(ctx context.Context, l model.LabelSet) {
		r.inhibitor.Mutes(ctx, l)
		n.silencer.Mutes(ctx, l)
	})
}

func (r *running) stop() {
	r.inhibitor.Stop()
	r.dispatcher.Stop()
}

// groupLimit bounds what the dispatcher keeps.
type groupLimit struct{}

func (groupLimit) MaxNumberOfAggregationGroups() int { return maxGroups }

// Receivers lists the receivers that run.
func (n *Notifier) Receivers() []Receiver { return n.current().list }

// ErrNoReceiver is for a receiver that does not exist.
var ErrNoReceiver = errors.New("there is no such receiver")

// Test sends one made-up alert to a receiver at once, past grouping and
// silences, and returns what went wrong, without secrets.
func (n *Notifier) Test(ctx context.Context, name string) error {
	r := n.current()
	list, ok := r.receivers[name]
	if !ok {
		return fmt.Errorf("notify: %q: %w", name, ErrNoReceiver)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	now := time.Now()
	a := testAlert(now)
	ctx = amnotify.WithReceiverName(ctx, name)
	ctx = amnotify.WithGroupKey(ctx, fmt.Sprintf("test/%d", now.UnixNano()))
	ctx = amnotify.WithGroupLabels(ctx, a.Labels)
	ctx = amnotify.WithNow(ctx, now)
	ctx = amnotify.WithRepeatInterval(ctx, time.Hour)
	ctx = amnotify.WithFiringAlerts(ctx, []uint64{uint64(a.Fingerprint())})
	var errs []error
	for i := range list {
		if _, err := list[i].Notify(ctx, a); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", list[i].Name(), err))
		}
	}
	return errors.Join(errs...)
}
