package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/model"
)

// problem is the answer to an error.
func (h *Handler) problem(err error, q *request) *access.Problem {
	var p access.Problem
	if errors.As(err, &p) {
		return &p
	}
	if p := bodyProblem(err); p != nil {
		return p
	}
	if p := refusal(err); p != nil {
		return p
	}
	if errors.Is(err, context.Canceled) {
		return &access.Problem{Status: http.StatusServiceUnavailable, Code: "cancelled", Detail: "the request was cancelled before its rows were safe; send it again", RetryAfter: time.Second}
	}
	h.cfg.Logger.Error("rows were not taken", "model", q.model, "kind", q.kind.String(), "err", err)
	return &access.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "the rows were not taken; the server's log says why"}
}

// bodyProblem is the answer to a body that cannot be taken, or nil.
func bodyProblem(err error) *access.Problem {
	var limit *decode.LimitError
	var tooLong *http.MaxBytesError
	var syntax *decode.SyntaxError
	var inflate *decode.InflateError
	switch {
	case errors.As(err, &tooLong):
		return tooLarge("bytes of body", tooLong.Limit)
	case errors.As(err, &limit):
		return tooLarge(limit.What, limit.Limit)
	case errors.As(err, &syntax):
		return &access.Problem{
			Status: http.StatusBadRequest, Code: "bad_body", Title: "The body cannot be read", Detail: syntax.Error(),
			Params: map[string]any{"offset": syntax.Offset, "line": syntax.Line, "column": syntax.Column, "reason": syntax.Reason},
		}
	case errors.Is(err, decode.ErrEncoding):
		return &access.Problem{
			Status: http.StatusUnsupportedMediaType, Code: "unsupported_encoding", Detail: err.Error(),
			Params: map[string]any{"allowed": decode.Encodings},
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &access.Problem{Status: http.StatusRequestTimeout, Code: "body_too_slow", Detail: "the body did not arrive in time"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Title: "The body cannot be read", Detail: "the body ended before its announced length"}
	case errors.As(err, &inflate):
		return &access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Title: "The body cannot be read", Detail: inflate.Error()}
	}
	return nil
}

func tooLarge(what string, limit int64) *access.Problem {
	return &access.Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "too_large",
		Detail: fmt.Sprintf("more than %d %s; send less at a time", limit, what),
		Params: map[string]any{"what": what, "limit": limit},
	}
}

// refusal is the answer to a door that takes nothing more now, or nil.
func refusal(err error) *access.Problem {
	after := 5 * time.Second
	var retry *decode.RetryError
	if errors.As(err, &retry) {
		after = max(retry.After, time.Second)
	}
	switch {
	case errors.Is(err, decode.ErrTooFast):
		return &access.Problem{Status: http.StatusTooManyRequests, Code: "too_fast", Detail: err.Error(), RetryAfter: after}
	case errors.Is(err, decode.ErrFull):
		return &access.Problem{Status: http.StatusServiceUnavailable, Code: "full", Detail: err.Error(), RetryAfter: after}
	case errors.Is(err, decode.ErrReadOnly):
		return &access.Problem{Status: http.StatusServiceUnavailable, Code: "read_only", Detail: err.Error()}
	case errors.Is(err, decode.ErrTooLarge):
		return &access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: err.Error()}
	case errors.Is(err, model.ErrLimit):
		return &access.Problem{Status: http.StatusUnprocessableEntity, Code: "model_limit", Detail: err.Error()}
	}
	return nil
}

func badParameter(name, reason string) access.Problem {
	return access.Problem{
		Status: http.StatusBadRequest, Code: "bad_parameter", Detail: fmt.Sprintf("parameter %q: %s", name, reason),
		Params: map[string]any{"parameter": name},
	}
}

func unsupportedType(got string) access.Problem {
	detail := "Content-Type is missing"
	if got != "" {
		detail = fmt.Sprintf("Content-Type %.100q is not taken here", got)
	}
	return access.Problem{
		Status: http.StatusUnsupportedMediaType, Code: "unsupported_type",
		Detail: detail + "; send one of " + strings.Join(Types, ", "),
		Params: map[string]any{"allowed": Types},
	}
}

// hint tells a sender who forgot a header what happened.
func hint(err error, body []byte) error {
	var syntax *decode.SyntaxError
	if name := decode.Compressed(body); name != "" && errors.As(err, &syntax) {
		e := *syntax
		e.Reason += fmt.Sprintf(" (the body looks like %s: is Content-Encoding missing?)", name)
		return &e
	}
	return err
}
