package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/leewayhq/leeway/internal/model"
)

// call is one row: a call of a model, or of a service.
type call struct {
	model, version             string
	service, system, operation string
	finish, failure            string
	id                         string
	at                         int64   // unix ms, of the end
	latency                    float64 // ms
	// What is not known is NaN.
	in, cached, out  float64 // tokens
	first, pace      float64 // ms to the first token; tokens a second after it
	cost             float64
	spanID, parentID pcommon.SpanID
}

// role is what an attribute of a span says.
type role int

const (
	asModel role = 1 + iota
	asVersion
	asSystem
	asOperation
	asInput
	asCached
	asOutput
	asFirst
	asCost
	asFinish
	asFailure
)

// attribute is the meaning of one. Of several with a role the lowest rank
// counts.
type attribute struct {
	role  role
	rank  int
	scale float64 // to our unit
}

// attributes is the table of those that are read, with those that site names
// for models first: the conventions of today, those of before, and those of
// instrumentations that keep their own.
func attributes(models []string) map[string]attribute {
	out := map[string]attribute{}
	list := func(r role, scale float64, names ...string) {
		for i, name := range names {
			if _, twice := out[name]; !twice {
				out[name] = attribute{role: r, rank: len(out) + i, scale: scale}
			}
		}
	}
	list(asModel, 1, models...)
	list(asModel, 1, "gen_ai.request.model", "llm.request.model", "llm.model_name")
	list(asVersion, 1, "gen_ai.response.model", "llm.response.model")
	list(asSystem, 1, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
	list(asOperation, 1, "gen_ai.operation.name", "llm.request.type")
	list(asInput, 1, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt")
	list(asCached, 1, "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "llm.token_count.prompt_details.cache_read")
	list(asOutput, 1, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens", "llm.token_count.completion")
	list(asFirst, 1000, "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.latency.time_to_first_token")
	list(asFirst, 1, "ai.response.msToFirstChunk")
	list(asCost, 1, "gen_ai.usage.cost")
	list(asFinish, 1, "gen_ai.response.finish_reasons", "gen_ai.response.finish_reason")
	list(asFailure, 1, "error.type")
	return out
}

// notCalls are operations that have a model's name and are no call of it, but
// hold some, which count themselves.
var notCalls = []string{"invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "retrieval", "plan"}

func (r *Receiver) takeTraces(ctx context.Context, q *request) (*outcome, error) {
	m := ptraceotlp.NewExportRequest()
	if err := q.decode(m); err != nil {
		return nil, err
	}
	o := &outcome{}
	rows := map[string][]call{}
	for _, rs := range m.Traces().ResourceSpans().All() {
		for _, c := range r.calls(rs, o) {
			if _, known := rows[c.model]; !known && len(rows) == r.cfg.Models {
				o.reject("model_limit", fmt.Sprintf("more than %d models in one request", r.cfg.Models), 1)
				continue
			}
			rows[c.model] = append(rows[c.model], c)
		}
	}
	for name, calls := range rows {
		err := r.cfg.Put(ctx, r.batch(name, calls, q))
		switch {
		case errors.Is(err, model.ErrLimit): // the others are welcome
			o.reject("model_limit", err.Error(), len(calls))
		case err != nil:
			return nil, err
		default:
			o.taken += len(calls)
		}
	}
	return o, nil
}

// calls are the rows that a resource's spans are.
func (r *Receiver) calls(rs ptrace.ResourceSpans, o *outcome) []call {
	now := r.cfg.Now()
	service := ""
	if v, ok := rs.Resource().Attributes().Get(serviceName); ok {
		service = label(v.AsString())
	}
	var out []call
	for _, ss := range rs.ScopeSpans().All() {
		for _, span := range ss.Spans().All() {
			c, as := r.call(service, span)
			if as == "ignored" {
				r.metrics.spans.WithLabelValues(as).Inc()
				continue
			}
			if reason, detail := r.impossible(span, now); reason != "" {
				o.reject(reason, detail, 1)
				continue
			}
			r.metrics.spans.WithLabelValues(as).Inc()
			out = append(out, c)
		}
	}
	return r.outer(out)
}

// outer leaves out what lies directly in another call of the same model: an
// instrumented library inside an instrumented framework tells of one call twice.
func (r *Receiver) outer(calls []call) []call {
	type key struct {
		span  pcommon.SpanID
		model string
	}
	known := make(map[key]bool, len(calls))
	for i := range calls {
		known[key{calls[i].spanID, calls[i].model}] = true
	}
	return slices.DeleteFunc(calls, func(c call) bool {
		inside := c.spanID != c.parentID && known[key{c.parentID, c.model}]
		if inside {
			r.metrics.spans.WithLabelValues("nested").Inc()
		}
		return inside
	})
}

// impossible tells why a span's times cannot be.
func (r *Receiver) impossible(span ptrace.Span, now time.Time) (reason, detail string) {
	end := span.EndTimestamp().AsTime()
	switch {
	case span.EndTimestamp() < span.StartTimestamp():
		return "negative_time", "a span ends before it starts"
	case span.EndTimestamp() > math.MaxInt64 || end.After(now.Add(r.cfg.Future)):
		return "future", fmt.Sprintf("a span ends more than %s ahead of the server's clock", r.cfg.Future)
	case end.Before(now.Add(-r.cfg.Past)):
		return "too_old", fmt.Sprintf("a span ended more than %.0f days ago", r.cfg.Past.Hours()/24)
	}
	return "", ""
}

// call reads a span, and says what it counts as.
func (r *Receiver) call(service string, span ptrace.Span) (call, string) {
	c := call{
		service: service, at: millis(span.EndTimestamp()), latency: float64(span.EndTimestamp()-span.StartTimestamp()) / 1e6,
		spanID: span.SpanID(), parentID: span.ParentSpanID(),
	}
	for _, n := range []*float64{&c.in, &c.cached, &c.out, &c.first, &c.pace, &c.cost} {
		*n = math.NaN()
	}
	r.read(&c, span)
	c.model = modelName(cmp.Or(c.model, c.version))
	as := "model"
	if c.model == "" || slices.Contains(notCalls, c.operation) {
		entry := span.Kind() == ptrace.SpanKindServer || span.Kind() == ptrace.SpanKindConsumer
		if c.model = modelName(service); !r.cfg.Services || !entry || c.model == "" {
			return c, "ignored"
		}
		as, c.version, c.operation = "service", "", label(span.Name())
	}
	if span.Status().Code() == ptrace.StatusCodeError {
		c.failure = cmp.Or(c.failure, "error")
	}
	if r.cfg.IDs && !c.spanID.IsEmpty() {
		c.id = span.TraceID().String() + "-" + c.spanID.String()
	}
	if as == "model" {
		r.derive(&c, span)
	}
	return c, as
}

// read takes what the attributes say.
func (r *Receiver) read(c *call, span ptrace.Span) {
	var best [asFailure + 1]int
	for name, v := range span.Attributes().All() {
		a, known := r.roles[name]
		if !known || best[a.role] != 0 && best[a.role] <= a.rank+1 {
			continue
		}
		if c.set(a, v) {
			best[a.role] = a.rank + 1
		}
	}
}

func (c *call) set(a attribute, v pcommon.Value) bool {
	texts := map[role]*string{asModel: &c.model, asVersion: &c.version, asSystem: &c.system, asOperation: &c.operation, asFinish: &c.finish, asFailure: &c.failure}
	if to, ok := texts[a.role]; ok {
		if v.Type() == pcommon.ValueTypeSlice { // of which the first counts: an answer's of several
			if v.Slice().Len() == 0 {
				return false
			}
			v = v.Slice().At(0)
		}
		*to = label(v.AsString())
		return *to != ""
	}
	numbers := map[role]*float64{asInput: &c.in, asCached: &c.cached, asOutput: &c.out, asFirst: &c.first, asCost: &c.cost}
	n := math.NaN()
	switch v.Type() {
	case pcommon.ValueTypeInt:
		n = float64(v.Int())
	case pcommon.ValueTypeDouble:
		n = v.Double()
	}
	if !(n >= 0) || math.IsInf(n, 1) {
		return false
	}
	*numbers[a.role] = n * a.scale
	return true
}

// firstTokens are events of spans that mark the first part of an answer.
var firstTokens = []string{"llm.content.completion.chunk", "gen_ai.first_token", "first_token", "First Token Stream Event"}

// derive computes what follows from the rest.
func (r *Receiver) derive(c *call, span ptrace.Span) {
	if math.IsNaN(c.first) {
		for _, e := range span.Events().All() {
			if e.Timestamp() >= span.StartTimestamp() && slices.Contains(firstTokens, e.Name()) {
				c.first = float64(e.Timestamp()-span.StartTimestamp()) / 1e6
				break
			}
		}
	}
	writing := c.latency // ms in which the tokens came
	if c.first < c.latency {
		writing -= c.first
	}
	if c.out > 0 && writing > 0 {
		c.pace = c.out / writing * 1000
	}
	if math.IsNaN(c.cost) && !(math.IsNaN(c.in) && math.IsNaN(c.out)) {
		if p, ok := r.price(c); ok {
			cached := min(known(c.cached), known(c.in))
			c.cost = ((known(c.in)-cached)*p.Input + cached*p.cached() + known(c.out)*p.Output) / 1e6
		}
	}
}

func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// price is that of the version, or else of the model: the longest name with
// which it begins.
func (r *Receiver) price(c *call) (best Price, ok bool) {
	for _, name := range []string{c.version, c.model} {
		length := 0
		for prefix, p := range r.cfg.Prices {
			if len(prefix) > length && (strings.HasPrefix(name, prefix) || strings.HasPrefix(modelName(name), modelName(prefix))) {
				best, length = p, len(prefix)
			}
		}
		if length > 0 {
			return best, true
		}
	}
	return best, false
}

const maxLabel = 256 // bytes of a text that rows are cut by

// label is a text as it is kept in a row.
func label(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd"))
	if len(s) > maxLabel {
		s = strings.ToValidUTF8(s[:maxLabel], "")
	}
	return s
}

// modelName is a name as a path can have it: of "meta-llama/Llama-3.1:8b" it is
// "meta-llama-Llama-3.1-8b".
func modelName(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	s = strings.Map(func(c rune) rune {
		if c < 0x80 && (c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return c
		}
		return '-'
	}, s)
	if strings.Trim(s, ".-") == "" {
		return ""
	}
	return s
}
