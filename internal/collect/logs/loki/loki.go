// Package loki takes what agents push to Grafana Loki: POST /loki/api/v1/push,
// as JSON or as protobuf in snappy. Labels become the service, the level, the
// model and fields; lines are read as from a file.
//
// The answer 204 comes after Put has returned, so after the lines are on disk.
// A push is all or nothing, and its batch id is made of its bytes: Loki's
// senders repeat what they got no answer to, byte by byte, and the lines then
// count once. Handlers start no goroutines; Config bounds what all pushes
// together make the package keep in memory.
package loki

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/zeebo/xxh3"
	"golang.org/x/sync/semaphore"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/event"
)

// Config is what the handler needs. Zeros are the defaults.
type Config struct {
	Put func(context.Context, *event.Batch) error
	// Parse is how lines are read: auto.
	Parse logs.ParseConfig
	// BodyBytes bounds a push as it comes and after decompression: 16 MiB.
	BodyBytes int64
	// Lines and Streams bound one push: 100,000 and 10,000.
	Lines, Streams int
	// InFlight bounds the bytes of all pushes under way: 8 of the largest.
	InFlight int64
	// ReadTimeout is how long a push may take to arrive: 30 seconds.
	ReadTimeout time.Duration
	Logger      *slog.Logger
	Registerer  prometheus.Registerer
	Now         func() time.Time
}

func (c *Config) setDefaults() {
	c.BodyBytes = cmp.Or(c.BodyBytes, 16<<20)
	c.Lines = cmp.Or(c.Lines, 100_000)
	c.Streams = cmp.Or(c.Streams, 10_000)
	c.InFlight = cmp.Or(c.InFlight, 8*c.BodyBytes)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
}

// Handler takes pushes. Who may send is decided before it.
type Handler struct {
	cfg      Config
	sink     *logs.Sink
	parser   *logs.Parser
	inflater decode.Inflater
	inFlight *semaphore.Weighted
	requests *prometheus.CounterVec // code
}

// New makes the handler.
func New(cfg Config) (*Handler, error) {
	cfg.setDefaults()
	if cfg.InFlight < cfg.BodyBytes {
		return nil, fmt.Errorf("loki: InFlight %d is less than one push of %d bytes", cfg.InFlight, cfg.BodyBytes)
	}
	sink, err := logs.NewSink(logs.SinkConfig{Source: "loki", Put: cfg.Put, Now: cfg.Now, Registerer: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	parser, err := logs.NewParser(cfg.Parse)
	if err != nil {
		return nil, fmt.Errorf("loki: %w", err)
	}
	h := &Handler{cfg: cfg, sink: sink, parser: parser, inFlight: semaphore.NewWeighted(cfg.InFlight)}
	h.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leeway_logs_loki_requests_total", Help: "Pushes in Loki's format, by the answer's status."}, []string{"code"})
	cfg.Registerer.MustRegister(h.requests)
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusNoContent
	if err := h.take(w, r); err != nil {
		p := h.problem(err)
		status = p.Status
		access.WriteProblem(w, p)
	} else {
		w.WriteHeader(status)
	}
	h.requests.WithLabelValues(strconv.Itoa(status)).Inc()
}

func (h *Handler) take(w http.ResponseWriter, r *http.Request) error {
	size, held := h.cfg.BodyBytes, int64(0)
	defer func() { h.inFlight.Release(held) }()
	// Memory is set aside as bytes come: who sends nothing holds next to nothing.
	room := func(bytes int64) error {
		if !h.inFlight.TryAcquire(bytes - held) {
			return &decode.RetryError{Class: decode.ErrFull, After: time.Second}
		}
		held = bytes
		return nil
	}
	// The error is that of a connection without deadlines, as in tests.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.ReadTimeout))
	body, err := h.inflater.Read(nil, http.MaxBytesReader(w, r.Body, size), decode.Body{
		Encoding: bodyEncoding(r), Limit: size, Room: room,
	})
	if err != nil {
		return err
	}
	p := &push{parser: h.parser, maxLines: h.cfg.Lines, maxStreams: h.cfg.Streams}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/json":
		err = p.json(body)
	case err == nil && kind == "application/x-protobuf":
		if body, err = unsnap(body, size); err == nil {
			err = p.proto(body)
		}
	default:
		return access.Problem{
			Status: http.StatusUnsupportedMediaType, Code: "unsupported_type", Detail: "send application/json, or application/x-protobuf in snappy",
			Params: map[string]any{"allowed": []string{"application/json", "application/x-protobuf"}},
		}
	}
	if err != nil {
		return err
	}
	sum := xxh3.Hash128(body)
	return h.sink.Put(r.Context(), p.lines, fmt.Sprintf("loki-%016x%016x", sum.Hi, sum.Lo))
}

// bodyEncoding passes over snappy, which protobuf is always in and some
// senders name.
func bodyEncoding(r *http.Request) string {
	e := strings.ToLower(r.Header.Get("Content-Encoding"))
	if e == "snappy" {
		return ""
	}
	return e
}

func unsnap(body []byte, limit int64) ([]byte, error) {
	n, err := s2.DecodedLen(body)
	if err != nil {
		return nil, badBody("the body is not readable snappy")
	}
	if int64(n) > limit {
		return nil, &decode.LimitError{What: "bytes after decompression", Limit: limit}
	}
	out, err := s2.Decode(nil, body)
	if err != nil {
		return nil, badBody("the body is not readable snappy")
	}
	return out, nil
}

func badBody(detail string) error {
	return access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Detail: detail}
}

// problem is the answer to an error.
func (h *Handler) problem(err error) access.Problem {
	var p access.Problem
	var retry *decode.RetryError
	var limit *decode.LimitError
	var tooLong *http.MaxBytesError
	var syntax *decode.SyntaxError
	var inflate *decode.InflateError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &retry) && errors.Is(retry.Class, decode.ErrTooFast):
		return access.Problem{Status: http.StatusTooManyRequests, Code: "too_fast", Detail: err.Error(), RetryAfter: retry.After}
	case errors.As(err, &retry):
		return access.Problem{Status: http.StatusServiceUnavailable, Code: "full", Detail: err.Error(), RetryAfter: retry.After}
	case errors.As(err, &tooLong):
		return access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: fmt.Sprintf("more than %d bytes of body", tooLong.Limit), Params: map[string]any{"limit": tooLong.Limit}}
	case errors.As(err, &limit):
		return access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: err.Error(), Params: map[string]any{"limit": limit.Limit}}
	case errors.Is(err, decode.ErrTooLarge):
		return access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: err.Error()}
	case errors.Is(err, decode.ErrEncoding):
		return access.Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_encoding", Detail: err.Error()}
	case errors.As(err, &syntax), errors.As(err, &inflate):
		return access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Detail: err.Error()}
	case errors.Is(err, context.Canceled):
		return access.Problem{Status: http.StatusServiceUnavailable, Code: "cancelled", Detail: "the request was cancelled before its lines were safe; send it again", RetryAfter: time.Second}
	}
	h.cfg.Logger.Error("log lines were not taken", "source", "loki", "err", err)
	return access.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "the lines were not taken; the server's log says why"}
}
