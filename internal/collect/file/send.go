package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// How long a server may be away, or without room, before an import gives up.
// What was sent until then need not be sent again.
const (
	networkTries = 8               // with doubling pauses: about half a minute
	fullTime     = 5 * time.Minute // without one batch taken
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
	maxAnswer    = 1 << 20
)

// sender posts batches.
type sender struct {
	client *http.Client
	server string
	path   string
	token  string
	now    func() time.Time
	pause  func(ctx context.Context, d time.Duration) error
}

func newSender(o *Options) *sender {
	return &sender{
		client: o.Client, server: strings.TrimRight(o.Server, "/"), token: o.Token,
		path: "/api/v1/models/" + url.PathEscape(o.Model) + "/" + o.Kind + "?import=true",
		now:  time.Now, pause: pause,
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// answer is what the server says of a batch.
type answer struct {
	Rejected   int                `json:"rejected"`
	Rejections []decode.Rejection `json:"rejections"`
}

// againError is one that a later try may not meet; full says that the server is
// there and asks for patience.
type againError struct {
	err   error
	after time.Duration
	full  bool
}

func (e *againError) Error() string { return e.err.Error() }
func (e *againError) Unwrap() error { return e.err }

// post sends a batch until the server has answered for it, always under one id.
func (s *sender) post(ctx context.Context, id string, body []byte) (*answer, error) {
	start, wait := s.now(), firstPause
	for try := 1; ; try++ {
		a, err := s.try(ctx, id, body)
		var again *againError
		if !errors.As(err, &again) || ctx.Err() != nil {
			return a, err
		}
		if again.full && s.now().Sub(start) > fullTime || !again.full && try >= networkTries {
			return nil, fmt.Errorf("given up after %d tries: %w; run the same import again to go on", try, err)
		}
		if err := s.pause(ctx, max(again.after, wait)); err != nil {
			return nil, err
		}
		wait = min(2*wait, longestPause)
	}
}

func (s *sender) try(ctx context.Context, id string, body []byte) (*answer, error) {
	req, err := s.request(ctx, http.MethodPost, s.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/vnd.leeway.batch")
	req.Header.Set("Leeway-Batch-Id", id)
	res, err := s.client.Do(req)
	if err != nil {
		return nil, &againError{err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		return nil, &againError{err: problem(res.StatusCode, text), after: retryAfter(res.Header), full: true}
	case res.StatusCode >= 500:
		return nil, &againError{err: problem(res.StatusCode, text)}
	case res.StatusCode == http.StatusUnprocessableEntity:
		return noneTaken(text)
	case res.StatusCode >= 300:
		return nil, problem(res.StatusCode, text)
	case err != nil:
		return nil, &againError{err: err}
	}
	a := new(answer)
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("%s took the batch, but its answer is not Leeway's: %w", s.server, err)
	}
	return a, nil
}

// noneTaken is the answer to a batch of which no row could be used: an import
// goes on after it, as after one bad row.
func noneTaken(text []byte) (*answer, error) {
	var p struct {
		Code   string
		Params answer
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Code != "no_row_accepted" {
		return nil, problem(http.StatusUnprocessableEntity, text)
	}
	return &p.Params, nil
}

func (s *sender) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.server+path, body)
	if err == nil && s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	return req, err
}

// problem is the server's own explanation, where it gives one.
func problem(status int, text []byte) error {
	var p struct{ Title, Detail, Code string }
	_ = json.Unmarshal(text, &p) // the status alone must do where there is no problem document
	if p.Detail == "" {
		p.Detail = p.Title
	}
	err := fmt.Errorf("%d %s: %s", status, http.StatusText(status), p.Detail)
	if p.Detail == "" {
		err = fmt.Errorf("%d %s", status, http.StatusText(status))
	}
	return err
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Minute)
}
