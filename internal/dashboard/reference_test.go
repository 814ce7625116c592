package dashboard

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

type driftGot struct {
	Rows      int64
	Reason    string
	Reference struct {
		Source, Name, Back string
		Version            *string
		From, To           *time.Time
		Rows               int64
	}
	Features []struct {
		Name    string
		Value   *float64
		Drifted bool
	}
}

// sendVersion sends n rows of a version, one each second until a time, with a
// feature around a centre; right of ten are right.
func (s *site) sendVersion(version string, until time.Time, n, right int, centre float64) {
	s.t.Helper()
	var predictions, labels []map[string]any
	for i := range n {
		id, truth := fmt.Sprintf("%s-%d-%d", version, until.UnixMilli(), i), i/10%2
		pred := truth
		if i%10 >= right {
			pred = 1 - truth
		}
		predictions = append(predictions, map[string]any{
			"id": id, "time": until.Add(-time.Duration(i) * time.Second).UnixMilli(), "prediction": pred, "version": version,
			"score": float64(pred)*0.5 + float64(i%40)/100, "features": map[string]any{"x": centre + float64(i%50)},
		})
		labels = append(labels, map[string]any{"id": id, "label": truth})
	}
	s.do("POST", "/api/v1/models/m/predictions?import=true", predictions, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/m/labels?import=true", labels, http.StatusOK, nil)
	s.caughtUp()
}

func rangeQuery(from, to time.Time) string {
	return fmt.Sprintf("from=%d&to=%d", from.UnixMilli(), to.UnixMilli())
}

// TestReferencesThatMove measures one hour against many references.
func TestReferencesThatMove(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	const minutes = 10 * time.Minute
	s.do("PUT", "/api/v1/models/m", `{"task":"binary","positive_class":"1"}`, http.StatusCreated, nil)
	for _, part := range []struct {
		version string
		at      time.Time
		centre  float64
	}{
		{"a", noon.AddDate(0, 0, -7), 0}, {"a", noon.AddDate(0, 0, -1), 0}, {"a", noon.Add(-time.Hour), 100},
		{"a", noon, 0}, {"b", noon, 100},
	} {
		s.sendVersion(part.version, part.at.Add(minutes-time.Second), 500, 9, part.centre)
	}
	hour := rangeQuery(noon, noon.Add(time.Hour))
	for _, c := range []struct {
		query   string
		rows    int64
		refRows int64
		drifted bool
	}{
		{"&version=a&reference=1d", 500, 500, false},
		{"&version=b&reference=1d", 500, 500, true},
		{"&version=a&reference=168h", 500, 500, false},
		{"&version=a&reference=yesterday", 500, 500, false},
		{"&version=b&reference=same_day_last_week", 500, 500, true},
		{"&version=a&reference=previous", 500, 500, true},
		{"&version=b&reference=previous", 500, 500, false},
		{"&reference=version:a", 500, 500, true}, // b alone is compared
		{"&version=b&reference=version:b", 500, 500, false},
		{"&version=a&reference=" + rangeParam(noon.AddDate(0, 0, -7), noon.AddDate(0, 0, -6)), 500, 500, false},
	} {
		var got driftGot
		s.get("/api/v1/models/m/drift?"+hour+c.query, &got)
		if got.Rows != c.rows || got.Reference.Rows != c.refRows || len(got.Features) != 1 || got.Features[0].Drifted != c.drifted {
			t.Errorf("%s: %+v", c.query, got)
		}
	}
	var none driftGot
	s.get("/api/v1/models/m/drift?"+hour+"&reference=version:x", &none)
	if none.Reason != reasonNoReference {
		t.Errorf("a version without rows: %+v", none)
	}
	s.problem("GET", "/api/v1/models/m/drift?reference=tomorrow", nil, http.StatusBadRequest, "bad_parameter")

	// What is chosen holds for whoever does not ask otherwise.
	var chosen driftGot
	s.do("PUT", "/api/v1/models/m/reference", `{"source":"version","version":"a"}`, http.StatusOK, &chosen.Reference)
	if chosen.Reference.Source != "version" || chosen.Reference.Name != "version:a" || *chosen.Reference.Version != "a" {
		t.Errorf("%+v", chosen.Reference)
	}
	s.get("/api/v1/models/m/drift?"+hour, &chosen)
	if chosen.Rows != 500 || !chosen.Features[0].Drifted || !chosen.Reference.From.Equal(noon) {
		t.Errorf("%+v", chosen)
	}
	var over struct {
		Drift struct{ Drifted, Total int }
	}
	s.get("/api/v1/overview?model=m&"+hour, &over)
	if over.Drift.Drifted != 1 || over.Drift.Total != 1 {
		t.Errorf("the page: %+v", over.Drift)
	}
	s.do("PUT", "/api/v1/models/m", `{"reference":"7d"}`, http.StatusOK, nil)
	var week driftGot
	s.get("/api/v1/models/m/drift?version=a&"+hour, &week)
	if week.Reference.Source != "earlier" || week.Reference.Back != "7d" || week.Features[0].Drifted {
		t.Errorf("%+v", week)
	}
	s.problem("PUT", "/api/v1/models/m", `{"reference":"sometime"}`, http.StatusBadRequest, "declaration_invalid")
	for _, body := range []string{`{"source":"earlier","back":"x"}`, `{"source":"7d"}`, `{"source":"version","from":"2026-01-01"}`, `{"source":"earlier"}`} {
		s.problem("PUT", "/api/v1/models/m/reference", body, http.StatusBadRequest, "body_invalid")
	}
	for _, source := range []string{"previous", "yesterday", "same_day_last_week", "first_day"} {
		s.do("PUT", "/api/v1/models/m/reference", map[string]string{"source": source}, http.StatusOK, nil)
	}
}

func rangeParam(from, to time.Time) string {
	return from.Format("2006-01-02T15:04:05Z") + "/" + to.Format("2006-01-02T15:04:05Z")
}
