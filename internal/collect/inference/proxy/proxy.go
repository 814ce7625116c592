// Package proxy stands before any HTTP model server, passes everything on, and
// tells Leeway of what went by.
//
// # Promises
//
// What passes is not changed, but for the usual headers of a proxy and the id
// of a prediction in the answer. Bodies are passed on as they come, piece by
// piece, and watched beside it up to a bound; connections that are upgraded
// (WebSocket) are passed on and not watched. Nothing of the recording happens
// before the caller has its answer: bodies are decompressed, decoded and sent by
// other goroutines. When these or Leeway are too slow, exchanges are dropped and
// counted, and the traffic goes on.
//
// New starts Config.Workers goroutines, which end in Close. The client belongs
// to the caller.
package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is the handler.
type Proxy struct {
	cfg     Config
	metrics *metrics
	reverse *httputil.ReverseProxy

	held    atomic.Int64 // bytes of bodies that are kept
	queue   chan *exchange
	closing sync.RWMutex
	closed  bool
	workers sync.WaitGroup
}

// New makes the proxy.
func New(cfg Config) (*Proxy, error) {
	cfg.setDefaults()
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	p := &Proxy{cfg: cfg, metrics: newMetrics(cfg.Registerer), queue: make(chan *exchange, cfg.Queue)}
	p.reverse = &httputil.ReverseProxy{
		Rewrite: p.rewrite, ModifyResponse: p.watchResponse, ErrorHandler: p.failed,
		Transport: cfg.Transport, FlushInterval: -1, BufferPool: &buffers{},
	}
	for range cfg.Workers {
		p.workers.Go(p.record)
	}
	return p, nil
}

// Close ends the workers once they have told the client of all that went by.
// Requests that still run are passed on and not recorded.
func (p *Proxy) Close() {
	p.closing.Lock()
	if !p.closed {
		p.closed = true
		close(p.queue)
	}
	p.closing.Unlock()
	p.workers.Wait()
}

// exchange is one request on its way.
type exchange struct {
	model, version, id string
	start, end         time.Time
	first              time.Time // byte of the answer
	status             int
	failed             string // what the proxy itself met
	request, response  *tap
	requestEncoding    string
	responseEncoding   string
	responseType       string
}

type exchangeKey struct{}

// IDHeader is in an answer whose request had no id: by it a label can be sent.
const IDHeader = "Leeway-Prediction-Id"

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut || r.Header.Get("Upgrade") != "" {
		p.reverse.ServeHTTP(w, r)
		return
	}
	model, version, ok := p.cfg.name(r.URL.Path)
	if !ok {
		p.metrics.dropped.WithLabelValues("path").Inc()
		p.reverse.ServeHTTP(w, r)
		return
	}
	x := &exchange{model: model, version: version, id: requestID(r.Header), start: time.Now(), requestEncoding: r.Header.Get("Content-Encoding")}
	if x.id == "" {
		x.id = rand.Text()
		w.Header().Set(IDHeader, x.id)
	}
	if r.Body != nil && r.Body != http.NoBody {
		x.request = p.tap(r.Body, r.ContentLength)
		r.Body = x.request
	}
	p.reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// requestID is the id that a caller gave.
func requestID(h http.Header) string {
	for _, name := range [...]string{"X-Request-Id", "Ce-Id", IDHeader} {
		if id := h.Get(name); id != "" && len(id) <= 240 {
			return id
		}
	}
	return ""
}

func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	r.SetURL(p.cfg.Target)
	if p.cfg.KeepHost {
		r.Out.Host = r.In.Host
	}
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // another proxy may stand before
	r.SetXForwarded()
}

// watchResponse is called with the head of an answer.
func (p *Proxy) watchResponse(res *http.Response) error {
	p.metrics.requests.WithLabelValues(strconv.Itoa(res.StatusCode/100) + "xx").Inc()
	x, _ := res.Request.Context().Value(exchangeKey{}).(*exchange)
	if x == nil || res.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	x.status, x.responseEncoding, x.responseType = res.StatusCode, res.Header.Get("Content-Encoding"), res.Header.Get("Content-Type")
	x.response = p.tap(res.Body, res.ContentLength)
	x.response.ended = func(whole bool, first time.Time) {
		x.first, x.end = first, time.Now()
		if !whole { // the caller went away, or the server in the middle of its answer
			x.failed = "the answer was cut off"
		}
		p.hand(x)
	}
	res.Body = x.response
	return nil
}

