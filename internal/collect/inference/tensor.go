package inference

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// header is a tensor of the Open Inference Protocol (V2) before its data.
type header struct {
	name, datatype string
	shape          []int
	columns        []string
	data           int // place of its data; 0 is none
	size           int // bytes behind the text; -1 is none
}

// tensors reads inputs or outputs. An array whose elements are no tensors is a
// list of rows, as TensorFlow Serving writes them.
func (d *decoder) tensors(name string, at int) int {
	isV2 := true
	d.array(at, func(n, at int) int {
		isV2 = isV2 && d.peek(at) == '{' && d.headerOf(at).shape != nil
		return d.skip(at)
	})
	if !isV2 {
		return d.list(name, at)
	}
	return d.array(at, func(n, at int) int {
		if n >= d.lim.Names {
			return d.over("tensors", d.lim.Names)
		}
		h := d.headerOf(at)
		d.read2(&h)
		return d.skip(at)
	})
}

func (d *decoder) headerOf(at int) header {
	h := header{size: -1}
	d.object(at, func(name string, at int) int {
		switch c := d.peek(at); {
		case name == "name" && c == '"':
			h.name, _ = d.text(at)
		case name == "datatype" && c == '"':
			h.datatype, _ = d.text(at)
		case name == "data" && c == '[':
			h.data = at
		case name == "shape" && c == '[':
			h.shape = d.shape(at)
		case name == "parameters" && c == '{':
			d.parameters(&h, at)
		}
		return d.skip(at)
	})
	return h
}

// maxDims bounds a shape; frameworks stop at 32 or 64.
const maxDims = 64

func (d *decoder) shape(at int) []int {
	shape := []int{}
	d.array(at, func(n, at int) int {
		v, end := d.number(at)
		if n >= maxDims || v < 0 || v > math.MaxInt32 || v != math.Trunc(v) {
			return d.fail(at, "a shape is not whole numbers from 0")
		}
		shape = append(shape, int(v))
		return end
	})
	return shape
}

// parameters reads the names of columns, under each name that is in use, and
// the size of binary data.
func (d *decoder) parameters(h *header, at int) {
	d.object(at, func(name string, at int) int {
		switch {
		case name == "binary_data_size":
			v, end := d.number(at)
			if v < 0 || v > float64(len(d.binary)) {
				return d.fail(at, "binary_data_size is more than there is")
			}
			h.size = int(v)
			return end
		case (name == "columns" || name == "names" || name == "feature_names") && d.peek(at) == '[':
			h.columns = d.names(at)
		}
		return d.skip(at)
	})
}

// names reads an array of names, or nil where it holds anything else.
func (d *decoder) names(at int) (names []string) {
	fine := true
	d.array(at, func(n, at int) int {
		if d.peek(at) != '"' || n >= d.lim.Width {
			fine = false
			return d.skip(at)
		}
		name, end := d.text(at)
		fine = fine && usable(name)
		names = append(names, name)
		return end
	})
	if !fine {
		return nil
	}
	return names
}

// read2 reads the data of one V2 tensor.
func (d *decoder) read2(h *header) {
	raw := []byte(nil)
	if h.size >= 0 { // also of those that are left out: the next begins behind it
		if h.size > len(d.binary) {
			d.fail(len(d.buf), "binary_data_size is more than there is")
			return
		}
		raw, d.binary = d.binary[:h.size], d.binary[h.size:]
	}
	if d.err != nil || h.data == 0 && h.size < 0 || len(h.shape) == 0 {
		return
	}
	rows, width := h.shape[0], 1
	for _, n := range h.shape[1:] {
		if width *= n; width > d.lim.Width {
			break
		}
	}
	if rows > d.lim.Rows {
		d.over("rows", d.lim.Rows)
		return
	}
	d.body.Rows = max(d.body.Rows, rows)
	if _, twice := d.byName[h.name]; twice || width > d.lim.Width || !usable(h.name) {
		d.body.Wide++
		return
	}
	if d.cells += rows * width; d.cells > d.lim.Cells {
		d.over("cells", d.lim.Cells)
		return
	}
	t := Tensor{Name: h.name, Width: width, rows: rows}
	if len(h.columns) == width {
		t.Columns = h.columns
	}
	if h.size >= 0 {
		t.Cells = d.unpack(raw, h, rows*width)
	} else {
		t.Cells = d.typed(h, rows*width)
	}
	d.byName[h.name] = len(d.body.Tensors)
	d.body.Tensors = append(d.body.Tensors, t)
}

