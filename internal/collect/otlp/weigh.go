package otlp

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// The weights are what decoding makes of things, rounded up.
const (
	messageWeight = 192 // bytes of a message of any kind, with its share of a slice
	numberWeight  = 16  // bytes of a number in a list
	// maxDepth bounds nesting, which decoders follow by recursion. The deepest
	// place without nested attributes is 9.
	maxDepth = 64
)

// shape is which fields of a message are messages, so that a body can be walked
// without being decoded.
type shape struct {
	fields map[protowire.Number]*shape
	packed bool // its other fields of bytes are lists of small numbers
}

type shapes struct{ logs, metrics, traces *shape }

type fields = map[protowire.Number]*shape

// newShapes is opentelemetry/proto as far as messages hold messages.
func newShapes() shapes {
	leaf := &shape{}
	value, pair := &shape{}, &shape{}
	pair.fields = fields{2: value}
	value.fields = fields{5: {fields: fields{1: value}}, 6: {fields: fields{1: pair}}}
	resource := &shape{fields: fields{1: pair, 3: leaf}}
	scope := &shape{fields: fields{3: pair}}
	request := func(record *shape) *shape {
		scoped := &shape{fields: fields{1: scope, 2: record}}
		return &shape{fields: fields{1: {fields: fields{1: resource, 2: scoped, 1000: scoped}}}}
	}
	exemplar := &shape{fields: fields{7: pair}}
	buckets := &shape{packed: true}
	points := func(point fields) *shape { return &shape{fields: fields{1: {fields: point}}} }
	number := points(fields{5: exemplar, 7: pair})
	return shapes{
		logs: request(&shape{fields: fields{5: value, 6: pair}}),
		metrics: request(&shape{fields: fields{
			5: number, 7: number, 12: pair,
			9:  points(fields{8: exemplar, 9: pair}),
			10: points(fields{1: pair, 8: buckets, 9: buckets, 11: exemplar}),
			11: points(fields{6: leaf, 7: pair}),
		}}),
		traces: request(&shape{fields: fields{
			9: pair, 11: {fields: fields{3: pair}}, 13: {fields: fields{4: pair}}, 15: leaf,
		}}),
	}
}

// weigh tells about how many bytes decoding would make of a request.
func (s *shape) weigh(q *request, limit int64) (int64, error) {
	w := scale{limit: limit}
	if q.format == asJSON {
		err := w.json(q.data)
		return w.weight, err
	}
	err := w.message(s, q.data, 0)
	return w.weight, err
}

type scale struct{ weight, limit int64 }

func (w *scale) add(n int64) error {
	if w.weight += n; w.weight > w.limit {
		return &decode.LimitError{What: "bytes once decoded", Limit: w.limit}
	}
	return nil
}

func (w *scale) message(s *shape, b []byte, depth int) error {
	if depth > maxDepth {
		return badBody("the body is nested too deeply")
	}
	if err := w.add(messageWeight); err != nil {
		return err
	}
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badBody("the body is not OTLP in protobuf")
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, kind, b); n < 0 {
				return badBody("the body is not OTLP in protobuf")
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return badBody("the body is not OTLP in protobuf")
		}
		b = b[n:]
		if err := w.field(s, num, v, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *scale) field(s *shape, num protowire.Number, v []byte, depth int) error {
	switch inner := s.fields[num]; {
	case inner != nil:
		return w.message(inner, v, depth+1)
	case s.packed:
		return w.add(numberWeight * int64(len(v)))
	}
	return nil
}

// json weighs without parsing: what opens is a message, what follows a comma a
// number at least.
func (w *scale) json(b []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		var err error
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			err = w.add(messageWeight)
		case c == '}' || c == ']':
			depth--
		case c == ',':
			err = w.add(numberWeight)
		}
		if err != nil {
			return err
		}
		if depth > 2*maxDepth {
			return badBody("the body is nested too deeply")
		}
	}
	return nil
}
