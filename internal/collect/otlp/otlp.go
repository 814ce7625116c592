// Package otlp receives OpenTelemetry's protocol: logs, metrics and traces, over
// HTTP (POST /v1/logs, /v1/metrics, /v1/traces; protobuf or JSON) and over gRPC.
//
// Log records become log lines. Metric points become samples by Prometheus's own
// rules of translation. Spans that are calls of a model, as the conventions for
// generative AI name them, become rows of that model: latency, errors, tokens,
// time to first token and cost. No span is kept as it came.
//
// A request is taken at once or in part: what breaks a rule is left out, counted
// and told as a partial success; the rest is durable before the answer. A sender
// that repeats a request, because the answer was lost, counts once: rows and
// lines by a batch id made of the body, samples because they are equal, deltas
// because their time has passed.
//
// A body is weighed before it is decoded (weigh.go), for two bytes of it can
// mean two hundred in memory. Handlers start no goroutines; the gRPC server
// starts its own and ends them in Close. The sums of deltas (delta.go) are the
// only state, are bounded, and begin anew with the process, which readers see as
// a counter that was reset.
package otlp

import (
	"context"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/logs"
)

// Receiver takes requests of all three signals. It is safe for use by many
// goroutines.
type Receiver struct {
	cfg     Config
	metrics *metrics
	bodies  *collect.Bodies
	sink    *logs.Sink
	deltas  *deltas
	signals []*signal
	roles   map[string]attribute
}

// New makes the receiver.
func New(cfg Config) (*Receiver, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	sink, err := logs.NewSink(logs.SinkConfig{Source: "otlp", Put: cfg.Put, Now: cfg.Now, Registerer: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	r := &Receiver{
		cfg: cfg, metrics: newMetrics(cfg.Registerer), bodies: collect.NewBodies(cfg.Bodies), sink: sink,
		deltas: newDeltas(&cfg), roles: attributes(cfg.ModelAttributes),
	}
	s := newShapes()
	r.signals = []*signal{
		{name: "logs", path: "/v1/logs", service: "opentelemetry.proto.collector.logs.v1.LogsService", shape: s.logs, take: r.takeLogs, answer: answerLogs},
		{name: "metrics", path: "/v1/metrics", service: "opentelemetry.proto.collector.metrics.v1.MetricsService", shape: s.metrics, take: r.takeMetrics, answer: answerMetrics},
		{name: "traces", path: "/v1/traces", service: "opentelemetry.proto.collector.trace.v1.TraceService", shape: s.traces, take: r.takeTraces, answer: answerTraces},
	}
	return r, nil
}

// signal is one of the three kinds of requests.
type signal struct {
	name    string
	path    string // of HTTP
	service string // of gRPC
	shape   *shape
	take    func(context.Context, *request) (*outcome, error)
	answer  func(rejected int64, why string) answer // of a partial success
}

// format is how a request is written.
type format int

const (
	protobuf format = iota
	asJSON
)

// request is one on its way.
type request struct {
	format format
	data   []byte
	id     xxh3.Uint128 // of the body
}

// batchID names a batch made of the request, so that a repetition of it counts
// once.
func (q *request) batchID() string { return fmt.Sprintf("otlp-%016x%016x", q.id.Hi, q.id.Lo) }

// message is an Export…ServiceRequest of pdata.
type message interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// decode reads the request into m.
func (q *request) decode(m message) (err error) {
	defer func() {
		if p := recover(); p != nil { // generated code; a bug in it must not end the server
			err = badBody("the body cannot be read")
		}
	}()
	if q.format == asJSON {
		err = m.UnmarshalJSON(q.data)
	} else {
		err = m.UnmarshalProto(q.data)
	}
	if err != nil {
		return badBody(fmt.Sprintf("the body cannot be read: %.200s", err))
	}
	return nil
}

func badBody(detail string) error {
	return access.Problem{Status: 400, Code: "bad_body", Title: "The body cannot be read", Detail: detail}
}

// outcome is what became of the records of a request.
type outcome struct {
	taken    int
	rejected int
	first    string // why the first was rejected
	reasons  map[string]int
}

func (o *outcome) reject(reason, detail string, n int) {
	if n <= 0 {
		return
	}
	if o.rejected == 0 {
		o.first = detail
	}
	if o.reasons == nil {
		o.reasons = map[string]int{}
	}
	o.rejected += n
	o.reasons[reason] += n
}

// room is memory that a body may ask for.
type room interface{ Room(size int64) error }

// export takes a request of a signal and gives the answer to a success.
func (r *Receiver) export(ctx context.Context, s *signal, q *request, mem room) ([]byte, error) {
	weight, err := s.shape.weigh(q, r.cfg.Decoded)
	if err != nil {
		return nil, err
	}
	if err := mem.Room(int64(len(q.data)) + weight); err != nil {
		return nil, err
	}
	q.id = xxh3.Hash128(q.data)
	o, err := s.take(ctx, q)
	if err != nil {
		return nil, err
	}
	r.metrics.done(s.name, o)
	return s.encode(o, q.format)
}

// problem is the answer to an error. An answer of 500 would tell senders to
// throw the records away, so a fault of our own is a 503.
func (r *Receiver) problem(err error, s *signal) access.Problem {
	p, known := collect.Problem(err)
	if known {
		return p
	}
	if !errors.Is(err, context.Canceled) {
		r.cfg.Logger.Error("telemetry was not taken", "signal", s.name, "err", err)
	}
	return access.Problem{Status: 503, Code: "internal", Detail: "nothing was taken; the server's log says why", RetryAfter: retryFault}
}

func answerLogs(rejected int64, why string) answer {
	m := plogotlp.NewExportResponse()
	m.PartialSuccess().SetRejectedLogRecords(rejected)
	m.PartialSuccess().SetErrorMessage(why)
	return m
}

func answerMetrics(rejected int64, why string) answer {
	m := pmetricotlp.NewExportResponse()
	m.PartialSuccess().SetRejectedDataPoints(rejected)
	m.PartialSuccess().SetErrorMessage(why)
	return m
}

func answerTraces(rejected int64, why string) answer {
	m := ptraceotlp.NewExportResponse()
	m.PartialSuccess().SetRejectedSpans(rejected)
	m.PartialSuccess().SetErrorMessage(why)
	return m
}

// answer is an Export…ServiceResponse of pdata.
type answer interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

func marshal(m answer, f format) ([]byte, error) {
	if f == asJSON {
		return m.MarshalJSON()
	}
	return m.MarshalProto()
}

// encode is the answer to a success: an empty message, unless something was
// rejected.
func (s *signal) encode(o *outcome, f format) ([]byte, error) {
	switch {
	case o.rejected > 0:
		return marshal(s.answer(int64(o.rejected), o.first), f)
	case f == asJSON:
		return []byte("{}"), nil
	}
	return nil, nil
}
