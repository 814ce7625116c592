package decode

import (
	"slices"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"v1.2": "v1.2", "版本一": "版本一", "a\x00b": "a\ufffdb", "a\nb\t": "a\ufffdb\ufffd",
		"\x1b[31m": "\ufffd[31m", "a\xffb": "a\ufffdb", "\u0085": "\ufffd", "\x7f": "\ufffd",
	} {
		if got := clean(in); got != want || string(cleanBytes([]byte(in))) != want || isClean([]byte(in)) != (in == want) {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// TestAFrameIsBuiltAnew: of what a sender writes into a frame only that stays
// which the other formats could have said.
func TestAFrameIsBuiltAnew(t *testing.T) {
	o := predictions()
	dict := func(name string, values ...string) event.Dict {
		return event.Dict{Name: name, Codes: []int32{1, -1, 2}, Values: append(values, strings.Repeat("u", 5000))}
	}
	in := &event.Batch{Rows: 3, Time: []int64{o.Now, o.Now, o.Now}}
	in.Header = event.Header{Kind: event.Predictions, Task: event.Binary, Flags: 0xffffffff, Arrived: 12, Generation: 9, Positive: "p", BatchID: "b\x00"}
	in.Version = dict("", "unused", "v\x001", "v\n1")
	in.Pred = dict("", "unused", "yes\x00", "no\xff")
	in.Segments = []event.Dict{dict("region", "unused", "e\x1bu", "us")}
	in.Cats = []event.Dict{dict("city", "unused", "a\tb", "b\xff")}
	num := event.Num{Values: []float64{1, 0.5, 0}, Centre: 3, Epoch: 7}
	in.Score, in.Latency, in.PredValue = num, num, num
	in.Scores, in.Nums = []event.Num{num}, []event.Num{num}
	in.Scores[0].Name, in.Nums[0].Name = "yes", "x"
	r, err := Frame(in.AppendTo(nil), o)
	b := must(t, r, err).Batch
	if want := (event.Header{Kind: event.Predictions, Model: o.Model, BatchID: "b\ufffd"}); b.Header != want {
		t.Errorf("%+v", b.Header)
	}
	for what, c := range map[string]struct{ got, want []string }{
		"version":    {b.Version.Values, []string{"v\ufffd1"}},
		"prediction": {b.Pred.Values, []string{"yes\ufffd", "no\ufffd"}},
		"segment":    {b.Segments[0].Values, []string{"e\ufffdu", "us"}},
		"feature":    {b.Cats[0].Values, []string{"a\tb", "b\ufffd"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q", what, c.got)
		}
	}
	if first, _ := b.Version.At(0); first != "v\ufffd1" || b.Version.Codes[2] != 0 || b.Version.Codes[1] != -1 {
		t.Error(b.Version)
	}
	for _, n := range []event.Num{b.Score, b.Latency, b.PredValue, b.Scores[0], b.Nums[0]} {
		if n.Epoch != 0 || n.Centre != 0 {
			t.Errorf("the sender's grid was taken: %+v", n)
		}
	}
}

func TestAFrameSaysNoMoreThanItsKind(t *testing.T) {
	o := predictions()
	text := func(s string) (t event.Text) { t.Append(s); return t }
	one := func(name string) event.Dict { return event.Dict{Name: name, Codes: []int32{0}, Values: []string{"1"}} }
	in := &event.Batch{Header: event.Header{Kind: event.Labels}, Rows: 1, Time: []int64{o.Now}, ID: text("a"), Label: one(""), Version: one("")}
	in.Nums = []event.Num{{Name: "x", Values: []float64{1}}}
	o.Kind = event.Labels
	r, err := Frame(in.AppendTo(nil), o)
	if b := must(t, r, err).Batch; b.Rows != 1 || len(b.Nums) != 0 || b.Version.Present() {
		t.Errorf("%+v", b)
	}
	in = &event.Batch{Header: event.Header{Kind: event.Logs}, Rows: 1, Time: []int64{o.Now}, Message: text("hi"), Attrs: text(`{"a":1}`), Cats: []event.Dict{one("level"), one("other")}}
	o.Kind, o.Model = event.Logs, ""
	r, err = Frame(in.AppendTo(nil), o)
	if b := must(t, r, err).Batch; b.Rows != 1 || len(b.Cats) != 1 {
		t.Errorf("%+v", b)
	}
	in.Attrs = text(`{"a":`)
	if r, err = Frame(in.AppendTo(nil), o); err != nil || r.RejectedCount != 1 {
		t.Error("attributes that are no JSON were taken", err)
	}
}

func TestAFramesNamesAreNames(t *testing.T) {
	for what, names := range map[string][]string{"a control character": {"a\x00"}, "no UTF-8": {"a\xff"}, "the same twice": {"a", "a"}} {
		o := predictions()
		in := &event.Batch{Header: event.Header{Kind: event.Predictions}, Rows: 1, Time: []int64{o.Now}}
		for _, n := range names {
			in.Nums = append(in.Nums, event.Num{Name: n, Values: []float64{1}})
		}
		if _, err := Frame(in.AppendTo(nil), o); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

// TestNamesAreCleanInEveryFormat, and those of rows that were left out are gone.
func TestNamesAreCleanInEveryFormat(t *testing.T) {
	rows := `{"version":"v\u00001","prediction":"y\u001b","segments":{"re\u0000gion":"e\u0001u"},"features":{"x\u0007":1}}
{"version":"gone","prediction":"gone","segments":{"re\u0000gion":"gone"},"score":7}
`
	csv := "version,prediction,segment.re\x00gion,x\x07,score\nv\x001,y\x1b,e\x01u,1,\ngone,gone,gone,2,7\n"
	for format, decode := range map[string]func() (*Result, error){
		"JSON": func() (*Result, error) { return NDJSON([]byte(rows), predictions()) },
		"CSV":  func() (*Result, error) { return CSV([]byte(csv), predictions()) },
	} {
		r, err := decode()
		if err != nil {
			t.Fatal(format, err)
		}
		b := r.Batch
		if b.Rows != 1 || !slices.Equal(b.Version.Values, []string{"v\ufffd1"}) || !slices.Equal(b.Pred.Values, []string{"y\ufffd"}) {
			t.Errorf("%s: %d rows, %q, %q", format, b.Rows, b.Version.Values, b.Pred.Values)
		}
		if b.Segments[0].Name != "re\ufffdgion" || !slices.Equal(b.Segments[0].Values, []string{"e\ufffdu"}) || b.Nums[0].Name != "x\ufffd" {
			t.Errorf("%s: %q %q %q", format, b.Segments[0].Name, b.Segments[0].Values, b.Nums[0].Name)
		}
	}
}
