package dashboard

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
)

type curveGot struct {
	Model, From, To, Dataset, Kind, Class, Reason string
	Positives, Negatives                          int64
	Coverage                                      float64
	Summary                                       struct {
		Key   string
		Value struct{ Value, Low, High, Bound *float64 }
	}
	Points []struct {
		X, Y                 float64
		Low, High, Threshold *float64
		N                    int64
	}
}

func TestCurvesOfCalifornia(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	const path = "/api/v1/models/california/curves"
	for kind, ends := range map[string][4]float64{ // of the first and of the last point; NaN: not told here
		"roc": {0, 0, 1, 1}, "pr": {math.NaN(), 1, 1, 4315. / 8232}, "gain": {math.NaN(), math.NaN(), 1, 1},
		"lift": {math.NaN(), 8232. / 4315, 1, 1}, "calibration": {math.NaN(), math.NaN(), math.NaN(), math.NaN()},
	} {
		var got curveGot
		s.get(path+"?kind="+kind, &got)
		if got.Positives != 4315 || got.Negatives != 8232-4315 || got.Dataset != setProduction || got.Coverage != 1 || got.Class != "1" {
			t.Errorf("%s: %+v", kind, got)
		}
		if len(got.Points) < 2 || len(got.Points) > 200 || got.Summary.Value.Value == nil {
			t.Fatalf("%s: %d points, summary %+v", kind, len(got.Points), got.Summary)
		}
		first, last := got.Points[0], got.Points[len(got.Points)-1]
		for i, v := range []float64{first.X, first.Y, last.X, last.Y} {
			if want := ends[i]; !math.IsNaN(want) && math.Abs(v-want) > 1e-9 {
				t.Errorf("%s: end %d is %v, want %v", kind, i, v, want)
			}
		}
		for _, p := range got.Points {
			if p.Low != nil && !(*p.Low <= p.Y+1e-12 && p.Y <= *p.High+1e-12) {
				t.Errorf("%s: a point outside its interval: %+v", kind, p)
			}
		}
	}
	var reference, month curveGot
	s.get(path+"?set=reference", &reference)
	if reference.Dataset != setReference || reference.Positives != 3716 || math.Abs(*reference.Summary.Value.Value-0.9079415179034716) > 1e-12 {
		t.Errorf("reference: %+v", reference.Summary)
	}
	s.get(path+"?from=2020-10-01&to=2020-11-01", &month)
	if month.Dataset != setReference || month.Positives != 496 {
		t.Errorf("a month of the reference: %+v", month)
	}
	var none curveGot
	s.get(path+"?segment=a%3Db", &none)
	if len(none.Points) != 0 || none.Reason == "" {
		t.Errorf("a segment that is not there: %+v", none)
	}
	s.problem("GET", path+"?kind=cake", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", path+"?class=0", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", path+"?set=both", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", "/api/v1/models/nobody/curves", nil, http.StatusNotFound, "model_not_found")
}

func TestQualityAtAThreshold(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	const path = "/api/v1/models/california/quality"
	var own, same, lower qualityGot
	s.get(path, &own)
	s.get(path+"?threshold=0.8&beta=2", &same) // the model's own: y_pred is score >= 0.8
	s.get(path+"?threshold=0.3", &lower)
	for key, v := range own.Windows[0].Metrics {
		if w := same.Windows[0].Metrics[key]; w.Value == nil || math.Abs(*w.Value-*v.Value) > 1e-12 {
			t.Errorf("%s is %v at the model's own threshold, want %v", key, w, *v.Value)
		}
	}
	if f := same.Windows[0].Metrics["f_beta"].Value; f == nil || math.Abs(*f-5*945./(5*945.+4*3370+16)) > 1e-12 {
		t.Errorf("f_beta %v", f)
	}
	if a, b := lower.Windows[0].Metrics["recall"].Value, own.Windows[0].Metrics["recall"].Value; !(*a > *b) {
		t.Errorf("recall %v at a lower threshold, %v before", *a, *b)
	}
	for _, bad := range []string{"threshold=high", "threshold=NaN", "beta=0", "beta=-1"} {
		s.problem("GET", path+"?"+bad, nil, http.StatusBadRequest, "bad_parameter")
	}
}

// A regression through the whole path: 300 rows are past what a window keeps,
// and a corrected label leaves no trace.
func TestQualityOfARegression(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.do("PUT", "/api/v1/models/r", `{"task":"regression"}`, http.StatusCreated, nil)
	var predictions, wrong, labels []map[string]any
	noon := time.Now().Add(-30 * time.Minute).Truncate(time.Minute).UnixMilli()
	for i := range 300 {
		id, y := fmt.Sprint("r-", i), float64(i%10)+0.5
		e := float64(i%5) - 1 // -1 to 3
		predictions = append(predictions, map[string]any{"id": id, "time": noon + int64(i), "prediction": y + e})
		labels = append(labels, map[string]any{"id": id, "label": y})
		if i%3 == 0 {
			wrong = append(wrong, map[string]any{"id": id, "label": -1000.0})
		}
	}
	s.do("POST", "/api/v1/models/r/predictions", predictions, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/r/labels", wrong, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/r/labels", labels, http.StatusOK, nil)
	s.caughtUp()
	var got qualityGot
	s.get("/api/v1/models/r/quality?from="+time.UnixMilli(noon).UTC().Format(time.RFC3339), &got)
	m := got.Windows[0].Metrics
	for key, want := range map[string]float64{
		"me": 1, "mae": 1.4, "mse": 3, "rmse": math.Sqrt(3), "wape": 1.4 / 5, "max_error": 3, "residual_p05": -1, "residual_p50": 1, "residual_p95": 3,
	} {
		v := m[key].Value
		if v == nil || math.Abs(*v-want) > 0.02*want*want {
			t.Errorf("%s is %v (%s), want %v", key, v, m[key].Reason, want)
		}
	}
	for _, key := range []string{"rmsle", "smape"} {
		if m[key].Value == nil {
			t.Errorf("%s: %+v", key, m[key])
		}
	}
	s.problem("GET", "/api/v1/models/r/curves", nil, http.StatusBadRequest, "no_curves")
	s.problem("GET", "/api/v1/models/r/quality?threshold=0.5", nil, http.StatusBadRequest, "bad_parameter")
}

// Curves are of merged profiles: of one version or all, of a segment, of a range.
func TestCurvesOfParts(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	start := time.Now().Add(-50 * time.Minute).Truncate(time.Minute).UnixMilli()
	var predictions, labels []map[string]any
	for i := range 120 {
		id := fmt.Sprint(i)
		predictions = append(predictions, map[string]any{
			"id": id, "time": start + int64(i)*10_000, "version": []string{"v1", "v2", "v2"}[i%3], "prediction": i % 2,
			"score": float64(i%7) / 7, "segments": map[string]any{"city": []string{"a", "b", "b", "b"}[i%4]},
		})
		labels = append(labels, map[string]any{"id": id, "label": i / 5 % 2})
	}
	s.do("POST", "/api/v1/models/m/predictions", predictions, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/m/labels", labels, http.StatusOK, nil)
	s.caughtUp()
	at := func(minutes int) string {
		return time.UnixMilli(start).Add(time.Duration(minutes) * time.Minute).UTC().Format(time.RFC3339)
	}
	for query, want := range map[string]int64{
		"": 120, "?version=v1": 40, "?version=v2": 80, "?version=v1&version=v2": 120, "?segment=city:a": 30, "?segment=city:b&version=v1": 30,
		"?from=" + at(0) + "&to=" + at(10): 60, "?from=" + at(10) + "&to=" + at(20): 60,
	} {
		for _, kind := range []string{"roc", "pr", "calibration", "lift", "gain"} {
			var got curveGot
			sep := "?"
			if query != "" {
				sep = "&"
			}
			s.get("/api/v1/models/m/curves"+query+sep+"kind="+kind, &got)
			if n := got.Positives + got.Negatives; n != want || len(got.Points) < 2 {
				t.Errorf("%s %s: %d rows, want %d; %d points", kind, query, n, want, len(got.Points))
			}
		}
	}
}

func TestCurveOfAClass(t *testing.T) {
	q := &profile.Quality{}
	for i := range 30 {
		q.Add(&profile.Outcome{
			Task: event.Multiclass, Pred: "a", Label: []string{"a", "b", "c"}[i%3],
			ScoredClasses: []string{"a", "b", "c"}, ClassScores: []float64{float64(i%4) / 4, 0.5, 0.1},
		}, 1)
	}
	m := &model.Model{Name: "m", Task: model.Task(event.Multiclass)}
	pos, neg, class, err := scoresOf(m, q, "a")
	if err != nil || class != "a" || pos.N() != 10 || neg.N() != 20 {
		t.Errorf("%v: %d and %d rows of %q", err, pos.N(), neg.N(), class)
	}
	if pos, neg, _, err = scoresOf(m, q, "z"); err != nil || pos.N()+neg.N() != 0 {
		t.Errorf("a class without scores: %v", err)
	}
	if _, _, _, err = scoresOf(m, nil, ""); err == nil {
		t.Error("no class is named, and there are several")
	}
}
