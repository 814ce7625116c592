package report

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

func golden(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.NewDecoder(open(t, filepath.Join("golden", name))).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// near fails when got is not within tol of want, relative to want.
func near(t testing.TB, what string, got *float64, want, tol float64) {
	t.Helper()
	if got == nil || !(math.Abs(*got-want) <= tol*math.Abs(want)) {
		t.Errorf("%s: %s, want %.17g", what, num(got), want)
	}
}

// make runs a report and reads back what its JSON says.
func makeReport(t testing.TB, o Options) *Report {
	t.Helper()
	o.Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r, err := Make(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back Report
	d := json.NewDecoder(strings.NewReader(text.String()))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	return &back
}

// adult writes the two parts of the Adult data as the golden file cuts them.
func adult(t testing.TB) (ref, cur string) {
	t.Helper()
	z, err := gzip.NewReader(open(t, "adult/adults.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ref, cur = filepath.Join(dir, "ref.csv"), filepath.Join(dir, "cur.csv.gz")
	r, c := [][]string{rows[0]}, [][]string{rows[0]}
	for _, row := range rows[1:] {
		switch row[3] {
		case "Some-college", "HS-grad", "Bachelors":
			c = append(c, row)
		default:
			r = append(r, row)
		}
	}
	writeCSV(t, ref, r)
	writeCSV(t, cur, c)
	return ref, cur
}

func writeCSV(t testing.TB, name string, rows [][]string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	var out io.Writer = f
	var z *gzip.Writer
	if strings.HasSuffix(name, ".gz") {
		z = gzip.NewWriter(f)
		out = z
	}
	w := csv.NewWriter(out)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if z != nil {
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func feature(t testing.TB, r *Report, name string) *Column {
	t.Helper()
	for i := range r.Features {
		if r.Features[i].Name == name {
			return &r.Features[i]
		}
	}
	t.Fatalf("there is no feature %s", name)
	return nil
}

func method(c *Column, name string) *float64 {
	for _, m := range c.Methods {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

func TestAdultIsExact(t *testing.T) {
	ref, cur := adult(t)
	var want struct {
		Numeric map[string]struct {
			KS          float64 `json:"ks_statistic"`
			Wasserstein float64 `json:"wasserstein_raw"`
		}
		Categorical map[string]struct {
			NannyML struct {
				Chi2 float64 `json:"chi2_contingency_yates_statistic"`
			}
		}
	}
	golden(t, "adult_drift_golden.json", &want)
	r := makeReport(t, Options{Reference: ref, Current: cur})
	if r.Reference.Used != 14155 || r.Current.Used != 34687 {
		t.Errorf("%d and %d rows", r.Reference.Used, r.Current.Used)
	}
	if len(want.Numeric) != 6 || len(want.Categorical) != 8 {
		t.Fatal("the golden file is not as it was")
	}
	for name, w := range want.Numeric {
		f := feature(t, r, name)
		near(t, name+" ks", method(f, "ks"), w.KS, 1e-9)
		near(t, name+" wasserstein", method(f, "wasserstein"), w.Wasserstein, 1e-9)
	}
	for name, w := range want.Categorical {
		near(t, name+" chi2", method(feature(t, r, name), "chi2"), w.NannyML.Chi2, 1e-9)
	}
}

// block is one of california_quality.json.
type block struct {
	N                                                 int64
	Accuracy, Precision, Recall, Specificity, F1, MCC float64
	ROCAUC                                            float64 `json:"roc_auc"`
	AP                                                float64 `json:"average_precision"`
	Brier                                             float64
	LogLoss                                           float64 `json:"log_loss_eps2e16"`
}

func (b *block) check(t testing.TB, what string, get func(key string) (Value, bool)) {
	t.Helper()
	for key, want := range map[string]float64{
		"accuracy": b.Accuracy, "precision": b.Precision, "recall": b.Recall, "specificity": b.Specificity,
		"f1_score": b.F1, "mcc": b.MCC, "auc_roc": b.ROCAUC, "average_precision": b.AP, "brier_score": b.Brier, "log_loss": b.LogLoss,
	} {
		v, ok := get(key)
		if !ok {
			t.Errorf("%s: there is no %s", what, key)
		} else if v.Value == nil && want == 0 {
			continue // what does not exist is written as 0 there
		} else {
			near(t, what+" "+key, v.Value, want, 1e-9)
		}
	}
}

func california() Options {
	return Options{
		Reference: filepath.Join(shared, "california/reference.csv"), Current: filepath.Join(shared, "california/production.csv"),
		Labels: filepath.Join(shared, "california/labels.csv"),
		Map:    map[string]string{"id": "id", "time": "timestamp", "prediction": "y_pred", "score": "y_pred_proba", "label": "clf_target"},
	}
}

func TestCaliforniaIsExact(t *testing.T) {
	var want struct {
		Reference block            `json:"california_reference"`
		Current   block            `json:"california_analysis"`
		Months    map[string]block `json:"california_by_month"`
	}
	golden(t, "california_quality.json", &want)
	r := makeReport(t, california())
	want.Reference.check(t, "reference", r.Quality.Reference.Get)
	want.Current.check(t, "current", r.Quality.Current.Get)
	if r.Task != "binary" || r.Positive != "1" || r.Judged.Period != "month" || len(r.Periods) != 12 {
		t.Fatalf("%s %s %s %d", r.Task, r.Positive, r.Judged.Period, len(r.Periods))
	}
	for i := range r.Periods {
		p := &r.Periods[i]
		month := want.Months[p.From.Format("2006-01")]
		if p.Labels != month.N {
			t.Errorf("%v: %d labels, want %d", p.From, p.Labels, month.N)
		}
		month.check(t, p.From.Format("2006-01"), func(key string) (Value, bool) { v := metricOf(p, key); return v, v.Key != "" })
	}
	if l := r.Label; l == nil || l.Grade != "shifted" || len(l.Categories) != 2 || l.Categories[0].Reference != 3716 || l.Categories[0].Current != 4315 {
		t.Errorf("labels: %+v", l)
	}
	if f := feature(t, r, "Longitude"); f.Grade != "drifted" || len(f.Periods) != 12 {
		t.Errorf("longitude is %s over %d periods", f.Grade, len(f.Periods))
	}
}
