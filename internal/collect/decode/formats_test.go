package decode

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leewayhq/leeway/internal/event"
)

// record is the rows of the parity tests; nil is null.
func record(n int) arrow.RecordBatch {
	str, f64 := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64
	coded := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: str}
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	schema := arrow.NewSchema([]arrow.Field{
		field("id", str), field("time", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}), field("version", str),
		field("prediction", arrow.PrimitiveTypes.Int64), field("score", f64), field("label", arrow.PrimitiveTypes.Int32),
		field("latency_ms", f64), field("error", str), field("segment.country", coded), field("score.a", f64),
		field("x", f64), field("y", str), field("z", arrow.FixedWidthTypes.Boolean), field("n", arrow.PrimitiveTypes.Int16), field("empty", f64), field("f32", arrow.PrimitiveTypes.Float32),
	}, nil)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	for i := range n {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("id-%d", i))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(now - int64(i)*1001))
		b.Field(2).(*array.StringBuilder).Append("v" + fmt.Sprint(i%2))
		b.Field(3).(*array.Int64Builder).Append(int64(i % 3))
		b.Field(4).(*array.Float64Builder).Append(float64(i%7) / 7)
		optional(b.Field(5), i%4 > 0, func(b *array.Int32Builder) { b.Append(int32(i % 2)) })
		b.Field(6).(*array.Float64Builder).Append(float64(i) + 0.25)
		optional(b.Field(7), i%5 == 0, func(b *array.StringBuilder) { b.Append("timeout, \"again\"") })
		_ = b.Field(8).(*array.BinaryDictionaryBuilder).AppendString([]string{"DE", "中国"}[i%2])
		b.Field(9).(*array.Float64Builder).Append(0.5)
		optional(b.Field(10), i%3 > 0, func(b *array.Float64Builder) { b.Append(float64(i) / 3) })
		optional(b.Field(11), i%3 > 1, func(b *array.StringBuilder) { b.Append("y" + fmt.Sprint(i%9)) })
		b.Field(12).(*array.BooleanBuilder).Append(i%2 == 0)
		b.Field(13).(*array.Int16Builder).Append(int16(-i))
		b.Field(14).AppendNull()
		b.Field(15).(*array.Float32Builder).Append(float32(i) / 4)
	}
	return b.NewRecordBatch()
}

func optional[B any](b array.Builder, there bool, put func(B)) {
	if !there {
		b.AppendNull()
		return
	}
	put(b.(B))
}

