// Package sample puts metric samples into a batch and takes them out again: the
// meaning of the columns of event.Points in Prometheus's own types.
//
// A label set is bytes: the number of labels, then of each its name and value,
// each with its length before it; all numbers are uvarints, and names ascend. A
// histogram is the protobuf message prometheus.Histogram of remote write 1.0
// with float counts. docs/formats/batch.md says the same. What is read here
// came through the queue, but every length is checked all the same.
package sample

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"

	"github.com/leewayhq/leeway/internal/event"
)

// Builder gathers samples into one batch. The zero value is empty and ready. It
// keeps nothing of what it is given.
type Builder struct {
	batch event.Batch
	codes map[string]int32
	key   []byte
}

// Rows is how many samples were added.
func (b *Builder) Rows() int { return b.batch.Rows }

// Float adds a number.
func (b *Builder) Float(ls labels.Labels, t int64, v float64) { b.add(ls, row{t: t, v: v}) }

// Histogram adds a native histogram.
func (b *Builder) Histogram(ls labels.Labels, t int64, h *histogram.FloatHistogram) error {
	pb := prompb.FromFloatHistogram(0, h)
	encoded, err := pb.Marshal()
	if err != nil {
		return fmt.Errorf("encode a histogram: %w", err)
	}
	b.add(ls, row{t: t, histogram: encoded})
	return nil
}

// Exemplar adds an exemplar of a series.
func (b *Builder) Exemplar(ls labels.Labels, e *exemplar.Exemplar) {
	b.add(ls, row{t: e.Ts, v: e.Value, exemplar: appendLabels(nil, e.Labels)})
}

// row is what stands beside a series.
type row struct {
	t                   int64
	v                   float64
	histogram, exemplar []byte // at most one
}

func (b *Builder) add(ls labels.Labels, r row) {
	b.key = appendLabels(b.key[:0], ls)
	code, ok := b.codes[string(b.key)]
	p := &b.batch.Points
	if !ok {
		if b.codes == nil {
			b.codes = map[string]int32{}
		}
		code = int32(len(p.Series.Values))
		p.Series.Values = append(p.Series.Values, string(b.key))
		b.codes[p.Series.Values[code]] = code
	}
	p.Series.Codes = append(p.Series.Codes, code)
	p.Value.Values = append(p.Value.Values, r.v)
	b.batch.Time = append(b.batch.Time, r.t)
	text(&p.Histogram, b.batch.Rows, r.histogram)
	text(&p.Exemplar, b.batch.Rows, r.exemplar)
	b.batch.Rows++
}

// text adds a row to a column that begins with the first row that has a text.
func text(c *event.Text, row int, data []byte) {
	if len(c.Offsets) == 0 {
		if len(data) == 0 {
			return
		}
		c.Offsets = make([]uint32, row+1, row+64)
	}
	c.Data = append(c.Data, data...)
	c.Offsets = append(c.Offsets, uint32(len(c.Data)))
}

// Batch is what was added. The builder is empty after it.
func (b *Builder) Batch() *event.Batch {
	out := b.batch
	out.Kind = event.Samples
	*b = Builder{key: b.key}
	return &out
}

func appendLabels(to []byte, ls labels.Labels) []byte {
	to = binary.AppendUvarint(to, uint64(ls.Len()))
	ls.Range(func(l labels.Label) {
		to = append(binary.AppendUvarint(to, uint64(len(l.Name))), l.Name...)
		to = append(binary.AppendUvarint(to, uint64(len(l.Value))), l.Value...)
	})
	return to
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", event.ErrMalformed, fmt.Sprintf(format, args...))
}

// Labels reads a label set, which shares no memory with the bytes.
func Labels(encoded string) (labels.Labels, error) {
	var build labels.ScratchBuilder
	r := reader{encoded}
	n, err := r.number()
	if err != nil {
		return labels.EmptyLabels(), err
	}
	last := ""
	for i := range n {
		name, err := r.text()
		if err != nil {
			return labels.EmptyLabels(), err
		}
		value, err := r.text()
		if err != nil {
			return labels.EmptyLabels(), err
		}
		if i > 0 && name <= last {
			return labels.EmptyLabels(), malformed("label %q after %q", name, last)
		}
		build.Add(name, value)
		last = name
	}
	if len(r.left) > 0 {
		return labels.EmptyLabels(), malformed("%d bytes after the labels", len(r.left))
	}
	return build.Labels(), nil
}

// reader takes numbers and texts off a label set.
type reader struct{ left string }

func (r *reader) number() (uint64, error) {
	head := r.left[:min(len(r.left), binary.MaxVarintLen64)]
	v, n := binary.Uvarint(unsafe.Slice(unsafe.StringData(head), len(head)))
	if n <= 0 || v > uint64(len(r.left)) {
		return 0, malformed("a number in a label set of %d bytes", len(r.left))
	}
	r.left = r.left[n:]
	return v, nil
}

func (r *reader) text() (string, error) {
	n, err := r.number()
	if err != nil {
		return "", err
	}
	if n > uint64(len(r.left)) {
		return "", malformed("a label of %d bytes, %d are left", n, len(r.left))
	}
	s := r.left[:n]
	r.left = r.left[n:]
	return s, nil
}

// Histogram reads a native histogram. It may still break Prometheus's rules.
func Histogram(encoded []byte) (*histogram.FloatHistogram, error) {
	var pb prompb.Histogram
	if err := pb.Unmarshal(encoded); err != nil {
		return nil, malformed("histogram: %v", err)
	}
	return pb.ToFloatHistogram(), nil
}
