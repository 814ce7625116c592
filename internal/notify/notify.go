// Package notify tells people. It is an embedded Alertmanager: grouping,
// inhibition, silences, deduplication, retries, its receivers, and its API v2,
// so that amtool and Grafana connect to it.
//
// What it adds to Alertmanager's own parts:
//   - Silences and the notification log are on disk before a change is
//     answered or a notification counts as done, not every 15 minutes
//     (keep.go). After a kill -9 every silence stands and nothing that was
//     sent is sent again; what was being sent at that moment may be repeated.
//   - A receiver "inbox" keeps messages here, for the built-in page (inbox.go).
//   - Every notification is recorded: to whom, when, how often tried, with
//     what result (record.go).
//   - Outgoing connections pass the given guard; e-mail too (email.go).
//   - A short form of channels, and message texts in English and Chinese.
//   - Secrets of the configuration never appear in errors (secrets.go).
//
// Active alerts live in memory only: whoever calls Put repeats what fires, and
// the ends of what fired, after a start (internal/alert does).
//
// Goroutines: Alertmanager's dispatcher, inhibitor, alert store and
// maintenance, all ended by Close. Formats: docs/formats/notifications.md.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/common/model"
)

// Alert is what Put takes. Times are unix milliseconds. An alert whose EndsAt
// is past has ended; otherwise it ends at EndsAt unless it is put again.
type Alert struct {
	Labels       map[string]string
	Annotations  map[string]string
	StartsAt     int64
	EndsAt       int64
	GeneratorURL string
}

// Notifier is an open Alertmanager. All methods are safe for concurrent use.
type Notifier struct {
	cfg     Config
	log     *slog.Logger
	met     *metrics
	store   *store
	inbox   *kept[Message]
	records *kept[Record]

	alerts     *mem.Alerts
	silences   *silence.Silences
	silencer   *silence.Silencer
	nflog      *nflog.Log
	groups     marker.GroupMarker
	pipelines  *amnotify.PipelineBuilder
	dispatched *dispatch.DispatcherMetrics
	api        *api.API
	handler    http.Handler
	start      time.Time // of dispatching

	reloading sync.Mutex
	mu        sync.RWMutex // guards now
	now       *running

	stop   chan struct{}
	done   sync.WaitGroup
	closed sync.Once
}

// Open starts with the settings in cfg; nothing runs when it returns an error.
func Open(cfg Config) (*Notifier, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("notify: config: %w", err)
	}
	n := &Notifier{
		cfg: cfg, log: cfg.Logger, met: newMetrics(cfg.Registerer),
		groups: marker.NewGroupMarker(), stop: make(chan struct{}),
		start: time.Now().Add(cfg.StartDelay),
	}
	var err error
	if n.store, err = openStore(cfg, n.met); err != nil {
		return nil, err
	}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Notifier) open() error {
	var err error
	if n.inbox, err = openKept[Message](n.store, prefixInbox, n.cfg.MaxInbox); err != nil {
		return err
	}
	if n.records, err = openKept[Record](n.store, prefixRecord, n.cfg.MaxRecords); err != nil {
		return err
	}
	if err := n.openLogs(); err != nil {
		return err
	}
	if err := n.openAlerts(); err != nil {
		return err
	}
	if err := n.Reload(n.cfg.Settings); err != nil {
		return err
	}
	return n.met.register()
}

// openLogs brings back silences and the notification log, and ties every
// change of theirs to the store.
func (n *Notifier) openLogs() error {
	entries, err := n.store.snapshot(prefixNflog)
	if err != nil {
		return err
	}
	n.nflog, err = nflog.New(nflog.Options{
		SnapshotReader: entries, Retention: n.cfg.Retention, Logger: n.log, Metrics: n.met.own,
	})
	if err != nil {
		return fmt.Errorf("notify: notification log: %w", err)
	}
	n.nflog.SetBroadcast(n.store.putNflog)
	stored, err := n.store.snapshot(prefixSilence)
	if err != nil {
		return err
	}
	n.silences, err = silence.New(silence.Options{
		SnapshotReader: stored, Retention: n.cfg.Retention, Logger: n.log, Metrics: n.met.own,
		Limits: silence.Limits{
			MaxSilences:         func() int { return n.cfg.MaxSilences },
			MaxSilenceSizeBytes: func() int { return maxSilenceBytes },
		},
	})
	if err != nil {
		return fmt.Errorf("notify: silences: %w", err)
	}
	n.silences.SetBroadcast(n.store.putSilence)
	n.silencer = silence.NewSilencer(n.silences, n.log, eventrecorder.Recorder{})
	// Without a file, maintenance only collects what is over.
	n.done.Add(3)
	go func() { defer n.done.Done(); n.nflog.Maintenance(maintenance, "", n.stop, nil) }()
	go func() { defer n.done.Done(); n.silences.Maintenance(maintenance, "", n.stop, nil) }()
	go func() { defer n.done.Done(); n.store.sweepUntil(n.stop) }()
	return nil
}

