package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leewayhq/leeway/internal/event"
)

// batchRows is the size of the batches that the goals are stated for.
const batchRows = 10_000

// idBytes is the length of an id.
const idBytes = 16

// shape says what rows look like.
type shape struct {
	rows       int
	nums, cats int
	segments   int // fields
	values     int // of each segment field
}

// twenty is the 20 features of the goals.
func twenty(rows int) shape { return shape{rows: rows, nums: 16, cats: 4} }

var drawers = []func(*rand.Rand) float64{
	func(r *rand.Rand) float64 { return r.NormFloat64() },
	func(r *rand.Rand) float64 { return 1000 + r.NormFloat64() },
	func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) },
	func(r *rand.Rand) float64 { return float64(r.IntN(1000)) },
}

var centres = []float64{0, 1000, 1, 500}

// template is predictions of a binary model with a score; its ids are set by
// renamed.
func template(s shape, seed uint64) *event.Batch {
	r := rand.New(rand.NewPCG(seed, 7))
	b := &event.Batch{Header: event.Header{Kind: event.Predictions, Task: event.Binary, Model: "m", Positive: "1"}, Rows: s.rows}
	b.Time = make([]int64, s.rows)
	b.Pred = event.Dict{Codes: make([]int32, s.rows), Values: []string{"0", "1"}}
	b.Score = event.Num{Values: make([]float64, s.rows)}
	for i := range s.rows {
		b.Score.Values[i] = 1 / (1 + math.Exp(-2*r.NormFloat64()))
		b.Pred.Codes[i] = int32(math.Round(b.Score.Values[i]))
	}
	for i := range s.nums {
		n := event.Num{Name: fmt.Sprintf("feature_%02d", i), Epoch: 1, Centre: centres[i%4], Values: make([]float64, s.rows)}
		for j := range n.Values {
			n.Values[j] = drawers[i%4](r)
		}
		b.Nums = append(b.Nums, n)
	}
	for i := range s.cats {
		b.Cats = append(b.Cats, category(r, fmt.Sprintf("category_%d", i), "value ", shape{rows: s.rows, values: 20}))
	}
	for i := range s.segments {
		b.Segments = append(b.Segments, category(r, fmt.Sprintf("segment_%d", i), "s", s))
	}
	return b
}

func category(r *rand.Rand, name, prefix string, s shape) event.Dict {
	d := event.Dict{Name: name, Codes: make([]int32, s.rows)}
	for v := range s.values {
		d.Values = append(d.Values, prefix+strconv.Itoa(v))
	}
	for i := range d.Codes {
		d.Codes[i] = int32(min(r.ExpFloat64()*4, float64(s.values-1)))
	}
	return d
}

// renamed is a batch of its own that shares the columns of t; its ids begin at
// first and its rows have the given time. The door may complete it.
func renamed(t *event.Batch, first int, ms int64) *event.Batch {
	b := *t
	b.Nums, b.Cats, b.Segments = slices.Clone(t.Nums), slices.Clone(t.Cats), slices.Clone(t.Segments)
	b.ID = ids(first, t.Rows)
	b.Time = make([]int64, t.Rows)
	for i := range b.Time {
		b.Time[i] = ms
	}
	return &b
}

func ids(first, n int) event.Text {
	t := event.Text{Offsets: make([]uint32, n+1), Data: make([]byte, 0, idBytes*n)}
	for i := range n {
		t.Data = appendID(t.Data, first+i)
		t.Offsets[i+1] = uint32(len(t.Data))
	}
	return t
}

const hexDigits = "0123456789abcdef"

// appendID writes ids that look random but are of one number each.
func appendID(dst []byte, k int) []byte {
	x := uint64(k)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	for range idBytes {
		dst = append(dst, hexDigits[x>>60])
		x <<= 4
	}
	return dst
}

// labelsOf is labels of n ids from first on.
func labelsOf(first, n int, ms int64) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: event.Labels, Task: event.Binary, Model: "m", Positive: "1"}, Rows: n}
	b.ID, b.Time = ids(first, n), make([]int64, n)
	b.Label = event.Dict{Codes: make([]int32, n), Values: []string{"0", "1"}}
	for i := range n {
		b.Time[i] = ms
		b.Label.Codes[i] = int32((first + i) >> 3 & 1)
	}
	return b
}

