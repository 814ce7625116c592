// Package client sends predictions, labels and log lines from a model service
// to Leeway.
//
//	c := client.New("http://127.0.0.1:7420", client.Options{})
//	defer c.Close(context.Background())
//	c.Predict(client.Prediction{
//		Model: "credit-risk", ID: "req-17", Version: "v2",
//		Features:   map[string]any{"age": 41, "country": "DE", "income": nil},
//		Prediction: "default", Score: client.Float(0.83),
//		Latency:    12 * time.Millisecond,
//	})
//	c.Label(client.Label{Model: "credit-risk", ID: "req-17", Label: "repaid"}) // hours later
//
// # Promises
//
// Predict, Label and Log never block on the network, never panic and never
// return an error: a service must not fail because its watcher is away. They
// copy what they keep, so the caller may reuse its maps at once. What is in
// memory is bounded; when there is no room a row is dropped and counted in
// Stats. A batch is sent until the server has answered for it, with one id in
// every try, so that a retry counts once. Rows that are still in memory when
// the process dies are lost: the server promises nothing before its answer.
// With Options.Spool a finished batch is on the disk, synced, before it is
// sent; what a dead process left there is sent by the next one that starts.
//
// Middleware records the requests of an http.Handler; the package grpcleeway,
// those of a gRPC server.
//
// A Client is safe for use by many goroutines. It owns one goroutine, which
// ends in Close. It needs nothing but the standard library.
package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a client. Zero values mean the defaults.
type Options struct {
	// Token has the role ingest, where the server asks for one.
	Token string
	// BatchSize is how many rows of one model are sent together at most: 1,000.
	BatchSize int
	// FlushInterval is how long a row waits for others: 1 s.
	FlushInterval time.Duration
	// MaxRows and MaxBytes bound what waits in memory: 100,000 rows, 64 MiB.
	MaxRows  int
	MaxBytes int
	// Timeout bounds one request: 15 s.
	Timeout time.Duration
	// RetryMin and RetryMax bound the pause after a failed try: 250 ms, 30 s. A
	// pause that the server asked for is kept.
	RetryMin, RetryMax time.Duration
	// Spool is a folder, of one server only, that several processes may share;
	// SpoolBytes bounds what each of them keeps there: 1 GiB. Where there is no
	// flock, as on Windows, rows stay in memory.
	Spool      string
	SpoolBytes int64
	// HTTPClient sends the requests; nil is a client of its own.
	HTTPClient *http.Client
	// Logger is told what went wrong; nil is silence.
	Logger *slog.Logger
}

func (o *Options) setDefaults() {
	orDefault(&o.BatchSize, 1000)
	orDefault(&o.FlushInterval, time.Second)
	orDefault(&o.MaxRows, 100_000)
	orDefault(&o.MaxBytes, 64<<20)
	orDefault(&o.SpoolBytes, 1<<30)
	orDefault(&o.Timeout, 15*time.Second)
	orDefault(&o.RetryMin, 250*time.Millisecond)
	orDefault(&o.RetryMax, 30*time.Second)
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func orDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Client sends rows in the background.
type Client struct {
	opts   Options
	server string
	prefix string // of batch ids
	stats  counters

	mu     sync.Mutex
	open   map[string]*batch // by path: the batch that takes rows
	full   []*batch          // to be sent, oldest first
	stored int               // how many of full have been offered to the spool
	rows   int               // in memory: in open, full and under way
	bytes  int
	onDisk int // rows of full that are in the spool
	number uint64
	closed bool

	spool    *spool        // of the goroutine; nil without one
	wake     chan struct{} // something is full, or somebody flushes
	flushes  chan chan struct{}
	stop     context.CancelFunc
	finished chan struct{}
}

// batch is rows for one path, as lines of JSON.
type batch struct {
	path string
	id   string
	kind string // content type
	rows int
	body []byte // nil if only the spool has it
	file string // in the spool
	// unread says that the file could not be read; a person may still want it.
	unread bool
}

const ndjson = "application/x-ndjson"

// maxBatchBytes ends a batch before BatchSize does, where rows are wide.
const maxBatchBytes = 1 << 20

type counters struct{ sent, rejected, dropped, failed, retries atomic.Int64 }

// Stats counts rows since New, and tries.
type Stats struct {
	Sent     int64 // rows that the server took
	Rejected int64 // rows that the server would not take, by itself or with their batch
	Dropped  int64 // rows that had no room, or came after Close, or could not be written
	Failed   int64 // rows that were given up at the end of Close
	Waiting  int64 // rows in memory or in the spool
	Spooled  int64 // of those, rows in the spool
	Retries  int64 // requests that were repeated
}

// New starts a client of the server at this address, such as
// http://127.0.0.1:7420. It does not connect yet.
func New(server string, opts Options) *Client {
	opts.setDefaults()
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		opts: opts, server: strings.TrimRight(server, "/"), prefix: "go-" + hex.EncodeToString(random) + "-",
		open: map[string]*batch{}, wake: make(chan struct{}, 1), flushes: make(chan chan struct{}),
		stop: stop, finished: make(chan struct{}),
	}
	go c.run(ctx)
	return c
}

