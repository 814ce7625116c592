// Package alert holds the rules and the life of every alert.
//
// A rule is either a threshold rule, which reads like a sentence ("accuracy
// of every model below 0.90 is critical"), or a document of rule groups in
// Prometheus's own format. Both are turned into Prometheus rule groups which
// rules.Manager evaluates from memory. What Prometheus's evaluation says is
// only this: which label sets hold now. How long they must hold, how long they
// keep firing, when they began and whether the end was told to anybody is kept
// here (life.go), written to disk before anyone is notified, so that a kill -9
// changes nothing of it. docs/decisions/0005-alert-life.md says why.
//
// Invariants:
//   - a transition is on disk (fsync) before it is published or handed on;
//   - an alert that was firing when the process died is either still firing
//     afterwards, with its old times, or its end is handed on;
//   - an evaluation that failed changes no alert;
//   - one rule covers all models; a rule that names a model takes that model
//     out of the general rule for the same metric.
//
// Goroutines: rules.Manager owns one for each rule group, Engine owns one for
// sending and clean-up. Both end in Close. The order of locks is rulesMu, then
// life.mu, then stream.mu. Formats are described in docs/formats/rules.md.
package alert

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// Engine evaluates rules and keeps alerts. Make it with Open, start it with
// Start, and end it with Close; it may be read between Open and Close.
type Engine struct {
	cfg    Config
	log    *slog.Logger
	met    *metrics
	parser parser.Parser
	store  *store
	life   *life
	stream *stream
	loader *loader
	query  rules.QueryFunc

	rulesMu sync.Mutex // guards book, applying it, and manager
	book    *book
	manager *rules.Manager // nil before Start
	specs   atomic.Pointer[specs]

	written *written
	shown   *rules.Metrics // of PrometheusGroups; registered nowhere
	stop    context.CancelFunc
	done    sync.WaitGroup
	started atomic.Bool
	closed  sync.Once
}

// Open reads the stored rules and alerts and prepares everything; nothing is
// evaluated or sent before Start.
func Open(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("alert: config: %w", err)
	}
	met := newMetrics(cfg.Registerer)
	st, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, log: cfg.Logger, met: met, store: st,
		parser:  parser.NewParser(parser.Options{}),
		stream:  newStream(met),
		loader:  newLoader(),
		query:   rules.EngineQueryFunc(cfg.Engine, cfg.Queryable),
		written: newWritten(cfg.Appendable),
		shown:   rules.NewGroupMetrics(nil),
	}
	if err := e.load(); err != nil {
		st.close()
		return nil, err
	}
	return e, nil
}

func (e *Engine) load() error {
	alerts, err := e.store.alerts()
	if err != nil {
		return err
	}
	heartbeat, err := e.store.heartbeat()
	if err != nil {
		return err
	}
	stored, err := e.store.rules()
	if err != nil {
		return err
	}
	e.life = newLife(e, alerts, heartbeat, e.cfg.Now())
	e.book = &book{stored: stored, file: e.cfg.FileRules, builtin: e.cfg.Builtin}
	if err := e.validateAll(e.cfg.FileRules); err != nil {
		return fmt.Errorf("alert: rules from the configuration: %w", err)
	}
	return e.met.register(e.life.counts)
}

// Start hands on the alerts of the last run and begins to evaluate. It
// returns at once.
func (e *Engine) Start() error {
	if !e.started.CompareAndSwap(false, true) {
		return fmt.Errorf("alert: started twice")
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:   e.query,
		NotifyFunc:  func(context.Context, string, ...*rules.Alert) {}, // life.go sends
		Context:     ctx,
		Appendable:  e.cfg.Appendable,
		Queryable:   e.cfg.Queryable,
		Logger:      e.log.With("part", "rules"),
		GroupLoader: e.loader, Parser: e.parser,
		ResendDelay: e.cfg.ResendDelay,
	})
	// The first update of a manager makes its groups restore themselves from
	// ALERTS_FOR_STATE. Our alerts are restored already, so spend it on nothing.
	if err := manager.Update(e.cfg.Interval, nil, labels.EmptyLabels(), "", nil); err != nil {
		cancel()
		return fmt.Errorf("alert: start: %w", err)
	}
	e.rulesMu.Lock()
	e.manager = manager
	err := e.apply()
	e.rulesMu.Unlock()
	if err != nil {
		cancel()
		return err
	}
	e.send(ctx, e.life.everything())
	e.done.Add(2)
	go func() { defer e.done.Done(); manager.Run() }()
	go func() { defer e.done.Done(); e.tick(ctx) }()
	return nil
}

// tick resends what fires, so that a receiver which lost it learns of it
// again, and removes what is over.
func (e *Engine) tick(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			e.send(ctx, e.life.due(e.cfg.Now()))
			e.life.forget(e.cfg.Now())
			e.store.beat(e.cfg.Now())
			e.store.trim(e.cfg.Now())
		}
	}
}

func (e *Engine) send(ctx context.Context, alerts []*Alert) {
	if len(alerts) == 0 || e.cfg.Notify == nil {
		return
	}
	e.met.sent.Add(float64(len(alerts)))
	e.cfg.Notify(ctx, alerts)
}

// Close stops evaluation, waits for what is under way, and closes the store.
func (e *Engine) Close() error {
	var err error
	e.closed.Do(func() {
		if e.started.Load() && e.manager != nil {
			e.stop()
			e.manager.Stop()
			e.done.Wait()
		}
		e.stream.close()
		e.met.unregister()
		err = e.store.close()
	})
	return err
}
