package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"

	"github.com/leewayhq/leeway/internal/store/profiles"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The real files give the golden counts, in either order of labels and
// predictions, and give them still after a second import of all.
func TestCalifornia(t *testing.T) {
	data := filepath.Join("..", "..", "..", "..", "shared", "data")
	text, err := os.ReadFile(filepath.Join(data, "golden", "california_quality.json"))
	if err != nil {
		t.Skip("the shared data are not here:", err)
	}
	var golden map[string]json.RawMessage
	var want struct{ N, TP, FP, FN, TN int64 }
	if err := errors.Join(json.Unmarshal(text, &golden), json.Unmarshal(golden["california_analysis"], &want)); err != nil {
		t.Fatal(err)
	}
	for _, order := range [][]string{{"predictions", "labels"}, {"labels", "predictions"}} {
		s := newSite(t)
		for range 2 {
			for _, kind := range order {
				o := s.options("labels", filepath.Join(data, "california", "labels.csv"), "id", "id", "label", "clf_target")
				if kind == "predictions" {
					o = s.options(kind, filepath.Join(data, "california", "production.csv"), "id", "id", "time", "timestamp", "prediction", "y_pred", "score", "y_pred_proba")
				}
				if sum := s.load(o); sum.Rows != int(want.N) || sum.Accepted != int(want.N) || sum.Rejected != 0 {
					t.Fatalf("%+v", sum)
				}
			}
		}
		p := s.merged(profiles.ByPrediction)
		q := p.Quality
		if p.Predictions != want.N || q.TP != want.TP || q.FP != want.FP || q.FN != want.FN || q.TN != want.TN || len(p.Features) != 8 {
			t.Fatalf("%v: %d predictions, %d %d %d %d, %d features; want %+v", order, p.Predictions, q.TP, q.FP, q.FN, q.TN, len(p.Features), want)
		}
		if live := s.merged(profiles.ByEvaluation); live.Predictions != 0 || live.Quality != nil && live.Quality.Labels != 0 {
			t.Fatal("an import reached the rules", live.Predictions)
		}
	}
}

// table is 25,000 rows, so three chunks, with everything that formats differ in.
const tableRows = 25_000

type tableRow struct {
	ID      string   `json:"id"`
	Time    string   `json:"time"`
	Pred    string   `json:"prediction"`
	Score   float64  `json:"score"`
	Amount  *float64 `json:"amount"`
	Country *string  `json:"country"`
	Zip     string   `json:"zip"`
}

func tableRowAt(i int) tableRow {
	r := tableRow{
		ID: fmt.Sprint("id-", i), Time: time.Unix(1_700_000_000+int64(i), 0).UTC().Format(time.RFC3339),
		Pred: []string{"no", "yes"}[i%2], Score: float64(i%2)*0.5 + 0.25, Zip: fmt.Sprintf("%05d", i%100),
	}
	if i < 5000 {
		r.Zip = fmt.Sprint("A-", i%100) // in the first chunk alone does it look like text
	}
	if i%7 != 0 {
		v := float64(i%1000) / 8
		r.Amount = &v
	}
	if i >= 10_000 { // the whole first chunk lacks it
		c := []string{"DE", "a,\"b\"\nc"}[i%2]
		r.Country = &c
	}
	return r
}

func csvTable() string {
	var b strings.Builder
	b.WriteString("\xef\xbb\xbf\r\nid,time,prediction,score,amount,country,zip\r\n")
	for i := range tableRows {
		r := tableRowAt(i)
		amount, country := "", ""
		if r.Amount != nil {
			amount = fmt.Sprint(*r.Amount)
		}
		if r.Country != nil {
			country = `"` + strings.ReplaceAll(*r.Country, `"`, `""`) + `"`
		}
		fmt.Fprintf(&b, "%s,%s,%s,%g,%s,%s,%s\r\n", r.ID, r.Time, r.Pred, r.Score, amount, country, r.Zip)
		if i%1000 == 0 {
			b.WriteString("\r\n") // no row
		}
	}
	return b.String()
}

