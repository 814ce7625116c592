package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/rest"
	"github.com/leewayhq/leeway/internal/dashboard"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/store/series/promapi"
	"github.com/leewayhq/leeway/ui"
)

// published is the seam from the processor to those who want to know.
func (a *App) published(u *process.Update) {
	a.publisher.Add(u)
	if d := a.dashboard.Load(); d != nil {
		d.Changed(u.Deltas)
	}
}

func (a *App) openDashboard(context.Context) error {
	ingest, err := a.ingestHandler()
	if err != nil {
		return err
	}
	prom, err := promapi.New(promapi.Config{Store: a.series, Rules: a.alerts.PrometheusGroups, Metrics: metadata, Logger: a.log})
	if err != nil {
		return err
	}
	write, err := a.remoteWrite()
	if err != nil {
		return err
	}
	shown, err := a.exposition()
	if err != nil {
		return err
	}
	loki, err := a.lokiHandler()
	if err != nil {
		return err
	}
	d, err := dashboard.New(dashboard.Config{
		Registry: a.registry, Profiles: a.profiles, References: a.references, Series: a.series, Alerts: a.alerts, Guard: a.guard,
		Ingest: ingest, PromAPI: prom, RemoteWrite: write, OTLP: a.otlpHandlers(), Targets: a.targets, Inference: a.inferenceHandler(), InferencePath: a.cfg.Inference.Path, Federate: shown.Federate(), ModelMetrics: shown.Models(), AlertmanagerAPI: a.notify.Handler(),
		MetricsHandler: promhttp.HandlerFor(a.reg, promhttp.HandlerOpts{EnableOpenMetrics: true}),
		UI:             ui.FS(), Logs: a.searchLogs, FollowLogs: a.followLogs, Loki: loki, Notifications: a.notifications, Silenced: a.notify.Silenced, Erase: a.erase, Partitions: a.partitions, Probes: a.probes.States, Ready: a.ready, Reload: a.Reload,
		PathPrefix: a.cfg.PathPrefix, Version: a.opts.Version, Build: a.opts.Build,
		Demo: a.opts.Demo, InboxEnabled: true, Zone: a.zones.Load().site, Told: true, Logger: a.log, Registerer: a.reg,
	})
	if err != nil {
		return err
	}
	a.dashboard.Store(d)
	a.answer(d)
	a.steps.closer("event streams", d.Close)
	return nil
}

// inferenceHandler is nil, and no nil pointer, where there is none.
func (a *App) inferenceHandler() http.Handler {
	if a.inference == nil {
		return nil
	}
	return a.inference
}

func (a *App) ingestHandler() (http.Handler, error) {
	in := &a.cfg.Ingest
	return rest.New(rest.Config{
		Put: a.door.Put, Zone: a.zoneOf, FutureLimit: in.FutureLimit,
		Limits: decode.Limits{Rows: in.MaxRows, Features: in.MaxFeatures, String: int(in.MaxStringBytes), BodyBytes: in.MaxBodyBytes},
		Logger: a.log, Registerer: a.reg,
	})
}

// metadata describes the catalogue to PromQL editors.
func metadata() []promapi.Metric {
	var out []promapi.Metric
	for _, m := range catalogue.All() {
		if m.NoSeries {
			continue
		}
		out = append(out, promapi.Metric{Name: m.Series, Type: "gauge", Help: m.Help.En, Unit: string(m.Unit)})
	}
	return out
}

func (a *App) notifications(limit int) []dashboard.Notification {
	messages := a.notify.Inbox(limit)
	out := make([]dashboard.Notification, 0, len(messages))
	for _, m := range messages {
		n := dashboard.Notification{Time: m.Time, Receiver: m.Receiver, Status: m.Status, Title: m.Title, Text: m.Text, Severity: m.Severity}
		if len(m.Alerts) > 0 {
			n.Model = m.Alerts[0].Model
		}
		out = append(out, n)
	}
	return out
}

// always is a time before and after every sample.
const always = math.MaxInt64 / 2

// erase deletes a model's series. Log lines go with their retention, and the
// history of its alerts stays: it says what people were told.
func (a *App) erase(ctx context.Context, model string) error {
	return a.series.Delete(ctx, -always, always, labels.MustNewMatcher(labels.MatchEqual, "model", model))
}

func (a *App) partitions() []dashboard.Partition {
	var out []dashboard.Partition
	for _, s := range a.processor.Status() {
		p := dashboard.Partition{Partition: s.Partition, Next: s.Next, End: s.End}
		if s.Err != nil {
			p.Error = s.Err.Error()
		}
		out = append(out, p)
	}
	return out
}

// ready says why the server cannot do its work.
func (a *App) ready() error {
	var err error
	for _, s := range a.processor.Status() {
		if s.Err != nil {
			err = errors.Join(err, fmt.Errorf("partition %d stands still at %d: %w", s.Partition, s.Next, s.Err))
		}
	}
	return err
}

// openListener takes the port, whose number links in messages need. Nothing
// answers on it before Serve; what connects earlier waits.
func (a *App) openListener(context.Context) error {
	tlsConfig, err := access.ServerTLS(a.cfg.TLS.CertFile, a.cfg.TLS.KeyFile, a.log)
	if err != nil {
		return err
	}
	if a.listener, err = net.Listen("tcp", a.cfg.Listen); err != nil {
		return err
	}
	a.steps.closer("port", func() error {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil // the server has closed it
	})
	a.server = &http.Server{
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	return nil
}

// answer gives the server its handler, and adds the step that ends requests.
// requestTime is what requests under way may take at a stop.
const requestTime = 2 * time.Second

func (a *App) answer(h http.Handler) {
	a.server.Handler = h
	a.steps.add("requests", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		err := a.server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			a.log.Warn("clients that were too slow for the stop were cut off")
			err = a.server.Close()
		}
		return err
	})
}

// externalHost is the host of external_url, which may be in a Host header.
func externalHost(external string) (host string, secure bool) {
	u, err := url.Parse(external)
	if err != nil {
		return "", false
	}
	return u.Host, u.Scheme == "https"
}
