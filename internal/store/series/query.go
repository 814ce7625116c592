package series

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

func (s *Store) newEngine(name string, tracker promql.QueryTracker) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger:               s.log,
		Reg:                  prometheus.WrapRegistererWith(prometheus.Labels{"engine": name}, s.registry),
		MaxSamples:           s.cfg.MaxQuerySamples,
		Timeout:              s.cfg.QueryTimeout,
		ActiveQueryTracker:   tracker,
		LookbackDelta:        s.cfg.Lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               s.parser,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return time.Minute.Milliseconds()
		},
	})
}

// Engine runs the queries of people and dashboards, so many at once.
func (s *Store) Engine() *promql.Engine { return s.queries }

// RuleEngine runs the queries of rules. Its caller bounds how many run at once.
func (s *Store) RuleEngine() *promql.Engine { return s.rules }

// Parser is the parser of both engines.
func (s *Store) Parser() parser.Parser { return s.parser }

// Lookback is Config.Lookback.
func (s *Store) Lookback() time.Duration { return s.cfg.Lookback }

// QueryTimeout is Config.QueryTimeout.
func (s *Store) QueryTimeout() time.Duration { return s.cfg.QueryTimeout }

// Query evaluates a PromQL expression at one time. A scalar comes back as a
// vector of one sample without labels.
func (s *Store) Query(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.QueryTimeout)
	defer cancel()
	q, err := s.queries.NewInstantQuery(ctx, s.db, nil, expr, at)
	if err != nil {
		return nil, fmt.Errorf("series: query: %w", err)
	}
	// No q.Close: it would hand the memory of the result to the next query.
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, fmt.Errorf("series: query: %w", res.Err)
	}
	switch v := res.Value.(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, fmt.Errorf("series: query: the result is a %s, not a vector or a scalar", res.Value.Type())
}

// QueryRange evaluates a PromQL expression at each step from start to end, both
// included.
func (s *Store) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) (promql.Matrix, error) {
	if step < time.Millisecond {
		return nil, fmt.Errorf("series: query: a step of %s is below 1ms", step)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.QueryTimeout)
	defer cancel()
	q, err := s.queries.NewRangeQuery(ctx, s.db, nil, expr, start, end, step)
	if err != nil {
		return nil, fmt.Errorf("series: query: %w", err)
	}
	res := q.Exec(ctx) // no q.Close, as in Query
	m, err := res.Matrix()
	if err != nil {
		return nil, fmt.Errorf("series: query: %w", err)
	}
	return m, nil
}

// Each calls fn for every stored number of the series that match, from mint to
// maxt (unix ms, both included), series by series.
func (s *Store) Each(ctx context.Context, mint, maxt int64, fn func(t int64, v float64), matchers ...*labels.Matcher) error {
	q, err := s.db.Querier(mint, maxt)
	if err != nil {
		return fmt.Errorf("series: %w", err)
	}
	found := q.Select(ctx, false, nil, matchers...)
	var it chunkenc.Iterator
	for err == nil && found.Next() {
		it = found.At().Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind == chunkenc.ValFloat {
				fn(it.At())
			}
		}
		err = it.Err()
	}
	if err := errors.Join(err, found.Err(), q.Close()); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	return nil
}

// Newest is the time of the newest sample; ok is false when there is none.
func (s *Store) Newest() (at time.Time, ok bool) {
	newest := s.db.Head().MaxTime()
	for _, b := range s.db.Blocks() {
		newest = max(newest, b.MaxTime()-1)
	}
	return time.UnixMilli(newest), newest != math.MinInt64
}

// gate lets so many queries through at once; the rest wait until their
// context ends. It is the engine's own idea of a tracker without the file that
// Prometheus's keeps, which panics where that file cannot be made.
type gate chan struct{}

func newGate(n int) gate { return make(gate, n) }

func (g gate) GetMaxConcurrent() int { return cap(g) }

func (g gate) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case g <- struct{}{}: // first, so that a free gate never tells of a deadline; the engine does it better
		return 0, nil
	default:
	}
	select {
	case g <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (g gate) Delete(int) { <-g }

func (g gate) Close() error { return nil }
