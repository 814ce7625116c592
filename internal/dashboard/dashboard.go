// Package dashboard is the HTTP surface of Leeway: the API under /api/v1, the
// web UI, and the doors to Prometheus's and Alertmanager's own APIs. It
// translates and arranges; what a number is, whether an alert fires and who may
// do what is decided elsewhere (measure, alert, access).
//
// Numbers come from profiles by prediction time, so they are revised as labels
// arrive. Merged windows are kept in memory (buckets.go) and dropped when the
// processor says that it changed them: Changed must then be called for every
// commit. States of tiles, rows and pages are worked out here, once, so that
// every reader of the API sees the same (state.go).
//
// The contract is api/openapi.yaml; tests hold every answer against it. A
// Server starts no goroutine of its own; Close ends the event streams.
package dashboard

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// Server is the handler of everything that Leeway serves over HTTP.
type Server struct {
	cfg     Config
	met     *metrics
	handler http.Handler
	pages   *pages
	cache   *cache
	host    *hostCache
	hub     *hub
	metric  map[string]catalogue.Metric
	rows    []catalogue.Metric
	heavy   chan struct{}

	mu    sync.Mutex
	refs  map[string]*refMemo
	rowOf map[string]*rowMemo

	fleetMu sync.Mutex
	fleet   *fleet

	learnt learnt
}

// New builds the handler. The result is also an http.Handler.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	s := &Server{
		cfg: cfg, rows: catalogue.All(), metric: map[string]catalogue.Metric{},
		heavy: make(chan struct{}, cfg.MaxConcurrent),
		refs:  map[string]*refMemo{}, rowOf: map[string]*rowMemo{},
	}
	for _, m := range s.rows {
		s.metric[m.Key] = m
	}
	var err error
	if s.met, err = newMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	if s.pages, err = newPages(&s.cfg); err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	s.cache = newCache(&s.cfg, s.met)
	s.host = newHostCache()
	s.hub = newHub(s.met)
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends the event streams, so that the HTTP server can stop. Everything
// else goes on to answer.
func (s *Server) Close() error {
	s.hub.close()
	return nil
}

// Changed is told what one commit of the processor changed. It is quick and may
// be called from several goroutines.
func (s *Server) Changed(deltas []profiles.Delta) {
	for i := range deltas {
		k := &deltas[i].Key
		if k.Set == profiles.ByEvaluation {
			continue
		}
		s.cache.drop(k)
		s.forgetReference(k)
		if k.Set == profiles.ByPrediction && k.Segment == "" {
			s.hub.touch(k.Model)
		}
	}
}
