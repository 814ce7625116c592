package inference

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
)

// output makes rows of exchanges and hands them to the door. Rows are written
// as lines of JSON and decoded as if somebody had sent them, so that one set
// of rules holds for both.
type output struct {
	collector *Collector
	models    map[string]*lines
	order     []*lines
}

// lines are the rows of one model.
type lines struct {
	model string
	text  []byte
}

// add takes an exchange; one half may be nil.
func (o *output) add(request, response *Half) {
	h := request
	if h == nil {
		h = response
	}
	m := o.collector.cfg.Models[h.Service]
	name := h.Service
	if m.Model != "" {
		name = m.Model
	}
	x := Exchange{Mapping: &m, Request: o.decode(request), Response: o.decode(response)}
	x.Resolve()
	if x.Mismatch {
		o.leftOut(h, "mismatch", 1)
	}
	if request != nil && response != nil {
		o.collector.metrics.joined.WithLabelValues(o.collector.metrics.model(name)).Inc()
	}
	o.write(name, &x, o.facts(h, request, response, &m))
}

// decode reads a payload, which the handler could read: only a change of the
// limits between can make it fail.
func (o *output) decode(h *Half) *Body {
	if h == nil {
		return nil
	}
	b, err := Decode(h.payload, o.collector.cfg.Limits)
	if err != nil && h.Failed == "" {
		o.leftOut(h, "payload", 1)
		return nil
	}
	if h.Failed != "" { // its payload is an error in whatever form, and no prediction
		failed := h.Failed
		if err == nil && b.Failed != "" {
			failed += ": " + b.Failed
		}
		return &Body{Failed: failed}
	}
	if b.Wide > 0 {
		o.leftOut(h, "wide", b.Wide)
	}
	return b
}

func (o *output) leftOut(h *Half, reason string, n int) {
	m := o.collector.metrics
	m.left.WithLabelValues(m.model(h.Service), reason).Add(float64(n))
}

// facts are what all rows of an exchange share.
type facts struct {
	id, version string
	time        int64
	latency     float64 // ms; NaN is not known
}

func (o *output) facts(h, request, response *Half, m *Mapping) facts {
	f := facts{id: h.ID, time: h.arrived, latency: math.NaN()}
	if request != nil && response != nil && request.Time != 0 && response.Time >= request.Time {
		f.latency = float64(response.Time - request.Time)
	}
	for _, half := range []*Half{response, request} {
		if half == nil {
			continue
		}
		if f.version == "" {
			if f.version = half.annotated(m); f.version == "" {
				f.version = half.Version
			}
		}
	}
	if t := h.Time; t != 0 {
		if t > h.arrived+o.collector.cfg.FutureLimit.Milliseconds() || t < h.arrived-pastLimit.Milliseconds() {
			o.leftOut(h, "clock", 1) // the two times still tell the latency
		} else {
			f.time = t
		}
	}
	return f
}

// maxText ends the lines of a model before the decoder's limits do.
const maxText = 4 << 20

func (o *output) write(name string, x *Exchange, f facts) {
	var l *lines
	var r Row
	n := x.Rows()
	for i := range n {
		if l == nil || len(l.text) > maxText {
			l = o.lines(name)
		}
		x.Row(i, &r)
		if r.ID == "" {
			if r.ID = f.id; n > 1 {
				r.ID += "-" + strconv.Itoa(i)
			}
		}
		if r.Version == "" {
			r.Version = f.version
		}
		failed := ""
		if x.Response != nil {
			failed = x.Response.Failed
		}
		l.text = append(appendRow(l.text, &r, f, failed), '\n')
	}
}

// lines are those of a model that take another row.
func (o *output) lines(name string) *lines {
	l := o.models[name]
	if l == nil || len(l.text) > maxText {
		if o.models == nil {
			o.models = map[string]*lines{}
		}
		l = &lines{model: name}
		o.models[name] = l
		o.order = append(o.order, l)
	}
	return l
}

