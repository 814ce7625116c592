package endtoend

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/test/server"
)

const (
	predictionMap = "id=id,time=timestamp,prediction=y_pred,score=y_pred_proba"
	referenceMap  = predictionMap + ",label=clf_target"
	labelMap      = "id=id,label=clf_target"
	labelTime     = "2022-11-01" // the labels' file has no times
)

// golden is one entry of california_quality.json.
type golden struct {
	N, TP, FP, FN, TN           int64
	Accuracy, Precision, Recall float64
	Specificity, F1, MCC        float64
	AUC                         float64 `json:"roc_auc"`
	AveragePrecision            float64 `json:"average_precision"`
	Brier                       float64
	LogLoss                     float64 `json:"log_loss_eps2e16"`
}

type goldens struct {
	Reference golden            `json:"california_reference"`
	Analysis  golden            `json:"california_analysis"`
	ByMonth   map[string]golden `json:"california_by_month"`
}

func readGoldens(t *testing.T) goldens {
	t.Helper()
	text, err := os.ReadFile(server.Data(t, "golden/california_quality.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.ByMonth) == 0 || g.Analysis.N == 0 {
		t.Fatal("the golden file holds nothing that is known")
	}
	return g
}

// metrics are the golden numbers by the catalogue's keys. A score that the
// metric's denominator leaves undefined is written 0 in the file.
func (g *golden) metrics() map[string]float64 {
	return map[string]float64{
		"accuracy": g.Accuracy, "precision": g.Precision, "recall": g.Recall, "specificity": g.Specificity,
		"f1_score": g.F1, "mcc": g.MCC, "auc_roc": g.AUC, "brier_score": g.Brier, "log_loss": g.LogLoss,
		"average_precision": g.AveragePrecision,
	}
}

// undefined tells which metrics have no value for these counts.
func (g *golden) undefined() map[string]bool {
	predicted, missed := g.TP+g.FP, g.TN+g.FN
	return map[string]bool{
		"precision": predicted == 0,
		"recall":    g.TP+g.FN == 0,
		"mcc":       predicted == 0 || missed == 0 || g.TP+g.FN == 0 || g.TN+g.FP == 0,
	}
}

// checkWindow holds one window to the golden numbers.
func checkWindow(t *testing.T, name string, w *server.Window, g golden) {
	t.Helper()
	if w.Predictions != g.N || w.Labels != g.N || w.Coverage == nil || *w.Coverage != 1 {
		t.Errorf("%s: %d predictions, %d labels, wanted %d of each", name, w.Predictions, w.Labels, g.N)
	}
	if c := w.Confusion; c == nil || len(c.Matrix) != 2 ||
		!slices.Equal(c.Matrix[0], []int64{g.TN, g.FP}) || !slices.Equal(c.Matrix[1], []int64{g.FN, g.TP}) {
		t.Errorf("%s: confusion %+v, wanted TN %d FP %d FN %d TP %d", name, c, g.TN, g.FP, g.FN, g.TP)
	}
	none := g.undefined()
	want := g.metrics()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		v, ok := w.Metrics[key]
		switch {
		case !ok:
			t.Errorf("%s: %s is missing", name, key)
		case none[key]:
			if v.Value != nil || v.Reason == "" {
				t.Errorf("%s: %s is undefined here, so it must be null with a reason; got %v, %q", name, key, v.Value, v.Reason)
			}
		case v.Value == nil:
			t.Errorf("%s: %s is null (%s), wanted %v", name, key, v.Reason, want[key])
		case math.Abs(*v.Value-want[key]) > tolerance(key, v.Bound):
			t.Errorf("%s: %s is %.12f, wanted %.12f: off by %.2g", name, key, *v.Value, want[key], *v.Value-want[key])
		}
	}
}

// tolerance is 1e-9, or for the two that come from the sketch of scores what
// the answer itself says that it can be wrong by.
func tolerance(key string, bound float64) float64 {
	if key == "auc_roc" || key == "average_precision" {
		return max(1e-9, bound)
	}
	return 1e-9
}

// checkCalifornia holds the whole of production and each month to the goldens.
// Production begins in June 2021 and ends in the middle of a month; the
// golden months before are the reference's.
func checkCalifornia(t *testing.T, s *server.Server, model string) {
	t.Helper()
	g := readGoldens(t)
	whole := settled(t, s, model, g.Analysis.N)
	checkWindow(t, "production", &whole, g.Analysis)
	months, err := s.Quality(model, "step=1M&set=production")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for i := range months {
		want, ok := g.ByMonth[months[i].From[:7]]
		if !ok {
			t.Errorf("there is no month %s in the golden file", months[i].From)
			continue
		}
		seen++
		checkWindow(t, months[i].From[:7], &months[i], want)
	}
	if seen < 12 {
		t.Errorf("only %d months were answered", seen)
	}
}

// settled waits until all predictions and labels of production are folded.
func settled(t *testing.T, s *server.Server, model string, n int64) server.Window {
	t.Helper()
	var w server.Window
	var last error
	server.Wait(t, func() string {
		return fmt.Sprintf("%d predictions and %d labels of %d (%v)", w.Predictions, w.Labels, n, last)
	}, func() bool {
		windows, err := s.Quality(model, "set=production")
		if last = err; err != nil || len(windows) != 1 {
			return false
		}
		w = windows[0]
		return w.Predictions >= n && w.Labels >= n
	})
	return w
}