func asArrow(t testing.TB, opts []ipc.Option, records ...arrow.RecordBatch) []byte {
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(opts, ipc.WithSchema(records[0].Schema()))...)
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asParquet(t testing.TB, r arrow.RecordBatch, groupRows int64) []byte {
	var out bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(groupRows))
	w, err := pqarrow.NewFileWriter(r.Schema(), &out, props, pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.WriteBuffered(r)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// asText writes the record as CSV and as NDJSON.
func asText(t testing.TB, r arrow.RecordBatch) (csvBody, ndjson []byte) {
	var out, lines bytes.Buffer
	w := csv.NewWriter(&out)
	names := make([]string, r.NumCols())
	for i := range names {
		names[i] = r.ColumnName(i)
	}
	_ = w.Write(names)
	for row := range int(r.NumRows()) {
		cells := make([]string, len(names))
		var top, features []string
		for i, c := range r.Columns() {
			key := fmt.Sprintf("%q:", names[i])
			if c.IsNull(row) {
				features = appendIf(features, i >= 10, key+"null")
				continue
			}
			v := c.ValueStr(row)
			quoted := fmt.Sprintf("%q", v)
			switch c.DataType().ID() {
			case arrow.TIMESTAMP:
				v = time.UnixMilli(int64(c.(*array.Timestamp).Value(row))).UTC().Format("2006-01-02T15:04:05.999Z")
				quoted = fmt.Sprintf("%q", v)
			case arrow.STRING, arrow.DICTIONARY:
			default:
				quoted = v
			}
			cells[i] = v
			top = appendIf(top, i < 10, key+quoted)
			features = appendIf(features, i >= 10, key+quoted)
		}
		_ = w.Write(cells)
		fmt.Fprintf(&lines, "{%s,\"features\":{%s}}\n", strings.Join(top, ","), strings.Join(features, ","))
	}
	w.Flush()
	return out.Bytes(), lines.Bytes()
}

func appendIf(to []string, ok bool, s string) []string {
	if ok {
		return append(to, s)
	}
	return to
}

func must(t *testing.T, r *Result, err error) *Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := whole(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAllFormatsGiveTheSameBatch is the promise of the package.
func TestAllFormatsGiveTheSameBatch(t *testing.T) {
	rec := record(100)
	csvBody, ndjson := asText(t, rec)
	o := predictions()
	r, err := NDJSON(ndjson, o)
	want := describe(must(t, r, err))
	if n := strings.Count(want, "\n"); n != 100 || !strings.Contains(want, `err="timeout, \"again\""`) {
		t.Fatal(want)
	}
	frame := r.Batch.AppendTo(nil)
	wholeJSON := append(append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(ndjson), []byte("\n"), []byte(",\n"))...), ']')
	for name, decode := range map[string]func() (*Result, error){
		"json":            func() (*Result, error) { return JSON(wholeJSON, o) },
		"csv":             func() (*Result, error) { return CSV(csvBody, o) },
		"csv crlf":        func() (*Result, error) { return CSV(bytes.ReplaceAll(csvBody, []byte("\n"), []byte("\r\n")), o) },
		"arrow":           func() (*Result, error) { return Arrow(asArrow(t, nil, rec), o) },
		"arrow zstd":      func() (*Result, error) { return Arrow(asArrow(t, []ipc.Option{ipc.WithZstd()}, rec), o) },
		"arrow lz4":       func() (*Result, error) { return Arrow(asArrow(t, []ipc.Option{ipc.WithLZ4()}, rec), o) },
		"arrow in pieces": func() (*Result, error) { return Arrow(asArrow(t, nil, rec.NewSlice(0, 33), rec.NewSlice(33, 100)), o) },
		"parquet":         func() (*Result, error) { return Parquet(asParquet(t, rec, 1000), o) },
		"parquet groups":  func() (*Result, error) { return Parquet(asParquet(t, rec, 30), o) },
		"frame":           func() (*Result, error) { return Frame(frame, o) },
	} {
		r, err := decode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := describe(must(t, r, nil))
		if got != want {
			t.Errorf("%s differs:\n%s", name, firstDifference(got, want))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return " got: " + g[i] + "\nwant: " + w[i]
		}
	}
	return fmt.Sprintf("%d lines, wanted %d", len(g), len(w))
}

func TestCSVRows(t *testing.T) {
	each(t, CSV, predictions(), map[string]string{
		"id,prediction\na,1\nb,1.0\n":                             "#0 @ id=a pred=\"1\" predvalue=1\n#1 @ id=b pred=\"1\" predvalue=1",
		"id,prediction\na,x\nb,1.0":                               "#0 @ id=a pred=\"x\"\n#1 @ id=b pred=\"1\"",
		"\xef\xbb\xbfid,x\na,1\n":                                 "#0 @ id=a n.x=1",
		"x,y,z\n1,,NA\n,NaN,2\nnull,5,\n":                         "#0 @ n.x=1\n#1 @ n.z=2\n#2 @ n.y=5",
		"x\n1\nNaN\nabc\n":                                        "#0 @ c.x=\"1\"\n#1 @ c.x=\"NaN\"\n#2 @ c.x=\"abc\"",
		"x,y\nTrue,true\nFalse,\n":                                "#0 @ c.x=\"true\" c.y=\"true\"\n#1 @ c.x=\"false\"",
		"x,y\n+1,.5\n1e3,-2.\n":                                   "#0 @ n.x=1 n.y=0.5\n#1 @ n.x=1000 n.y=-2",
		"x,y\n0x10,1_0\n":                                         "#0 @ c.x=\"0x10\" c.y=\"1_0\"",
		"\"a \"\"b\"\"\",c\n\"x\r\ny\",\"1,2\"\n":                 "#0 @ c.a \"b\"=\"x\\ny\" c.c=\"1,2\"",
		"feature.id,segment.s,score.k,time\n7,q,0.5,1777636800\n": "#0 t=1777636800000 score.k=0.5 segment.s=\"q\" n.id=7",
		"id,x\na,1\nb\nc,1,2\nd,4":                                "#0 @ id=a n.x=1\n#3 @ id=d n.x=4\nrejected 1  fields\nrejected 2  fields",
		"id,score\na,0.5\nb,2\nc,oops\n":                          "rejected 0 score type\nrejected 1 score type\nrejected 2 score type",
		"id,score,x\na,0.5,1\nb,2,1\nc,NaN,1\n":                   "#0 @ id=a score=0.5 n.x=1\n#2 @ id=c n.x=1\nrejected 1 score range",
		"id,time,x\na,2026-05-01 12:00:00,1\nb,soon,1\n":          "#0 t=1777636800000 id=a n.x=1\nrejected 1 time time",
		"id,score\na,\nb,1\n":                                     "#1 @ id=b score=1\nrejected 0  empty",
		"id,,x\na,9,1\n":                                          "#0 @ id=a n.x=1\nwarning  unknown_field x1",
		"id,x":                                                    "",
		"x,y\n1,":                                                 "#0 @ n.x=1",
	})
}

