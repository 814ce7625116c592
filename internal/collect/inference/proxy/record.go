package proxy

import (
	"bytes"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/client"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/inference"
)

// record tells the client of what went by, until the queue is closed.
func (p *Proxy) record() {
	var inflater decode.Inflater
	for x := range p.queue {
		p.tell(&inflater, x)
		p.release(x)
		p.metrics.recorded.Inc()
	}
}

// tell makes predictions of an exchange.
func (p *Proxy) tell(f *decode.Inflater, x *exchange) {
	m := p.cfg.Mapping
	e := inference.Exchange{Mapping: &m, Request: p.decode(f, x.request, x.requestEncoding, "")}
	failed := x.failed
	switch response := p.decode(f, x.response, x.responseEncoding, x.responseType); {
	case failed != "":
	case x.status/100 == 2:
		e.Response = response
		if response != nil {
			failed = response.Failed
		}
	default:
		failed = "status " + strconv.Itoa(x.status)
		if response != nil && response.Failed != "" {
			failed += ": " + response.Failed
		}
	}
	p.stream(&e, x)
	e.Resolve()
	if e.Mismatch {
		p.metrics.partial.WithLabelValues("shape").Inc()
	}
	n := max(e.Rows(), 1) // its latency and error count in any case
	var r inference.Row
	for i := range n {
		e.Row(i, &r)
		id := r.ID
		if id == "" {
			if id = x.id; n > 1 {
				id += "-" + strconv.Itoa(i)
			}
		}
		p.predict(x, &r, id, failed)
	}
	p.metrics.rows.Add(float64(n))
}

// predict hands a row to the client.
func (p *Proxy) predict(x *exchange, r *inference.Row, id, failed string) {
	out := client.Prediction{
		Model: x.model, ID: id, Time: x.start, Version: r.Version, Latency: x.end.Sub(x.start), Error: failed,
		Features: make(map[string]any, len(r.Features)), Prediction: value(r.Prediction),
	}
	if out.Version == "" {
		out.Version = x.version
	}
	for _, f := range r.Features {
		out.Features[f.Name] = value(f.Cell)
	}
	if !math.IsNaN(r.Score) {
		out.Score = client.Float(r.Score)
	}
	if len(r.Scores) > 0 {
		out.Scores = make(map[string]float64, len(r.Scores))
		for _, s := range r.Scores {
			out.Scores[s.Name] = s.Cell.Num
		}
	}
	if len(r.Segments) > 0 {
		out.Segments = make(map[string]string, len(r.Segments))
		for _, s := range r.Segments {
			out.Segments[s.Name] = s.Cell.String()
		}
	}
	p.cfg.Client.Predict(out)
}

func value(c inference.Cell) any {
	switch c.Kind {
	case inference.Number:
		return c.Num
	case inference.Text:
		return c.Text
	}
	return nil
}

// decode reads a body that was kept; nil where it cannot be read.
func (p *Proxy) decode(f *decode.Inflater, t *tap, encoding, kind string) *inference.Body {
	body, tail, over := t.taken()
	encoding = strings.ToLower(encoding)
	stream := strings.HasPrefix(kind, "text/event-stream")
	if over && !(stream && encoding == "") {
		p.metrics.partial.WithLabelValues("too_large").Inc()
		return nil
	}
	if encoding != "" && encoding != "identity" {
		var err error
		if body, err = f.Read(nil, bytes.NewReader(body), decode.Body{Encoding: encoding, Limit: p.cfg.MaxBody}); err != nil {
			p.metrics.partial.WithLabelValues("encoding").Inc()
			return nil
		}
	}
	if stream {
		return lastEvent(body, tail)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	b, err := inference.Decode(body, inference.Limits{})
	if err != nil {
		p.metrics.partial.WithLabelValues("payload").Inc()
		return nil
	}
	return b
}

// lastEvent is what a stream of events says at its end: how it ended, and how
// many tokens there were.
func lastEvent(body, tail []byte) *inference.Body {
	var all *inference.Body
	for _, part := range [][]byte{body, tail} {
		for line := range bytes.Lines(part) {
			data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data:"))
			if !ok || !bytes.Contains(data, []byte(`"finish_reason":"`)) && !bytes.Contains(data, []byte(`"usage":{`)) &&
				!bytes.Contains(data, []byte(`"finish_reason": "`)) && !bytes.Contains(data, []byte(`"usage": {`)) {
				continue
			}
			b, err := inference.Decode(data, inference.Limits{})
			if err != nil {
				continue
			}
			if all == nil {
				all = &inference.Body{Rows: 1}
			}
			if b.Version != "" {
				all.Version = b.Version
			}
			all.Facts = append(all.Facts, b.Facts...)
		}
	}
	return all
}

// stream adds when a stream of events began.
func (p *Proxy) stream(e *inference.Exchange, x *exchange) {
	if !strings.HasPrefix(x.responseType, "text/event-stream") || x.status != http.StatusOK || x.first.IsZero() {
		return
	}
	if e.Response == nil {
		e.Response = &inference.Body{Rows: 1}
	}
	e.Response.Facts = append(e.Response.Facts, inference.Field{
		Name: "first_byte_ms", Cell: inference.Cell{Kind: inference.Number, Num: float64(x.first.Sub(x.start)) / float64(time.Millisecond)},
	})
}
