package client

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Middleware records the requests of a model's HTTP endpoint: each one's
// latency until its handler returns, and as an error a status from 500 or a
// panic, which goes on. A status of 4xx is the caller's mistake and is not
// recorded.
//
//	m := client.Middleware{Client: c, Model: "credit-risk", Describe: func(e client.Exchange, p *client.Prediction) bool {
//		var answer struct{ Label string }
//		if json.Unmarshal(e.Answer, &answer) == nil {
//			p.ID, p.Prediction = e.Request.Header.Get("X-Request-Id"), answer.Label
//		}
//		return true
//	}}
//	mux.Handle("POST /predict", m.Wrap(predict))
type Middleware struct {
	Client  *Client
	Model   string
	Version string
	// Describe adds what the request and its answer say; false leaves the
	// request out. It is not called after a panic or from status 500 on. A panic
	// of its own is logged and costs only what it would have added. Nil: latency
	// and errors alone.
	Describe func(Exchange, *Prediction) bool
	// MaxBody is how many bytes of a body Describe gets: 1 MiB. A larger body is
	// nil there; it passes whole, and nothing is held up.
	MaxBody int
}

// Exchange is a request and its answer. The bodies are Describe's only during
// its call.
type Exchange struct {
	Request *http.Request
	Body    []byte // what the handler read of it
	Status  int
	Header  http.Header // of the answer
	Answer  []byte
}

// Wrap gives a handler that does what next does, and records it.
func (m Middleware) Wrap(next http.Handler) http.Handler {
	orDefault(&m.MaxBody, 1<<20)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{start: time.Now(), request: r, writer: &recorder{ResponseWriter: w}}
		if m.Describe != nil {
			x.body, x.writer.body = &copied{max: m.MaxBody}, &copied{max: m.MaxBody}
			if r.Body != nil {
				r.Body = &tee{ReadCloser: r.Body, to: x.body}
			}
		}
		returned := false
		defer func() { // without recover, which would lose where a panic came from
			m.record(x, !returned)
		}()
		next.ServeHTTP(x.writer, r)
		returned = true
	})
}

// exchange is one request under way.
type exchange struct {
	start   time.Time
	request *http.Request
	writer  *recorder
	body    *copied
}

func (m Middleware) record(x *exchange, panicked bool) {
	p := Prediction{Model: m.Model, Version: m.Version, Time: x.start, Latency: max(time.Since(x.start), 1)}
	status := x.writer.status
	switch {
	case panicked:
		p.Error = "panic"
	case status == 0: // the server answers 200 with no body
		status = http.StatusOK
		fallthrough
	case status < 500:
		if status >= 400 || !m.describe(x, status, &p) {
			return
		}
	default:
		p.Error = fmt.Sprintf("status %d", status)
	}
	m.Client.Predict(p)
}

func (m Middleware) describe(x *exchange, status int, p *Prediction) (wanted bool) {
	if m.Describe == nil {
		return true
	}
	plain := *p
	defer func() {
		if r := recover(); r != nil {
			m.Client.opts.Logger.Warn("describing a request failed", "model", m.Model, "panic", r)
			*p, wanted = plain, true
		}
	}()
	return m.Describe(Exchange{
		Request: x.request, Body: x.body.bytes(), Status: status, Header: x.writer.Header(), Answer: x.writer.body.bytes(),
	}, p)
}

// copied keeps what passes, as long as it is small.
type copied struct {
	data []byte
	size int
	max  int
}

func (c *copied) add(p []byte) {
	if c == nil {
		return
	}
	if c.size += len(p); c.size > c.max {
		c.data = nil
		return
	}
	c.data = append(c.data, p...)
}

func (c *copied) bytes() []byte {
	if c.size > c.max {
		return nil
	}
	return c.data
}

type tee struct {
	io.ReadCloser
	to *copied
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.to.add(p[:n])
	return n, err
}

// recorder notes the status and the body of an answer on its way.
type recorder struct {
	http.ResponseWriter
	status int
	body   *copied // nil: nobody asks
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 { // 1xx comes before the answer
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.body.add(p[:n])
	return n, err
}

// Unwrap is for http.ResponseController; Flush and Hijack for those who ask
// the writer itself.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if r.status == 0 {
		r.status = http.StatusSwitchingProtocols
	}
	return http.NewResponseController(r.ResponseWriter).Hijack()
}
