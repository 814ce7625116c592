package decode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leewayhq/leeway/internal/event"
)

// many is a JSON array of n different ids, the first of which is a.
func many(n int) string {
	ids := []string{`"a"`}
	for i := 1; i < n; i++ {
		ids = append(ids, fmt.Sprint(1000+i))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

func TestRankings(t *testing.T) {
	each(t, JSON, predictions(), map[string]string{
		`{"id":"q","items":["b","a",7,18446744073709551615]}`:             `#0 @ id=q items=[b a 7 18446744073709551615]`,
		`[{"items":[]},{"items":null,"score":1},{"items":[ "a" , "b" ]}]`: "#0 @ items=[]\n#1 @ score=1\n#2 @ items=[a b]",
		`{"items":["a"],"relevant":{"a":2.5,"b":0}}`:                      `#0 @ items=[a] relevant=[a:2.5]`,
		`{"relevant":["a"]}`:                             `#0 @ relevant=[a]`,
		`{"relevant":{"a":1}}`:                           `#0 @ relevant=[a]`,
		`{"relevant":{}}`:                                `#0 @ relevant=[]`,
		`{"items":"a"}`:                                  `rejected 0 items type`,
		`{"items":{"a":1}}`:                              `rejected 0 items type`,
		`{"items":["a","b","a"]}`:                        `rejected 0 items duplicate_key`,
		`{"items":["a",null]}`:                           `rejected 0 items type`,
		`{"items":["a",["b"]]}`:                          `rejected 0 items type`,
		`{"items":[""]}`:                                 `rejected 0 items missing`,
		`{"items":["` + strings.Repeat("x", 257) + `"]}`: `rejected 0 items too_long`,
		`{"relevant":{"a":-1}}`:                          `rejected 0 relevant range`,
		`{"relevant":{"a":1e999}}`:                       `rejected 0 relevant range`,
		`{"relevant":{"a":"b"}}`:                         `rejected 0 relevant type`,
		`{"relevant":{"a":1,"a":2}}`:                     `rejected 0 relevant duplicate_key`,
		`{"relevant":` + many(1001) + `}`:                `rejected 0 relevant too_many`,
		`{"items":["a"],"items":["b"]}`:                  `rejected 0 items duplicate_key`,
		`[{"items":["a"]},{"items":["b","b"]},{"items":["c"],"relevant":{"b":0.5}}]`: "#0 @ items=[a]\n#2 @ items=[c] relevant=[b:0.5]\nrejected 1 items duplicate_key",
		`{"features":{"items":3},"items":["a"]}`:                                     `#0 @ items=[a] n.items=3`,
	})
	labels := predictions()
	labels.Kind = event.Labels
	each(t, NDJSON, labels, map[string]string{
		`{"id":"q","relevant":["a"]}`: `#0 @ id=q relevant=[a]`,
		`{"id":"q","relevant":[]}`:    `#0 @ id=q relevant=[]`,
		`{"relevant":["a"]}`:          `rejected 0 id missing`,
		`{"id":"q","relevant":null}`:  `rejected 0 label missing`,
		`{"id":"q","items":["a"]}`:    "rejected 0 label missing\nwarning items unknown_field x1",
	})
}

// With a mapping every other key is a feature, but a list can be none.
func TestRankingsBesideAMapping(t *testing.T) {
	o := predictions()
	o.Map = map[string]string{"id": "q"}
	each(t, NDJSON, o, map[string]string{
		`{"q":"a","items":["a","b"],"relevant":{"c":2},"x":1}`: `#0 @ id=a items=[a b] relevant=[c:2] n.x=1`,
		`{"q":"a","items":3,"relevant":0.5}`:                   `#0 @ id=a n.items=3 n.relevant=0.5`,
		`{"q":"a","items":["a"],"items":["b"]}`:                `rejected 0 items duplicate_key`,
	})
}

func TestLongRankingsAreCut(t *testing.T) {
	r, err := JSON([]byte(`{"items":`+many(150)+`}`), predictions())
	items, _, ok := must(t, r, err).Batch.Items.At(0)
	if !ok || len(items) != event.MaxItems || items[0] != event.HashItem([]byte("a")) {
		t.Fatalf("%d items", len(items))
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Code != CodeTruncated || r.Warnings[0].Field != "items" {
		t.Fatalf("%+v", r.Warnings)
	}
	r, err = JSON([]byte(`{"relevant":`+many(event.MaxRelevant)+`}`), predictions())
	if items, _, _ := must(t, r, err).Batch.Relevant.At(0); len(items) != event.MaxRelevant {
		t.Fatalf("%d relevant items", len(items))
	}
}

// ranked is a record of lists: text, numbers, nulls, an empty one, a map.
func ranked(t testing.TB) arrow.RecordBatch {
	str := arrow.BinaryTypes.String
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: str},
		{Name: "items", Type: arrow.ListOf(str), Nullable: true},
		{Name: "relevant", Type: arrow.MapOf(str, arrow.PrimitiveTypes.Float64), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	return fromJSON(t, b, `{"id":"q1","items":["b","a"],"relevant":[{"key":"a","value":3}]}
		{"id":"q2","items":[],"relevant":null}
		{"id":"q3","items":null,"relevant":[]}
		{"id":"q4","items":["c","c"],"relevant":null}
		{"id":"q5","items":["a","7"],"relevant":[{"key":"7","value":1},{"key":"c","value":0}]}`)
}

func fromJSON(t testing.TB, b *array.RecordBuilder, rows ...string) arrow.RecordBatch {
	for _, row := range strings.Split(strings.Join(rows, ""), "\n") {
		if err := b.UnmarshalJSON([]byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	return b.NewRecordBatch()
}

func TestListsOfArrow(t *testing.T) {
	rec := ranked(t)
	want := "#0 @ id=q1 items=[b a] relevant=[a:3]\n#1 @ id=q2 items=[]\n#2 @ id=q3 relevant=[]\n#4 @ id=q5 items=[a 7] relevant=[7:1]\nrejected 3 items duplicate_key\n"
	want = strings.ReplaceAll(want, "@", "t=1777000000000")
	for what, body := range map[string][]byte{
		"whole":  asArrow(t, nil, rec),
		"pieces": asArrow(t, nil, rec.NewSlice(0, 2), rec.NewSlice(2, 5)),
	} {
		r, err := Arrow(body, predictions())
		if got := describe(must(t, r, err)); got != want {
			t.Errorf("%s: got\n%swanted\n%s", what, got, want)
		}
		frame, err := Frame(r.Batch.AppendTo(nil), predictions())
		if got := describe(&Result{Batch: must(t, frame, err).Batch}); got != describe(&Result{Batch: r.Batch}) {
			t.Errorf("%s: another batch after a frame:\n%s", what, got)
		}
	}
	numbers := arrow.NewSchema([]arrow.Field{{Name: "items", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Uint64)}, {Name: "relevant", Type: arrow.LargeListOf(arrow.PrimitiveTypes.Int64)}}, nil)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), numbers)
	r, err := Arrow(asArrow(t, nil, fromJSON(t, b, `{"items":[7,18446744073709551615],"relevant":[7]}`)), predictions())
	if got := describe(must(t, r, err)); !strings.Contains(got, "items=[7 18446744073709551615] relevant=[7]") {
		t.Error(got)
	}
	plain := arrow.NewSchema([]arrow.Field{{Name: "items", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b = array.NewRecordBuilder(memory.NewGoAllocator(), plain)
	b.Field(0).(*array.Int64Builder).Append(3)
	r, err = Arrow(asArrow(t, nil, b.NewRecordBatch()), predictions())
	if got := describe(must(t, r, err)); !strings.Contains(got, "n.items=3") {
		t.Errorf("a column of numbers that is called items: %s", got)
	}
}

func TestListsOfParquet(t *testing.T) {
	item := func(elem arrow.Field, nullable bool) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "items", Type: arrow.ListOfField(elem), Nullable: nullable}}, nil)
	}
	element := func(typ arrow.DataType, nullable bool) arrow.Field {
		return arrow.Field{Name: "element", Type: typ, Nullable: nullable}
	}
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Uint64
	for name, c := range map[string]struct {
		schema *arrow.Schema
		rows   string
		want   string
	}{
		"text": {item(element(text, true), true), `{"id":"p","items":["b","a"]}
			{"id":"q","items":[]}
			{"id":"r","items":null}
			{"id":"s","items":["c"]}`, "#0 @ id=p items=[b a]\n#1 @ id=q items=[]\n#3 @ id=s items=[c]\nrejected 2  empty\n"},
		"numbers, nothing null": {item(element(number, false), false), `{"id":"p","items":[7]}
			{"id":"q","items":[18446744073709551615,7]}`, "#0 @ id=p items=[7]\n#1 @ id=q items=[18446744073709551615 7]\n"},
		"an item that is null": {item(element(text, true), false), `{"id":"p","items":["a",null]}
			{"id":"q","items":["b"]}`, "#1 @ id=q items=[b]\nrejected 0 items missing\n"},
	} {
		rec := fromJSON(t, array.NewRecordBuilder(memory.NewGoAllocator(), c.schema), c.rows)
		for _, group := range []int64{1, 2, 100} {
			r, err := Parquet(asParquet(t, rec, group), predictions())
			if got, want := describe(must(t, r, err)), strings.ReplaceAll(c.want, "@", "t=1777000000000"); got != want {
				t.Errorf("%s, %d rows a group: got\n%swanted\n%s", name, group, got, want)
			}
		}
	}
	var many []string
	for i := range 500 {
		many = append(many, fmt.Sprintf(`{"id":"%d","items":[%d,%d,%d,%d,%d,%d,%d]}`, i, i, i+1, i+2, i+3, i+4, i+5, i+6))
	}
	rec := fromJSON(t, array.NewRecordBuilder(memory.NewGoAllocator(), item(element(number, true), true)), strings.Join(many, "\n"))
	r, err := Parquet(asParquet(t, rec, 1000), predictions())
	for i := range must(t, r, err).Batch.Rows { // more levels than are read at once
		items, _, ok := r.Batch.Items.At(i)
		if !ok || len(items) != 7 || items[6] != event.HashItem(fmt.Append(nil, i+6)) {
			t.Fatalf("row %d: %d items", i, len(items))
		}
	}
	r, err = Parquet(asParquet(t, ranked(t), 10), predictions()) // a map is not read
	if got := describe(must(t, r, err)); !strings.Contains(got, "items=[b a]") || !strings.Contains(got, "relevant.key_value.key unsupported") {
		t.Error(got)
	}
}

// A frame may come from anybody: its lists are held to the same rules.
func TestListsOfFrames(t *testing.T) {
	b := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: 3, Time: []int64{now, now, now}}
	b.Items.Put(0, []uint64{5, 5}, nil)
	b.Items.Put(1, make([]uint64, 1), nil)
	b.Items.Put(2, []uint64{9, 8}, nil)
	b.Relevant.Put(1, []uint64{1}, []float64{-1})
	b.Relevant.Put(2, []uint64{9, 8, 7}, []float64{1, 2, 0})
	r, err := Frame(b.AppendTo(nil), predictions())
	got := describe(must(t, r, err))
	if want := "#2 t=1777640000000 items=[9 8] relevant=[8:2 9:1]\nrejected 0 items duplicate_key\nrejected 1 relevant range\n"; got != want {
		t.Errorf("got\n%swanted\n%s", got, want)
	}
}