// failed answers for a server that did not.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadGateway
	if errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	if x, _ := r.Context().Value(exchangeKey{}).(*exchange); x != nil {
		x.end, x.status, x.failed = time.Now(), status, "no answer from the model server"
		if r.Context().Err() != nil { // the caller went away first: nobody's fault
			p.drop(x, "cancelled")
		} else {
			p.hand(x)
		}
	}
	p.metrics.requests.WithLabelValues("none").Inc()
	p.cfg.Logger.Warn("the model server did not answer", "path", r.URL.Path, "err", err)
	w.WriteHeader(status)
}

// hand gives an exchange to the workers, if there is room.
func (p *Proxy) hand(x *exchange) {
	p.closing.RLock()
	defer p.closing.RUnlock()
	if p.closed {
		p.drop(x, "closed")
		return
	}
	select {
	case p.queue <- x:
	default:
		p.drop(x, "queue")
	}
}

func (p *Proxy) drop(x *exchange, reason string) {
	p.metrics.dropped.WithLabelValues(reason).Inc()
	p.release(x)
}

func (p *Proxy) release(x *exchange) {
	for _, t := range []*tap{x.request, x.response} {
		if t != nil {
			t.release()
		}
	}
}

// tap is a body that keeps what is read of it, up to a bound: the beginning
// and, of what is longer, the last bytes too.
type tap struct {
	io.ReadCloser
	proxy *Proxy
	ended func(whole bool, first time.Time) // called once, at Close; may be nil

	mu    sync.Mutex // the transport may read a request's body while the answer ends
	kept  []byte
	tail  []byte
	over  bool // there was more than was kept
	whole bool
	first time.Time
	done  bool
}

// tailBytes is what is kept of the end: the last event of a stream says how
// many tokens there were.
const tailBytes = 16 << 10

func (p *Proxy) tap(body io.ReadCloser, size int64) *tap {
	t := &tap{ReadCloser: body, proxy: p}
	if size > 0 && size <= p.cfg.MaxBody && p.reserve(size) {
		t.kept = make([]byte, 0, size)
	}
	return t
}

// reserve takes memory for bodies, if there is any left.
func (p *Proxy) reserve(n int64) bool {
	if p.held.Add(n) > p.cfg.MaxBytes {
		p.held.Add(-n)
		return false
	}
	return true
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.ReadCloser.Read(b)
	t.mu.Lock()
	if n > 0 {
		if t.first.IsZero() {
			t.first = time.Now()
		}
		t.keep(b[:n])
	}
	t.whole = t.whole || err == io.EOF
	t.mu.Unlock()
	return n, err
}

func (t *tap) keep(b []byte) {
	if t.done {
		return
	}
	if !t.over {
		if int64(len(t.kept)+len(b)) <= t.proxy.cfg.MaxBody && t.grow(len(b)) {
			t.kept = append(t.kept, b...)
			return
		}
		t.over = true
	}
	if t.tail == nil {
		if !t.proxy.reserve(2 * tailBytes) {
			return
		}
		t.tail = make([]byte, 0, 2*tailBytes)
	}
	if len(b) > tailBytes {
		b = b[len(b)-tailBytes:]
	}
	if len(t.tail)+len(b) > cap(t.tail) {
		t.tail = t.tail[:copy(t.tail, t.tail[len(t.tail)-tailBytes:])]
	}
	t.tail = append(t.tail, b...)
}

// grow makes room for n more bytes.
func (t *tap) grow(n int) bool {
	if len(t.kept)+n <= cap(t.kept) {
		return true
	}
	size := max(2*cap(t.kept), len(t.kept)+n, 4<<10)
	if !t.proxy.reserve(int64(size - cap(t.kept))) {
		return false
	}
	t.kept = append(make([]byte, 0, size), t.kept...)
	return true
}

func (t *tap) Close() error {
	err := t.ReadCloser.Close()
	t.mu.Lock()
	ended, whole, first := t.ended, t.whole, t.first
	t.ended = nil
	t.mu.Unlock()
	if ended != nil {
		ended(whole, first)
	}
	return err
}

// taken is what was kept. Nothing is kept any more after it.
func (t *tap) taken() (kept, tail []byte, over bool) {
	if t == nil {
		return nil, nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
	return t.kept, t.tail, t.over
}

func (t *tap) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.proxy.held.Add(-int64(cap(t.kept) + cap(t.tail)))
	t.kept, t.tail, t.done = nil, nil, true
}

// buffers are those of copying.
type buffers struct{ pool sync.Pool }

const bufferBytes = 32 << 10

func (b *buffers) Get() []byte {
	if p, _ := b.pool.Get().(*[]byte); p != nil {
		return *p
	}
	return make([]byte, bufferBytes)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
