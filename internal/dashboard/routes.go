package dashboard

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/access"
)

// routes is every path that is served, below the prefix.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	s.cfg.Guard.Routes(mux)
	s.apiRoutes(mux)
	s.changeRoutes(mux)
	s.handOn(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writePlain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /api/v1/bootstrap", s.bootstrap)
	mux.HandleFunc("/api/", s.noSuchPath)
	mux.HandleFunc("/-/", s.noSuchPath)
	mux.Handle("/", s.pages)
	return s.withHeaders(s.underPrefix(mux))
}

func (s *Server) apiRoutes(mux *http.ServeMux) {
	for path, h := range map[string]answerFunc{
		"/api/v1/models":                      s.getModels,
		"/api/v1/models/{model}":              s.getModel,
		"/api/v1/models/{model}/quality":      s.getQuality,
		"/api/v1/models/{model}/curves":       s.getCurves,
		"/api/v1/models/{model}/drift":        s.getDrift,
		"/api/v1/models/{model}/data-quality": s.getDataQuality,
		"/api/v1/models/{model}/sketch":       s.getSketch,
		"/api/v1/models/{model}/reference":    s.getReference,
		"/api/v1/models/{model}/changes":      s.getChanges,
		"/api/v1/models/{model}/compare":      s.getCompare,
		"/api/v1/models/{model}/segments":     s.getSegments,
		"/api/v1/models/{model}/fairness":     s.getFairness,
		"/api/v1/models/{model}/causes":       s.getCauses,
		"/api/v1/models/{model}/multivariate": s.getMultivariate,
		"/api/v1/overview":                    s.getOverview,
		"/api/v1/alerts":                      s.getAlerts,
		"/api/v1/alerts/history":              s.getHistory,
		"/api/v1/rules":                       s.getRules,
		"/api/v1/rules/{name}":                s.getRule,
		"/api/v1/logs":                        s.getLogs,
		"/api/v1/notifications":               s.getNotifications,
		"/api/v1/targets":                     s.getTargets,
		"/api/v1/probes":                      s.getProbes,
		"/api/v1/metrics-catalogue":           s.getCatalogue,
	} {
		mux.Handle("GET "+path, s.cfg.Guard.Require(access.Read, s.answer(path, h)))
	}
	// Who may send may know when it is in the numbers.
	mux.Handle("GET /api/v1/status", s.cfg.Guard.Require(access.Ingest, s.answer("/api/v1/status", s.getStatus)))
	mux.Handle("GET /api/v1/events", s.cfg.Guard.RequireFunc(access.Read, s.getEvents))
	mux.Handle("GET /api/v1/logs/tail", s.cfg.Guard.RequireFunc(access.Read, s.getLogTail))
}

func (s *Server) changeRoutes(mux *http.ServeMux) {
	for path, h := range map[string]answerFunc{
		"PUT /api/v1/models/{model}":              s.putModel,
		"DELETE /api/v1/models/{model}":           s.deleteModel,
		"PUT /api/v1/models/{model}/reference":    s.putReference,
		"DELETE /api/v1/models/{model}/reference": s.deleteReference,
		"PUT /api/v1/rules/{name}":                s.putRule,
		"DELETE /api/v1/rules/{name}":             s.deleteRule,
	} {
		_, route, _ := strings.Cut(path, " ")
		mux.Handle(path, s.cfg.Guard.Require(access.Edit, s.answer(route, h)))
	}
	mux.Handle("POST /-/reload", s.cfg.Guard.Require(access.Admin, s.answer("/-/reload", s.reload)))
}