// importFile runs leeway import.
func importFile(t *testing.T, s *server.Server, model, kind string) {
	t.Helper()
	file, mapping, extra := "production", predictionMap, []string{}
	switch kind {
	case "reference":
		file, mapping = "reference", referenceMap
	case "labels":
		file, mapping, extra = "labels", labelMap, []string{"--time", labelTime}
	}
	args := append([]string{
		"import", "--server", s.URL, "--model", model, "--kind", kind,
		"--file", server.Data(t, "california/"+file+".csv"), "--map", mapping,
	}, extra...)
	if out, err := s.Run(args...); err != nil {
		t.Fatalf("leeway %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestCaliforniaByImport(t *testing.T) {
	server.Data(t, "california/production.csv")
	for name, order := range map[string][]string{
		"labels after":       {"reference", "predictions", "labels"},
		"labels before":      {"reference", "labels", "predictions"},
		"reference at last":  {"predictions", "labels", "reference"},
		"everything twice":   {"reference", "predictions", "predictions", "labels", "labels", "reference"},
		"labels around":      {"labels", "predictions", "reference", "labels"},
		"no reference":       {"predictions", "labels"},
		"restart in between": {"reference", "predictions", "restart", "labels"},
	} {
		t.Run(name, func(t *testing.T) {
			s := server.New(t, "")
			s.Start()
			for _, kind := range order {
				if kind == "restart" {
					s.Kill()
					s.Start()
					continue
				}
				importFile(t, s, "california", kind)
			}
			checkCalifornia(t, s, "california")
			if slices.Contains(order, "reference") {
				checkReference(t, s)
			}
		})
	}
}

// checkReference holds the quality of the reference and looks at the drift and
// the quality of the data against it.
func checkReference(t *testing.T, s *server.Server) {
	t.Helper()
	g := readGoldens(t)
	windows, err := s.Quality("california", "set=reference")
	if err != nil || len(windows) != 1 {
		t.Fatalf("the reference's quality: %v, %d windows", err, len(windows))
	}
	checkWindow(t, "reference", &windows[0], g.Reference)

	var drift struct {
		Features []struct {
			Name, Kind, Method string
			Value              *float64
			Drifted            bool
			N                  int64
			RefN               int64 `json:"reference_n"`
		}
		Share struct{ Value *float64 }
	}
	s.MustGet("/api/v1/models/california/drift", &drift)
	if len(drift.Features) != 8 || drift.Share.Value == nil {
		t.Fatalf("drift of 8 features was expected: %+v", drift)
	}
	drifted := 0
	for _, f := range drift.Features {
		if f.Value == nil || f.N != g.Analysis.N || f.RefN != g.Reference.N {
			t.Errorf("drift of %s: %+v", f.Name, f)
		}
		if f.Drifted {
			drifted++
		}
	}
	if drifted == 0 {
		t.Error("production's latitude and longitude left the reference's long ago, and nothing drifted")
	}
	for _, method := range []string{"ks", "psi"} {
		s.MustGet("/api/v1/models/california/drift?method="+method, &drift)
	}

	var data struct {
		Features []struct{ Name string }
	}
	s.MustGet("/api/v1/models/california/data-quality", &data)
	if len(data.Features) != 8 {
		t.Errorf("data quality of 8 features was expected, got %+v", data)
	}
}

// TestCaliforniaInManyBatches sends the files through HTTP in many small
// batches, predictions and labels mixed, some of them twice.
func TestCaliforniaInManyBatches(t *testing.T) {
	predictions := csvLines(t, server.Data(t, "california/production.csv"))
	labels := csvLines(t, server.Data(t, "california/labels.csv"))
	for name, c := range map[string]struct{ size, ahead int }{
		"labels between, 9 rows a batch":            {9, 0},
		"labels ahead by 50 batches, 97 rows":       {97, -50},
		"labels behind by 300 batches, 27 rows":     {27, 300},
		"a batch of all, labels before predictions": {10_000, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := server.New(t, "")
			s.Start()
			mix(t, s, c.size, c.ahead, predictions, labels)
			checkCalifornia(t, s, "california")
		})
	}
}

// csvLines is the header and the lines of a file.
func csvLines(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		out = append(out, lines.Text())
	}
	if len(out) < 2 {
		t.Fatalf("%s has %d lines", file, len(out))
	}
	return out
}

// mix sends batches of size rows; the labels of batch i come after the
// predictions of batch i plus behind, which may be negative.
func mix(t *testing.T, s *server.Server, size, behind int, predictions, labels []string) {
	t.Helper()
	batches := (len(predictions) - 2 + size) / size
	send := func(kind, mapping string, lines []string, i int) {
		if i < 0 || i >= batches {
			return
		}
		from, to := 1+i*size, min(1+(i+1)*size, len(lines))
		body := strings.Join(append([]string{lines[0]}, lines[from:to]...), "\n") + "\n"
		path := "/api/v1/models/california/" + kind + "?import=true&map=" + url.QueryEscape(mapping)
		times := 1
		if i%7 == 3 {
			times = 2 // as a client does that lost the answer
		}
		for range times {
			r := server.Request{Method: "POST", Path: path, Type: "text/csv", Body: []byte(body)}
			if i%2 == 0 {
				r.BatchID = fmt.Sprintf("%s-%d", kind, i)
			}
			answer := s.Must(200, r)
			if want := fmt.Sprintf(`"accepted":%d,"rejected":0`, to-from); !bytes.Contains(answer, []byte(want)) {
				t.Fatalf("%s batch %d: %s, wanted %s", kind, i, answer, want)
			}
		}
	}
	for i := min(0, behind); i < batches+max(0, behind); i++ {
		send("predictions", predictionMap, predictions, i)
		send("labels", labelMap, labels, i-behind)
	}
}