// appendRow writes a row as docs/formats/ingest.md says.
func appendRow(dst []byte, r *Row, f facts, failed string) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendText(dst, r.ID)
	dst = strconv.AppendInt(append(dst, `,"time":`...), f.time, 10)
	if r.Version != "" {
		dst = appendText(append(dst, `,"version":`...), r.Version)
	}
	if !math.IsNaN(f.latency) {
		dst = strconv.AppendFloat(append(dst, `,"latency_ms":`...), f.latency, 'g', -1, 64)
	}
	if failed != "" {
		dst = appendText(append(dst, `,"error":`...), failed)
	}
	if r.Prediction.Kind != Missing {
		dst = appendCell(append(dst, `,"prediction":`...), r.Prediction)
	}
	switch {
	case !math.IsNaN(r.Score):
		dst = strconv.AppendFloat(append(dst, `,"score":`...), r.Score, 'g', -1, 64)
	case len(r.Scores) > 0:
		dst = appendFields(append(dst, `,"score":`...), r.Scores)
	}
	if len(r.Segments) > 0 {
		dst = append(dst, `,"segments":{`...)
		for i, s := range r.Segments {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, s.Name), ':')
			dst = appendText(dst, s.Cell.String())
		}
		dst = append(dst, '}')
	}
	if len(r.Features) > 0 {
		dst = appendFields(append(dst, `,"features":`...), r.Features)
	}
	return append(dst, '}')
}

// appendFields writes an object; the names are distinct.
func appendFields(dst []byte, fields []Field) []byte {
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, fields[i].Name), ':')
		dst = appendCell(dst, fields[i].Cell)
	}
	return append(dst, '}')
}

func appendCell(dst []byte, c Cell) []byte {
	switch c.Kind {
	case Number:
		return strconv.AppendFloat(dst, c.Num, 'g', -1, 64)
	case Text:
		return appendText(dst, c.Text)
	}
	return append(dst, "null"...)
}

func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x80 || c == '"' || c == '\\' {
			text, err := json.Marshal(s)
			if err != nil { // not with a string
				text = []byte(`""`)
			}
			return append(dst, text...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// flush hands everything to the door; false when the context ended before.
func (o *output) flush(ctx context.Context) bool {
	for _, l := range o.order {
		if !o.put(ctx, l) {
			return false
		}
	}
	clear(o.models)
	o.order = nil
	return true
}

// put tries until the door has taken the rows or says that it never will: they
// were acknowledged, so they are not given up.
func (o *output) put(ctx context.Context, l *lines) bool {
	c := o.collector
	for pause := tick; ; pause = min(2*pause, 10*time.Second) {
		n, err := o.try(ctx, l)
		label := c.metrics.model(l.model)
		switch {
		case err == nil:
			c.metrics.rows.WithLabelValues(label, "accepted").Add(float64(n))
			return true
		case errors.Is(err, decode.ErrTooLarge), errors.Is(err, model.ErrLimit), isSyntax(err):
			c.metrics.rows.WithLabelValues(label, "refused").Add(float64(max(n, 1)))
			c.cfg.Logger.Error("predictions of an inference logger were refused", "model", l.model, "err", err)
			return true
		case ctx.Err() != nil:
			return false
		}
		c.cfg.Logger.Warn("predictions of an inference logger wait", "model", l.model, "err", err)
		var retry *decode.RetryError
		if errors.As(err, &retry) {
			pause = max(pause, min(retry.After, 10*time.Second))
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

func isSyntax(err error) bool {
	var syntax *decode.SyntaxError
	return errors.As(err, &syntax)
}

// try decodes the rows anew each time: the door changes the batch it is given.
func (o *output) try(ctx context.Context, l *lines) (rows int, err error) {
	c := o.collector
	res, err := decode.NDJSON(l.text, &decode.Options{
		Kind: event.Predictions, Model: l.model, Limits: c.cfg.Rows, Now: c.cfg.Now().UnixMilli(),
		FutureLimit: 365 * 24 * time.Hour, // times were checked against the arrival
	})
	if err != nil {
		return 0, err
	}
	if err := c.cfg.Put(ctx, res.Batch); err != nil {
		return res.Accepted, err
	}
	if res.RejectedCount > 0 {
		c.metrics.rows.WithLabelValues(c.metrics.model(l.model), "rejected").Add(float64(res.RejectedCount))
		c.cfg.Logger.Warn("rows of an inference logger were rejected", "model", l.model, "rows", res.RejectedCount, "first", res.Rejected[0])
	}
	return res.Accepted, nil
}
