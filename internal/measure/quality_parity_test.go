package measure

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// printed reads what a script of test/parity printed.
func printed(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../test/parity/expected", name+".json"))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func sameMetrics(t testing.TB, where string, r Result, want map[string]float64) {
	t.Helper()
	for key, w := range want {
		v, ok := r.Get(key)
		if !ok || !v.Defined {
			t.Errorf("%s: %s is %+v", where, key, v)
			continue
		}
		near(t, where+" "+key, v.Value, w, 1e-9)
		if v.HasInterval && !(v.Low <= v.Value && v.Value <= v.High) {
			t.Errorf("%s: %s is outside its interval: %+v", where, key, v)
		}
		if v.Bound != 0 {
			t.Errorf("%s: %s has a bound while values are kept: %+v", where, key, v)
		}
	}
}

type printedBinary struct {
	Thresholds  map[string]map[string]float64
	Scores      map[string]float64
	ROC, PR     [][3]float64 // threshold, x, y
	Calibration [][2]float64
}

func TestCaliforniaBesideScikitLearn(t *testing.T) {
	var file struct{ Reference, Production printedBinary }
	printed(t, "quality_binary", &file)
	reference, production := california(t)
	for name, c := range map[string]struct {
		rows []outcome
		want printedBinary
	}{"reference": {reference, file.Reference}, "production": {production, file.Production}} {
		p := fold(c.rows, 60, profile.MergeExact)
		sameMetrics(t, name, Quality(p, event.Binary), c.want.Scores)
		if len(c.want.Thresholds) != 5 {
			t.Fatalf("%s: %d thresholds", name, len(c.want.Thresholds))
		}
		for text, want := range c.want.Thresholds {
			at := number(t, text)
			sameMetrics(t, name+" at "+text, QualityWith(p, event.Binary, Options{Threshold: &at, Beta: 2}), want)
		}
		samePoints(t, name+" roc", CurveOf(&p.Quality.Pos, &p.Quality.Neg, CurveROC), c.want.ROC)
		samePoints(t, name+" pr", CurveOf(&p.Quality.Pos, &p.Quality.Neg, CurvePR), c.want.PR)
		bins := CurveOf(&p.Quality.Pos, &p.Quality.Neg, CurveCalibration).Points
		if len(bins) != len(c.want.Calibration) {
			t.Fatalf("%s: %d bins, want %d", name, len(bins), len(c.want.Calibration))
		}
		for i, b := range bins {
			near(t, name+" mean score", b.X, c.want.Calibration[i][0], 1e-9)
			near(t, name+" share", b.Y, c.want.Calibration[i][1], 1e-9)
		}
	}
}

// samePoints finds every printed threshold: the data have few scores, and none
// is thinned away.
func samePoints(t *testing.T, where string, c Curve, want [][3]float64) {
	t.Helper()
	found := 0
	for _, w := range want {
		i := slices.IndexFunc(c.Points, func(p CurvePoint) bool { return p.Threshold == w[0] })
		if i < 0 {
			t.Errorf("%s: no point at %v", where, w[0])
			continue
		}
		found++
		if p := c.Points[i]; math.Abs(p.X-w[1]) > 1e-12 || math.Abs(p.Y-w[2]) > 1e-12 {
			t.Errorf("%s at %v: %v, %v, want %v, %v", where, w[0], p.X, p.Y, w[1], w[2])
		}
	}
	if found < 90 {
		t.Errorf("%s: only %d points", where, found)
	}
}

// lcg is the generator of test/parity/quality.py.
type lcg uint32

func (g *lcg) next() float64 {
	*g = *g*1664525 + 1013904223
	return float64(*g) / (1 << 32)
}

func TestSeveralClassesBesideScikitLearn(t *testing.T) {
	var want struct {
		Metrics   map[string]float64
		Classes   map[string]map[string]float64
		Confusion [][]int64
	}
	printed(t, "quality_multiclass", &want)
	names := []string{"ant", "bee", "cat", "dog", "elk"}
	draw := lcg(7)
	whole := &profile.Profile{}
	for range 50 {
		part := &profile.Profile{Quality: &profile.Quality{}}
		for range 20 {
			u := draw.next()
			label := int(u * u * 5)
			scores, sum, best := make([]float64, 5), 0.0, 0
			for c := range scores {
				scores[c] = draw.next()
				if c == label {
					scores[c] += 0.5
				}
				sum += scores[c]
			}
			for c := range scores {
				if scores[c] /= sum; scores[c] > scores[best] {
					best = c
				}
			}
			part.Predictions++
			part.Quality.Add(&profile.Outcome{
				Task: event.Multiclass, Pred: names[best], Label: names[label], ScoredClasses: names, ClassScores: scores,
			}, 1)
		}
		whole.Merge(part, profile.MergeExact)
	}
	r := Quality(whole, event.Multiclass)
	sameMetrics(t, "classes", r, want.Metrics)
	for i, c := range r.Classes {
		w := want.Classes[c.Name]
		for key, v := range map[string]Value{"precision": c.Precision, "recall": c.Recall, "f1_score": c.F1, "auc_roc": c.AUC} {
			near(t, c.Name+" "+key, v.Value, w[key], 1e-9)
		}
		if c.Support != int64(w["support"]) || !slices.Equal(r.Confusion.Matrix[i], want.Confusion[i]) {
			t.Errorf("%s: support %d, row %v, want %v and %v", c.Name, c.Support, r.Confusion.Matrix[i], w["support"], want.Confusion[i])
		}
	}
}