// typed reads n values, nested or flat, of a datatype.
func (d *decoder) typed(h *header, n int) []Cell {
	var cells []Cell
	var walk func(int) int
	walk = func(at int) int {
		if d.peek(at) == '[' {
			return d.array(at, func(_, at int) int { return walk(at) })
		}
		if len(cells) >= n {
			return d.fail(at, "tensor "+strconv.Quote(h.name)+" has more data than its shape says")
		}
		c, end := d.cell(at)
		cells = append(cells, d.cast(h, c, at))
		return end
	}
	walk(h.data)
	if d.err == nil && len(cells) != n {
		d.fail(h.data, "tensor "+strconv.Quote(h.name)+" has less data than its shape says")
	}
	return cells
}

func (d *decoder) cast(h *header, c Cell, at int) Cell {
	switch {
	case h.datatype == "BOOL" && c.Kind == Number:
		c = boolean(c.Num != 0)
	case h.datatype == "BYTES" || h.datatype == "BOOL" || c.Kind != Text:
	default:
		d.fail(at, "a tensor of "+h.datatype+" holds a text")
	}
	if len(c.Text) > d.lim.String {
		return Cell{}
	}
	return c
}

func boolean(v bool) Cell { return Cell{Kind: Text, Text: strconv.FormatBool(v)} }

func number(v float64) Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Cell{}
	}
	return Cell{Kind: Number, Num: v}
}

// numbers reads little-endian values; the key is a datatype, the value its
// size in bytes and what makes a number of them.
var numbers = map[string]struct {
	size int
	read func([]byte) Cell
}{
	"BOOL":   {1, func(b []byte) Cell { return boolean(b[0] != 0) }},
	"INT8":   {1, func(b []byte) Cell { return number(float64(int8(b[0]))) }},
	"UINT8":  {1, func(b []byte) Cell { return number(float64(b[0])) }},
	"INT16":  {2, func(b []byte) Cell { return number(float64(int16(binary.LittleEndian.Uint16(b)))) }},
	"UINT16": {2, func(b []byte) Cell { return number(float64(binary.LittleEndian.Uint16(b))) }},
	"FP16":   {2, func(b []byte) Cell { return number(half16(binary.LittleEndian.Uint16(b))) }},
	"BF16": {2, func(b []byte) Cell {
		return number(float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)))
	}},
	"INT32":  {4, func(b []byte) Cell { return number(float64(int32(binary.LittleEndian.Uint32(b)))) }},
	"UINT32": {4, func(b []byte) Cell { return number(float64(binary.LittleEndian.Uint32(b))) }},
	"FP32":   {4, func(b []byte) Cell { return number(float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))) }},
	"INT64":  {8, func(b []byte) Cell { return number(float64(int64(binary.LittleEndian.Uint64(b)))) }},
	"UINT64": {8, func(b []byte) Cell { return number(float64(binary.LittleEndian.Uint64(b))) }},
	"FP64":   {8, func(b []byte) Cell { return number(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
}

// half16 is the value of a float of IEEE 754's binary16.
func half16(h uint16) float64 {
	sign, exp, frac := 1.0, int(h>>10)&31, float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * frac * 0x1p-24
	case 31:
		return math.NaN()
	}
	return sign * (1 + frac/1024) * math.Pow(2, float64(exp-15))
}

// unpack reads n values from the bytes behind the text. BYTES have each their
// length before them, of four bytes.
func (d *decoder) unpack(raw []byte, h *header, n int) []Cell {
	if h.datatype == "BYTES" {
		return d.unpackTexts(raw, h, n)
	}
	how, ok := numbers[h.datatype]
	if !ok || len(raw) != n*how.size {
		d.fail(len(d.buf), "the binary data of tensor "+strconv.Quote(h.name)+" does not fit its shape and datatype")
		return nil
	}
	cells := make([]Cell, 0, n)
	for b := range slices.Chunk(raw, how.size) {
		cells = append(cells, how.read(b))
	}
	return cells
}

func (d *decoder) unpackTexts(raw []byte, h *header, n int) []Cell {
	var cells []Cell
	for range n {
		if len(raw) < 4 || uint64(binary.LittleEndian.Uint32(raw)) > uint64(len(raw)-4) {
			d.fail(len(d.buf), "the binary data of tensor "+strconv.Quote(h.name)+" ends early")
			return nil
		}
		size := int(binary.LittleEndian.Uint32(raw))
		c := Cell{}
		if size <= d.lim.String {
			c = Cell{Kind: Text, Text: string(raw[4 : 4+size])}
		}
		cells, raw = append(cells, c), raw[4+size:]
	}
	return cells
}