func (n *Notifier) openAlerts() error {
	flags := featurecontrol.NoopFlags{}
	var err error
	n.alerts, err = mem.NewAlerts(context.Background(), alertGC, n.cfg.MaxAlertsPerName, n.silencer,
		n.log, eventrecorder.Recorder{}, n.met.own, flags)
	if err != nil {
		return fmt.Errorf("notify: alerts: %w", err)
	}
	n.pipelines = amnotify.NewPipelineBuilder(n.met.own, flags, eventrecorder.Recorder{})
	n.dispatched = dispatch.NewDispatcherMetrics(false, n.met.own, flags)
	n.api, err = api.New(api.Options{
		Alerts: n.alerts, Silences: n.silences, GroupMutedFunc: n.groups.Muted,
		Timeout: 30 * time.Second, Logger: n.log, Registry: n.met.own,
		RequestDuration: n.met.requests, GroupFunc: n.alertGroups,
	})
	if err != nil {
		return fmt.Errorf("notify: API: %w", err)
	}
	n.handler = newHandler(n.api, n.cfg.Prefix)
	return nil
}

// alertGroups answers the API from the dispatcher that runs now.
func (n *Notifier) alertGroups(ctx context.Context, route func(*dispatch.Route) bool, want func(*alert.Alert, time.Time) bool) (dispatch.AlertGroups, map[model.Fingerprint][]string, error) {
	return n.current().dispatcher.Groups(ctx, route, want)
}

// Put takes alerts that fire or ended. The valid ones are taken even when the
// error names others.
func (n *Notifier) Put(ctx context.Context, alerts ...Alert) error {
	now := time.Now()
	var errs []error
	list := make([]*alert.Alert, 0, len(alerts))
	for _, a := range alerts {
		one := &alert.Alert{UpdatedAt: now, Alert: model.Alert{
			Labels: labelSet(a.Labels), Annotations: labelSet(a.Annotations),
			StartsAt: time.UnixMilli(a.StartsAt), GeneratorURL: a.GeneratorURL,
		}}
		if a.EndsAt != 0 {
			one.EndsAt = time.UnixMilli(a.EndsAt)
		}
		if err := one.Validate(); err != nil {
			n.met.invalid.Inc()
			errs = append(errs, fmt.Errorf("notify: alert %s: %w", one.Labels, err))
			continue
		}
		list = append(list, one)
	}
	if len(list) > 0 {
		if err := n.alerts.Put(ctx, list...); err != nil {
			errs = append(errs, fmt.Errorf("notify: put alerts: %w", err))
		}
	}
	return errors.Join(errs...)
}

// labelSet drops empty values: to Alertmanager they are no labels.
func labelSet(m map[string]string) model.LabelSet {
	out := make(model.LabelSet, len(m))
	for k, v := range m {
		if v != "" {
			out[model.LabelName(k)] = model.LabelValue(v)
		}
	}
	return out
}

// Silenced tells whether a silence that is active now matches alerts with
// these labels. It remembers nothing, so any labels may be asked for.
func (n *Notifier) Silenced(labels map[string]string) bool {
	list, _, err := n.silences.Query(context.Background(), silence.QState(silence.SilenceStateActive), silence.QMatches(labelSet(labels)))
	if err != nil {
		n.log.Error("asking for silences failed", "err", err)
	}
	return len(list) > 0
}

// Handler serves Alertmanager's API v2 below Config.Prefix.
func (n *Notifier) Handler() http.Handler { return n.handler }

// Close stops sending and closes the store. What waits to be sent is sent
// after the next start, when the alerts are put again.
func (n *Notifier) Close() error {
	var err error
	n.closed.Do(func() {
		if r := n.current(); r != nil {
			r.stop()
		}
		if n.alerts != nil {
			n.alerts.Close()
		}
		close(n.stop)
		n.done.Wait()
		n.met.unregister()
		err = n.store.close()
	})
	return err
}
