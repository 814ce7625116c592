package notify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/notify"
)

// path is what app builds: rules over a TSDB, handed to the notifier.
type path struct {
	t        *testing.T
	db       *tsdb.DB
	alertDir string
	sendDir  string
	url      string
	alerts   *alert.Engine
	notifier *notify.Notifier
}

func (p *path) open() {
	p.t.Helper()
	var err error
	p.notifier, err = notify.Open(notify.Config{Dir: p.sendDir, Settings: notify.Settings{
		Channels: []notify.Channel{{Name: "hook", Webhook: &notify.Webhook{URL: p.url}}},
		Routing:  notify.Routing{CriticalInterval: 200 * time.Millisecond},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.alerts, err = alert.Open(alert.Config{
		Dir: p.alertDir, Queryable: p.db, Appendable: p.db,
		Engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
		}),
		Notify: func(ctx context.Context, list []*alert.Alert) {
			if err := p.notifier.Put(ctx, handOver(list)...); err != nil {
				p.t.Error(err)
			}
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.alerts.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func handOver(list []*alert.Alert) []notify.Alert {
	out := make([]notify.Alert, len(list))
	for i, a := range list {
		out[i] = notify.Alert{Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.FiringSince, EndsAt: a.ValidUntil}
		if a.ResolvedAt != 0 {
			out[i].EndsAt = a.ResolvedAt
		}
	}
	return out
}

func (p *path) close() {
	p.t.Helper()
	if err := p.alerts.Close(); err != nil {
		p.t.Error(err)
	}
	if err := p.notifier.Close(); err != nil {
		p.t.Error(err)
	}
}

func (p *path) accuracy(v float64) {
	p.t.Helper()
	app := p.db.Appender(context.Background())
	now := time.Now().UnixMilli()
	for name, v := range map[string]float64{"model_accuracy": v, "model_evaluated_window": 500} {
		if _, err := app.Append(0, labels.FromStrings("__name__", name, "model", "fraud"), now, v); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		p.t.Fatal(err)
	}
}

func TestFromASampleToAWebhookAndBackOverARestart(t *testing.T) {
	got := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct{ Status string }
		_ = json.NewDecoder(r.Body).Decode(&m)
		got <- m.Status
	}))
	defer srv.Close()
	wait := func(want string, most time.Duration) {
		t.Helper()
		select {
		case status := <-got:
			if status != want {
				t.Fatalf("%q came, want %q", status, want)
			}
		case <-time.After(most):
			t.Fatalf("%q did not come within %s", want, most)
		}
	}
	db, err := tsdb.Open(t.TempDir(), nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p := &path{t: t, db: db, alertDir: t.TempDir(), sendDir: t.TempDir(), url: srv.URL}

	p.open()
	p.accuracy(0.5)
	wait("firing", 3*time.Second)
	p.close()
	p.accuracy(0.97) // it recovers while nothing runs
	p.open()
	wait("resolved", 10*time.Second)
	p.close()
	if len(got) != 0 {
		t.Errorf("%d more messages, the first %q", len(got), <-got)
	}
}