func jsonTable(sep string) string {
	var b strings.Builder
	for i := range tableRows {
		row, _ := json.Marshal(tableRowAt(i))
		if i > 0 {
			b.WriteString(sep)
		}
		b.Write(row)
	}
	return b.String()
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zstded(s string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func parquetTable(t *testing.T) string {
	t.Helper()
	str := arrow.BinaryTypes.String
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: str}, {Name: "time", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "prediction", Type: str}, {Name: "score", Type: arrow.PrimitiveTypes.Float64},
		{Name: "amount", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "country", Type: str, Nullable: true}, {Name: "zip", Type: str},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range tableRows {
		r := tableRowAt(i)
		b.Field(0).(*array.StringBuilder).Append(r.ID)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp((1_700_000_000 + int64(i)) * 1e6))
		b.Field(2).(*array.StringBuilder).Append(r.Pred)
		b.Field(3).(*array.Float64Builder).Append(r.Score)
		if r.Amount == nil {
			b.Field(4).AppendNull()
		} else {
			b.Field(4).(*array.Float64Builder).Append(*r.Amount)
		}
		if r.Country == nil {
			b.Field(5).AppendNull()
		} else {
			b.Field(5).(*array.StringBuilder).Append(*r.Country)
		}
		b.Field(6).(*array.StringBuilder).Append(r.Zip)
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(7000)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(b.NewRecordBatch()), w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The same rows give the same profile from every kind of file.
func TestFormatsMeet(t *testing.T) {
	var first []byte
	for _, f := range []struct{ name, text string }{
		{"t.csv", csvTable()}, {"t.csv.gz", gzipped(csvTable())}, {"t.csv.zst", zstded(csvTable())},
		{"t.ndjson", jsonTable("\n")}, {"t.jsonl.gz", gzipped(jsonTable("\n") + "\n\n")},
		{"t.json", "[" + jsonTable(",\n") + "]\n"}, {"t.parquet", parquetTable(t)}, {"nameless", csvTable()},
	} {
		t.Run(f.name, func(t *testing.T) {
			s := newSite(t)
			sum := s.load(Options{Server: s.URL, Model: "m", Kind: "predictions", File: write(t, f.name, f.text)})
			if sum.Rows != tableRows || sum.Accepted != tableRows || sum.Batches < 3 || sum.Bytes != int64(len(f.text)) {
				t.Fatalf("%+v", sum)
			}
			var told []byte
			p := s.merged(profiles.ByPrediction)
			if p.Predictions != tableRows || len(p.Features) != 3 {
				t.Fatal(p.Predictions, len(p.Features))
			}
			for name, fp := range p.Features {
				if fp.Rows != tableRows {
					t.Errorf("%v: %d rows counted", name, fp.Rows)
				}
			}
			m, _ := s.registry.Get("m")
			for _, f := range m.Features {
				if want := map[string]string{"amount": "numeric", "country": "categorical", "zip": "categorical"}[f.Name]; string(f.Kind) != want && (f.Name != "country" || strings.HasSuffix(t.Name(), "csv")) {
					t.Errorf("%s is registered as %s", f.Name, f.Kind)
				}
			}
			// Moments are sums of floats, whose order is that of the processor's steps.
			for _, name := range []string{"amount", "country", "zip"} {
				f := p.Features[name]
				if f.Num != nil {
					told = fmt.Appendf(told, "%s %d %d %g %g\n", name, f.Rows, f.Num.N, f.Num.Min, f.Num.Max)
				}
				if f.Cat != nil {
					told = fmt.Appendf(told, "%s %d %v\n", name, f.Rows, f.Cat.Counts)
				}
			}
			p.Arrived, p.Features = 0, nil
			if told = p.AppendTo(told); first == nil {
				first = told
			}
			if !bytes.Equal(told, first) {
				t.Error("another profile than that of the first format")
			}
		})
	}
}

// An import that broke off anywhere goes on when it is run again; what the
// server had taken before, with or without its answer arriving, counts once.
func TestBrokenOffAndRunAgain(t *testing.T) {
	path := write(t, "t.csv", csvTable())
	s := newSite(t)
	o := Options{Server: s.URL, Model: "m", Kind: "predictions", File: path}
	ctx, cancel := context.WithCancel(t.Context())
	s.after = func(r *http.Request) {
		if s.posts == 2 { // it is on disk, and its answer will not arrive
			cancel()
		}
	}
	if _, err := Import(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.after = nil
	s.load(o)
	sum := s.load(o)
	if p := s.merged(profiles.ByPrediction); p.Predictions != tableRows || sum.Accepted != tableRows {
		t.Fatal(p.Predictions, sum.Accepted)
	}
	// Another mapping is another import, whose rows are known by their ids.
	o.Map = map[string]string{"id": "id", "version": "zip"}
	if other := s.load(o); other.BatchID == sum.BatchID {
		t.Fatal("two different imports have one name")
	}
	if p := s.merged(profiles.ByPrediction); p.Predictions != tableRows {
		t.Fatal(p.Predictions)
	}
}

func TestRowsAreNumberedInTheFile(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(csvTable()), "\r\n")
	var kept []string
	for _, l := range lines {
		if l != "" && l != "\xef\xbb\xbf" {
			kept = append(kept, l)
		}
	}
	kept[5] = "id,yesterday,no,0.5,,,x"
	kept[15_003] = "x,2023-11-15T00:00:00Z,no,7,,,x"
	s := newSite(t)
	sum := s.load(Options{Server: s.URL, Model: "m", Kind: "predictions", File: write(t, "t.csv", strings.Join(kept, "\n"))})
	if sum.Rejected != 2 || len(sum.First) != 2 || sum.First[0].Row != 5 || sum.First[1].Row != 15_003 {
		t.Fatalf("%+v", sum)
	}
	if got := sum.First[1].String(); !strings.HasPrefix(got, "row 15003: score: ") {
		t.Error(got)
	}
}

// Whatever the server or the network does, a batch keeps its id; the pauses are
// those that the server asks for, or double.
func TestTriesAgain(t *testing.T) {
	s := newSite(t)
	path := write(t, "t.csv", "id,time,prediction\n1,2024-01-01,yes\n2,2024-01-01,no\n")
	ids := map[string]bool{}
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		ids[r.Header.Get("Leeway-Batch-Id")] = true
		switch s.posts {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			w.WriteHeader(http.StatusBadGateway)
		default:
			return false
		}
		return true
	}
	s.after = func(r *http.Request) {
		if s.posts == 4 {
			panic(http.ErrAbortHandler) // taken, but the answer is lost
		}
	}
	var pauses []time.Duration
	im, err := newImporter(Options{Server: s.URL, Model: "m", Kind: "predictions", File: path})
	if err != nil {
		t.Fatal(err)
	}
	im.sender.pause = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	if err := im.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 1 || s.merged(profiles.ByPrediction).Predictions != 2 {
		t.Fatal(ids, s.merged(profiles.ByPrediction).Predictions)
	}
	if len(pauses) < 4 || pauses[0] != 7*time.Second || pauses[1] != 500*time.Millisecond || pauses[2] != time.Second {
		t.Fatal(pauses)
	}
}

func TestGivesUpInTheEnd(t *testing.T) {
	s := newSite(t)
	path := write(t, "t.csv", "id,prediction\n1,yes\n")
	run := func(status int, step time.Duration) (int, error) {
		s.posts = 0
		s.before = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true }
		im, err := newImporter(Options{Server: s.URL, Model: "m", Kind: "predictions", File: path})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		im.sender.now = func() time.Time { return now }
		im.sender.pause = func(context.Context, time.Duration) error { now = now.Add(step); return nil }
		err = im.run(t.Context())
		return s.posts, err
	}
	if n, err := run(http.StatusBadGateway, 0); err == nil || n != networkTries {
		t.Error(n, err)
	}
	if n, err := run(http.StatusServiceUnavailable, time.Minute); err == nil || n != 7 {
		t.Error(n, err)
	}
	if n, err := run(http.StatusForbidden, 0); err == nil || n != 1 || !strings.Contains(err.Error(), "403 Forbidden") {
		t.Error(n, err)
	}
}

