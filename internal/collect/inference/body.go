package inference

import (
	"fmt"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// Kind tells what a cell holds.
type Kind uint8

// The kinds of cells. Missing is also what NaN becomes.
const (
	Missing Kind = iota
	Number
	Text
)

// Cell is one value of a tensor.
type Cell struct {
	Kind Kind
	Num  float64
	Text string
}

// Field is a value with its name.
type Field struct {
	Name string
	Cell Cell
}

// Tensor is a named group of columns: Width values a row.
type Tensor struct {
	Name    string
	Columns []string // of the places of a row, where the body names them
	Width   int
	Cells   []Cell // Rows x Width, row after row
	rows    int
}

// Body is what a request or a response says, in rows.
type Body struct {
	Rows    int
	Tensors []Tensor
	Facts   []Field // of the exchange as a whole: usage of tokens, …
	Version string  // of the model, where the response names it
	Failed  string  // what went wrong, where the response says so
	// Wide counts tensors whose rows are too wide to be features: images,
	// embeddings. They are left out.
	Wide int
}

// Limits bound one body. Zeros are the defaults.
type Limits struct {
	Rows   int // 100,000
	Cells  int // 1 Mi, which is 32 MiB while it is decoded
	Width  int // 1,000 values a row of one tensor
	Names  int // 1,000 tensors
	String int // 1,024 bytes; a longer value is missing
}

func (l Limits) withDefaults() Limits {
	for v, def := range map[*int]int{&l.Rows: 100_000, &l.Cells: 1 << 20, &l.Width: 1000, &l.Names: 1000, &l.String: 1024} {
		if *v == 0 {
			*v = def
		}
	}
	return l
}

// decoder fills a Body.
type decoder struct {
	scanner
	lim    Limits
	body   Body
	byName map[string]int
	cells  int
	row    []Cell // the row in hand
	binary []byte // what stands behind the JSON text
}

// Decode reads a body of any of the known forms: KServe's V1 (instances,
// predictions) and V2 (inputs, outputs; with binary tensors behind the text),
// Seldon's (data), OpenAI's, an array of rows, or one plain object. Memory is
// bounded by the limits and the body's own size.
func Decode(text []byte, lim Limits) (*Body, error) {
	d := decoder{scanner: scanner{buf: text}, lim: lim.withDefaults(), byName: map[string]int{}}
	end := d.skip(0)
	if d.err != nil {
		return nil, d.err
	}
	d.buf, d.binary = text[:end], text[end:]
	d.read()
	if d.err != nil {
		return nil, d.err
	}
	if left := (&scanner{buf: d.binary}).space(0); left < len(d.binary) {
		return nil, wrongShape("%d bytes stand behind the text and belong to no tensor", len(d.binary)-left)
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return &d.body, nil
}

// parts are the places of the members that decide of which form a body is.
type parts map[string]int

var known = []string{
	"instances", "predictions", "inputs", "outputs", "data", "error", "detail", "model_version", "model", "usage", "choices", "object", "messages", "prompt", "parameters",
}

func (d *decoder) parts(at int) parts {
	p := parts{}
	d.object(at, func(name string, at int) int {
		for _, k := range known {
			if k == name {
				p[k] = at
			}
		}
		return d.skip(at)
	})
	return p
}

func (d *decoder) read() {
	switch d.peek(0) {
	case '[':
		d.list("x", 0)
		return
	case '{':
	default: // a bare value
		d.put(d.tensor("prediction"), 0, func(row []Cell) []Cell { c, _ := d.cell(0); return append(row, c) })
		return
	}
	p := d.parts(0)
	d.facts(p)
	switch {
	case p.has("instances"):
		d.list("x", p["instances"])
	case p.has("predictions"):
		d.list("prediction", p["predictions"])
	case p.has("inputs") && d.peek(p["inputs"]) == '[':
		d.tensors("x", p["inputs"])
	case p.has("outputs") && d.peek(p["outputs"]) == '[':
		d.tensors("prediction", p["outputs"])
	case p.has("data") && d.peek(p["data"]) == '{' && d.seldon(p["data"]):
	case p.has("choices") || p.has("messages") || p.has("prompt"):
		d.chat(p)
	case d.body.Failed != "":
	default:
		d.plain("", 0, 0)
	}
}

func (p parts) has(name string) bool { _, ok := p[name]; return ok }

// facts reads what may stand beside the tensors.
func (d *decoder) facts(p parts) {
	for _, name := range []string{"detail", "error"} {
		if at, ok := p[name]; ok {
			d.failure(at)
		}
	}
	if at, ok := p["model_version"]; ok && d.peek(at) == '"' {
		d.body.Version, _ = d.text(at)
	}
	if at, ok := p["usage"]; ok && d.peek(at) == '{' {
		d.object(at, func(name string, at int) int {
			if c := d.peek(at); c != '{' && c != '[' {
				v, end := d.cell(at)
				if v.Kind == Number {
					d.fact("usage."+name, v)
				}
				return end
			}
			return d.skip(at)
		})
	}
}

func (d *decoder) failure(at int) {
	switch d.peek(at) {
	case '"':
		d.body.Failed, _ = d.text(at)
	case '{': // OpenAI's: {"message": …}
		d.object(at, func(name string, at int) int {
			if name == "message" && d.peek(at) == '"' {
				d.body.Failed, at = d.text(at)
				return at
			}
			return d.skip(at)
		})
	}
	d.body.Failed = clip(d.body.Failed, d.lim.String)
}

func (d *decoder) fact(name string, c Cell) {
	if c.Kind != Missing && len(d.body.Facts) < d.lim.Names && len(c.Text) <= d.lim.String && usable(name) {
		d.body.Facts = append(d.body.Facts, Field{name, c})
	}
}

// list reads rows: scalars, arrays of any depth, or objects.
func (d *decoder) list(name string, at int) int {
	return d.array(at, func(n, at int) int {
		if n >= d.lim.Rows {
			return d.over("rows", d.lim.Rows)
		}
		d.body.Rows = n + 1
		if d.peek(at) == '{' {
			return d.plain("", n, at)
		}
		return d.member(name, n, at)
	})
}

// plain reads an object as a row: its scalars and arrays are tensors, what is
// nested has its path for a name.
func (d *decoder) plain(prefix string, row, at int) int {
	d.body.Rows = max(d.body.Rows, row+1)
	return d.object(at, func(name string, at int) int {
		if d.peek(at) != '{' {
			return d.member(prefix+name, row, at)
		}
		if len(prefix) > 200 || d.bytes64(at) {
			return d.skip(at)
		}
		return d.plain(prefix+name+".", row, at)
	})
}

// bytes64 tells of TensorFlow's way to write bytes, which are no feature.
func (d *decoder) bytes64(at int) (is bool) {
	d.object(at, func(name string, at int) int {
		is = is || name == "b64"
		return d.skip(at)
	})
	return is
}

// member reads a scalar or an array as a row of a tensor.
func (d *decoder) member(name string, row, at int) int {
	t := d.tensor(name)
	if t == nil {
		return d.skip(at)
	}
	end := at
	d.put(t, row, func(cells []Cell) []Cell {
		cells, end = d.flat(cells, at)
		return cells
	})
	return end
}

// flat appends all scalars of a value, but keeps no more than a row may have:
// one more shows that it has too many.
func (d *decoder) flat(cells []Cell, at int) ([]Cell, int) {
	switch d.peek(at) {
	case '[':
		end := d.array(at, func(_, at int) int {
			cells, at = d.flat(cells, at)
			return at
		})
		return cells, end
	case '{':
		return cells, d.skip(at)
	}
	if len(cells) > d.lim.Width {
		return cells, d.skip(at)
	}
	c, end := d.cell(at)
	if len(c.Text) > d.lim.String {
		c = Cell{}
	}
	return append(cells, c), end
}

// tensor is the tensor of a name, or nil when there are too many.
func (d *decoder) tensor(name string) *Tensor {
	i, ok := d.byName[name]
	if !ok {
		if len(d.body.Tensors) >= d.lim.Names || !usable(name) {
			return nil
		}
		i = len(d.body.Tensors)
		d.byName[name] = i
		d.body.Tensors = append(d.body.Tensors, Tensor{Name: name})
	}
	return &d.body.Tensors[i]
}

// tooWide is the width of a tensor that is left out.
const tooWide = -1

// put gives a tensor its values of a row. Rows come in order; those between
// are missing.
func (d *decoder) put(t *Tensor, row int, read func([]Cell) []Cell) {
	d.row = read(d.row[:0])
	d.body.Rows = max(d.body.Rows, row+1)
	if len(d.row) > d.lim.Width {
		d.cells -= len(t.Cells)
		t.Width, t.Cells = tooWide, nil
	}
	if t.Width == 0 {
		t.Width = len(d.row)
	}
	if t.Width != len(d.row) || t.Width <= 0 || d.err != nil || len(t.Cells) > row*t.Width {
		return // as wide as its first row, or missing; a name twice in a row counts once
	}
	if d.grow(t, row) {
		t.Cells = append(t.Cells, d.row...)
		d.cells += len(d.row)
	}
}

// grow makes the rows below row missing where they are not there.
func (d *decoder) grow(t *Tensor, row int) bool {
	more := row*t.Width - len(t.Cells)
	if d.cells+more+t.Width > d.lim.Cells {
		d.over("cells", d.lim.Cells)
		return false
	}
	t.Cells = append(t.Cells, make([]Cell, more)...)
	d.cells += more
	return true
}

func (d *decoder) over(what string, limit int) int {
	if d.err == nil {
		d.err = &decode.LimitError{What: what, Limit: int64(limit)}
	}
	return len(d.buf)
}

// finish makes every tensor as long as the body, and drops those that are none.
func (d *decoder) finish() error {
	b := &d.body
	if b.Rows > d.lim.Rows {
		return &decode.LimitError{What: "rows", Limit: int64(d.lim.Rows)}
	}
	kept := b.Tensors[:0]
	for i := range b.Tensors {
		t := &b.Tensors[i]
		switch {
		case t.Width == tooWide:
			b.Wide++
			continue
		case t.Width == 0:
			continue
		case t.rows == 1 && b.Rows > 1: // a setting for all rows
			if d.cells += (b.Rows - 1) * t.Width; d.cells > d.lim.Cells {
				return &decode.LimitError{What: "cells", Limit: int64(d.lim.Cells)}
			}
			one := t.Cells
			for range b.Rows - 1 {
				t.Cells = append(t.Cells, one...)
			}
		case t.rows > 0 && t.rows != b.Rows:
			return wrongShape("tensor %q has %d rows, another has %d", t.Name, t.rows, b.Rows)
		default:
			if missing := b.Rows*t.Width - len(t.Cells); missing > 0 {
				if d.cells+missing > d.lim.Cells {
					return &decode.LimitError{What: "cells", Limit: int64(d.lim.Cells)}
				}
				t.Cells = append(t.Cells, make([]Cell, missing)...)
				d.cells += missing
			}
		}
		kept = append(kept, *t)
	}
	b.Tensors = kept
	return nil
}

func wrongShape(format string, args ...any) error {
	return &decode.SyntaxError{Reason: fmt.Sprintf(format, args...)}
}

// usable tells whether a name can be a feature's.
func usable(name string) bool { return name != "" && len(name) <= 256 }

// clip cuts a text at a rune's border.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xc0 == 0x80 {
		limit--
	}
	return s[:limit]
}