func TestCSVLabels(t *testing.T) {
	o := predictions()
	o.Kind, o.Map = event.Labels, map[string]string{"label": "clf_target"}
	each(t, CSV, o, map[string]string{
		"id,clf_target,other\n1,0,x\n2,,x\n,1,x\n": "#0 @ id=1 label=\"0\" labelvalue=0\nrejected 1 label missing\nrejected 2 id missing\nwarning other unknown_field x1",
	})
}

func TestCSVSyntax(t *testing.T) {
	for body, want := range map[string][2]int{
		"":                      {1, 1},
		"a,b\n1,\"x\ny":         {2, 3},
		"a,b\n1,\"x\"y\n":       {2, 6},
		"a,b\n1,x\"y\n":         {2, 4},
		"id,x\n1,2\n3,\"4\" \n": {3, 6},
	} {
		var e *SyntaxError
		if _, err := CSV([]byte(body), predictions()); !errors.As(err, &e) || e.Line != want[0] || e.Column != want[1] {
			t.Errorf("%q: %v, wanted line %d column %d", body, err, want[0], want[1])
		}
	}
	for _, body := range []string{"id,id\n1,2\n", "time,timestamp\n1,2\n", "id,feature.x,x\n1,2,3\n"} {
		if _, err := CSV([]byte(body), predictions()); err == nil {
			t.Errorf("%q was taken", body)
		}
	}
}

func TestCaliforniaThroughCSV(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "california")
	body, err := os.ReadFile(filepath.Join(dir, "production.csv"))
	if err != nil {
		t.Skip("the shared data is missing: ", err)
	}
	o := predictions()
	if o.Map, err = ParseMap("id=id,time=timestamp,prediction=y_pred,score=y_pred_proba"); err != nil {
		t.Fatal(err)
	}
	r, err := CSV(body, o)
	b := must(t, r, err).Batch
	if r.Accepted != 8232 || r.RejectedCount != 0 || len(r.Warnings) != 0 || len(b.Nums) != 8 || len(b.Cats) != 0 {
		t.Fatal(r.Accepted, r.RejectedCount, r.Warnings, len(b.Nums), len(b.Cats))
	}
	want := time.Date(2021, 6, 1, 1, 0, 0, 0, time.UTC).UnixMilli()
	if pred, _ := b.Pred.At(1); string(b.ID.At(1)) != "5833" || b.Time[1] != want || b.Score.Values[1] != 0.09 || pred != "0" {
		t.Fatal(string(b.ID.At(1)), b.Time[1], b.Score.Values[1], pred)
	}
	labels, err := os.ReadFile(filepath.Join(dir, "labels.csv"))
	if err != nil {
		t.Fatal(err)
	}
	o.Kind, o.Map = event.Labels, map[string]string{"label": "clf_target"}
	if r, err = CSV(labels, o); must(t, r, err).Accepted != 8232 {
		t.Fatal(r.Accepted)
	}
}

