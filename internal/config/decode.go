package config

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// maxValues bounds the values that aliases can blow a file up to.
const maxValues = 200_000

// decoder fills a Config from the syntax tree and collects what is wrong.
type decoder struct {
	*source
	dir      string // that relative paths are relative to
	anchors  map[string]ast.Node
	budget   int
	aliases  int // how many aliases deep the decoder is
	problems Errors
}

// at is the place of a value in the tree, and the options of its tag.
type at struct {
	path string
	size bool
	file bool // a path
	list bool // a Raw with a list
}

func (a at) key(name string) at {
	if strings.ContainsAny(name, ".[]\"") {
		a.path += "[" + strconv.Quote(name) + "]"
		return a
	}
	if a.path != "" {
		a.path += "."
	}
	a.path += name
	return a
}

func (a at) index(i int) at {
	a.path += "[" + strconv.Itoa(i) + "]"
	return a
}

// bad reports a problem at a node.
func (d *decoder) bad(n ast.Node, path, format string, args ...any) {
	where := positionOf(n)
	d.problems = append(d.problems, Problem{
		File: d.source.file, Line: where.line, Column: where.column, Path: path,
		Message: fmt.Sprintf(format, args...), Source: d.line(where.line),
	})
}

// semantic reports a problem with a value that has the right kind. A value
// that already has a problem is not judged again.
func (d *decoder) semantic(path, format string, args ...any) {
	for _, p := range d.problems {
		if p.Path == path {
			return
		}
	}
	d.problems = append(d.problems, d.problem(path, fmt.Sprintf(format, args...)))
}

func positionOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return positionOf(m.Values[0].Key)
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return positionOf(m.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{}
	}
	where := n.GetToken().Position
	return place{where.Line, where.Column}
}

// collectAnchors notes what &name stands for, before any *name is decoded.
func (d *decoder) collectAnchors(n ast.Node) {
	ast.Walk(anchorVisitor{d}, n)
}

type anchorVisitor struct{ d *decoder }

func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		v.d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return v
}

// value decodes a node into v. A null leaves v as it is: the default.
func (d *decoder) value(n ast.Node, v reflect.Value, a at) {
	if d.budget--; d.budget < 0 {
		if d.budget == -1 {
			d.bad(n, a.path, "the file holds more than %d values", maxValues)
		}
		return
	}
	d.places[a.path] = positionOf(n)
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return
	case *ast.AnchorNode:
		d.value(n.Value, v, a)
		return
	case *ast.AliasNode:
		d.alias(n, v, a)
		return
	case *ast.TagNode:
		d.bad(n, a.path, "tags such as %s are not used here", n.Start.Value)
		return
	}
	if raw, ok := v.Addr().Interface().(*Raw); ok {
		d.raw(n, raw, a)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, a)
	case reflect.Map:
		d.mapping(n, v, a)
	case reflect.Slice:
		d.list(n, v, a)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), a)
	default:
		d.scalar(n, v, a)
	}
}

func (d *decoder) alias(n *ast.AliasNode, v reflect.Value, a at) {
	name := n.Value.GetToken().Value
	target, ok := d.anchors[name]
	if !ok {
		d.bad(n, a.path, "there is no anchor &%s", name)
		return
	}
	if d.aliases >= 10 {
		d.bad(n, a.path, "the alias *%s refers to itself", name)
		return
	}
	d.aliases++
	d.value(target, v, a)
	d.aliases--
}

// pairs gives the entries of a mapping, reporting keys that are not plain
// text and keys written twice.
func (d *decoder) pairs(n ast.Node, path string) (pairs []*ast.MappingValueNode, ok bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	seen := map[string]place{}
	kept := pairs[:0:0]
	for _, p := range pairs {
		name, plain := keyOf(p)
		if !plain {
			d.bad(p.Key, path, "a key is plain text here")
			continue
		}
		if first, twice := seen[name]; twice {
			d.bad(p.Key, path, "the key %q stands here a second time; the first is in line %d", name, first.line)
			continue
		}
		seen[name] = positionOf(p.Key)
		kept = append(kept, p)
	}
	return kept, true
}

func keyOf(p *ast.MappingValueNode) (string, bool) {
	switch k := p.Key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.GetToken().Value, true
	}
	return "", false
}

