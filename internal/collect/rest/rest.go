// Package rest takes events over HTTP: predictions, labels and reference rows
// of a model, and log lines, in every format that package decode knows.
//
// A 2xx answer is given after Put has returned, so after the rows are on disk.
// A row that breaks a rule is named in the answer and does not hold up the
// others; a body that cannot be read as a whole changes nothing. The contract
// is docs/formats/ingest.md. Handlers start no goroutines; Config's timeouts
// bound how long a slow client is waited for, and Config.InFlight what all
// clients together can make this package keep in memory.
package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
)

// Config is what the handlers need. Zeros are the defaults.
type Config struct {
	// Put makes a batch durable: collect.Door's. Its errors have the classes of
	// package decode. It keeps nothing of the batch, whose memory is used again.
	Put func(context.Context, *event.Batch) error
	// Zone is of a model's times that name none; nil, or a nil answer, is UTC.
	Zone        func(model string) *time.Location
	Limits      decode.Limits
	FutureLimit time.Duration
	PastLimit   time.Duration
	// ReadTimeout is how long a body may take to arrive: 1 minute.
	ReadTimeout time.Duration
	// IdleTimeout is how long nothing of a body may come: 10 seconds.
	IdleTimeout time.Duration
	// WriteTimeout is how long a client may take to read its answer: 30 seconds.
	WriteTimeout time.Duration
	// InFlight bounds the bytes of bodies that are being read and decoded at one
	// time: 8 bodies of the largest size.
	InFlight int64
	// RoomTimeout is how long a body waits for a part of InFlight before its
	// sender is told to come back: 1 second.
	RoomTimeout time.Duration
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time
}

func (c *Config) setDefaults() {
	c.Limits = c.Limits.WithDefaults()
	c.ReadTimeout = cmp.Or(c.ReadTimeout, time.Minute)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.RoomTimeout = cmp.Or(c.RoomTimeout, time.Second)
	if c.InFlight == 0 {
		c.InFlight = 8 * c.Limits.BodyBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Handler takes POST /api/v1/models/{model}/{kind} and POST /api/v1/logs. Who
// may send is decided before it.
type Handler struct {
	cfg      Config
	metrics  *metrics
	inflater decode.Inflater
	inFlight *semaphore.Weighted
	buffers  sync.Pool // *[]byte
}

// New makes the handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Put == nil {
		return nil, errors.New("rest: Put is missing")
	}
	cfg.setDefaults()
	if cfg.InFlight < cfg.Limits.BodyBytes {
		return nil, fmt.Errorf("rest: InFlight %d is less than one body of %d bytes", cfg.InFlight, cfg.Limits.BodyBytes)
	}
	return &Handler{cfg: cfg, metrics: newMetrics(cfg.Registerer), inFlight: semaphore.NewWeighted(cfg.InFlight)}, nil
}

// Routes mounts the handler on a mux of its own paths.
func (h *Handler) Routes(mux *http.ServeMux) {
	mux.Handle("POST /api/v1/models/{model}/{kind}", h)
	mux.Handle("POST /api/v1/logs", h)
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := &request{Handler: h, w: w, r: r}
	defer req.release()
	res, err := req.take()
	// The server lifts it after this answer. The error is that of a connection
	// without deadlines, as in tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.cfg.WriteTimeout))
	status := http.StatusOK
	if err != nil {
		p := h.problem(err, req)
		status = p.Status
		access.WriteProblem(w, *p)
	} else {
		status = h.answer(w, res)
	}
	h.metrics.done(req, res, status)
}

// Answer is the body of a success.
type Answer struct {
	Accepted   int                `json:"accepted"`
	Rejected   int                `json:"rejected"`
	Rejections []decode.Rejection `json:"rejections"`
	Warnings   []decode.Warning   `json:"warnings"`
}

func answerOf(res *decode.Result) Answer {
	a := Answer{Accepted: res.Accepted, Rejected: res.RejectedCount, Rejections: res.Rejected, Warnings: res.Warnings}
	if a.Rejections == nil {
		a.Rejections = []decode.Rejection{}
	}
	if a.Warnings == nil {
		a.Warnings = []decode.Warning{}
	}
	return a
}

func (h *Handler) answer(w http.ResponseWriter, res *decode.Result) int {
	a := answerOf(res)
	if a.Accepted == 0 && a.Rejected > 0 {
		access.WriteProblem(w, access.Problem{
			Status: http.StatusUnprocessableEntity, Title: "No row was accepted", Code: "no_row_accepted",
			Detail: fmt.Sprintf("All %d rows were rejected; the first: row %d: %s", a.Rejected, a.Rejections[0].Row, sentence(a.Rejections[0])),
			Params: map[string]any{"accepted": 0, "rejected": a.Rejected, "rejections": a.Rejections, "warnings": a.Warnings},
		})
		return http.StatusUnprocessableEntity
	}
	body, err := json.Marshal(a)
	if err != nil { // not with these types
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // the client went away; its rows are safe
	return http.StatusOK
}

func sentence(r decode.Rejection) string {
	if r.Field == "" {
		return r.Reason
	}
	return r.Field + ": " + r.Reason
}

// decoder is the decoder of a Content-Type.
type decoder func([]byte, *decode.Options) (*decode.Result, error)

// Types are the Content-Types that are known.
var Types = []string{
	"application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream",
	"application/vnd.apache.parquet", "application/vnd.leeway.batch",
}

func decoderOf(contentType string) (decoder, bool) {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, false
	}
	switch t {
	case "application/json":
		return decode.JSON, true
	case "application/x-ndjson", "application/jsonl", "application/ndjson", "application/jsonlines":
		return decode.NDJSON, true
	case "text/csv":
		return decode.CSV, true
	case "application/vnd.apache.arrow.stream":
		return decode.Arrow, true
	case "application/vnd.apache.parquet":
		return decode.Parquet, true
	case "application/vnd.leeway.batch":
		return decode.Frame, true
	}
	return nil, false
}
