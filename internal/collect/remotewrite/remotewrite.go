// Package remotewrite receives samples by Prometheus's remote write, 1.0
// (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request), at
// POST /api/v1/write.
//
// A body is taken series by series. What breaks a rule is left out and counted,
// the rest is put to the door, and the answer comes when that is durable: 204;
// 400 if something was left out, which tells the sender not to send it again;
// 5xx and 429 when nothing was stored and it should. Answers of 2.0 say in
// headers how much was written. Samples may come in any order up to three hours
// back. What the series refuse later (a second number for one time) is counted
// there, for the sender is gone by then.
//
// Handlers start no goroutines. Memory is bounded by collect.Bodies, by the size
// of one series and by the number of symbols.
package remotewrite

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang/snappy"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
)

// Handler takes requests of both versions. Who may send is decided before it.
type Handler struct {
	cfg     Config
	bodies  *collect.Bodies
	metrics *metrics
}

// New makes the handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Put == nil {
		return nil, errors.New("remotewrite: Put is missing")
	}
	cfg.setDefaults()
	return &Handler{cfg: cfg, bodies: collect.NewBodies(cfg.Bodies), metrics: newMetrics(cfg.Registerer)}, nil
}

// version of the protocol.
type version uint8

const (
	unknown version = iota
	v1
	v2
)

func (v version) String() string { return [...]string{"unknown", "1.0", "2.0"}[v] }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ver, result, err := h.take(w, r)
	if ver == v2 && result != nil {
		for name, n := range map[string]int{"Samples": result.floats, "Histograms": result.histograms, "Exemplars": result.exemplars} {
			w.Header().Set("X-Prometheus-Remote-Write-"+name+"-Written", strconv.Itoa(n))
		}
	}
	// The server lifts it after this answer. The error is that of a connection
	// without deadlines, as in tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.cfg.WriteTimeout))
	status := http.StatusNoContent
	if err != nil {
		p, known := collect.Problem(err)
		if !known {
			h.cfg.Logger.Error("samples were not taken", "err", err)
		}
		status = p.Status
		access.WriteProblem(w, p)
	} else {
		w.WriteHeader(status)
	}
	h.metrics.requests.WithLabelValues(ver.String(), strconv.Itoa(status)).Inc()
}

// take reads a request and makes what is good of it durable. The result tells
// what was, also beside an error about the rest.
func (h *Handler) take(w http.ResponseWriter, r *http.Request) (version, *taken, error) {
	ver, err := versionOf(r.Header)
	if err != nil {
		return unknown, nil, err
	}
	body, err := h.bodies.Read(w, r, "identity")
	defer body.Release()
	h.metrics.bytes.Add(float64(body.Came))
	if err != nil {
		return ver, nil, err
	}
	message, err := h.inflate(body)
	if err != nil {
		return ver, nil, err
	}
	t := newTaken(&h.cfg)
	if err := t.read(ver, message); err != nil {
		return ver, nil, access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Title: "The body cannot be read", Detail: err.Error()}
	}
	return ver, t, h.put(r, t)
}

// put makes what was read durable and says what was not taken.
func (h *Handler) put(r *http.Request, t *taken) error {
	for reason, n := range t.rejected {
		h.metrics.rejected.WithLabelValues(reason).Add(float64(n))
	}
	if t.build.Rows() > 0 {
		if err := h.cfg.Put(r.Context(), t.build.Batch()); err != nil {
			t.floats, t.histograms, t.exemplars = 0, 0, 0 // perhaps some are, but nobody is to count on it
			return err
		}
	}
	for kind, n := range map[string]int{"sample": t.floats, "histogram": t.histograms, "exemplar": t.exemplars} {
		h.metrics.samples.WithLabelValues(kind).Add(float64(n))
	}
	if t.first == nil {
		return nil
	}
	return access.Problem{
		Status: http.StatusBadRequest, Code: t.first.Reason, Title: "Some samples were not taken",
		Detail: fmt.Sprintf("%d of %d were not taken, the others were; the first: %s", t.bad, t.bad+t.floats+t.histograms+t.exemplars, t.first.Detail),
		Params: map[string]any{"rejected": t.bad, "reasons": t.rejected},
	}
}

// versionOf reads what the headers say, before a byte of the body is looked at.
func versionOf(header http.Header) (version, error) {
	if e := strings.ToLower(header.Get("Content-Encoding")); e != "" && e != "snappy" {
		return unknown, unsupported("unsupported_encoding", "Content-Encoding %.60q is not taken here; send snappy, in its block format", e)
	}
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && mediaType == "application/x-protobuf" {
		switch params["proto"] {
		case "", "prometheus.WriteRequest":
			return v1, nil
		case "io.prometheus.write.v2.Request":
			return v2, nil
		}
	}
	return unknown, unsupported("unsupported_type", "Content-Type %.100q is not taken here; send application/x-protobuf with proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request", header.Get("Content-Type"))
}

func unsupported(code, format string, args ...any) error {
	return access.Problem{Status: http.StatusUnsupportedMediaType, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// inflate decompresses a body, whose first bytes say how large it will be.
func (h *Handler) inflate(body *collect.Body) ([]byte, error) {
	corrupt := access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Title: "The body cannot be read", Detail: "the body is not readable snappy, in its block format"}
	size, err := snappy.DecodedLen(body.Data)
	if err != nil {
		return nil, corrupt
	}
	if int64(size) > h.cfg.Bodies.Bytes {
		return nil, &decode.LimitError{What: "bytes after decompression", Limit: h.cfg.Bodies.Bytes}
	}
	// The samples as they go to the queue take about as much again.
	if err := body.Room(int64(len(body.Data)) + 2*int64(size)); err != nil {
		return nil, err
	}
	message, err := snappy.Decode(nil, body.Data)
	if err != nil {
		return nil, corrupt
	}
	return message, nil
}
