package decode

import (
	"strconv"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leewayhq/leeway/internal/event"
)

// arrowColumn is a column of a stream: one array a record batch.
type arrowColumn struct {
	chunks []arrow.Array
	n      int
}

func (c *arrowColumn) numbers() ([]float64, []byte, bool) {
	if len(c.chunks) == 1 {
		if a, ok := c.chunks[0].(*array.Float64); ok && a.Data().Offset() == 0 && len(a.Float64Values()) == a.Len() {
			return shared(a)
		}
	}
	out := numCol{values: make([]float64, 0, c.n)}
	row := 0
	for _, a := range c.chunks {
		if !appendNumbers(&out, row, a) {
			return nil, nil, false
		}
		row += a.Len()
	}
	n := out.column("", c.n, true)
	return n.Values, n.Valid, true
}

// shared is an array of float64 as it stands in the body.
func shared(a *array.Float64) ([]float64, []byte, bool) {
	if a.NullN() == 0 {
		return a.Float64Values(), nil, true
	}
	return a.Float64Values(), a.NullBitmapBytes()[:(a.Len()+7)/8], true
}

// sharedText is a column of strings as it stands in the body, when none is null
// or longer than limit.
func (c *arrowColumn) sharedText(limit int) (event.Text, bool) {
	if len(c.chunks) != 1 || c.n == 0 {
		return event.Text{}, false
	}
	a, ok := c.chunks[0].(*array.String)
	if !ok || a.NullN() > 0 || a.Data().Offset() != 0 {
		return event.Text{}, false
	}
	offsets := a.ValueOffsets()
	data := a.ValueBytes()
	last := offsets[0]
	if last != 0 || len(data) == 0 || int(offsets[a.Len()]) != len(data) {
		return event.Text{}, false
	}
	for _, o := range offsets {
		if uint32(o-last) > uint32(limit) { // also when it goes back
			return event.Text{}, false
		}
		last = o
	}
	return event.Text{Offsets: unsafe.Slice((*uint32)(unsafe.Pointer(&offsets[0])), a.Len()+1), Data: data}, true
}

// appendNumbers puts an array's values from a row on; false says that they are
// no numbers.
func appendNumbers(out *numCol, row int, a arrow.Array) bool {
	switch a := a.(type) {
	case *array.Float64:
		putAll(out, row, a, a.Float64Values())
	case *array.Float32:
		putAll(out, row, a, a.Float32Values())
	case *array.Int64:
		putAll(out, row, a, a.Int64Values())
	case *array.Int32:
		putAll(out, row, a, a.Int32Values())
	case *array.Int16:
		putAll(out, row, a, a.Int16Values())
	case *array.Int8:
		putAll(out, row, a, a.Int8Values())
	case *array.Uint64:
		putAll(out, row, a, a.Uint64Values())
	case *array.Uint32:
		putAll(out, row, a, a.Uint32Values())
	case *array.Uint16:
		putAll(out, row, a, a.Uint16Values())
	case *array.Uint8:
		putAll(out, row, a, a.Uint8Values())
	case *array.Null:
	default:
		return appendOddNumbers(out, row, a)
	}
	return true
}

func putAll[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64](out *numCol, row int, a arrow.Array, values []T) {
	if a.NullN() == 0 && out.valid == nil && len(out.values) == row {
		for _, v := range values {
			out.values = append(out.values, float64(v))
		}
		return
	}
	for i, v := range values {
		if !a.IsNull(i) {
			out.put(row+i, float64(v))
		}
	}
}

func appendOddNumbers(out *numCol, row int, a arrow.Array) bool {
	var at func(int) float64
	switch a := a.(type) {
	case *array.Float16:
		at = func(i int) float64 { return float64(a.Value(i).Float32()) }
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		at = func(i int) float64 { return a.Value(i).ToFloat64(scale) }
	case *array.Decimal256:
		scale := a.DataType().(*arrow.Decimal256Type).Scale
		at = func(i int) float64 { return a.Value(i).ToFloat64(scale) }
	case *array.Timestamp, *array.Date32, *array.Date64:
		ms := instant(a)
		at = func(i int) float64 { return float64(ms(i)) }
	case *array.Duration:
		unit := a.DataType().(*arrow.DurationType).Unit.Multiplier()
		at = func(i int) float64 { return float64(a.Value(i)) * float64(unit) / float64(time.Millisecond) }
	default:
		return false
	}
	for i := range a.Len() {
		if !a.IsNull(i) {
			out.put(row+i, at(i))
		}
	}
	return true
}

