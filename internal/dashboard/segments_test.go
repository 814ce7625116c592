package dashboard

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"
)

type numberGot struct{ Value *float64 }

// sendBy sends rows of two channels: right of n of web are right, all of app.
func (s *site) sendBy(until time.Time, n, right int, age float64) {
	s.t.Helper()
	var predictions, labels []map[string]any
	for i := range 2 * n {
		id, truth := fmt.Sprintf("%d-%d", until.UnixMilli(), i), i/2%2
		pred, channel := truth, []string{"app", "web"}[i%2]
		if channel == "web" && i/2 >= right {
			pred = 1 - truth
		}
		predictions = append(predictions, map[string]any{
			"id": id, "time": until.Add(-time.Duration(i) * 100 * time.Millisecond).UnixMilli(), "prediction": pred,
			"score": 0.1 + 0.8*float64(pred), "segments": map[string]any{"channel": channel},
			"features": map[string]any{"age": age + float64(i%50), "height": i % 7},
		})
		labels = append(labels, map[string]any{"id": id, "label": truth})
	}
	s.do("POST", "/api/v1/models/m/predictions?import=true", predictions, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/m/labels?import=true", labels, http.StatusOK, nil)
	s.caughtUp()
}

func TestSegmentsFairnessAndCauses(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	s.do("PUT", "/api/v1/models/m", `{"task":"binary","positive_class":"1","importances":{"age":3,"height":1}}`, http.StatusCreated, nil)
	s.sendBy(noon, 200, 200, 0)
	s.sendBy(noon.Add(time.Hour), 200, 100, 100)
	s.do("PUT", "/api/v1/models/m/reference", map[string]any{"source": "range", "from": noon.Add(-time.Hour).Format(time.RFC3339), "to": noon.Add(time.Minute).Format(time.RFC3339)}, http.StatusOK, nil)

	last := fmt.Sprintf("from=%d&to=%d", noon.Add(30*time.Minute).UnixMilli(), noon.Add(90*time.Minute).UnixMilli())
	var list struct {
		Metric   string
		Segments []struct {
			Name        string
			Value, Rest numberGot
			Difference  *struct{ Value, Low, High float64 }
			Significant bool
			Impact      float64
		}
	}
	s.get("/api/v1/models/m/segments?"+last, &list)
	if len(list.Segments) != 2 || list.Metric != "accuracy" {
		t.Fatalf("%+v", list)
	}
	if w := list.Segments[0]; w.Name != "channel=web" || !w.Significant || !near(w.Value.Value, 0.5) || !near(w.Rest.Value, 1) || w.Difference.High >= 0 || math.Abs(w.Impact-0.25) > 1e-12 {
		t.Errorf("the worst segment: %+v", w)
	}
	s.problem("GET", "/api/v1/models/m/segments?metric=auc_roc", nil, http.StatusBadRequest, "bad_parameter")

	var fair struct {
		Fields []struct {
			Field string
			Gap   numberGot `json:"equal_opportunity_difference"`
		}
	}
	s.get("/api/v1/models/m/fairness?"+last, &fair)
	if len(fair.Fields) != 1 || fair.Fields[0].Field != "channel" || !near(fair.Fields[0].Gap.Value, 0.5) {
		t.Errorf("%+v", fair)
	}
	s.problem("GET", "/api/v1/models/m/fairness?field=nothing", nil, http.StatusBadRequest, "bad_parameter")

	var causes struct {
		Change float64
		Fields []struct {
			Field    string
			Segments []struct {
				Name        string
				Within, Mix float64
			}
		}
		Features []struct {
			Name              string
			Importance, Share float64
		}
	}
	s.get("/api/v1/models/m/causes?"+last, &causes)
	if math.Abs(causes.Change+0.25) > 1e-12 || len(causes.Fields) != 1 || causes.Fields[0].Segments[0].Name != "channel=web" || math.Abs(causes.Fields[0].Segments[0].Within+0.25) > 1e-12 {
		t.Errorf("%+v", causes)
	}
	if len(causes.Features) != 2 || causes.Features[0].Name != "age" || causes.Features[0].Importance != 0.75 || causes.Features[0].Share != 1 {
		t.Errorf("%+v", causes.Features)
	}
}

func TestMultivariate(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	send := func(until time.Time, sign float64) {
		var list []map[string]any
		for i := range 400 {
			x := float64(i%40) - 20
			list = append(list, map[string]any{
				"id": fmt.Sprintf("%d-%d", until.UnixMilli(), i), "time": until.Add(-time.Duration(i) * time.Second).UnixMilli(),
				"prediction": i % 2, "score": (x + 20) / 40,
				"features": map[string]any{"x": x, "y": sign*x + float64(i%7)/7, "z": i % 11},
			})
		}
		s.do("POST", "/api/v1/models/m/predictions?import=true", list, http.StatusOK, nil)
		s.caughtUp()
	}
	var got struct {
		Rows           int
		RefRows        int `json:"reference_rows"`
		Reason         string
		Reconstruction *struct{ Drifted bool }
		Classifier     *struct{ Drifted bool }
		Correlations   []struct {
			A, B          string
			Before, After float64
		}
	}
	send(noon, 1)
	s.get("/api/v1/models/m/multivariate?reference=2026-03-01/2026-03-02", &got)
	if got.Reason != "too_few_rows" || got.Rows != 400 {
		t.Errorf("without a reference: %+v", got)
	}
	send(noon.Add(2*time.Hour), -1) // each column keeps its values, together they differ
	last := fmt.Sprintf("from=%d&to=%d&reference=2026-03-02T11:00:00Z/2026-03-02T13:00:00Z&classifier=true", noon.Add(time.Hour).UnixMilli(), noon.Add(3*time.Hour).UnixMilli())
	s.get("/api/v1/models/m/multivariate?"+last, &got)
	if got.Rows != 400 || got.RefRows != 400 || got.Reconstruction == nil || !got.Reconstruction.Drifted || got.Classifier == nil || !got.Classifier.Drifted {
		t.Fatalf("%+v", got)
	}
	if c := got.Correlations[0]; c.A != "x" || c.B != "y" || c.Before < 0.9 || c.After > -0.9 {
		t.Errorf("%+v", got.Correlations)
	}
	var causes struct {
		Importance string
		Features   []struct {
			Name       string
			Importance float64
		}
	}
	s.get("/api/v1/models/m/causes?"+last, &causes)
	if causes.Importance != "linear" {
		t.Errorf("%+v", causes)
	}
}
