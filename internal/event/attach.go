package event

import (
	"math"
	"unsafe"
)

func typed[T any](buf []byte, want int) ([]T, error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(buf) != want*size {
		return nil, malformed("buffer of %d bytes, wanted %d x %d", len(buf), want, size)
	}
	if want == 0 {
		return nil, nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&buf[0])), want), nil
}

// attach puts a decoded column where its role says.
func (b *Batch) attach(c *column) (err error) {
	switch c.role {
	case roleTime:
		b.Time, err = typed[int64](c.buffers[0], b.Rows)
	case roleID:
		b.ID, err = c.text(b.Rows)
	case roleMessage:
		b.Message, err = c.text(b.Rows)
	case roleAttrs:
		b.Attrs, err = c.text(b.Rows)
	case rolePredValue:
		b.PredValue, err = c.num(b.Rows)
	case roleLabelValue:
		b.LabelValue, err = c.num(b.Rows)
	case roleScore:
		b.Score, err = c.num(b.Rows)
	case roleLatency:
		b.Latency, err = c.num(b.Rows)
	case roleScores:
		b.Scores, err = appendNum(b.Scores, c, b.Rows)
	case roleItems:
		b.Items, err = c.list(b.Rows)
	case roleRelevant:
		b.Relevant, err = c.list(b.Rows)
	case roleNum:
		b.Nums, err = appendNum(b.Nums, c, b.Rows)
	default:
		if mine, err := b.attachPoints(c); mine {
			return err
		}
		return b.attachDict(c)
	}
	return err
}

func (b *Batch) attachDict(c *column) error {
	d, err := c.dict(b.Rows)
	if err != nil {
		return err
	}
	switch c.role {
	case roleVersion:
		b.Version = d
	case rolePred:
		b.Pred = d
	case roleLabel:
		b.Label = d
	case roleErr:
		b.Err = d
	case roleSegment:
		b.Segments = append(b.Segments, d)
	case roleCat:
		b.Cats = append(b.Cats, d)
	default:
		return malformed("role %d is unknown", c.role)
	}
	return nil
}

func appendNum(to []Num, c *column, rows int) ([]Num, error) {
	n, err := c.num(rows)
	return append(to, n), err
}

func (c *column) num(rows int) (Num, error) {
	others, err := c.others()
	if err != nil || c.absent() {
		return Num{Name: c.name, Epoch: c.epoch, Centre: c.centre, Others: others}, err
	}
	values, err := typed[float64](c.buffers[0], rows)
	if err != nil {
		return Num{}, err
	}
	n := Num{Name: c.name, Epoch: c.epoch, Centre: c.centre, Others: others, Values: values}
	if len(c.buffers[1]) > 0 {
		if len(c.buffers[1]) != (rows+7)/8 {
			return Num{}, malformed("bitmap of %d bytes for %d rows", len(c.buffers[1]), rows)
		}
		n.Valid = c.buffers[1]
	}
	return n, nil
}

// others are the centres beside the first.
func (c *column) others() ([]float64, error) {
	n := len(c.buffers[2]) / 8
	if n == 0 && len(c.buffers[2]) == 0 {
		return nil, nil
	}
	if n >= MaxCentres {
		return nil, malformed("%d centres beside the first", n)
	}
	list, err := typed[float64](c.buffers[2], n)
	last := c.centre
	for _, v := range list {
		if !(v > last) || math.IsInf(v, 0) {
			return nil, malformed("centre %v after %v", v, last)
		}
		last = v
	}
	return list, err
}

func (c *column) text(rows int) (Text, error) {
	offsets, err := typed[uint32](c.buffers[0], rows+1)
	if err != nil {
		return Text{}, err
	}
	return Text{Offsets: offsets, Data: c.buffers[1]}, checkOffsets(offsets, len(c.buffers[1]))
}

func checkOffsets(offsets []uint32, size int) error {
	last := uint32(0)
	for _, o := range offsets {
		if o < last {
			return malformed("offset %d after %d", o, last)
		}
		last = o
	}
	if int(last) > size {
		return malformed("offset %d past %d bytes", last, size)
	}
	return nil
}

// absent tells of a column that is named and has no rows.
func (c *column) absent() bool { return c.name != "" && len(c.buffers[0]) == 0 }

func (c *column) dict(rows int) (Dict, error) {
	if c.absent() {
		return Dict{Name: c.name}, nil
	}
	codes, err := typed[int32](c.buffers[0], rows)
	if err != nil {
		return Dict{}, err
	}
	if len(c.buffers[1]) < 4 {
		return Dict{}, malformed("dictionary without offsets")
	}
	offsets, err := typed[uint32](c.buffers[1], len(c.buffers[1])/4)
	if err != nil {
		return Dict{}, err
	}
	data := c.buffers[2]
	if err := checkOffsets(offsets, len(data)); err != nil {
		return Dict{}, err
	}
	values := make([]string, len(offsets)-1)
	for i := range values {
		if s := data[offsets[i]:offsets[i+1]]; len(s) > 0 {
			values[i] = unsafe.String(&s[0], len(s))
		}
	}
	return Dict{Name: c.name, Codes: codes, Values: values}, checkCodes(codes, int32(len(values)))
}

func checkCodes(codes []int32, n int32) error {
	bad := int32(0)
	for _, code := range codes {
		if code < -1 || code >= n {
			bad++
		}
	}
	if bad > 0 {
		return malformed("%d codes outside a dictionary of %d", bad, n)
	}
	return nil
}
