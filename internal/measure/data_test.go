package measure

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// shared is the folder of test data that lies beside the project.
const shared = "../../../shared/data"

func open(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, name))
	if os.IsNotExist(err) {
		t.Skipf("test data %s is missing", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// table is a CSV file by column.
type table map[string][]string

func readTable(t testing.TB, name string) table {
	t.Helper()
	var r io.Reader = open(t, name)
	if filepath.Ext(name) == ".gz" {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := table{}
	for i, name := range rows[0] {
		col := make([]string, 0, len(rows))
		for _, row := range rows[1:] {
			col = append(col, row[i])
		}
		out[name] = col
	}
	return out
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func golden(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.NewDecoder(open(t, filepath.Join("golden", name))).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// near fails when got is not within tol of want, relative to want.
func near(t testing.TB, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		t.Errorf("%s: %.17g, want %.17g", what, got, want)
	}
}

// outcome is one labelled row of the California data.
type outcome struct {
	month             string
	score             float64
	predicted, actual bool
}

// california is the reference and the production part, joined to its labels.
func california(t testing.TB) (reference, production []outcome) {
	t.Helper()
	rows := func(tab table, target []string) []outcome {
		out := make([]outcome, len(tab["id"]))
		for i := range out {
			out[i] = outcome{
				month: tab["timestamp"][i][:7], score: number(t, tab["y_pred_proba"][i]),
				predicted: number(t, tab["y_pred"][i]) == 1, actual: number(t, target[i]) == 1,
			}
		}
		return out
	}
	ref := readTable(t, "california/reference.csv")
	prod := readTable(t, "california/production.csv")
	labels := readTable(t, "california/labels.csv")
	byID := map[string]string{}
	for i, id := range labels["id"] {
		byID[id] = labels["clf_target"][i]
	}
	joined := make([]string, len(prod["id"]))
	for i, id := range prod["id"] {
		joined[i] = byID[id]
	}
	return rows(ref, ref["clf_target"]), rows(prod, joined)
}

// goldenQuality is one block of california_quality.json.
type goldenQuality struct {
	N, Pos, TP, FP, FN, TN                            int64
	Accuracy, Precision, Recall, Specificity, F1, MCC float64
	ROCAUC                                            float64 `json:"roc_auc"`
	AP                                                float64 `json:"average_precision"`
	Brier                                             float64
	LogLoss                                           float64 `json:"log_loss_eps2e16"`
}

// byKey is the block under the keys of the catalogue.
func (g goldenQuality) byKey() map[string]float64 {
	return map[string]float64{
		"accuracy": g.Accuracy, "precision": g.Precision, "recall": g.Recall, "specificity": g.Specificity,
		"f1_score": g.F1, "mcc": g.MCC, "auc_roc": g.ROCAUC, "average_precision": g.AP,
		"brier_score": g.Brier, "log_loss": g.LogLoss,
	}
}

// check compares a metric. In two months nothing was predicted positive: the
// golden file follows scikit-learn there, where a precision or correlation that
// does not exist is written as 0.
func (g goldenQuality) check(t testing.TB, name string, m Metric, want float64) {
	t.Helper()
	if g.TP+g.FP == 0 && (m.Key == "precision" || m.Key == "mcc") {
		if m.Defined || want != 0 {
			t.Errorf("%s: %s is %+v without a positive prediction", name, m.Key, m.Value)
		}
		return
	}
	if !m.Defined {
		t.Errorf("%s: %s is undefined: %s", name, m.Key, m.Reason)
	}
	near(t, name+" "+m.Key, m.Value.Value, want, 1e-9)
}

type goldenFile struct {
	Reference  goldenQuality            `json:"california_reference"`
	Production goldenQuality            `json:"california_analysis"`
	Months     map[string]goldenQuality `json:"california_by_month"`
}

// blocks are the parts of the California data with what is expected of them.
func blocks(t testing.TB) map[string]struct {
	rows []outcome
	want goldenQuality
} {
	t.Helper()
	var file goldenFile
	golden(t, "california_quality.json", &file)
	reference, production := california(t)
	out := map[string]struct {
		rows []outcome
		want goldenQuality
	}{"reference": {reference, file.Reference}, "production": {production, file.Production}}
	for month, want := range file.Months {
		var rows []outcome
		for _, r := range append(append([]outcome{}, reference...), production...) {
			if r.month == month {
				rows = append(rows, r)
			}
		}
		out[month] = struct {
			rows []outcome
			want goldenQuality
		}{rows, want}
	}
	if len(out) < 10 {
		t.Fatalf("only %d blocks", len(out))
	}
	return out
}
