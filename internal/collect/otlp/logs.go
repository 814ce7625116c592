package otlp

import (
	"context"
	"encoding/json"
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/leewayhq/leeway/internal/collect/logs"
)

// takeLogs makes a line of each record. Nothing of them is rejected: what is
// over a limit is cut, and a time that cannot be is replaced, both counted by
// the sink.
func (r *Receiver) takeLogs(ctx context.Context, q *request) (*outcome, error) {
	m := plogotlp.NewExportRequest()
	if err := q.decode(m); err != nil {
		return nil, err
	}
	lines := make([]logs.Line, 0, m.Logs().LogRecordCount())
	for _, rl := range m.Logs().ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				lines = append(lines, lineOf(rl.Resource(), sl.Scope(), record))
			}
		}
	}
	if err := r.sink.Put(ctx, lines, q.batchID()); err != nil {
		return nil, err
	}
	return &outcome{taken: len(lines)}, nil
}

func lineOf(res pcommon.Resource, scope pcommon.InstrumentationScope, record plog.LogRecord) logs.Line {
	l := logs.Line{Time: millis(record.Timestamp()), Level: level(record), Message: text(record.Body())}
	if l.Time == 0 {
		l.Time = millis(record.ObservedTimestamp())
	}
	for k, v := range record.Attributes().All() {
		if k == "gen_ai.request.model" || k == "model" && v.Type() == pcommon.ValueTypeStr {
			l.Model = v.AsString()
		}
		setField(&l, k, v)
	}
	if name := record.EventName(); name != "" {
		l.Set("event.name", name)
	}
	if id := record.TraceID(); !id.IsEmpty() {
		l.Set("trace_id", id.String())
	}
	if id := record.SpanID(); !id.IsEmpty() {
		l.Set("span_id", id.String())
	}
	for k, v := range res.Attributes().All() {
		if k == serviceName {
			l.Service = text(v)
			continue
		}
		setField(&l, k, v)
	}
	if scope.Name() != "" {
		l.Set("otel.scope.name", scope.Name())
	}
	return l
}

const serviceName = "service.name"

// millis is a time of OTLP, ns, as ours.
func millis(t pcommon.Timestamp) int64 { return int64(t / 1e6) }

// level is the record's, by its number, in which each level has four.
func level(record plog.LogRecord) string {
	n := int(record.SeverityNumber())
	if n < 1 || n > 24 {
		return record.SeverityText()
	}
	return [...]string{"trace", "debug", "info", "warning", "error", "fatal"}[(n-1)/4]
}

// text is a value as people read it: lists and maps as JSON.
func text(v pcommon.Value) string { return v.AsString() }

func setField(l *logs.Line, name string, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeEmpty:
	case pcommon.ValueTypeBool:
		l.SetRaw(name, strconv.FormatBool(v.Bool()))
	case pcommon.ValueTypeInt:
		l.SetRaw(name, strconv.FormatInt(v.Int(), 10))
	case pcommon.ValueTypeDouble:
		if f := v.Double(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			l.SetRaw(name, strconv.FormatFloat(f, 'g', -1, 64))
			return
		}
		l.Set(name, text(v))
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		if s := text(v); json.Valid([]byte(s)) {
			l.SetRaw(name, s)
		}
	default:
		l.Set(name, text(v))
	}
}
