package dashboard

import (
	"net/http"
	"testing"
	"time"
)

type compareGot struct {
	A, B struct {
		Name, Dataset       string
		Versions            []string
		Predictions, Labels int64
		From, To            time.Time
	}
	Metrics []struct {
		Key, Method, Better string
		A, B                numberGot
		Difference          *struct{ Value, Low, High, P_value *float64 }
		Significant         bool
	}
	Drift []struct {
		Name    string
		Drifted bool
	}
	Reason string
}

func (g *compareGot) metric(key string) (method, better string, diff float64) {
	for _, m := range g.Metrics {
		if m.Key == key && m.Difference != nil {
			return m.Method, m.Better, *m.Difference.Value
		}
	}
	return "", "", 0
}

func TestVersionsAndTimesAreCompared(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	s.do("PUT", "/api/v1/models/m", `{"task":"binary","positive_class":"1"}`, http.StatusCreated, nil)
	s.sendVersion("a", noon.Add(9*time.Minute), 500, 9, 0)
	s.sendVersion("b", noon.Add(9*time.Minute), 500, 6, 100)
	s.sendVersion("a", noon.Add(-51*time.Minute), 500, 9, 0)
	path := "/api/v1/models/m/compare?" + rangeQuery(noon, noon.Add(time.Hour))

	for _, with := range []string{"&with=b", "&with=version:b"} {
		var got compareGot
		s.get(path+"&version=a"+with, &got)
		if got.A.Name != "a" || got.B.Name != "version:b" || got.A.Predictions != 500 || got.B.Labels != 500 || !got.B.From.Equal(noon) {
			t.Fatalf("%+v %+v", got.A, got.B)
		}
		if method, better, diff := got.metric("accuracy"); method != "two_proportions" || better != "a" || diff < 0.29 || diff > 0.31 {
			t.Errorf("accuracy: %s, %s is better, by %v", method, better, diff)
		}
		if method, better, _ := got.metric("auc_roc"); method != "delong" || better != "a" {
			t.Errorf("area: %s %s", method, better)
		}
		if len(got.Drift) != 1 || !got.Drift[0].Drifted {
			t.Errorf("%+v", got.Drift)
		}
	}
	var times compareGot
	s.get(path+"&version=a", &times)
	if times.B.Name != "previous" || times.B.Predictions != 500 || times.Drift[0].Drifted {
		t.Errorf("%+v", times)
	}
	for _, m := range times.Metrics {
		if m.Significant || m.Better != "" {
			t.Errorf("%+v", m)
		}
	}
	var empty compareGot
	s.get(path+"&version=a&with=1d", &empty)
	if empty.Reason != reasonNoData || len(empty.Metrics) != 0 || empty.A.Predictions != 500 {
		t.Errorf("%+v", empty)
	}
	s.problem("GET", path+"&with=c", nil, http.StatusBadRequest, "bad_parameter")
	s.problem("GET", path+"&with=import", nil, http.StatusConflict, "no_reference_rows")
}

func TestProductionIsComparedWithWhatWasSent(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	var got compareGot
	s.get("/api/v1/models/california/compare?with=import", &got)
	if got.B.Dataset != setReference || got.A.Labels != 8232 || got.B.Labels != 5832 {
		t.Fatalf("%+v %+v", got.A, got.B)
	}
	// NannyML publishes 0.8402 and 0.9079 for these rows.
	if method, better, diff := got.metric("auc_roc"); method != "delong" || better != "b" || diff > -0.067 || diff < -0.069 {
		t.Errorf("area: %s, %s is better, by %v", method, better, diff)
	}
}