func TestRegressionBesideScikitLearn(t *testing.T) {
	var want struct{ Rooms, Moved map[string]float64 }
	printed(t, "quality_regression", &want)
	tab := readTable(t, "california/reference.csv")
	of := func(row func(i int) (pred, label float64)) Result {
		whole := &profile.Profile{}
		for part := range 40 {
			q := &profile.Quality{}
			for i := part; i < len(tab["id"]); i += 40 {
				pred, label := row(i)
				q.Add(&profile.Outcome{Task: event.Regression, PredValue: pred, LabelValue: label}, 1)
			}
			whole.Merge(&profile.Profile{Quality: q}, profile.MergeExact)
		}
		return Quality(whole, event.Regression)
	}
	bedrooms := func(i int) float64 { return 5 * number(t, tab["AveBedrms"][i]) }
	sameMetrics(t, "rooms", of(func(i int) (float64, float64) { return bedrooms(i), number(t, tab["AveRooms"][i]) }), want.Rooms)
	moved := of(func(i int) (float64, float64) { return bedrooms(i) - 5, number(t, tab["HouseAge"][i]) - 20 })
	sameMetrics(t, "moved", moved, want.Moved)
	mape, _ := moved.Get("mape")
	if rmsle, _ := moved.Get("rmsle"); rmsle.N >= 5832 || mape.N >= 5832 {
		t.Errorf("rmsle rests on %d rows and mape on %d, though some are at or below -1 and some 0", rmsle.N, mape.N)
	}
}

func TestRankingBesideScikitLearn(t *testing.T) {
	var want map[string]map[string]any
	printed(t, "quality_ranking", &want)
	draw := lcg(11)
	q := &profile.Quality{}
	for range 200 {
		var query profile.Query
		for range 30 {
			query.Relevance = append(query.Relevance, float64(max(0, int(draw.next()*8)-4)))
		}
		q.AddQuery(&query, 1)
	}
	for _, k := range []int{1, 3, 5, 10} {
		got, ok := Ranking(q, k)
		if !ok {
			t.Fatalf("no ranking at %d", k)
		}
		for _, m := range got {
			near(t, m.Key, m.Value.Value, want[fmt.Sprint(k)][m.Key].(float64), 1e-9)
			if !m.HasInterval && m.Value.Value < 1 || m.Low > m.Value.Value || m.High < m.Value.Value {
				t.Errorf("%s: %+v", m.Key, m.Value)
			}
		}
	}
	if _, ok := Ranking(q, 7); ok {
		t.Error("a ranking at 7, which nobody keeps")
	}
	q = &profile.Quality{}
	q.AddQuery(&profile.Query{Relevance: []float64{0, 0}}, 1)
	if got, _ := Ranking(q, 10); got[0].Defined || got[0].Reason != NoRelevant {
		t.Errorf("without a relevant item: %+v", got[0])
	}
}

// Evidently's own test (tests/calculations/test_classification_performance.py).
func TestBesideEvidently(t *testing.T) {
	var entries []struct {
		ID       string
		Expected json.RawMessage
	}
	golden(t, "published_expected.json", &entries)
	i := slices.IndexFunc(entries, func(e struct {
		ID       string
		Expected json.RawMessage
	}) bool {
		return e.ID == "evidently-classification"
	})
	if i < 0 {
		t.Fatal("the entry is gone")
	}
	var want map[string]float64
	if err := json.Unmarshal(entries[i].Expected, &want); err != nil {
		t.Fatal(err)
	}
	q := &profile.Quality{}
	for i, score := range []float64{0.91, 0.82, 0.73, 0.64, 0.55, 0.46, 0.37, 0.28, 0.19, 0} {
		q.Add(&profile.Outcome{Task: event.Binary, Score: score, LabelPositive: []int{1, 0, 0, 1, 1, 1, 0, 1, 0, 0}[i] == 1}, 1)
	}
	at := 0.7
	r := QualityWith(&profile.Profile{Quality: q}, event.Binary, Options{Threshold: &at})
	sameMetrics(t, "evidently", r, map[string]float64{
		"accuracy": want["accuracy"], "precision": want["precision"], "recall": want["recall"], "f1_score": want["f1"],
		"specificity": want["tnr"], "auc_roc": want["roc_auc"], "log_loss": want["log_loss"],
	})
	near(t, "tpr", want["tpr"], want["recall"], 0)
	near(t, "fpr", 1-want["tnr"], want["fpr"], 1e-12)
	near(t, "fnr", 1-want["recall"], want["fnr"], 1e-12)
}

// NannyML's published areas, through profiles.
func TestCaliforniaAreas(t *testing.T) {
	reference, production := california(t)
	for want, rows := range map[float64][]outcome{0.9079415179034716: reference, 0.8402458783370228: production} {
		for _, limit := range []int{profile.MergeExact, profile.WindowExact} {
			v, _ := Quality(fold(rows, 60, limit), event.Binary).Get("auc_roc")
			if math.Abs(v.Value-want) > 1e-12 {
				t.Errorf("AUC %.16g, want %.16g", v.Value, want)
			}
		}
	}
}
