// Package probe asks services and models whether they are there, and whether
// what they answer is right: HTTP, TCP, TLS and gRPC checks, and golden inputs
// of models (KServe V2, OpenAI-compatible, plain JSON) with expected answers.
//
// Each probe has one goroutine, owned by the Prober, that waits for its next
// round, takes one of a bounded number of slots and runs one check within the
// probe's timeout. First rounds are spread, so that probes do not run in step.
// A round that no slot was free for in time is missed and counted, never made
// up for. Every check opens a connection of its own, for its phases are part of
// the result, and connects through access.Outgoing only.
//
// What an answer may take is bounded (MaxBody); secrets of headers are taken
// out of every reason. A result becomes series (series.go) that go through the
// durable queue as all metric samples do. docs/operate/probes.md describes the
// kinds and the series.
package probe

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Prober runs probes. It is safe for use by many goroutines.
type Prober struct {
	cfg   Config
	log   *slog.Logger
	met   *metrics
	slots chan struct{}
	build func(Spec, *Config) (checker, []Problem)
	ctx   context.Context // ends with Close
	end   context.CancelFunc

	mu     sync.Mutex
	probes map[string]*running
	loops  sync.WaitGroup
}

// New makes a Prober without probes.
func New(cfg Config) (*Prober, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	met, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	return &Prober{
		cfg: cfg, log: cfg.Logger, met: met, slots: make(chan struct{}, cfg.Concurrency), build: newChecker,
		ctx: ctx, end: end, probes: map[string]*running{},
	}, nil
}

// Set makes these the probes that run. Those that are as before go on as if
// nothing had happened; the series of those that are gone end. With an error
// nothing has changed.
func (p *Prober) Set(specs []Spec) error {
	next := make(map[string]*running, len(specs))
	for i := range specs {
		spec := specs[i].withDefaults()
		c, problems := p.build(spec, &p.cfg)
		if len(problems) > 0 {
			return fmt.Errorf("probe %q: %w", spec.Name, problems[0])
		}
		if next[spec.Name] != nil {
			return fmt.Errorf("there are two probes of the name %q", spec.Name)
		}
		next[spec.Name] = &running{prober: p, spec: spec, check: c, done: make(chan struct{})}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return fmt.Errorf("the prober is closed")
	}
	p.replace(specs, next)
	return nil
}

// replace stops what is not in next any more and starts what is new.
func (p *Prober) replace(specs []Spec, next map[string]*running) {
	for name, old := range p.probes {
		r := next[name]
		if r != nil && reflect.DeepEqual(r.spec, old.spec) && slices.Equal(r.check.trusted(), old.check.trusted()) {
			next[name] = old
			continue
		}
		old.stop()
		if r != nil && r.spec.sameSeries(old.spec) {
			r.adopt(old)
		} else {
			old.endSeries()
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(specs), func(s Spec) bool { return p.probes[s.Name] == next[s.Name] })
	p.probes = next
	p.met.probes.Set(float64(len(next)))
	for i := range fresh {
		r := next[fresh[i].Name]
		spread := min(r.spec.Interval, p.cfg.Spread)
		p.start(r, spread*time.Duration(i)/time.Duration(len(fresh)))
	}
}

// start runs a probe, for the first time after the given delay.
func (p *Prober) start(r *running, delay time.Duration) {
	ctx, cancel := context.WithCancel(p.ctx)
	r.cancel = cancel
	r.setNext(time.Now().Add(delay))
	p.loops.Go(func() {
		defer close(r.done)
		r.loop(ctx)
	})
}

// Close ends all probes. Their series stay as they are: what fires goes on
// firing over a restart.
func (p *Prober) Close() error {
	p.mu.Lock()
	p.end()
	p.mu.Unlock()
	p.loops.Wait()
	return nil
}

// States tells of every probe, by name, what it found last.
func (p *Prober) States() []State {
	p.mu.Lock()
	out := make([]State, 0, len(p.probes))
	for _, r := range p.probes {
		out = append(out, r.state())
	}
	p.mu.Unlock()
	slices.SortFunc(out, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
