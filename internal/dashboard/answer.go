package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/zeebo/xxh3"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/model"
)

// num is a number of an answer; what is not finite is null.
type num float64

// none is a number that is not there.
var none = num(math.NaN())

// MarshalJSON writes the shortest text that reads back as the same number.
func (n num) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(make([]byte, 0, 24), v, 'g', -1, 64), nil
}

func (n num) ok() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

func numOf(p *float64) num {
	if p == nil {
		return none
	}
	return num(*p)
}

// stamp is a time of an answer in unix ms; 0 is null.
type stamp int64

func (t stamp) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(t), 10), nil
}

// created is an answer that says that something new exists.
type created struct{ value any }

const compressFrom = 1400 // bytes: what fits a packet is not worth it

// write answers with JSON, an ETag, and compression where it is taken.
func (s *Server) write(w http.ResponseWriter, r *http.Request, v any) {
	status := http.StatusOK
	if c, ok := v.(created); ok {
		status, v = http.StatusCreated, c.value
	}
	if v == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h := w.Header()
	if b, ok := v.(bytesAnswer); ok {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Cache-Control", "private, no-cache")
		writeBody(w, r, status, b)
		return
	}
	body, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encoding the answer: %w", err))
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "private, no-cache")
	writeBody(w, r, status, append(body, '\n'))
}

// writeBody adds the ETag and compresses.
func writeBody(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if status == http.StatusOK && isRead(r) {
		tag := fmt.Sprintf(`"%x"`, xxh3.Hash(body))
		h.Set("ETag", tag)
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	if len(body) < compressFrom || !accepts(r, "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body) // the client went away; nothing to do
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a valid one
	_, _ = z.Write(body)
	_ = z.Close()
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == tag || part == "*" {
			return true
		}
	}
	return false
}

// accepts tells whether the client takes a content encoding.
func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(params, " ", ""), "q="), 64)
		return err != nil || q > 0
	}
	return false
}

func writePlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// badParam is the problem of a query parameter.
func badParam(name, value, want string) error {
	const most = 100
	if len(value) > most {
		value = value[:most] + "…"
	}
	return access.Problem{
		Status: http.StatusBadRequest, Code: "bad_parameter", Params: map[string]any{"parameter": name, "value": value},
		Detail: fmt.Sprintf("the parameter %s=%q is not %s", name, value, want),
	}
}

func notFound(code, detail string, params map[string]any) error {
	return access.Problem{Status: http.StatusNotFound, Code: code, Detail: detail, Params: params}
}

func notEnabled(what string) error {
	return notFound("not_enabled", what+" is not enabled on this server", map[string]any{"what": what})
}

// fail answers with the problem that an error is.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r, err)
	s.met.refused.WithLabelValues(p.Code).Inc()
	access.WriteProblem(w, p)
}

func (s *Server) problem(r *http.Request, err error) access.Problem {
	var p access.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, model.ErrNotFound):
		name := r.PathValue("model")
		return access.Problem{
			Status: http.StatusNotFound, Code: "model_not_found", Params: map[string]any{"model": name},
			Detail: fmt.Sprintf("there is no model %q", name),
		}
	case errors.Is(err, model.ErrLimit):
		return access.Problem{Status: http.StatusConflict, Code: "model_limit", Detail: err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return access.Problem{
			Status: http.StatusServiceUnavailable, Code: "timeout", RetryAfter: s.cfg.Timeout,
			Params: map[string]any{"seconds": s.cfg.Timeout.Seconds()},
			Detail: "the answer took too long and was given up; ask for a shorter range or a larger step",
		}
	case errors.Is(err, context.Canceled):
		return access.Problem{Status: 499, Title: "Client Closed Request", Code: "canceled"}
	}
	if p, ok := ruleProblem(err); ok {
		return p
	}
	s.cfg.Logger.Error("dashboard: request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	return access.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "the request failed; the server's log says why"}
}

func ruleProblem(err error) (access.Problem, bool) {
	switch {
	case errors.Is(err, alert.ErrInvalid):
		return access.Problem{
			Status: http.StatusBadRequest, Code: "rule_invalid", Detail: err.Error(),
			Params: map[string]any{"problems": problemsOf(err)},
		}, true
	case errors.Is(err, alert.ErrReadOnly):
		return access.Problem{Status: http.StatusConflict, Code: "rule_read_only", Detail: err.Error()}, true
	case errors.Is(err, alert.ErrTooMany):
		return access.Problem{Status: http.StatusConflict, Code: "rule_limit", Detail: err.Error()}, true
	case errors.Is(err, alert.ErrNotFound):
		return access.Problem{Status: http.StatusNotFound, Code: "rule_not_found", Detail: err.Error()}, true
	}
	return access.Problem{}, false
}

// problemsOf finds what alert.Validate joined.
func problemsOf(err error) []map[string]string {
	out := []map[string]string{}
	var walk func(error)
	walk = func(err error) {
		if p, ok := err.(alert.Problem); ok {
			out = append(out, map[string]string{"field": p.Field, "reason": p.Reason})
			return
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
	return out
}

// readJSON decodes a body of at most limit bytes, strictly.
func readJSON(r *http.Request, limit int64, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, limit))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, extra := d.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("something follows the JSON value")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return access.Problem{
			Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Params: map[string]any{"limit": limit},
			Detail: fmt.Sprintf("the body is longer than %d bytes", limit),
		}
	}
	if err != nil {
		return access.Problem{
			Status: http.StatusBadRequest, Code: "body_invalid", Params: map[string]any{"position": d.InputOffset()},
			Detail: fmt.Sprintf("the body is not the JSON that this needs, near byte %d: %v", d.InputOffset(), err),
		}
	}
	return nil
}

// limitOf reads the parameter limit.
func limitOf(r *http.Request, def, most int) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badParam("limit", text, fmt.Sprintf("a number from 1 to %d", most))
	}
	return n, nil
}
