// Package inference takes what inference loggers send: the CloudEvents of
// KServe and Seldon, a request and its response each in an event of its own.
//
// # From an event to a prediction
//
// The handler reads an event, decodes its payload once so that what cannot be
// used is refused at once, and appends it to a log of this package's own.
// Only then does it answer 2xx: loggers send a half once and forget it. Run
// reads the log in order, joins the halves by id in bounded memory, makes rows
// of them and hands these to the door. It remembers the place in the log below
// which everything has passed the door; a start reads on from there, so that
// halves that waited at a crash wait again, and rows that passed the door
// already have the same ids and count once.
//
// A half whose other does not come within Config.Wait goes on alone: a request
// as features, which drift is measured by, a response as a prediction without
// features. Neither is called an error, since nothing says that the model
// failed; both are counted. Time runs by the arrivals in the log, so that a
// start after a long stop joins what a running server would have joined.
//
// Run is one goroutine, which the caller owns. The payloads and what is made
// of them are described in docs/operate/inference.md.
package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/queue"
)

// Collector is the handler and the joiner.
type Collector struct {
	cfg      Config
	metrics  *metrics
	bodies   *collect.Bodies
	decoding *semaphore.Weighted // a decoded payload is larger than its text
	joiner   joiner
}

// maxDecoding is how many payloads are decoded at one time.
const maxDecoding = 4

// New makes the collector. Requests can be served before Run is called.
func New(cfg Config) (*Collector, error) {
	cfg.setDefaults()
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	c := &Collector{
		cfg: cfg, metrics: newMetrics(cfg.Registerer),
		bodies: collect.NewBodies(cfg.Bodies), decoding: semaphore.NewWeighted(maxDecoding),
	}
	c.joiner.collector = c
	return c, c.joiner.open()
}

// answer is the body of a success.
type answer struct {
	Accepted int      `json:"accepted"`
	Ignored  int      `json:"ignored"` // events of other types
	Rejected int      `json:"rejected"`
	Reasons  []string `json:"reasons,omitempty"` // the first 10
}

// ServeHTTP implements http.Handler. Who may send is decided before it.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := c.take(w, r)
	if err == nil && a.Accepted == 0 && a.Rejected > 0 {
		err = access.Problem{
			Status: http.StatusUnprocessableEntity, Title: "No event was accepted", Code: "no_row_accepted",
			Detail: a.Reasons[0], Params: map[string]any{"rejected": a.Rejected, "reasons": a.Reasons},
		}
	}
	if err != nil {
		access.WriteProblem(w, c.problem(err))
		return
	}
	body, err := json.Marshal(a)
	if err != nil { // not with these types
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // the sender went away; its events are safe
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) (a answer, err error) {
	if err := c.cfg.Room(); err != nil {
		return a, err
	}
	body, err := c.bodies.Read(w, r, strings.ToLower(r.Header.Get("Content-Encoding")))
	defer body.Release()
	if err != nil {
		return a, err
	}
	list, err := events(r.Header, body.Data)
	if err != nil {
		return a, access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Title: "The event cannot be read", Detail: err.Error()}
	}
	halves, err := c.check(r.Context(), list, &a)
	if err != nil || len(halves) == 0 {
		return a, err
	}
	result := "accepted"
	if _, err = c.cfg.Log.Append(r.Context(), 0, appendRecord(nil, halves)); err != nil {
		result = "refused"
	}
	for _, h := range halves {
		c.metrics.events.WithLabelValues(halfName(h.Response), result).Inc()
	}
	return a, err
}

// check keeps the events that can be used.
func (c *Collector) check(ctx context.Context, list []cloudEvent, a *answer) ([]*Half, error) {
	var halves []*Half
	for i := range list {
		h, err := halfOf(&list[i], c.cfg.Namespaces)
		if errors.Is(err, errOther) {
			a.Ignored++
			c.metrics.events.WithLabelValues("none", "ignored").Inc()
			continue
		}
		if err == nil {
			if err := c.decoding.Acquire(ctx, 1); err != nil {
				return nil, err
			}
			err = c.checkPayload(h)
			c.decoding.Release(1)
		}
		if err != nil {
			c.metrics.events.WithLabelValues("none", "rejected").Inc()
			if a.Rejected++; len(a.Reasons) < 10 {
				a.Reasons = append(a.Reasons, fmt.Sprintf("event %d: %v", i, err))
			}
			continue
		}
		halves = append(halves, h)
	}
	a.Accepted = len(halves)
	return halves, nil
}

// checkPayload decodes a payload, to tell now what could not be used later. A
// response that failed may say so in any form.
func (c *Collector) checkPayload(h *Half) error {
	if h.Failed != "" {
		if len(h.payload) > c.cfg.Limits.String {
			h.payload = h.payload[:c.cfg.Limits.String]
		}
		return nil
	}
	_, err := Decode(h.payload, c.cfg.Limits)
	return err
}

// problem is the answer to an error.
func (c *Collector) problem(err error) access.Problem {
	var syntax *decode.SyntaxError
	var inflate *decode.InflateError
	switch {
	case errors.Is(err, queue.ErrTooLarge):
		return access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: err.Error()}
	case errors.Is(err, queue.ErrFull), errors.Is(err, queue.ErrReadOnly), errors.Is(err, queue.ErrClosed):
		return access.Problem{Status: http.StatusServiceUnavailable, Code: "full", Detail: err.Error(), RetryAfter: 5 * time.Second}
	}
	p, known := collect.Problem(err)
	switch {
	case known:
	case errors.As(err, &syntax), errors.As(err, &inflate):
		return access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Detail: err.Error()}
	default:
		c.cfg.Logger.Error("inference events were not taken", "err", err)
	}
	return p
}