// What is wrong is said before anything is sent, and where.
func TestWhatIsWrongIsSaidFirst(t *testing.T) {
	long := "id,prediction\n" + strings.Repeat("1,yes\n", 12_000)
	for name, c := range map[string]struct {
		name, text, want string
		change           func(*Options)
	}{
		"no such column": {text: long, want: `there is no column "nothing" for id; the columns are id, prediction`, change: func(o *Options) { o.Map = map[string]string{"id": "nothing"} }},
		"quote":          {text: long + "1,ab\"c\n", want: "line 12002, column 5: a quote inside a field"},
		"open quote":     {text: long + "1,\"abc\n" + strings.Repeat("2,no\n", 4<<20), want: "line 12002: this row has more than 16 MiB"},
		"none usable":    {text: "id,time\n1,never\n2,never\n", want: "none of the 2 rows can be used; nothing was sent:\n  row 1: time: "},
		"not text":       {text: "\x00\x01\x02", want: "neither CSV, NDJSON nor Parquet"},
		"array":          {name: "t.json", text: `[{"id":"1","a":1}`, want: "the array is not closed"},
		"parquet":        {name: "t.parquet", text: "PAR1 but no more", want: "not a readable Parquet file"},
		"kind":           {text: long, want: `kind "label" is not one of`, change: func(o *Options) { o.Kind = "label" }},
		"server":         {text: long, want: "is not the address of an HTTP server", change: func(o *Options) { o.Server = "localhost:7420" }},
		"role":           {text: long, want: `role "idd"`, change: func(o *Options) { o.Map = map[string]string{"idd": "id"} }},
		"model":          {text: long, want: "no model", change: func(o *Options) { o.Model = "" }},
		"missing":        {text: long, want: "no such file", change: func(o *Options) { o.File += "x" }},
		"empty":          {text: "", want: "header"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if c.name == "" {
				c.name = "t.csv"
			}
			o := Options{Server: s.URL, Model: "m", Kind: "predictions", File: write(t, c.name, c.text)}
			if c.change != nil {
				c.change(&o)
			}
			if _, err := Import(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if s.posts > 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestServersReasonIsShown(t *testing.T) {
	s := newSite(t)
	o := Options{Server: s.URL, Model: "bad name!", Kind: "predictions", File: write(t, "t.csv", "id,prediction\n1,yes\n")}
	if _, err := Import(t.Context(), o); err == nil || !strings.Contains(err.Error(), "a model's name is") {
		t.Error(err)
	}
}

// A file without rows is nothing to do; a server that does not tell how far it
// is leaves the numbers unsettled.
func TestEdges(t *testing.T) {
	s := newSite(t)
	if sum := s.load(s.options("predictions", write(t, "t.csv", "id,prediction\n"))); sum.Rows != 0 || s.posts != 0 {
		t.Errorf("%+v", sum)
	}
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			http.NotFound(w, r)
		}
		return r.Method == http.MethodGet
	}
	sum, err := Import(t.Context(), s.options("predictions", write(t, "t.csv", "id,prediction\n1,yes\n")))
	if err != nil || sum.Settled || sum.Accepted != 1 {
		t.Errorf("%+v %v", sum, err)
	}
}

// Rows without a time have the given one.
func TestTimeAndZone(t *testing.T) {
	s := newSite(t)
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	o := s.options("predictions", write(t, "t.csv", "a\n1\n2\n"))
	o.Time = at
	s.load(o)
	o = s.options("predictions", write(t, "u.csv", "a,time\n1,2024-05-01 14:00:00\n"))
	o.Zone = time.FixedZone("two hours east", 7200)
	s.load(o)
	p, err := s.store.Merged(t.Context(), profiles.Query{Set: profiles.ByPrediction, Model: "m", From: at.UnixMilli(), To: at.UnixMilli() + 60_000})
	if err != nil || p == nil || p.NoPrediction != 3 {
		t.Fatal(p, err)
	}
}

func TestProgress(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out)
	now := time.Unix(0, 0)
	p.now = func() time.Time { now = now.Add(3 * time.Second); return now }
	p.start(2e6)
	for i := range 4 {
		p.surveyed((i+1)*500_000, int64(i+1)*5e5)
	}
	for i := range 4 {
		p.sent((i+1)*500_000, int64(i+1)*5e5, &Summary{Batches: i + 1})
	}
	p.done(2_000_000)
	for _, want := range []string{"reading  50 %  1,000,000 rows", "] 100 %  2,000,000 rows", "rows/s", " left", "of 2.0 MB"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\r") {
		t.Error("a bar was drawn into a file")
	}
	newProgress(nil).surveyed(1, 1)
}