func TestArrowTypes(t *testing.T) {
	mem := memory.NewGoAllocator()
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	schema := arrow.NewSchema([]arrow.Field{
		field("id", arrow.PrimitiveTypes.Uint64), field("timestamp", &arrow.TimestampType{Unit: arrow.Nanosecond}), field("dec", &arrow.Decimal128Type{Precision: 10, Scale: 2}),
		field("day", arrow.FixedWidthTypes.Date32), field("big", arrow.BinaryTypes.LargeString), field("nan", arrow.PrimitiveTypes.Float64),
	}, nil)
	b := array.NewRecordBuilder(mem, schema)
	b.Field(0).(*array.Uint64Builder).Append(math.MaxUint64)
	b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1777636800_123456789))
	if err := b.Field(2).AppendValueFromString("-12.34"); err != nil {
		t.Fatal(err)
	}
	b.Field(3).(*array.Date32Builder).Append(2)
	b.Field(4).(*array.LargeStringBuilder).Append("x")
	b.Field(5).(*array.Float64Builder).Append(math.NaN())
	o := predictions()
	o.Zone = time.FixedZone("", 3600)
	r, err := Arrow(asArrow(t, nil, b.NewRecordBatch()), o)
	got := describe(must(t, r, err))
	want := "#0 t=1777633200123 id=18446744073709551615 n.day=1.728e+08 n.dec=-12.34 n.nan=NaN c.big=\"x\"\n"
	if got != want {
		t.Fatalf("got %swanted %s", got, want)
	}
}

func TestNestedColumnsAreNamed(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64}, {Name: "tags", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)}}, nil)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	b.Field(0).(*array.Float64Builder).Append(1)
	b.Field(1).(*array.ListBuilder).Append(true)
	rec := b.NewRecordBatch()
	if _, err := Arrow(asArrow(t, nil, rec), predictions()); err == nil || !strings.Contains(err.Error(), "tags") {
		t.Error(err)
	}
	r, err := Parquet(asParquet(t, rec, 10), predictions())
	if got := describe(must(t, r, err)); !strings.Contains(got, "n.x=1") || !strings.Contains(got, "tags.list.element unsupported") {
		t.Error(got)
	}
}

func TestArrowSharesTheBody(t *testing.T) {
	body := asArrow(t, nil, record(100))
	r, err := Arrow(body, predictions())
	x := must(t, r, err).Batch.Nums[2].Values
	if r.Batch.Nums[2].Name != "n" && r.Batch.Nums[3].Name != "x" {
		t.Fatal(r.Batch.Nums[2].Name)
	}
	x = r.Batch.Nums[3].Values
	before := x[1]
	clear(body)
	if x[1] == before {
		t.Fatal("the numbers were copied")
	}
}

func TestColumnarLimits(t *testing.T) {
	rec := record(100)
	csvBody, _ := asText(t, rec)
	for name, decode := range map[string]func(*Options) (*Result, error){
		"csv":     func(o *Options) (*Result, error) { return CSV(csvBody, o) },
		"arrow":   func(o *Options) (*Result, error) { return Arrow(asArrow(t, nil, rec), o) },
		"parquet": func(o *Options) (*Result, error) { return Parquet(asParquet(t, rec, 1000), o) },
	} {
		for _, l := range []Limits{{Rows: 99}, {Cells: 1000}, {Features: 3}, {BodyBytes: 500}} {
			o := predictions()
			o.Limits = l
			if _, err := decode(o); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s %+v: %v", name, l, err)
			}
		}
		o := predictions()
		o.Limits.String, o.Limits.IDBytes = 6, 4
		r, err := decode(o)
		if err != nil || r.Accepted != 10 || r.Rejected[0].Code != CodeTooLong {
			t.Errorf("%s: %v %v", name, err, r.Accepted)
		}
	}
}