// rowBytes is what one row weighs, for the memcpy floor.
func rowBytes(b *event.Batch) int { return len(b.AppendTo(nil)) / b.Rows }

// arrowBody is the batch as a client sends it.
func arrowBody(b *event.Batch) ([]byte, error) {
	str, f64 := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64
	coded := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: str}
	fields := []arrow.Field{
		{Name: "id", Type: str}, {Name: "time", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}},
		{Name: "prediction", Type: arrow.PrimitiveTypes.Int8}, {Name: "score", Type: f64},
	}
	for i := range b.Nums {
		fields = append(fields, arrow.Field{Name: b.Nums[i].Name, Type: f64})
	}
	for i := range b.Cats {
		fields = append(fields, arrow.Field{Name: b.Cats[i].Name, Type: coded})
	}
	build := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(fields, nil))
	for i := range b.Rows {
		build.Field(0).(*array.StringBuilder).Append(string(b.ID.At(i)))
		build.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(b.Time[i]))
		build.Field(2).(*array.Int8Builder).Append(int8(b.Pred.Codes[i]))
	}
	build.Field(3).(*array.Float64Builder).AppendValues(b.Score.Values, nil)
	for i := range b.Nums {
		build.Field(4+i).(*array.Float64Builder).AppendValues(b.Nums[i].Values, nil)
	}
	for i := range b.Cats {
		to := build.Field(4 + len(b.Nums) + i).(*array.BinaryDictionaryBuilder)
		for row := range b.Rows {
			v, _ := b.Cats[i].At(row)
			if err := to.AppendString(v); err != nil {
				return nil, err
			}
		}
	}
	rec := build.NewRecordBatch()
	defer rec.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(rec.Schema()))
	if err := w.Write(rec); err != nil {
		return nil, err
	}
	return out.Bytes(), w.Close()
}

// jsonLines is the batch as NDJSON: some 525 bytes a row with 6 digits.
func jsonLines(b *event.Batch, digits int) []byte {
	var out []byte
	for i := range b.Rows {
		out = append(jsonRow(out, b, i, digits), '\n')
	}
	return out
}

func jsonRow(out []byte, b *event.Batch, i, digits int) []byte {
	out = fmt.Appendf(out, `{"id":"%s","time":%d,"prediction":%d,"score":%.4f,"features":{`, b.ID.At(i), b.Time[i], b.Pred.Codes[i], b.Score.Values[i])
	for j := range b.Nums {
		out = fmt.Appendf(out, `"%s":`, b.Nums[j].Name)
		out = append(strconv.AppendFloat(out, b.Nums[j].Values[i], 'g', digits, 64), ',')
	}
	for j := range b.Cats {
		v, _ := b.Cats[j].At(i)
		out = fmt.Appendf(out, `"%s":"%s",`, b.Cats[j].Name, v)
	}
	out[len(out)-1] = '}'
	return append(out, '}')
}

// idPlaces finds where the ids of a body stand, so that a client can send it
// again with others.
func idPlaces(body []byte, b *event.Batch) ([]int, error) {
	places := make([]int, b.Rows)
	from := 0
	for i := range places {
		at := bytes.Index(body[from:], b.ID.At(i))
		if at < 0 {
			return nil, fmt.Errorf("id %d is not in the body", i)
		}
		places[i] = from + at
		from = places[i] + idBytes
	}
	return places, nil
}

// rename writes other ids into a body.
func rename(body []byte, places []int, first int) {
	for i, at := range places {
		appendID(body[at:at:at+idBytes], first+i)
	}
}

// sink keeps the compiler from dropping a sum.
var sink float64

func plainSum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

func unrolledSum(v []float64) float64 {
	var a, b, c, d, e, f, g, h float64
	for ; len(v) >= 8; v = v[8:] {
		a, b, c, d = a+v[0], b+v[1], c+v[2], d+v[3]
		e, f, g, h = e+v[4], f+v[5], g+v[6], h+v[7]
	}
	return a + b + c + d + e + f + g + h
}