// handOn mounts the handlers of other packages.
func (s *Server) handOn(mux *http.ServeMux) {
	need := s.cfg.Guard.Require
	if h := s.cfg.Ingest; h != nil {
		mux.Handle("POST /api/v1/models/{model}/{kind}", need(access.Ingest, h))
		mux.Handle("POST /api/v1/logs", need(access.Ingest, h))
	}
	absent := http.HandlerFunc(s.noSuchPath)
	either := func(h http.Handler) http.Handler {
		if h == nil {
			return absent
		}
		return h
	}
	mux.Handle("/prometheus/", need(access.Read, either(s.cfg.PromAPI))) // it serves nothing that changes
	mux.Handle("/alertmanager/", need(access.Edit, either(s.cfg.AlertmanagerAPI)))
	mux.Handle("GET /alertmanager/", need(access.Read, either(s.cfg.AlertmanagerAPI)))
	write := need(access.Ingest, either(s.cfg.RemoteWrite))
	mux.Handle("POST /api/v1/write", write)
	mux.Handle("POST /prometheus/api/v1/write", write)
	for path, h := range s.cfg.OTLP {
		mux.Handle("POST "+path, need(access.Ingest, h))
		mux.Handle("POST /api/v1/otlp"+path, need(access.Ingest, h)) // as Prometheus has it
	}
	mux.Handle("POST /loki/api/v1/push", need(access.Ingest, either(s.cfg.Loki)))
	mux.Handle("GET /federate", need(access.Read, either(s.cfg.Federate)))
	mux.Handle("GET /prometheus/federate", need(access.Read, either(s.cfg.Federate)))
	mux.Handle("GET /metrics/models", need(access.Read, either(s.cfg.ModelMetrics)))
	s.inferenceRoutes(mux)
	mux.Handle("GET /metrics", need(access.Read, either(s.cfg.MetricsHandler)))
}

// inferenceRoutes mounts what inference loggers send to. They know of tokens
// only as passwords in a URL.
func (s *Server) inferenceRoutes(mux *http.ServeMux) {
	h := s.cfg.Inference
	if h == nil {
		return
	}
	h = access.BasicToken(s.cfg.Guard.Require(access.Ingest, h))
	mux.Handle("POST /api/v1/inference", h)
	switch path := s.cfg.InferencePath; path {
	case "", "/api/v1/inference":
	case "/":
		mux.Handle("POST /{$}", h)
	default:
		mux.Handle("POST "+path, h)
	}
}

// underPrefix serves h below the path prefix and leads to it from the root.
func (s *Server) underPrefix(h http.Handler) http.Handler {
	prefix := s.cfg.PathPrefix
	if prefix == "" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
	mux.Handle("GET "+prefix, http.RedirectHandler(prefix+"/", http.StatusFound))
	mux.Handle("GET /{$}", http.RedirectHandler(prefix+"/", http.StatusFound))
	mux.HandleFunc("/", s.noSuchPath)
	return mux
}

const contentPolicy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'"

func (s *Server) withHeaders(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := w.Header()
		to.Set("Content-Security-Policy", contentPolicy)
		to.Set("X-Content-Type-Options", "nosniff")
		to.Set("X-Frame-Options", "DENY")
		to.Set("Referrer-Policy", "same-origin")
		to.Set("Cross-Origin-Opener-Policy", "same-origin")
		to.Set("X-UI-Build", s.cfg.Build)
		h.ServeHTTP(w, r)
	})
}

// answerFunc gives a value to be written as JSON, or an error; a nil value is
// an answer without a body.
type answerFunc func(r *http.Request) (any, error)

// answer bounds an answer in time and number, and writes it.
func (s *Server) answer(route string, h answerFunc) http.Handler {
	fine := s.met.requests.WithLabelValues(route, "ok")
	failed := s.met.requests.WithLabelValues(route, "problem")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		var observe prometheus.Observer = fine
		ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Timeout)
		defer cancel()
		v, err := s.take(ctx, r, h)
		if err != nil {
			observe = failed
			s.fail(w, r, err)
		} else {
			s.write(w, r, v)
		}
		observe.Observe(time.Since(began).Seconds())
	})
}

func (s *Server) take(ctx context.Context, r *http.Request, h answerFunc) (any, error) {
	select {
	case s.heavy <- struct{}{}:
		defer func() { <-s.heavy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return h(r.WithContext(ctx))
}

func (s *Server) noSuchPath(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, access.Problem{
		Status: http.StatusNotFound, Code: "not_found", Params: map[string]any{"method": r.Method, "path": r.URL.Path},
		Detail: r.Method + " " + r.URL.Path + " is not served here",
	})
}
