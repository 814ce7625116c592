package decode

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// Frame decodes one frame of Leeway's own bytes, as its SDKs send them. What
// the server decides (task, positive class, generation, flags, grids, arrival)
// is taken from no sender; all else is held to the limits again.
func Frame(body []byte, o *Options) (res *Result, err error) {
	if o, err = o.resolve(body); err != nil {
		return nil, err
	}
	defer recovered("frame", &err)
	if len(body) >= 16 && binary.LittleEndian.Uint64(body[8:]) < uint64(len(body)) {
		return nil, unreadable("a body is one frame; bytes follow the first")
	}
	in, err := event.Decode(body)
	if err != nil {
		return nil, unreadable("not a readable frame: %v", err)
	}
	if in.Kind != o.Kind {
		return nil, unreadable("a frame of %v was sent where %v are expected", in.Kind, o.Kind)
	}
	if in.Model != "" && in.Model != o.Model {
		return nil, unreadable("a frame of model %q was sent to model %q", clip(in.Model), o.Model)
	}
	if err := o.shape(in.Rows, len(in.Nums)+len(in.Cats)+len(in.Scores)+len(in.Segments)); err != nil {
		return nil, err
	}
	t := newTable(o, in.Rows)
	if err := t.fromFrame(in); err != nil {
		return nil, err
	}
	return t.finish(), nil
}

func (t *table) fromFrame(in *event.Batch) error {
	l := &t.o.Limits
	if err := t.frameNames(in); err != nil {
		return err
	}
	t.b.BatchID = clean(in.BatchID)
	t.b.Time, t.b.ID = in.Time, in.ID
	for row := range in.Rows {
		if len(in.ID.At(row)) > l.IDBytes {
			t.bad(row, "id", CodeTooLong, fmt.Sprintf("longer than %d bytes", l.IDBytes))
		}
	}
	if t.o.Kind == event.Logs {
		t.frameLogs(in)
		return nil
	}
	t.b.Label, t.b.LabelValue = t.frameScalar("label", in.Label, in.LabelValue)
	t.frameLists(roleRelevant, &in.Relevant)
	if t.o.Kind == event.Labels {
		return nil // as in the other formats, a label row says nothing else
	}
	t.frameLists(roleItems, &in.Items)
	t.b.Version = t.strings("", "version", frameDict(in.Version))
	t.b.Pred, t.b.PredValue = t.frameScalar("prediction", in.Pred, in.PredValue)
	t.b.Err = t.errors(frameDict(in.Err))
	t.b.Score = t.bounded("", "score", frameNum(in.Score), 1)
	t.b.Latency = t.bounded("", "latency_ms", frameNum(in.Latency), math.MaxFloat64)
	for _, n := range in.Scores {
		t.add(roleClass, n.Name, frameNum(n))
	}
	for _, d := range in.Segments {
		t.add(roleSegment, d.Name, frameDict(d))
	}
	for _, n := range in.Nums {
		t.wide = true
		t.b.Nums = append(t.b.Nums, event.Num{Name: n.Name, Values: n.Values, Valid: n.Valid})
	}
	for _, d := range in.Cats {
		t.wide = true
		name := d.Name
		if d = t.words(name, frameDict(d)); !d.Present() {
			d = t.noStrings(name)
		}
		t.b.Cats = append(t.b.Cats, d)
	}
	return nil
}

func (t *table) frameScalar(field string, d event.Dict, n event.Num) (event.Dict, event.Num) {
	d = t.strings("", field, frameDict(d))
	return d, t.finiteNum(field, n)
}

// finiteNum rejects the rows whose number is none.
func (t *table) finiteNum(field string, n event.Num) event.Num {
	for row, v := range n.Values {
		if (math.IsInf(v, 0) || math.IsNaN(v)) && !n.Null(row) {
			t.bad(row, field, CodeRange, "not a finite number")
		}
	}
	return event.Num{Values: n.Values, Valid: n.Valid}
}

func (t *table) frameLogs(in *event.Batch) {
	t.wide = true
	t.b.Message, t.b.Attrs = in.Message, in.Attrs
	for row := range in.Rows {
		if len(in.Message.At(row)) > t.o.Limits.LineBytes || len(in.Attrs.At(row)) > t.o.Limits.LineBytes {
			t.bad(row, "", CodeTooLong, fmt.Sprintf("longer than %d bytes", t.o.Limits.LineBytes))
		} else if attrs := in.Attrs.At(row); len(attrs) > 0 && (attrs[0] != '{' || !json.Valid(attrs)) {
			t.bad(row, "attrs", CodeType, "attributes are one JSON object")
		}
	}
	for _, d := range in.Cats {
		if r := logRole(d.Name); r != roleLevel && r != roleService && r != roleModel {
			continue
		}
		if d = t.strings(d.Name, d.Name, frameDict(d)); d.Present() {
			t.b.Cats = append(t.b.Cats, d)
		}
	}
}

// frameNames holds the columns' names and counts to the limits.
func (t *table) frameNames(in *event.Batch) error {
	l := &t.o.Limits
	nums, cats := namesOf(in.Nums, func(n event.Num) string { return n.Name }), namesOf(in.Cats, func(d event.Dict) string { return d.Name })
	for _, c := range []struct {
		r     role
		limit int
		names []string
	}{
		{roleFeature, l.Features, nums},
		{roleFeature, l.Features, cats},
		{roleClass, l.Classes, namesOf(in.Scores, func(n event.Num) string { return n.Name })},
		{roleSegment, l.Segments, namesOf(in.Segments, func(d event.Dict) string { return d.Name })},
	} {
		seen := map[string]bool{}
		for _, name := range c.names {
			if name == "" || len(name) > l.Name || name != clean(name) {
				return unreadable("a %s column has no name, or one longer than %d bytes, or one that is no text", c.r, l.Name)
			}
			seen[name] = true
		}
		if len(seen) > c.limit {
			return &LimitError{What: c.r.String() + " columns in one request", Limit: int64(c.limit)}
		}
		if len(seen) < len(c.names) {
			return unreadable("two %s columns have the same name", c.r)
		}
	}
	slices.Sort(nums)
	both := 0 // a feature that is a number in some rows and a string in others
	for _, name := range cats {
		if _, ok := slices.BinarySearch(nums, name); ok {
			both++
		}
	}
	if len(nums)+len(cats)-both > l.Features {
		return &LimitError{What: "feature columns in one request", Limit: int64(l.Features)}
	}
	return nil
}

func namesOf[T any](columns []T, name func(T) string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = name(c)
	}
	return out
}

// frameNum and frameDict are columns as a frame holds them.
type (
	frameNum  event.Num
	frameDict event.Dict
)

func (c frameNum) numbers() ([]float64, []byte, bool)      { return c.Values, c.Valid, true }
func (c frameNum) text(func(int, []byte))                  {}
func (c frameNum) codes() ([]int32, []string)              { return nil, nil }
func (c frameNum) millis(*clock, func(int, int64, error))  {}
func (c frameDict) numbers() ([]float64, []byte, bool)     { return nil, nil, false }
func (c frameDict) text(func(int, []byte))                 {}
func (c frameDict) codes() ([]int32, []string)             { return c.copied(), append([]string(nil), c.Values...) }
func (c frameDict) millis(*clock, func(int, int64, error)) {}
func (c frameDict) copied() []int32                        { return append([]int32(nil), c.Codes...) }
