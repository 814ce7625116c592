package client

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
	"time"
)

// run sends batches one after another, so that labels of one model stay in
// their order, until the context ends.
func (c *Client) run(ctx context.Context) {
	defer close(c.finished)
	defer c.giveUp()
	c.openSpool()
	t := time.NewTicker(c.opts.FlushInterval)
	defer t.Stop()
	for {
		var flushed chan struct{}
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			c.drain(ctx, t.C)
			continue
		case flushed = <-c.flushes:
		case <-t.C:
		}
		c.sealAll()
		c.drain(ctx, t.C)
		if flushed != nil && ctx.Err() == nil {
			close(flushed)
		}
	}
}

// openSpool puts what dead processes left before all else.
func (c *Client) openSpool() {
	if c.opts.Spool == "" {
		return
	}
	s, left, err := openSpool(c.opts.Spool, c.opts.SpoolBytes)
	if err != nil {
		c.opts.Logger.Error("there is no spool, rows stay in memory", "folder", c.opts.Spool, "err", err)
		return
	}
	c.spool = s
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range left {
		c.onDisk += b.rows
	}
	c.full = append(left, c.full...)
	c.stored = len(left)
	c.signal()
}

func (c *Client) sealAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.open {
		c.seal(b)
	}
}

// store offers to the spool what is full since the last time. What finds no
// room there stays in memory.
func (c *Client) store() {
	if c.spool == nil {
		return
	}
	for {
		c.mu.Lock()
		if c.stored >= len(c.full) {
			c.mu.Unlock()
			return
		}
		b, first := c.full[c.stored], c.stored == 0
		c.mu.Unlock()
		if err := c.spool.put(b); err != nil {
			c.opts.Logger.Warn("a batch stays in memory", "path", b.path, "rows", b.rows, "err", err)
		}
		c.mu.Lock()
		c.stored++
		if b.file != "" {
			c.rows -= b.rows
			c.bytes -= len(b.body)
			c.onDisk += b.rows
			if !first {
				b.body = nil // read back when its turn comes
			}
		}
		c.mu.Unlock()
	}
}

// drain sends all that is full.
func (c *Client) drain(ctx context.Context, tick <-chan time.Time) {
	for ctx.Err() == nil {
		c.store()
		c.mu.Lock()
		if len(c.full) == 0 {
			c.full = nil
			c.mu.Unlock()
			return
		}
		b := c.full[0]
		c.mu.Unlock()
		if !c.deliver(ctx, b, tick) {
			return
		}
		c.settle(b)
	}
}

// settle forgets the first batch, which has its answer.
func (c *Client) settle(b *batch) {
	c.mu.Lock()
	c.full = c.full[1:]
	if c.stored > 0 {
		c.stored--
	}
	if b.file != "" {
		c.onDisk -= b.rows
	} else {
		c.rows -= b.rows
		c.bytes -= len(b.body)
	}
	c.mu.Unlock()
	if b.file == "" || b.unread {
		return
	}
	// A batch that stays in the spool is sent once more, and counts once.
	if err := c.spool.remove(b.file); err != nil {
		c.opts.Logger.Warn("a sent batch stays in the spool", "file", b.file, "err", err)
	}
}

// giveUp counts what is left in memory when the client ends.
func (c *Client) giveUp() {
	c.sealAll()
	c.store()
	if c.spool != nil {
		c.spool.close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.failed.Add(int64(c.rows))
	c.full, c.rows, c.bytes = nil, 0, 0
}

// deliver tries until the server has answered for the batch; false when the
// context ended first.
func (c *Client) deliver(ctx context.Context, b *batch, tick <-chan time.Time) bool {
	sent := b
	if b.body == nil {
		var err error
		if sent, err = c.spool.get(b.file); err != nil {
			c.stats.dropped.Add(int64(b.rows))
			c.opts.Logger.Error("a file of the spool cannot be read", "file", b.file, "err", err)
			b.unread = true
			return true
		}
	}
	for pause := c.opts.RetryMin; ; pause = min(2*pause, c.opts.RetryMax) {
		err := c.post(ctx, sent)
		var again *retryError
		if !errors.As(err, &again) {
			if err != nil {
				c.stats.rejected.Add(int64(sent.rows))
				c.opts.Logger.Error("Leeway refused a batch", "path", sent.path, "rows", sent.rows, "err", err)
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.opts.Logger.Warn("sending to Leeway failed and will be tried again", "path", sent.path, "rows", sent.rows, "err", err)
		if !c.pause(ctx, max(again.after, pause/2+rand.N(pause/2+1)), tick) {
			return false
		}
		c.stats.retries.Add(1)
	}
}

// pause waits for the next try, and meanwhile brings to the disk what comes.
func (c *Client) pause(ctx context.Context, wait time.Duration, tick <-chan time.Time) bool {
	end := time.NewTimer(wait)
	defer end.Stop()
	wake := c.wake
	if c.spool == nil {
		tick, wake = nil, nil
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-end.C:
			return true
		case <-tick:
			c.sealAll()
			c.store()
		case <-wake:
			c.store()
		}
	}
}

// retryError is one that a later try may not meet.
type retryError struct {
	err   error
	after time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// answer is what the server says of a batch, as far as it matters here.
type answer struct {
	Rejected   int64 `json:"rejected"`
	Rejections []struct {
		Row    int    `json:"row"`
		Field  string `json:"field"`
		Reason string `json:"reason"`
	} `json:"rejections"`
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

func (c *Client) post(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+b.path, bytes.NewReader(b.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", b.kind)
	req.Header.Set("Leeway-Batch-Id", b.id)
	if c.opts.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.opts.Token)
	}
	res, err := c.opts.HTTPClient.Do(req)
	if err != nil {
		return &retryError{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case mayPass(res.StatusCode):
		return &retryError{err: problem(res.StatusCode, body), after: retryAfter(res.Header)}
	case res.StatusCode >= 300:
		return problem(res.StatusCode, body)
	case err != nil:
		return &retryError{err: err} // taken, but we do not know what was said of it
	}
	c.count(b, body)
	return nil
}

// mayPass says whether a later try can meet another answer. A token that is not
// known, or was changed, is set right by a person, and the rows should still be
// there then.
func mayPass(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// count reads which rows were not taken.
func (c *Client) count(b *batch, body []byte) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		a = answer{}
	}
	c.stats.rejected.Add(a.Rejected)
	c.stats.sent.Add(int64(b.rows) - a.Rejected)
	if len(a.Rejections) > 0 {
		e := a.Rejections[0]
		c.opts.Logger.Warn("Leeway rejected rows", "path", b.path, "rows", a.Rejected, "first", e.Row, "field", e.Field, "reason", e.Reason)
	}
}

func problem(status int, body []byte) error {
	var p struct{ Title, Detail string }
	_ = json.Unmarshal(body, &p) // the status alone must do where there is no problem document
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return fmt.Errorf("%d %s: %s", status, http.StatusText(status), p.Detail)
}

// retryAfter is the pause that the server asks for, an hour at most.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(min(s, 3600)) * time.Second
}
