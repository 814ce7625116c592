package model

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/event"
)

// OtherSegment is the value, and the version, that stands for all past the limit.
const OtherSegment = "__other__"

// clean makes a text fit to be a name of something that is stored and asked for:
// what is not UTF-8, and control characters, become U+FFFD.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// cleanField also keeps "=" out of a field's name: it ends the field's name in
// "field=value".
func cleanField(s string) string { return strings.ReplaceAll(clean(s), "=", "_") }

// rowsByCode is how many rows use each value of a dictionary.
func rowsByCode(d *event.Dict) []int {
	rows := make([]int, len(d.Values))
	for _, code := range d.Codes {
		if code >= 0 {
			rows[code]++
		}
	}
	return rows
}

// recode gives each value in use the name that the function says, once each. The
// column's slices may be shared with others: they are replaced, not changed.
func recode(d *event.Dict, rows []int, name func(code int) string) {
	to := make([]int32, len(d.Values))
	at := map[string]int32{}
	var values []string
	for code := range d.Values {
		if rows[code] == 0 {
			continue
		}
		v := name(code)
		i, ok := at[v]
		if !ok {
			i = int32(len(values))
			at[v] = i
			values = append(values, v)
		}
		to[code] = i
	}
	codes := make([]int32, len(d.Codes))
	for i, code := range d.Codes {
		codes[i] = -1
		if code >= 0 {
			codes[i] = to[code]
		}
	}
	d.Codes, d.Values = codes, values
}

// observeVersions registers versions, and folds those past the limit into one.
// It returns how many rows that were.
func (e *entry) observeVersions(b *event.Batch, cfg *Config) (folded int) {
	d := &b.Version
	if !slices.ContainsFunc(d.Values, func(v string) bool { return !e.versions[v] }) {
		return 0
	}
	rows, first := rowsByCode(d), firstUses(b)
	recode(d, rows, func(code int) string {
		v := clean(d.Values[code])
		switch {
		case e.versions[v]:
		case len(e.model.Versions) >= cfg.MaxVersions:
			folded += rows[code]
			return OtherSegment
		default:
			v = strings.Clone(v)
			e.versions[v] = true
			e.model.Versions = append(e.model.Versions, Version{Name: v, FirstSeen: first[code]})
			e.dirty = true
		}
		return v
	})
	return folded
}

// firstUses is the earliest event time of each version's rows.
func firstUses(b *event.Batch) []int64 {
	first := make([]int64, len(b.Version.Values))
	for i := range first {
		first[i] = math.MaxInt64
	}
	for i, code := range b.Version.Codes {
		if code >= 0 {
			first[code] = min(first[code], b.Time[i])
		}
	}
	return first
}

// observeSegments keeps the fields that the model is cut by, drops those past
// the limit, and folds values past theirs into one.
func (e *entry) observeSegments(b *event.Batch, cfg *Config, dropped *Dropped) {
	declared := len(e.model.Segments) > 0
	from := b.Segments
	if declared {
		from = e.declaredSegments(b)
	}
	var kept []event.Dict
	for _, d := range from {
		known := e.segments[d.Name] != nil
		if !known {
			d.Name = cleanField(d.Name)
			known = e.segments[d.Name] != nil
		}
		if !d.Present() {
			continue
		}
		twice := slices.ContainsFunc(kept, func(k event.Dict) bool { return k.Name == d.Name })
		if twice || (!known && !declared && len(e.segments) >= cfg.MaxSegmentFields) {
			dropped.Fields++
			continue
		}
		dropped.Segments += e.observeValues(&d, cfg)
		kept = append(kept, d)
	}
	b.Segments = kept
}

// declaredSegments takes each declared field, or pair of fields "a,b", from the
// segments or, if it is none of them, from the features.
func (e *entry) declaredSegments(b *event.Batch) []event.Dict {
	var out []event.Dict
	for _, name := range e.model.Segments {
		if d, ok := segmentField(b, name); ok {
			out = append(out, d)
			continue
		}
		if first, second, isPair := strings.Cut(name, pairSeparator); isPair {
			left, hasLeft := segmentField(b, first)
			right, hasRight := segmentField(b, second)
			if hasLeft && hasRight {
				out = append(out, pairOf(name, &left, &right))
			}
		}
	}
	return out
}

func segmentField(b *event.Batch, name string) (event.Dict, bool) {
	for _, from := range [][]event.Dict{b.Segments, b.Cats} {
		if i := slices.IndexFunc(from, func(d event.Dict) bool { return d.Name == name && d.Present() }); i >= 0 {
			return from[i], true
		}
	}
	if i := slices.IndexFunc(b.Nums, func(n event.Num) bool { return n.Name == name && n.Present() }); i >= 0 {
		return numbersAsNames(&b.Nums[i]), true
	}
	return event.Dict{}, false
}

// numbersAsNames is for a feature such as a flag or a rank; one with many
// values meets the limit like any other.
func numbersAsNames(n *event.Num) event.Dict {
	out := event.Dict{Name: n.Name, Codes: make([]int32, len(n.Values))}
	codes := map[float64]int32{}
	for i, v := range n.Values {
		if n.Null(i) || math.IsNaN(v) {
			out.Codes[i] = -1
			continue
		}
		code, ok := codes[v]
		if !ok {
			code = int32(len(out.Values))
			codes[v] = code
			out.Values = append(out.Values, strconv.FormatFloat(v, 'g', -1, 64))
		}
		out.Codes[i] = code
	}
	return out
}

// pairSeparator stands between the two fields of a pair, and between their values.
const pairSeparator = ","

// pairOf is the column of two columns' values side by side; it is null where
// either is.
func pairOf(name string, a, b *event.Dict) event.Dict {
	out := event.Dict{Name: name, Codes: make([]int32, len(a.Codes))}
	codes := map[[2]int32]int32{}
	for i, left := range a.Codes {
		right := b.Codes[i]
		if left < 0 || right < 0 {
			out.Codes[i] = -1
			continue
		}
		code, ok := codes[[2]int32{left, right}]
		if !ok {
			code = int32(len(out.Values))
			codes[[2]int32{left, right}] = code
			out.Values = append(out.Values, a.Values[left]+pairSeparator+b.Values[right])
		}
		out.Codes[i] = code
	}
	return out
}

// observeValues registers a field's values. It returns how many rows were
// folded into OtherSegment.
func (e *entry) observeValues(d *event.Dict, cfg *Config) (folded int) {
	known := e.segments[d.Name]
	if !slices.ContainsFunc(d.Values, func(v string) bool { return !known[v] }) {
		return 0
	}
	rows := rowsByCode(d)
	recode(d, rows, func(code int) string {
		v := clean(d.Values[code])
		if !known[v] && len(e.model.SegmentValues) >= cfg.MaxSegments {
			v = OtherSegment
			folded += rows[code]
		}
		if !known[v] {
			e.registerSegment(d.Name, v)
			known = e.segments[d.Name]
		}
		return v
	})
	return folded
}

// registerSegment is told of each "field=value" once. A field's OtherSegment is
// one of its values, and may be past the limit.
func (e *entry) registerSegment(field, value string) {
	key := field + "=" + value
	e.indexSegment(key)
	e.model.SegmentValues = append(e.model.SegmentValues, key)
	e.dirty = true
}

func (e *entry) indexSegment(key string) {
	field, value, _ := strings.Cut(key, "=")
	if e.segments[field] == nil {
		e.segments[field] = map[string]bool{}
	}
	e.segments[field][value] = true
}
