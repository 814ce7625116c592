package decode

import (
	"fmt"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// column is one column of a body in one of the columnar formats. Rows count
// from 0; the functions that take fn call it for the rows that are not null, in
// order.
type column interface {
	// numbers are the values; ok is false when the column holds anything else.
	// The slices become the batch's.
	numbers() (values []float64, valid []byte, ok bool)
	// text gives each value as a string, whole numbers with all their digits.
	// The bytes are valid during the call.
	text(fn func(row int, s []byte))
	// codes are the values as strings by code, -1 for null.
	codes() ([]int32, []string)
	// millis gives each value as a time.
	millis(c *clock, fn func(row int, ms int64, err error))
}

// table builds one batch a column at a time. Rows with a fault are marked, and
// left out at the end.
type table struct {
	o     *Options
	n     int
	b     event.Batch
	kinds []Rejection // the distinct faults
	fault []uint16    // by row: index into kinds plus 1; nil while none has one
	clock clock
	wide  bool // there is a feature: no row is empty
	report
}

func newTable(o *Options, rows int) *table {
	t := &table{o: o, n: rows, clock: clock{zone: o.Zone}}
	t.b.Header = event.Header{Kind: o.Kind, Model: o.Model}
	t.b.Rows = rows
	t.b.Time = make([]int64, rows)
	for i := range t.b.Time {
		t.b.Time[i] = o.DefaultTime
	}
	return t
}

// bad marks a row. The first fault of a row is the one told.
func (t *table) bad(row int, field, code, reason string) {
	if t.fault == nil {
		t.fault = make([]uint16, t.n)
	}
	if t.fault[row] != 0 {
		return
	}
	k := slices.IndexFunc(t.kinds, func(r Rejection) bool { return r.Field == field && r.Code == code && r.Reason == reason })
	if k < 0 {
		k = min(len(t.kinds), math.MaxUint16-1)
		t.kinds = append(t.kinds[:k], Rejection{Field: field, Code: code, Reason: reason})
	}
	t.fault[row] = uint16(k + 1)
}

// plan finds the meaning of each column before any is read.
type plan struct {
	roles    []role
	names    []string
	warnings report
}

// plan gives roles to columns; lists tells which of them are lists.
func (o *Options) plan(names []string, lists ...bool) (*plan, error) {
	p := &plan{roles: make([]role, len(names)), names: make([]string, len(names))}
	taken := map[string]bool{}
	counts := [roles]int{}
	for i, name := range names {
		r, n := o.column(name)
		if i < len(lists) && lists[i] {
			r, n = o.listRole(name), ""
		}
		if name == "" {
			r = roleNone
		}
		n = clean(n)
		p.roles[i], p.names[i] = r, n
		if r == roleNone {
			p.warnings.warn(name, CodeUnknown, "not a column of this kind of row")
			continue
		}
		if len(n) > o.Limits.Name {
			return nil, unreadable("column %d has a name longer than %d bytes", i+1, o.Limits.Name)
		}
		key := r.String() + "\x00" + n
		if taken[key] {
			return nil, unreadable("column %d (%s) has the name or the meaning of one before it", i+1, clip(name))
		}
		taken[key] = true
		counts[r]++
	}
	l := &o.Limits
	for _, c := range []struct {
		r     role
		limit int
	}{{roleFeature, l.Features}, {roleSegment, l.Segments}, {roleClass, l.Classes}} {
		if counts[c.r] > c.limit {
			return nil, &LimitError{What: c.r.String() + " columns in one request", Limit: int64(c.limit)}
		}
	}
	return p, nil
}

// shape checks the size of what is about to be read.
func (o *Options) shape(rows, columns int) error {
	if rows > o.Limits.Rows {
		return &LimitError{What: "rows in one request", Limit: int64(o.Limits.Rows)}
	}
	if columns > 0 && rows > o.Limits.Cells/columns {
		return &LimitError{What: "cells (rows x columns) in one request", Limit: int64(o.Limits.Cells)}
	}
	return nil
}

// add takes a column in.
func (t *table) add(r role, name string, c column) {
	switch r {
	case roleID:
		t.addID(c)
	case roleTime:
		if a, ok := c.(*arrowColumn); ok && a.plainMillis(t.b.Time, t.o.Zone) {
			return
		}
		c.millis(&t.clock, func(row int, ms int64, err error) {
			if err != nil {
				t.bad(row, "time", CodeTime, err.Error())
				return
			}
			t.b.Time[row] = ms
		})
	case roleVersion:
		t.b.Version = t.strings("", "version", c)
	case rolePrediction:
		t.b.Pred, t.b.PredValue = t.scalar("prediction", c)
	case roleLabel:
		t.b.Label, t.b.LabelValue = t.scalar("label", c)
	case roleScore:
		t.b.Score = t.bounded("", "score", c, 1)
	case roleClass:
		if n := t.bounded(name, "score."+name, c, 1); n.Present() {
			t.b.Scores = append(t.b.Scores, n)
		}
	case roleLatency:
		t.b.Latency = t.bounded("", "latency_ms", c, math.MaxFloat64)
	case roleError:
		t.b.Err = t.errors(c)
	case roleSegment:
		if d := t.strings(name, "segments."+name, c); d.Present() {
			t.b.Segments = append(t.b.Segments, d)
		}
	case roleItems, roleRelevant:
		if a, ok := c.(*arrowColumn); ok {
			a.lists(t, r)
		}
	case roleFeature:
		t.addFeature(name, c)
	}
}

func (t *table) addID(c column) {
	if a, ok := c.(*arrowColumn); ok {
		if ids, ok := a.sharedText(t.o.Limits.IDBytes); ok {
			t.b.ID = ids
			return
		}
	}
	var ids textCol
	c.text(func(row int, s []byte) {
		if len(s) > t.o.Limits.IDBytes {
			t.bad(row, "id", CodeTooLong, fmt.Sprintf("longer than %d bytes", t.o.Limits.IDBytes))
		} else if len(s) > 0 {
			ids.put(row, s)
		}
	})
	t.b.ID = ids.column(t.n)
}

func (t *table) addFeature(name string, c column) {
	t.wide = true
	if !t.o.Text[name] {
		if values, valid, ok := c.numbers(); ok {
			t.b.Nums = append(t.b.Nums, event.Num{Name: name, Values: values, Valid: valid})
			return
		}
	}
	d := t.words(name, c)
	if !d.Present() && t.o.Text[name] {
		d = t.noStrings(name)
	}
	if !d.Present() {
		t.b.Nums = append(t.b.Nums, t.nulls(name)) // of no known kind
		return
	}
	t.b.Cats = append(t.b.Cats, d)
}

func (t *table) nulls(name string) event.Num {
	return event.Num{Name: name, Values: make([]float64, t.n), Valid: make([]byte, (t.n+7)/8)}
}

// noStrings is a column of strings in which every row lacks one: the rows are
// counted as missing under their kind.
func (t *table) noStrings(name string) event.Dict {
	return event.Dict{Name: name, Codes: slices.Repeat([]int32{-1}, t.n)}
}

// strings is a column of names: versions, segments, classes.
func (t *table) strings(name, field string, c column) event.Dict {
	codes, values := c.codes()
	return t.short(field, event.Dict{Name: name, Codes: codes, Values: values}, clean)
}

// words is a column of a feature's values, which may have tabs in them.
func (t *table) words(name string, c column) event.Dict {
	codes, values := c.codes()
	return t.short("features."+name, event.Dict{Name: name, Codes: codes, Values: values}, validUTF8)
}

// short holds strings to their limit; rows with a longer one are bad.
func (t *table) short(field string, d event.Dict, tidy func(string) string) event.Dict {
	changed, limit := false, t.o.Limits.String
	for code, v := range d.Values {
		s := v
		if len(v) <= limit {
			s = tidy(v)
		}
		if len(s) <= limit {
			changed = changed || s != v
			d.Values[code] = s
			continue
		}
		for row, k := range d.Codes {
			if k == int32(code) {
				t.bad(row, field, CodeTooLong, fmt.Sprintf("longer than %d bytes", limit))
				d.Codes[row] = -1
			}
		}
		d.Values[code] = ""
	}
	if changed {
		d.Values = distinct(d.Codes, d.Values)
	}
	return present(d)
}

// errors is strings, cut where they are too long.
func (t *table) errors(c column) event.Dict {
	codes, values := c.codes()
	limit := t.o.Limits.String
	for i, v := range values {
		if values[i] = validUTF8(v); len(values[i]) > limit {
			values[i] = string(truncate([]byte(values[i]), limit))
			t.warn("error", CodeTruncated, fmt.Sprintf("cut to %d bytes", limit))
		}
		if v == "false" {
			for row, code := range codes {
				if code == int32(i) {
					codes[row] = -1
				}
			}
		}
	}
	return present(event.Dict{Codes: codes, Values: values})
}

// present drops a column in which no row has a value.
func present(d event.Dict) event.Dict {
	if !slices.ContainsFunc(d.Codes, func(c int32) bool { return c >= 0 }) {
		return event.Dict{}
	}
	return d
}

// bounded is a column of numbers from 0 to limit; not-a-number is null.
func (t *table) bounded(name, field string, c column, limit float64) event.Num {
	values, valid, ok := c.numbers()
	if !ok {
		c.text(func(row int, s []byte) {
			if len(s) > 0 {
				t.bad(row, field, CodeType, "a number was expected")
			}
		})
		return event.Num{}
	}
	if valid == nil && len(values) == t.n && !slices.ContainsFunc(values, func(v float64) bool { return !(v >= 0 && v <= limit) }) {
		return event.Num{Name: name, Values: values}
	}
	out := numCol{}
	in := event.Num{Values: values, Valid: valid}
	for row, v := range values {
		switch {
		case in.Null(row) || math.IsNaN(v):
		case v < 0 || v > limit:
			t.bad(row, field, CodeRange, "outside its range")
		default:
			out.put(row, v)
		}
	}
	return out.column(name, t.n, false)
}

// scalar is a prediction or a label.
func (t *table) scalar(field string, c column) (event.Dict, event.Num) {
	values, valid, ok := c.numbers()
	if !ok {
		return t.strings("", field, c), event.Num{}
	}
	if d, ok := fewNumbers(values, valid); ok {
		return d, event.Num{Values: values}
	}
	var out scalarCol
	out.nums.values, out.cats.codes = make([]float64, 0, t.n), make([]int32, 0, t.n)
	in := event.Num{Values: values, Valid: valid}
	for row, v := range values {
		switch {
		case in.Null(row) || math.IsNaN(v):
		case math.IsInf(v, 0):
			t.bad(row, field, CodeRange, "not a finite number")
		default:
			out.putNum(row, v)
		}
	}
	return out.columns(t.n)
}

// fewNumbers gives the classes of a column in which every row has one of a few
// numbers, as most predictions and labels do; the numbers themselves can stay
// where they are. Anything else is left to scalarCol.
func fewNumbers(values []float64, valid []byte) (event.Dict, bool) {
	const few = 16
	var cache [few]struct {
		bits uint64
		code int32 // plus 1
	}
	if valid != nil || len(values) == 0 {
		return event.Dict{}, false
	}
	d := event.Dict{Codes: make([]int32, len(values))}
	var seen []uint64
	for row, v := range values {
		b := math.Float64bits(v)
		e := &cache[b*0x9e3779b97f4a7c15>>60]
		if e.bits != b || e.code == 0 {
			code := slices.Index(seen, b)
			if code < 0 {
				if len(seen) == few || math.IsNaN(v) || math.IsInf(v, 0) || b == 1<<63 {
					return event.Dict{}, false // minus zero is the class of zero
				}
				code = len(seen)
				seen = append(seen, b)
				d.Values = append(d.Values, string(appendNumber(nil, v)))
			}
			e.bits, e.code = b, int32(code)+1
		}
		d.Codes[row] = e.code - 1
	}
	return d, true
}

// finish checks the rows and leaves the bad ones out.
func (t *table) finish() *Result {
	t.checkRows()
	b := &t.b
	slices.SortFunc(b.Nums, func(a, b event.Num) int { return compareNames(a.Name, b.Name) })
	slices.SortFunc(b.Scores, func(a, b event.Num) int { return compareNames(a.Name, b.Name) })
	slices.SortFunc(b.Cats, func(a, b event.Dict) int { return compareNames(a.Name, b.Name) })
	slices.SortFunc(b.Segments, func(a, b event.Dict) int { return compareNames(a.Name, b.Name) })
	if t.fault == nil {
		compactAll(b)
		return t.report.result(b, t.n)
	}
	keep := make([]int32, 0, t.n)
	for row, k := range t.fault {
		if k == 0 {
			keep = append(keep, int32(row))
			continue
		}
		f := &t.kinds[k-1]
		t.reject(row, f.Field, f.Code, f.Reason)
	}
	t.index = keep
	b = b.Take(keep)
	compactAll(b)
	return t.report.result(b, t.n)
}

func compareNames(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func (t *table) checkRows() {
	b := &t.b
	for row, at := range b.Time {
		if code, reason := t.o.timeFault(at); code != "" {
			t.bad(row, "time", code, reason)
		}
	}
	if t.wide && t.o.Kind != event.Labels {
		return
	}
	hasLabel := func(row int) bool {
		_, ok := b.Label.At(row)
		_, _, wanted := b.Relevant.At(row)
		return ok || wanted || !b.LabelValue.Null(row)
	}
	for row := range t.n {
		switch {
		case t.o.Kind == event.Labels && len(b.ID.At(row)) == 0:
			t.bad(row, "id", CodeMissing, "a label needs the id of its prediction")
		case t.o.Kind == event.Labels && !hasLabel(row):
			t.bad(row, "label", CodeMissing, "a label row needs a label")
		case !t.wide && !hasLabel(row) && t.silent(row):
			t.bad(row, "", CodeEmpty, "the row says nothing")
		}
	}
}

// silent tells whether a row without features or label says nothing else.
func (t *table) silent(row int) bool {
	b := &t.b
	_, pred := b.Pred.At(row)
	_, failed := b.Err.At(row)
	_, _, ranked := b.Items.At(row)
	said := pred || failed || ranked || !b.PredValue.Null(row) || !b.Score.Null(row) || !b.Latency.Null(row)
	return !said && !slices.ContainsFunc(b.Scores, func(n event.Num) bool { return !n.Null(row) })
}
