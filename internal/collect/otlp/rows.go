package otlp

import (
	"fmt"
	"math"

	"github.com/zeebo/xxh3"

	"github.com/leewayhq/leeway/internal/event"
)

// batch puts calls of one model in columns.
func (r *Receiver) batch(name string, calls []call, q *request) *event.Batch {
	// The id is of the body and the model: another model's rows of the same body
	// are other rows.
	id := xxh3.HashStringSeed(name, q.id.Lo)
	b := &event.Batch{
		Header: event.Header{Kind: event.Predictions, Model: name, BatchID: fmt.Sprintf("otlp-%016x%016x", q.id.Hi, id)},
		Rows:   len(calls), Time: make([]int64, len(calls)),
	}
	b.Latency.Values = make([]float64, len(calls))
	for i := range calls {
		b.Time[i], b.Latency.Values[i] = calls[i].at, calls[i].latency
		if r.cfg.IDs {
			b.ID.Append(calls[i].id)
		}
	}
	b.Version, _ = texts("", calls, func(c *call) string { return c.version })
	b.Err, _ = texts("", calls, func(c *call) string { return c.failure })
	for _, f := range []struct {
		name string
		of   func(*call) string
	}{
		{"service", func(c *call) string { return c.service }},
		{"system", func(c *call) string { return c.system }},
		{"operation", func(c *call) string { return c.operation }},
	} {
		if d, any := texts(f.name, calls, f.of); any {
			b.Segments = append(b.Segments, d)
		}
	}
	for _, f := range []struct {
		name string
		of   func(*call) float64
	}{
		{"tokens_in", func(c *call) float64 { return c.in }},
		{"tokens_out", func(c *call) float64 { return c.out }},
		{"tokens_cached", func(c *call) float64 { return c.cached }},
		{"time_to_first_token_ms", func(c *call) float64 { return c.first }},
		{"tokens_per_second", func(c *call) float64 { return c.pace }},
		{"cost", func(c *call) float64 { return c.cost }},
	} {
		if n, any := numbers(f.name, calls, f.of); any {
			b.Nums = append(b.Nums, n)
		}
	}
	if d, any := texts("finish_reason", calls, func(c *call) string { return c.finish }); any {
		b.Cats = append(b.Cats, d)
	}
	return b
}

// numbers is a column; any tells whether a row has a value.
func numbers(name string, calls []call, of func(*call) float64) (n event.Num, any bool) {
	n = event.Num{Name: name, Values: make([]float64, len(calls))}
	for i := range calls {
		v := of(&calls[i])
		if math.IsNaN(v) {
			n.SetNull(i)
			continue
		}
		n.Values[i], any = v, true
	}
	return n, any
}

// texts is a column; without a value in any row it has no rows either.
func texts(name string, calls []call, of func(*call) string) (d event.Dict, any bool) {
	d = event.Dict{Name: name, Codes: make([]int32, len(calls))}
	codes := map[string]int32{}
	for i := range calls {
		v := of(&calls[i])
		if v == "" {
			d.Codes[i] = -1
			continue
		}
		code, ok := codes[v]
		if !ok {
			code = int32(len(d.Values))
			codes[v] = code
			d.Values = append(d.Values, v)
		}
		d.Codes[i], any = code, true
	}
	if !any {
		d.Codes = nil
	}
	return d, any
}
