package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leewayhq/leeway/test/server"
)

// lcg is the generator of test/parity/quality.py.
type lcg uint32

func (g *lcg) next() float64 {
	*g = *g*1664525 + 1013904223
	return float64(*g) / (1 << 32)
}

// sent is predictions and labels as objects, a row each, 20 a minute.
type sent struct {
	predictions, labels []map[string]any
	want                map[string]float64 // what scikit-learn says of them
}

func expected(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(server.Root(t), "test/parity/expected", name+".json"))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func minutesAgo(i int) string {
	at := time.Now().Truncate(time.Minute).Add(-90*time.Minute + time.Duration(i)*3*time.Second)
	return at.UTC().Format(time.RFC3339)
}

// animals are the rows of quality_multiclass.json. No row says what was
// predicted: that is the class with the highest score.
func animals(t *testing.T) (s sent) {
	var want struct{ Metrics map[string]float64 }
	expected(t, "quality_multiclass", &want)
	s.want = want.Metrics
	names := []string{"ant", "bee", "cat", "dog", "elk"}
	draw := lcg(7)
	for i := range 1000 {
		u := draw.next()
		truth := int(u * u * 5)
		scores, sum := make([]float64, 5), 0.0
		for c := range scores {
			scores[c] = draw.next()
			if c == truth {
				scores[c] += 0.5
			}
			sum += scores[c]
		}
		by := map[string]any{}
		for c, name := range names {
			by[name] = scores[c] / sum
		}
		id := fmt.Sprint("animal-", i)
		s.predictions = append(s.predictions, map[string]any{"id": id, "time": minutesAgo(i), "scores": by})
		s.labels = append(s.labels, map[string]any{"id": id, "label": names[truth]})
	}
	return s
}

// queries are those of quality_ranking.json.
func queries(t *testing.T) (s sent) {
	want := map[string]map[string]any{}
	expected(t, "quality_ranking", &want)
	s.want = map[string]float64{}
	for key, v := range want["10"] {
		s.want[key] = v.(float64)
	}
	draw := lcg(11)
	for i := range 200 {
		var items []string
		relevant := map[string]any{}
		for k := range 30 {
			items = append(items, fmt.Sprint("item-", k))
			if gain := max(0, int(draw.next()*8)-4); gain > 0 {
				relevant[items[k]] = float64(gain)
			}
		}
		id := fmt.Sprint("query-", i)
		s.predictions = append(s.predictions, map[string]any{"id": id, "time": minutesAgo(i), "items": items})
		s.labels = append(s.labels, map[string]any{"id": id, "relevant": relevant})
	}
	return s
}