func (d *decoder) structure(n ast.Node, v reflect.Value, a at) {
	pairs, ok := d.pairs(n, a.path)
	if !ok {
		d.bad(n, a.path, "this must be a section with keys below it, not %s", kindOf(n))
		return
	}
	fields := fieldsOf(v.Type())
	for i, p := range pairs {
		name, _ := keyOf(p)
		f, ok := fields.byName[name]
		if !ok {
			d.bad(p.Key, a.path, "unknown key %q; %s", name, suggest(name, fields.names))
			continue
		}
		field := v.Field(f.index)
		child := a.key(name)
		child.size, child.file, child.list = f.has("size"), f.has("path"), f.has("list")
		d.value(p.Value, field, child)
		d.places[child.path] = placeOfPair(p)
		if raw, ok := field.Addr().Interface().(*Raw); ok && raw.Line > 0 {
			end := len(d.lines)
			if i+1 < len(pairs) {
				end = positionOf(pairs[i+1].Key).line - 1
			}
			d.cut(p, raw, end)
		}
	}
}

// placeOfPair is where a reader looks for the value: the value itself when it
// stands in the line of its key, else the key.
func placeOfPair(p *ast.MappingValueNode) place {
	key, value := positionOf(p.Key), positionOf(p.Value)
	if value.line != key.line {
		return key
	}
	return value
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, a at) {
	pairs, ok := d.pairs(n, a.path)
	if !ok {
		d.bad(n, a.path, "this must be a section of names with values, not %s", kindOf(n))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(pairs))
	for _, p := range pairs {
		name, _ := keyOf(p)
		element := newElement(v.Type().Elem())
		child := a.key(name)
		d.value(p.Value, element, child)
		d.places[child.path] = placeOfPair(p)
		out.SetMapIndex(reflect.ValueOf(name), element)
	}
	v.Set(out)
}

func (d *decoder) list(n ast.Node, v reflect.Value, a at) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.bad(n, a.path, "this must be a list, one \"- \" a line or [a, b], not %s", kindOf(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(seq.Values))
	for i, item := range seq.Values {
		element := newElement(v.Type().Elem())
		d.value(item, element, a.index(i))
		out = reflect.Append(out, element)
	}
	v.Set(out)
}

// newElement makes an element of a list or map with its own defaults.
func newElement(t reflect.Type) reflect.Value {
	element := reflect.New(t)
	if with, ok := element.Interface().(interface{ setDefaults() }); ok {
		with.setDefaults()
	}
	return element.Elem()
}

var durationType = reflect.TypeFor[time.Duration]()

func (d *decoder) scalar(n ast.Node, v reflect.Value, a at) {
	text, ok := textOf(n)
	if !ok {
		d.bad(n, a.path, "this must be a single value, not %s", kindOf(n))
		return
	}
	var err error
	switch {
	case v.Type() == durationType:
		var t time.Duration
		t, err = ParseDuration(text)
		v.SetInt(int64(t))
	case a.size:
		var size int64
		size, err = ParseSize(text)
		v.SetInt(size)
	default:
		err = d.basic(n, v, text)
	}
	if err != nil {
		d.bad(n, a.path, "%s", err)
		return
	}
	if a.file && v.String() != "" && !filepath.IsAbs(v.String()) {
		v.SetString(filepath.Join(d.dir, v.String()))
	}
}

// basic sets text, numbers and booleans.
func (d *decoder) basic(n ast.Node, v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return fmt.Errorf("%q is not true or false", text)
		}
		v.SetBool(b.Value)
		return nil
	case reflect.Int:
		_, whole := n.(*ast.IntegerNode)
		i, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
		if !whole || err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(i)
		return nil
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if _, quoted := n.(*ast.StringNode); quoted || err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("%q is not a number", text)
	}
	v.SetFloat(f)
	return nil
}

// textOf gives a scalar as it is written, so that version: 1.10 stays 1.10.
func textOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// raw notes where a section of another format begins; cut takes its text.
func (d *decoder) raw(n ast.Node, raw *Raw, a at) {
	want := "a section"
	if a.list {
		want = "a list"
	}
	switch kind := kindOf(n); {
	case kind == want:
		raw.Line = max(positionOf(n).line, 1)
	case a.list:
		d.bad(n, a.path, "this must be a list, one \"- \" a line, not %s", kind)
	default:
		d.bad(n, a.path, "this must be a section with keys below it, not %s", kind)
	}
}

// cut takes the lines of a section, from its key to before the next one, the
// key itself blanked out.
func (d *decoder) cut(p *ast.MappingValueNode, raw *Raw, end int) {
	first := positionOf(p.Key)
	colon := p.Start.Position
	if end < first.line || colon.Line != first.line {
		raw.Line = 0
		d.bad(p.Key, "", "write this section as a block, with its keys in the lines below")
		return
	}
	var b bytes.Buffer
	b.WriteString(strings.Repeat("\n", first.line-1))
	line := []rune(d.lines[first.line-1])
	rest := string(line[min(colon.Column, len(line)):])
	b.WriteString(strings.Repeat(" ", colon.Column) + rest + "\n")
	for _, l := range d.lines[first.line:min(end, len(d.lines))] {
		b.WriteString(l + "\n")
	}
	raw.Line, raw.Text = first.line, b.Bytes()
}
