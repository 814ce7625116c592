// Package exposition shows the newest sample of stored series in the formats
// that a Prometheus scrapes: text, OpenMetrics or protobuf, whichever it asks
// for. It is /federate, where the asker chooses the series by match[] and gets
// them with their times, and /metrics/models, which is the series of all models
// with their types and descriptions, as of now.
//
// Native histograms go out whole by protobuf. Text has no form for them: there
// /metrics/models shows their count and sum, and /federate leaves them out as
// Prometheus does. Handlers start no goroutines and hold the answer in memory,
// so the series of an answer, and the answers at one time, are bounded.
package exposition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/store/series"
)

// Config is what the handlers need. Zeros are the defaults.
type Config struct {
	Store *series.Store // required
	// Metrics describe series by name; what is not among them is untyped.
	Metrics map[string]Description
	// MaxSeries bounds one answer: 200,000.
	MaxSeries int
	// MaxRequests is how many answers are made at one time: 4.
	MaxRequests int
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time
}

// Description is what a metric is.
type Description struct {
	Type dto.MetricType
	Help string
}

// Exposition makes the handlers.
type Exposition struct {
	cfg     Config
	gate    chan struct{}
	answers *prometheus.CounterVec // handler, code
}

// New makes the handlers' common part.
func New(cfg Config) (*Exposition, error) {
	if cfg.Store == nil {
		return nil, errors.New("exposition: Store is missing")
	}
	cfg.MaxSeries, cfg.MaxRequests = cmp.Or(cfg.MaxSeries, 200_000), cmp.Or(cfg.MaxRequests, 4)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	e := &Exposition{cfg: cfg, gate: make(chan struct{}, cfg.MaxRequests), answers: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leeway_exposition_answers_total", Help: "Answers with stored series for other Prometheus servers.",
	}, []string{"handler", "code"})}
	cfg.Registerer.MustRegister(e.answers)
	return e, nil
}

// Federate answers GET /federate?match[]=….
func (e *Exposition) Federate() http.Handler {
	return e.handler("federate", func(r *http.Request) (*page, error) {
		if err := r.ParseForm(); err != nil {
			return nil, badRequest("the query cannot be read: %v", err)
		}
		sets, err := e.cfg.Store.Parser().ParseMetricSelectors(r.Form["match[]"])
		if err != nil {
			return nil, badRequest("match[]: %v", err)
		}
		if len(sets) > maxSelectors {
			return nil, badRequest("%d match[], %d are allowed", len(sets), maxSelectors)
		}
		p := &page{format: expfmt.Negotiate(r.Header), times: true}
		return p, e.fill(r.Context(), p, sets)
	})
}

const maxSelectors = 100

// Models answers GET /metrics/models.
func (e *Exposition) Models() http.Handler {
	all := [][]*labels.Matcher{{labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, "model_.+")}}
	return e.handler("models", func(r *http.Request) (*page, error) {
		p := &page{format: expfmt.NegotiateIncludingOpenMetrics(r.Header), described: e.cfg.Metrics, sums: true}
		return p, e.fill(r.Context(), p, all)
	})
}

func badRequest(format string, args ...any) error {
	return access.Problem{Status: http.StatusBadRequest, Code: "bad_parameter", Detail: fmt.Sprintf(format, args...)}
}

// handler bounds what make does, and writes the page that it makes.
func (e *Exposition) handler(name string, make func(*http.Request) (*page, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), e.cfg.Store.QueryTimeout())
		defer cancel()
		status := http.StatusOK
		if p, err := e.page(r.WithContext(ctx), make); err != nil {
			problem := e.problem(err)
			status = problem.Status
			access.WriteProblem(w, problem)
		} else if err := p.write(w); err != nil {
			e.cfg.Logger.Debug("an answer with series was broken off", "handler", name, "err", err)
		}
		e.answers.WithLabelValues(name, fmt.Sprint(status)).Inc()
	})
}

func (e *Exposition) page(r *http.Request, make func(*http.Request) (*page, error)) (*page, error) {
	select {
	case e.gate <- struct{}{}:
		defer func() { <-e.gate }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return make(r)
}

func (e *Exposition) problem(err error) access.Problem {
	var p access.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return access.Problem{Status: http.StatusServiceUnavailable, Code: "too_slow", Detail: "the answer took too long; ask for fewer series", RetryAfter: 5 * time.Second}
	}
	e.cfg.Logger.Error("series could not be read for another Prometheus", "err", err)
	return access.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "the series could not be read; the server's log says why"}
}

// fill reads the newest sample of every series that one of the sets matches.
func (e *Exposition) fill(ctx context.Context, p *page, sets [][]*labels.Matcher) error {
	now := e.cfg.Now()
	newest, err := e.cfg.Store.Latest(ctx, now.Add(-e.cfg.Store.Lookback()).UnixMilli(), now.UnixMilli(), e.cfg.MaxSeries, sets...)
	if errors.Is(err, series.ErrTooMany) {
		return access.Problem{Status: http.StatusUnprocessableEntity, Code: "too_many_series", Detail: fmt.Sprintf("more than %d series match; ask for fewer", e.cfg.MaxSeries)}
	}
	slices.SortStableFunc(newest, func(a, b series.Reading) int {
		return cmp.Compare(a.Labels.Get(model.MetricNameLabel), b.Labels.Get(model.MetricNameLabel))
	})
	p.points = newest
	return err
}