// instant gives an array of times in unix ms, or nil.
func instant(a arrow.Array) func(int) int64 {
	switch a := a.(type) {
	case *array.Timestamp:
		perSecond := int64(time.Second / a.DataType().(*arrow.TimestampType).Unit.Multiplier())
		return func(i int) int64 {
			v := int64(a.Value(i))
			if perSecond >= 1000 {
				return floorDiv(v, perSecond/1000)
			}
			return v * (1000 / perSecond)
		}
	case *array.Date32:
		return func(i int) int64 { return int64(a.Value(i)) * 86_400_000 }
	case *array.Date64:
		return func(i int) int64 { return int64(a.Value(i)) }
	}
	return nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (c *arrowColumn) text(fn func(int, []byte)) {
	row := 0
	var buf []byte
	for _, a := range c.chunks {
		write := writer(a)
		for i := range a.Len() {
			if !a.IsNull(i) {
				buf = write(buf[:0], i)
				fn(row+i, buf)
			}
		}
		row += a.Len()
	}
}

// writer appends value i of an array as text.
func writer(a arrow.Array) func([]byte, int) []byte {
	switch a := a.(type) {
	case *array.String:
		return func(b []byte, i int) []byte { return append(b, a.Value(i)...) }
	case *array.LargeString:
		return func(b []byte, i int) []byte { return append(b, a.Value(i)...) }
	case *array.StringView:
		return func(b []byte, i int) []byte { return append(b, a.Value(i)...) }
	case *array.Binary:
		return func(b []byte, i int) []byte { return append(b, a.Value(i)...) }
	case *array.LargeBinary:
		return func(b []byte, i int) []byte { return append(b, a.Value(i)...) }
	case *array.Float64:
		return func(b []byte, i int) []byte { return appendNumber(b, a.Value(i)) }
	case *array.Float32:
		return func(b []byte, i int) []byte { return appendNumber(b, float64(a.Value(i))) }
	case *array.Int64:
		return func(b []byte, i int) []byte { return strconv.AppendInt(b, a.Value(i), 10) }
	case *array.Uint64:
		return func(b []byte, i int) []byte { return strconv.AppendUint(b, a.Value(i), 10) }
	case *array.Dictionary:
		inner := writer(a.Dictionary())
		return func(b []byte, i int) []byte { return inner(b, a.GetValueIndex(i)) }
	}
	return func(b []byte, i int) []byte { return append(b, a.ValueStr(i)...) }
}

func (c *arrowColumn) codes() ([]int32, []string) {
	var d dict
	codes := make([]int32, c.n)
	row := 0
	for _, a := range c.chunks {
		if a.NullN() > 0 || a.DataType().ID() != arrow.DICTIONARY {
			for i := range a.Len() {
				codes[row+i] = -1
			}
		}
		if coded, ok := a.(*array.Dictionary); ok {
			translate(codes[row:row+a.Len()], &d, coded)
		} else {
			one := arrowColumn{chunks: []arrow.Array{a}, n: a.Len()}
			one.text(func(i int, s []byte) {
				if len(s) > 0 {
					codes[row+i] = d.code(s)
				}
			})
		}
		row += a.Len()
	}
	return codes, d.values
}

// translate looks each value of an array's dictionary up once, then only maps
// the codes.
func translate(codes []int32, d *dict, a *array.Dictionary) {
	values := a.Dictionary()
	to := make([]int32, values.Len())
	write := writer(values)
	var buf []byte
	for i := range to {
		to[i] = -1
		if !values.IsNull(i) {
			if buf = write(buf[:0], i); len(buf) > 0 {
				to[i] = d.code(buf)
			}
		}
	}
	switch idx := a.Indices().(type) {
	case *array.Int32:
		mapCodes(codes, to, a, idx.Int32Values())
	case *array.Int8:
		mapCodes(codes, to, a, idx.Int8Values())
	case *array.Int16:
		mapCodes(codes, to, a, idx.Int16Values())
	default:
		for i := range codes {
			if !a.IsNull(i) {
				codes[i] = to[a.GetValueIndex(i)]
			}
		}
	}
}

func mapCodes[T int8 | int16 | int32](codes, to []int32, a arrow.Array, idx []T) {
	if a.NullN() == 0 {
		for i, k := range idx {
			codes[i] = to[k]
		}
		return
	}
	for i, k := range idx {
		if !a.IsNull(i) {
			codes[i] = to[k]
		}
	}
}

func (c *arrowColumn) millis(k *clock, fn func(int, int64, error)) {
	row := 0
	for _, a := range c.chunks {
		read := timeReader(a, k)
		for i := range a.Len() {
			if !a.IsNull(i) {
				ms, err := read(i)
				fn(row+i, ms, err)
			}
		}
		row += a.Len()
	}
}

// plainMillis copies a column of times that need no work: milliseconds of UTC,
// none null.
func (c *arrowColumn) plainMillis(to []int64, zone *time.Location) bool {
	for _, a := range c.chunks {
		t, ok := a.DataType().(*arrow.TimestampType)
		if !ok || t.Unit != arrow.Millisecond || t.TimeZone == "" && zone != time.UTC || a.NullN() > 0 || len(a.(*array.Timestamp).TimestampValues()) != a.Len() {
			return false
		}
	}
	for _, a := range c.chunks {
		for i, v := range a.(*array.Timestamp).TimestampValues() {
			to[i] = int64(v)
		}
		to = to[a.Len():]
	}
	return true
}

// timeReader reads value i of an array as a time: a time, a number, or text.
func timeReader(a arrow.Array, k *clock) func(int) (int64, error) {
	if at := instant(a); at != nil {
		t, isTimestamp := a.DataType().(*arrow.TimestampType)
		naive := (!isTimestamp || t.TimeZone == "") && k.zone != time.UTC
		return func(i int) (int64, error) {
			if naive {
				return inZone(at(i), k.zone), nil
			}
			return at(i), nil
		}
	}
	var out numCol
	if appendNumbers(&out, 0, a) {
		out.pad(a.Len())
		return func(i int) (int64, error) { return unixNumber(out.values[i]) }
	}
	write := writer(a)
	var buf []byte
	return func(i int) (int64, error) {
		buf = write(buf[:0], i)
		return k.text(buf)
	}
}