// Predict takes a prediction.
func (c *Client) Predict(p Prediction) {
	c.put(modelPath(p.Model, "predictions"), func(dst []byte) ([]byte, error) { return p.appendTo(dst) })
}

// Label takes what turned out to be true.
func (c *Client) Label(l Label) {
	c.put(modelPath(l.Model, "labels"), func(dst []byte) ([]byte, error) { return l.appendTo(dst) })
}

// Log takes a log line.
func (c *Client) Log(l LogLine) {
	c.put("/api/v1/logs", func(dst []byte) ([]byte, error) { return l.appendTo(dst) })
}

func modelPath(model, kind string) string {
	return "/api/v1/models/" + url.PathEscape(model) + "/" + kind
}

// put writes a row into the open batch of its path.
func (c *Client) put(path string, write func([]byte) ([]byte, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.rows >= c.opts.MaxRows || c.bytes >= c.opts.MaxBytes {
		c.stats.dropped.Add(1)
		return
	}
	b := c.open[path]
	if b == nil {
		c.number++
		b = &batch{path: path, kind: ndjson, id: c.prefix + strconv.FormatUint(c.number, 10)}
		c.open[path] = b
	}
	before := len(b.body)
	body, err := write(b.body)
	if err != nil {
		b.body = b.body[:before]
		c.stats.dropped.Add(1)
		c.opts.Logger.Warn("a row cannot be written as JSON", "path", path, "err", err)
		return
	}
	b.body = append(body, '\n')
	b.rows++
	c.rows++
	c.bytes += len(b.body) - before
	if b.rows >= c.opts.BatchSize || len(b.body) >= maxBatchBytes {
		c.seal(b)
		c.signal()
	}
}

// seal ends a batch; mu is held.
func (c *Client) seal(b *batch) {
	delete(c.open, b.path)
	if b.rows > 0 {
		c.full = append(c.full, b)
	}
}

func (c *Client) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Stats are the counts so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	waiting, spooled := c.rows+c.onDisk, c.onDisk
	c.mu.Unlock()
	s := &c.stats
	return Stats{
		Sent: s.sent.Load(), Rejected: s.rejected.Load(), Dropped: s.dropped.Load(),
		Failed: s.failed.Load(), Waiting: int64(waiting), Spooled: int64(spooled), Retries: s.retries.Load(),
	}
}

// Flush returns once every row taken before it has the server's answer, or the
// context ends.
func (c *Client) Flush(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case c.flushes <- done:
	case <-c.finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-c.finished:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close flushes and ends the client; later rows are dropped. When the context
// ends first, what is left in memory is given up, counted as Failed, and the
// context's error returned; what is in the spool stays there. It may be called
// again.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	err := c.Flush(ctx)
	c.stop()
	<-c.finished
	return err
}
