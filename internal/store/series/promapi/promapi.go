// Package promapi serves Prometheus's HTTP API v1 over a series store, so that
// Grafana, promtool and everything else that speaks it connects.
//
// The handlers are Prometheus's own; glue.go is the only file that knows how
// they are built. This file decides what of them is reachable (reading only:
// no administration, no remote read, no writes), and bounds body and time.
// Every error that reaches a client has Prometheus's shape:
// {"status":"error","errorType":"…","error":"…"}.
package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/prometheus/rules"

	"github.com/leewayhq/leeway/internal/store/series"
)

// Config is what the API is built from.
type Config struct {
	Store *series.Store // required
	// Prefix is what comes before /api/v1 in the path: "/prometheus" if empty.
	Prefix string
	// Rules returns the rule groups of now; nil means none. It is called for
	// each request, from many goroutines.
	Rules func() []*rules.Group
	// Metrics describes the metrics for editors; nil means none. It is called
	// as Rules is.
	Metrics func() []Metric
	// MaxBody bounds the form of a POST, in bytes: 1 MiB if zero.
	MaxBody int64
	Logger  *slog.Logger
}

// Metric is one row of /api/v1/metadata.
type Metric struct {
	Name string
	Type string // Prometheus's word: gauge, counter, histogram, …
	Help string
	Unit string
}

// reachable are the paths below /api/v1 that are served.
var reachable = map[string]bool{
	"/query": true, "/query_range": true, "/query_exemplars": true,
	"/format_query": true, "/parse_query": true,
	"/series": true, "/labels": true, "/metadata": true,
	"/rules": true, "/alerts": true,
	"/status/buildinfo": true, "/status/config": true,
}

// New returns the handler of Prefix + "/api/v1/".
func New(cfg Config) (http.Handler, error) {
	if cfg.Store == nil {
		return nil, errors.New("promapi: store: must be set")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "/prometheus"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	root := strings.TrimSuffix(cfg.Prefix, "/") + "/api/v1"
	return &handler{root: root, api: prometheusAPI(cfg, root), cfg: cfg}, nil
}

type handler struct {
	root string
	api  http.Handler
	cfg  Config
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, h.root)
	if !ok || !served(path) {
		h.fail(w, http.StatusNotFound, "not_found", fmt.Errorf("%s is not served here", r.URL.Path))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)
	// Prometheus's handlers take a form that cannot be read for an empty one.
	if err := r.ParseForm(); err != nil {
		h.fail(w, formStatus(err), "bad_data", fmt.Errorf("error parsing form values: %w", err))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Store.QueryTimeout())
	defer cancel()
	h.api.ServeHTTP(w, r.WithContext(ctx))
}

// served also knows /label/<name>/values.
func served(path string) bool {
	if reachable[path] {
		return true
	}
	name, ok := strings.CutPrefix(path, "/label/")
	if !ok {
		return false
	}
	name, ok = strings.CutSuffix(name, "/values")
	return ok && name != "" && !strings.Contains(name, "/")
}

func formStatus(err error) int {
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func (h *handler) fail(w http.ResponseWriter, status int, kind string, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer := map[string]string{"status": "error", "errorType": kind, "error": err.Error()}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		h.cfg.Logger.Debug("promapi: the client left before its answer", "error", err)
	}
}