// TestBombs: a few bytes that unfold to many.
func TestBombs(t *testing.T) {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil))
	b.Field(0).(*array.StringBuilder).Append(strings.Repeat("x", 20<<20))
	rec := b.NewRecordBatch()
	o := predictions()
	o.Limits.BodyBytes = 1 << 20
	bomb := asArrow(t, []ipc.Option{ipc.WithZstd()}, rec)
	if len(bomb) > 1<<20 {
		t.Fatal(len(bomb))
	}
	if _, err := Arrow(bomb, o); !errors.Is(err, ErrTooLarge) {
		t.Error("arrow:", err)
	}
	if _, err := Parquet(asParquet(t, rec, 1000), o); err == nil {
		t.Error("parquet was taken")
	}
}

// TestParquetStringsAreCounted: strings in many pages, each small enough.
func TestParquetStringsAreCounted(t *testing.T) {
	b := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}}, nil))
	for i := range 5000 {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%05d", i) + strings.Repeat("x", 1000))
	}
	o := predictions()
	o.Limits.BodyBytes, o.Limits.IDBytes = 1<<20, 1024
	body := asParquet(t, b.NewRecordBatch(), 500)
	if _, err := Parquet(body, o); !errors.Is(err, ErrTooLarge) || len(body) > 1<<20 {
		t.Error(err, len(body))
	}
}

func TestFrameIsHeldToTheLimits(t *testing.T) {
	good, err := NDJSON([]byte(`{"id":"abc","score":0.5,"features":{"x":1,"y":"abc"}}`), predictions())
	b := must(t, good, err).Batch
	for name, change := range map[string]func(b *event.Batch, o *Options){
		"another kind":  func(b *event.Batch, o *Options) { b.Kind = event.Labels },
		"another model": func(b *event.Batch, o *Options) { b.Model = "other" },
		"features":      func(b *event.Batch, o *Options) { o.Limits.Features = 1 },
		"names":         func(b *event.Batch, o *Options) { b.Nums[0].Name = strings.Repeat("x", 300) },
	} {
		c, o := *b, predictions()
		c.Nums = append([]event.Num(nil), b.Nums...)
		change(&c, o)
		if _, err := Frame(c.AppendTo(nil), o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	c := *b
	c.Task, c.Positive, c.Arrived = event.Binary, "1", 12
	c.Nums = []event.Num{{Name: "x", Values: []float64{1}, Epoch: 7, Centre: 3}}
	r, err := Frame(c.AppendTo(nil), predictions())
	must(t, r, err)
	if r.Batch.Task != 0 || r.Batch.Positive != "" || r.Batch.Arrived != 0 || r.Batch.Nums[0].Epoch != 0 {
		t.Error("what the server decides was taken from a sender")
	}
	c.Score = event.Num{Values: []float64{7}}
	if r, err = Frame(c.AppendTo(nil), predictions()); err != nil || r.RejectedCount != 1 {
		t.Error(err, r)
	}
}

// FuzzCSV holds the scanner against encoding/csv.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("id,x,\"y \"\"q\"\"\"\n1,2.5,\"a,\r\nb\"\r\n\n3,,z"))
	f.Add([]byte("a\n\"\"\n,\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := CSV(body, predictions()); err == nil {
			if err := whole(r); err != nil {
				t.Fatal(err)
			}
		}
		s := &csvScanner{buf: bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))}
		if _, err := s.header(); err != nil {
			return
		}
		s = &csvScanner{buf: s.buf, width: s.width}
		var rows [][]string
		for s.skipBlank(); s.pos < len(s.buf); s.skipBlank() {
			s.cells = s.cells[:0]
			if s.record(1<<20) != nil {
				return
			}
			row := []string{}
			for _, c := range s.cells {
				row = append(row, string(s.bytes(c)))
			}
			rows = append(rows, row)
		}
		r := csv.NewReader(bytes.NewReader(s.buf))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil || fmt.Sprintf("%q", rows) != fmt.Sprintf("%q", want) {
			t.Fatalf("%v: got %q, encoding/csv %q", err, rows, want)
		}
	})
}

