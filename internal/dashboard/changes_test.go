package dashboard

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/store/series"
)

type changesGot struct {
	Metric, Source string
	StepMS         int64 `json:"step_ms"`
	Points         int
	Detectors      []struct {
		Name          string
		Params        map[string]float64
		Standardised  int
		Seen, Skipped int64
		Changes       []struct {
			Detected, Since time.Time
			Warned          *time.Time
			Before, After   struct {
				Mean *float64
				N    int
			}
		}
	}
}

// write appends samples of a series, one each second from begin on.
func (s *site) write(begin time.Time, values []float64, names ...string) {
	s.t.Helper()
	handle := s.series.Series(labels.FromStrings(names...))
	samples := make([]series.Sample, len(values))
	for i, v := range values {
		samples[i] = series.Sample{Series: handle, T: begin.Add(time.Duration(i) * time.Second).UnixMilli(), V: v}
	}
	if err := s.series.Append(context.Background(), samples); err != nil {
		s.t.Fatal(err)
	}
}

// aModel declares m with a window, so that it has an extent.
func (s *site) aModel() {
	s.t.Helper()
	s.do("PUT", "/api/v1/models/m", `{"task":"binary"}`, http.StatusCreated, nil)
}

func TestChangesOfASeries(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.aModel()
	begin := time.Now().Add(-time.Hour).Truncate(time.Minute)
	rng := rand.New(rand.NewPCG(1, 1))
	accuracy := make([]float64, 3000)
	for i := range accuracy {
		accuracy[i] = 0.95 + rng.NormFloat64()/200
		if i >= 1500 {
			accuracy[i] -= 0.05
		}
	}
	s.write(begin, accuracy, "__name__", "model_accuracy", "model", "m", "version", "1", "segment", "")
	path := fmt.Sprintf("/api/v1/models/m/changes?metric=accuracy&from=%d&to=%d&step=10s", begin.UnixMilli(), begin.Add(50*time.Minute).UnixMilli())
	var got changesGot
	s.get(path+"&detector=all", &got)
	if got.Points < 300 || got.Points > 301 || got.StepMS != 10_000 || len(got.Detectors) != 10 {
		t.Fatalf("%d points, a step of %d ms, %d detectors", got.Points, got.StepMS, len(got.Detectors))
	}
	found := 0
	for _, d := range got.Detectors {
		for _, c := range d.Changes {
			if math.Abs(*c.Before.Mean-0.95) < 0.01 && math.Abs(*c.After.Mean-0.9) < 0.01 && c.Since.Sub(begin.Add(1500*time.Second)).Abs() <= 20*time.Second && !c.Detected.Before(c.Since) {
				found++
				break
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d detectors found the step: %+v", found, got.Detectors)
	}
	one := changesGot{}
	s.get(path+"&detector=page_hinkley&param=threshold:20&standardise=50", &one)
	if d := one.Detectors[0]; d.Params["threshold"] != 20 || d.Params["two_sided"] != 1 || d.Params["delta"] != 0.005 || d.Standardised != 50 || d.Skipped != 0 {
		t.Errorf("%+v", d)
	}
	other := changesGot{}
	s.get(path+"&version=2", &other)
	if other.Points != 0 || len(other.Detectors) != 1 || other.Detectors[0].Name != "adwin" {
		t.Errorf("%+v", other)
	}
}

func TestChangesOfLabels(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.aModel()
	begin := time.Now().Add(-time.Hour).Truncate(time.Minute)
	n, right := make([]float64, 600), make([]float64, 600)
	for i := range n {
		n[i], right[i] = 5, 5
		if i%2 == 0 || i >= 300 {
			right[i] = 4
		}
		if i >= 300 && i%4 > 0 {
			right[i] = 2
		}
	}
	n[10], right[10] = -3, -1 // corrections
	s.write(begin, n, "__name__", "model_evaluated", "model", "m", "version", "", "segment", "")
	s.write(begin, right, "__name__", "model_correct", "model", "m", "version", "", "segment", "")
	path := fmt.Sprintf("/api/v1/models/m/changes?source=labels&detector=all&from=%d&to=%d", begin.UnixMilli()-1000, begin.Add(10*time.Minute).UnixMilli())
	var got changesGot
	s.get(path, &got)
	if got.Metric != "accuracy" || got.Points < 2900 || got.Points > 3000 {
		t.Fatalf("%d points of %s", got.Points, got.Metric)
	}
	for _, d := range got.Detectors {
		if d.Params["two_sided"] != 0 || d.Standardised != 0 || d.Seen != int64(got.Points) {
			t.Errorf("%+v", d)
		}
		switch d.Name {
		case "ddm", "hddm_a", "hddm_w", "adwin", "page_hinkley":
			if len(d.Changes) == 0 || d.Changes[0].Since.Sub(begin.Add(300*time.Second)).Abs() > 15*time.Second {
				t.Errorf("%s: %+v", d.Name, d.Changes)
			}
		}
	}
}

func TestChangesOfWindows(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	var got changesGot
	s.get("/api/v1/models/california/changes?source=windows&metric=accuracy&step=6h&detector=adwin&detector=hddm_a&detector=ddm", &got)
	if got.Points < 1000 || got.Source != sourceWindows {
		t.Fatalf("%d points of %s", got.Points, got.Source)
	}
	for _, d := range got.Detectors[:2] {
		if len(d.Changes) == 0 {
			t.Errorf("%s finds no change of the accuracy", d.Name)
		}
		for _, c := range d.Changes {
			if c.Before.Mean == nil || c.After.Mean == nil || math.Abs(*c.Before.Mean-*c.After.Mean) < 1e-3 || c.Detected.Before(c.Since) {
				t.Errorf("%s: %+v", d.Name, c)
			}
		}
	}
	if d := got.Detectors[2]; d.Seen != 0 || d.Skipped != int64(got.Points) {
		t.Errorf("DDM reads single errors, and yet saw %d of %d", d.Seen, got.Points)
	}
}

func TestChangesAreAskedForWell(t *testing.T) {
	s := newSite(t, nil)
	s.aModel()
	for _, query := range []string{
		"metric=accuracy&detector=sesame", "metric=sesame", "metric=cpu_usage", "metric=accuracy&source=moon", "metric=accuracy&step=1M",
		"metric=accuracy&step=10ms", "source=windows&metric=accuracy&step=1s", "source=windows&metric=throughput", "source=labels&metric=recall",
		"metric=feature_drift", "metric=accuracy&feature=age", "metric=accuracy&param=delta", "metric=accuracy&param=sesame:1",
		"metric=accuracy&param=delta:7", "metric=accuracy&standardise=1", "metric=accuracy&detector=ddm", "metric=accuracy&param=delta:NaN",
	} {
		s.problem("GET", "/api/v1/models/m/changes?"+query, nil, http.StatusBadRequest, "bad_parameter")
	}
	s.problem("GET", "/api/v1/models/m/changes?metric=accuracy&from=0&to=now&step=1s", nil, http.StatusBadRequest, "too_many_windows")
	s.problem("GET", "/api/v1/models/x/changes?metric=accuracy", nil, http.StatusNotFound, "model_not_found")
	begin := time.Now().Add(-time.Hour).Truncate(time.Minute)
	s.write(begin, []float64{300_000}, "__name__", "model_evaluated", "model", "m", "version", "", "segment", "")
	s.problem("GET", fmt.Sprintf("/api/v1/models/m/changes?source=labels&from=%d&to=now", begin.UnixMilli()-10_000), nil, http.StatusBadRequest, "too_many_labels")
}
