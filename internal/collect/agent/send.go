package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/queue"
)

const (
	readBytes     = 1 << 20
	maxAnswer     = 16 << 10
	maxRetryAfter = 10 * time.Minute
)

// Run sends until the context ends, or the buffer fails.
func (a *Agent) Run(ctx context.Context) error {
	for {
		from := a.position()
		records, err := a.log.Read(ctx, 0, from, readBytes)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if err = a.goPast(from, err); err != nil {
				return fmt.Errorf("agent: buffer: %w", err)
			}
		}
		for _, r := range records {
			if err := a.deliver(ctx, &r); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return nil
			}
		}
	}
}

// goPast goes on where the buffer cannot be read from a place.
func (a *Agent) goPast(from queue.Offset, cause error) (err error) {
	to := from
	var trimmed *queue.TrimmedError
	switch {
	case errors.As(cause, &trimmed):
		to = trimmed.First
	case errors.Is(cause, queue.ErrCorrupt):
		to, err = a.log.SkipCorrupt(0, from)
	case errors.Is(cause, queue.ErrBeyond): // the buffer was lost, or is another one
		to, _, err = a.log.Bounds(0)
	default:
		return cause
	}
	if err != nil {
		return errors.Join(cause, err)
	}
	a.cfg.Logger.Error("part of the buffer cannot be read; sending goes on behind it", "from", from, "to", to, "err", cause)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == from {
		a.next = to
	}
	return a.save()
}

// deliver sends a record until it is settled, somebody gave it up to make room,
// or the context ends. The error is the buffer's.
func (a *Agent) deliver(ctx context.Context, r *queue.Record) error {
	n := samplesOf(r.Data)
	for wait := a.cfg.MinRetry; a.position() <= r.Offset; wait = min(2*wait, a.cfg.MaxRetry) {
		answer, err := a.post(ctx, r.Data[min(4, len(r.Data)):])
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err == nil && answer.status/100 == 2:
			a.well()
			a.metrics.sent.Add(float64(n))
			return a.done(r.Offset + 1)
		case err == nil && answer.final():
			a.well()
			refused := min(n, answer.refused(n))
			a.metrics.refused.Add(float64(refused))
			a.metrics.sent.Add(float64(n - refused))
			a.cfg.Logger.Warn("the server does not take some samples", "samples", refused, "of", n, "status", answer.status, "detail", answer.Detail)
			return a.done(r.Offset + 1)
		}
		if err == nil {
			err = fmt.Errorf("%d %s %s", answer.status, http.StatusText(answer.status), answer.Detail)
		}
		a.ill(err)
		// A fifth more or less, so that agents do not come all at once.
		pause := time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
		if !sleep(ctx, max(pause, answer.after)) {
			return nil
		}
	}
	return nil
}

func (a *Agent) well() {
	if a.failing {
		a.cfg.Logger.Info("the server takes samples again", "server", a.cfg.Server)
	}
	a.failing = false
}

func (a *Agent) ill(err error) {
	a.metrics.failures.Inc()
	if !a.failing {
		a.cfg.Logger.Warn("the server takes no samples; they wait in the buffer", "server", a.cfg.Server, "err", err)
	}
	a.failing = true
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// answer is what the server said.
type answer struct {
	status int
	after  time.Duration // of Retry-After
	Detail string        `json:"detail"`
	Params struct {
		Rejected *uint32 `json:"rejected"`
	} `json:"params"`
}

// final tells whether sending the same again is of no use.
func (a *answer) final() bool {
	switch a.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// refused is how many of n samples were not taken; all, unless the server says.
func (a *answer) refused(n uint32) uint32 {
	if a.Params.Rejected != nil {
		return *a.Params.Rejected
	}
	return n
}

func (a *Agent) post(ctx context.Context, body []byte) (answer, error) {
	token, err := a.cfg.token()
	if err != nil {
		return answer{}, fmt.Errorf("token: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(a.cfg.Server, "/")+writePath, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	req.Header.Set("User-Agent", "leeway-agent")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // for people; the status counts
	out := answer{}
	if json.Unmarshal(text, &out) != nil {
		out = answer{Detail: string(text)}
	}
	if len(out.Detail) > 300 {
		out.Detail = strings.ToValidUTF8(out.Detail[:300], "") + "…"
	}
	out.status, out.after = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))
	return out, nil
}

// retryAfter reads seconds or a date, up to ten minutes.
func retryAfter(text string) time.Duration {
	if s, err := strconv.Atoi(text); err == nil {
		return min(time.Duration(max(0, min(s, 3600)))*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, time.Until(at)), maxRetryAfter)
	}
	return 0
}