// TestFewNumbersAreTheSameClasses compares the quick way with the one for
// anything.
func TestFewNumbersAreTheSameClasses(t *testing.T) {
	quick := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		kinds := []float64{0, 1, 2, -1, 0.5, 1e15, 1e16, 1e-7, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, math.Copysign(0, -1), math.NaN(), math.Inf(1)}
		kinds = kinds[:1+r.IntN(len(kinds))]
		values := make([]float64, 1+r.IntN(100))
		for i := range values {
			values[i] = kinds[r.IntN(len(kinds))]
		}
		var slow scalarCol
		odd := false
		for row, v := range values {
			odd = odd || v != v || math.IsInf(v, 0) || math.Signbit(v) && v == 0
			if !odd {
				slow.putNum(row, v)
			}
		}
		got, ok := fewNumbers(values, nil)
		if !ok {
			continue
		}
		want, nums := slow.columns(len(values))
		if quick++; odd || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(nums.Values, values) {
			t.Fatalf("%v\nare %+v\nwanted %+v", values, got, want)
		}
	}
	if quick < 50 {
		t.Errorf("%d columns went the quick way", quick)
	}
}

func FuzzArrow(f *testing.F) {
	fuzzBinary(f, Arrow, asArrow(f, nil, record(5)), asArrow(f, []ipc.Option{ipc.WithZstd()}, record(5)), asArrow(f, nil, ranked(f)))
}
func FuzzParquet(f *testing.F) {
	fuzzBinary(f, Parquet, asParquet(f, record(5), 3), asParquet(f, ranked(f), 3))
}
func FuzzFrame(f *testing.F) {
	r, err := NDJSON(lines(3, 6), predictions())
	if err != nil {
		f.Fatal(err)
	}
	lists, err := NDJSON([]byte(`{"id":"q","items":["a",7,"b"],"relevant":{"a":2,"c":0.5}}`+"\n"+`{"id":"r","items":[]}`), predictions())
	if err != nil {
		f.Fatal(err)
	}
	fuzzBinary(f, Frame, r.Batch.AppendTo(nil), lists.Batch.AppendTo(nil))
}

func fuzzBinary(f *testing.F, decode func([]byte, *Options) (*Result, error), seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o := predictions()
		o.Limits.BodyBytes = 1 << 20
		o.Limits.Rows = 10000
		r, err := decode(body, o)
		if err != nil {
			return
		}
		if err := whole(r); err != nil {
			t.Fatal(err)
		}
	})
}

func benchmarkRecord(b *testing.B, decode func([]byte, *Options) (*Result, error), body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := decode(body, predictions()); err != nil || r.Accepted != 10000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/row")
}

// wideRecord is 16 numbers and 4 coded strings beside id, time, prediction and
// score, in 10,000 rows.
func wideRecord() arrow.RecordBatch {
	coded := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	fields := []arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "time", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}}, {Name: "prediction", Type: arrow.PrimitiveTypes.Int64}, {Name: "score", Type: arrow.PrimitiveTypes.Float64}}
	for i := range 20 {
		t := arrow.DataType(coded)
		if i < 16 {
			t = arrow.PrimitiveTypes.Float64
		}
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("f%02d", i), Type: t})
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(fields, nil))
	for i := range 10000 {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("%016x", i*7919))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(now + i))
		b.Field(2).(*array.Int64Builder).Append(int64(i % 2))
		b.Field(3).(*array.Float64Builder).Append(float64(i) / 10000)
		for j := range 16 {
			b.Field(4 + j).(*array.Float64Builder).Append(float64(i*j) / 7)
		}
		for j := range 4 {
			_ = b.Field(20 + j).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprintf("value-%d", i%(10+j)))
		}
	}
	return b.NewRecordBatch()
}

func BenchmarkArrow(b *testing.B)   { benchmarkRecord(b, Arrow, asArrow(b, nil, wideRecord())) }
func BenchmarkParquet(b *testing.B) { benchmarkRecord(b, Parquet, asParquet(b, wideRecord(), 100000)) }
func BenchmarkCSV(b *testing.B) {
	body, _ := asText(b, wideRecord())
	benchmarkRecord(b, CSV, body)
}
func BenchmarkFrame(b *testing.B) {
	r, err := Arrow(asArrow(b, nil, wideRecord()), predictions())
	if err != nil {
		b.Fatal(err)
	}
	benchmarkRecord(b, Frame, r.Batch.AppendTo(nil))
}
