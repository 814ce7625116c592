// Package demo is a living example: a model service that Leeway watches. It
// trains its models at the start, answers predictions over HTTP, is asked by a
// traffic generator, and reports to a Leeway server as any service would, with
// the public client; a day of history is imported before. After a minute its
// data begin to drift and its quality falls; docs/operate/demo.md tells what
// happens when, and why.
//
// Everything goes through public interfaces: the package knows an address, and
// Leeway knows nothing of it. What is drawn is decided by the seed; only the
// moments at which requests and labels arrive are the machine's.
//
// Run owns the service's listener and a goroutine for each of: traffic of a
// model, request under way (at most maxUnderWay a model), labels. All have
// ended when it returns.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/leewayhq/leeway/client"
)

// Options say where Leeway is. Zero values mean the defaults.
type Options struct {
	BaseURL string // such as http://127.0.0.1:7420
	Token   string // with the role edit, where the server asks for one
	Logger  *slog.Logger
	Seed    uint64
	Story   Story
}

// Story says what happens when. Zero values mean the defaults.
type Story struct {
	History    time.Duration // filled in before: 26 h; negative is none
	Deployed   time.Duration // how long ago the second version came: 5 h
	HealthyFor time.Duration // of live traffic, before the first drift: 1 min
	Ramp       time.Duration // from healthy to drifted: 30 s
	DriftFor   time.Duration // with the ramp: 10 min
	RestFor    time.Duration // between two drifts: 10 min
	// LabelsAfter and LabelsWithin are the least and the greatest delay of a
	// live label: 5 s, 30 s.
	LabelsAfter, LabelsWithin time.Duration
	Speed                     float64 // of the traffic: 1
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Seed == 0 {
		o.Seed = 7420
	}
	s := &o.Story
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&s.History, 26 * time.Hour}, {&s.Deployed, 5 * time.Hour}, {&s.HealthyFor, time.Minute}, {&s.Ramp, 30 * time.Second},
		{&s.DriftFor, 10 * time.Minute}, {&s.RestFor, 10 * time.Minute}, {&s.LabelsAfter, 5 * time.Second}, {&s.LabelsWithin, 30 * time.Second},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if s.Speed == 0 {
		s.Speed = 1
	}
}

// drift is how far the data have drifted so long after the live traffic began:
// 0 is healthy, 1 is all the way.
func (s *Story) drift(live time.Duration) float64 {
	since := live - s.HealthyFor
	if since < 0 {
		return 0
	}
	since %= s.DriftFor + s.RestFor
	if since >= s.DriftFor {
		return 0
	}
	return min(1, float64(since)/float64(max(s.Ramp, 1)))
}

// Run lives until the context ends, which is no error.
func Run(ctx context.Context, o Options) error {
	o.setDefaults()
	d := &demo{Options: o, start: time.Now(), http: &http.Client{Timeout: 10 * time.Second}}
	d.prefix = strconv.FormatInt(d.start.UnixMilli(), 36)
	d.subjects = subjects(o.Seed)
	o.Logger.Info("demo: the models are trained", "models", len(d.subjects), "took", time.Since(d.start).Round(time.Millisecond))
	fresh, err := d.declare(ctx)
	if err == nil && fresh && o.Story.History > 0 {
		err = d.fill(ctx)
	}
	if err == nil {
		err = d.live(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

type demo struct {
	Options
	start    time.Time
	prefix   string // of ids: no two runs share one
	subjects []*subject
	http     *http.Client
	leeway   *client.Client
}

func newClient(d *demo) *client.Client {
	return client.New(d.BaseURL, client.Options{Token: d.Token, FlushInterval: 500 * time.Millisecond, Logger: d.Logger})
}

// closeTime bounds the last flush.
const closeTime = 2 * time.Second

// live serves, asks and labels until the context ends.
func (d *demo) live(ctx context.Context) error {
	d.leeway = newClient(d)
	service, err := d.serve()
	if err != nil {
		_ = d.leeway.Close(ctx) // it has nothing to send
		return fmt.Errorf("demo: %w", err)
	}
	d.warmUp()
	d.Logger.Info("demo: live traffic begins; the data will drift soon", "in", d.Story.HealthyFor, "service", service.url)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	began := time.Now()
	for i, s := range d.subjects {
		t := newTraffic(d, s, uint64(i))
		t.url, t.began = service.url, began
		running.Go(func() { t.ask(ctx) })
		running.Go(func() { t.label(ctx) })
	}
	running.Go(func() { d.tell(ctx, began) })
	running.Go(func() {
		select {
		case err := <-service.failed:
			cancel(err)
		case <-ctx.Done():
		}
	})
	<-ctx.Done()
	running.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = cause
	}
	closing, done := context.WithTimeout(context.Background(), closeTime)
	defer done()
	service.close(closing)
	if closeErr := d.leeway.Close(closing); closeErr != nil {
		d.Logger.Warn("demo: the last rows were not sent", "err", closeErr)
	}
	return err
}

// tell logs the turns of the story.
func (d *demo) tell(ctx context.Context, began time.Time) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	drifted := false
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if is := d.Story.drift(now.Sub(began)) > 0; is != drifted {
				drifted = is
				d.Logger.Info(map[bool]string{true: "demo: the data begin to drift", false: "demo: the data are healthy again"}[is])
			}
		}
	}
}