func asNDJSON(t *testing.T, rows []map[string]any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, row := range rows {
		if err := e.Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// record is the rows in columns: a column for each score, lists and maps.
func record(t *testing.T, rows []map[string]any) arrow.RecordBatch {
	t.Helper()
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64
	var fields []arrow.Field
	for _, name := range []string{"id", "time", "label", "items", "relevant", "scores"} {
		if _, ok := rows[0][name]; !ok {
			continue
		}
		switch name {
		case "items":
			fields = append(fields, arrow.Field{Name: name, Type: arrow.ListOf(text)})
		case "relevant":
			fields = append(fields, arrow.Field{Name: name, Type: arrow.MapOf(text, number)})
		case "scores":
			for _, class := range []string{"elk", "dog", "cat", "bee", "ant"} {
				fields = append(fields, arrow.Field{Name: "score." + class, Type: number})
			}
		default:
			fields = append(fields, arrow.Field{Name: name, Type: text})
		}
	}
	b := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(fields, nil))
	for _, row := range rows {
		for i, f := range fields {
			switch to := b.Field(i).(type) {
			case *array.StringBuilder:
				to.Append(row[f.Name].(string))
			case *array.Float64Builder:
				to.Append(row["scores"].(map[string]any)[strings.TrimPrefix(f.Name, "score.")].(float64))
			case *array.ListBuilder:
				to.Append(true)
				for _, item := range row["items"].([]string) {
					to.ValueBuilder().(*array.StringBuilder).Append(item)
				}
			case *array.MapBuilder:
				to.Append(true)
				for item, gain := range row["relevant"].(map[string]any) {
					to.KeyBuilder().(*array.StringBuilder).Append(item)
					to.ItemBuilder().(*array.Float64Builder).Append(gain.(float64))
				}
			}
		}
	}
	return b.NewRecordBatch()
}

func asArrow(t *testing.T, rows []map[string]any) []byte {
	t.Helper()
	rec := record(t, rows)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(rec.Schema()))
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asParquet(t *testing.T, rows []map[string]any) []byte {
	t.Helper()
	rec := record(t, rows)
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(rec.Schema(), &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(rec)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestClassScoresAndRankings sends scores of classes and rankings in several
// ways and holds what the running server answers to scikit-learn's numbers.
func TestClassScoresAndRankings(t *testing.T) {
	s := server.New(t, "")
	s.Start()
	post := func(model, kind, contentType string, body []byte) {
		t.Helper()
		answer := s.Must(200, server.Request{Method: "POST", Path: "/api/v1/models/" + model + "/" + kind, Type: contentType, Body: body})
		if !bytes.Contains(answer, []byte(`"rejected":0`)) || !bytes.Contains(answer, []byte(`"warnings":[]`)) {
			t.Fatalf("%s of %s: %s", kind, model, answer)
		}
	}
	byFile := func(model, kind, name string, body []byte) {
		t.Helper()
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := s.Run("import", "--server", s.URL, "--model", model, "--kind", kind, "--file", file); err != nil {
			t.Fatalf("import of %s: %v\n%s", name, err, out)
		}
	}
	const ndjson, stream = "application/x-ndjson", "application/vnd.apache.arrow.stream"
	for task, of := range map[string]sent{"multiclass": animals(t), "ranking": queries(t)} {
		n := int64(len(of.predictions))
		wrong := make([]map[string]any, n) // the truth of another row
		for i := range wrong {
			wrong[i] = map[string]any{}
			for k, v := range of.labels[(i+1)%len(wrong)] {
				wrong[i][k] = v
			}
			wrong[i]["id"] = of.labels[i]["id"]
		}
		for way, send := range map[string]func(model string){
			"json": func(model string) {
				post(model, "predictions", ndjson, asNDJSON(t, of.predictions))
				post(model, "labels", ndjson, asNDJSON(t, of.labels))
			},
			"arrow-labels-first": func(model string) {
				post(model, "labels", stream, asArrow(t, of.labels))
				post(model, "predictions", stream, asArrow(t, of.predictions[:n/2]))
				s.Kill()
				s.Start()
				post(model, "predictions", stream, asArrow(t, of.predictions[n/2:]))
			},
			"corrected": func(model string) {
				post(model, "predictions", stream, asArrow(t, of.predictions))
				post(model, "labels", ndjson, asNDJSON(t, wrong))
				post(model, "labels", ndjson, asNDJSON(t, of.labels))
			},
			"imported": func(model string) {
				byFile(model, "predictions", "predictions.parquet", asParquet(t, of.predictions))
				byFile(model, "labels", "labels.ndjson", asNDJSON(t, of.labels))
			},
		} {
			model := task + "-" + way
			send(model)
			var m struct{ Task string }
			if s.MustGet("/api/v1/models/"+model, &m); m.Task != task {
				t.Errorf("%s is taken for %q", model, m.Task)
			}
			w := settled(t, s, model, n)
			for key, want := range of.want {
				v := w.Metrics[key]
				server.Wait(t, func() string {
					return fmt.Sprintf("%s of %s is %v (%s), want %v", key, model, num(v.Value), v.Reason, want)
				}, func() bool {
					windows, err := s.Quality(model, "set=production")
					if err == nil && len(windows) == 1 {
						v = windows[0].Metrics[key] // a correction may be on its way
					}
					return v.Value != nil && math.Abs(*v.Value-want) <= 1e-9*math.Abs(want)
				})
			}
		}
	}
	for series, want := range map[string]string{
		`model_auc_roc{model="multiclass-json",segment="",version=""}`: "0.9", `model_log_loss{model="multiclass-json"}`: "1.125",
		`model_ndcg_at_10{model="ranking-json"}`: "0.3207", `model_mrr{model="ranking-json"}`: "0.5687",
	} {
		var answer []byte
		server.Wait(t, func() string { return fmt.Sprintf("the series %s: %s", series, answer) }, func() bool {
			answer = s.Must(200, server.Request{Method: "GET", Path: "/prometheus/api/v1/query?query=" + strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22").Replace(series)})
			return bytes.Contains(answer, []byte(`"`+want))
		})
	}
	for _, path := range []string{"overview?model=ranking-json", "models/ranking-json/drift", "models/multiclass-json/curves?class=elk&kind=roc"} {
		s.Must(200, server.Request{Method: "GET", Path: "/api/v1/" + path})
	}
}

func num(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}
