package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/series"
)

// overview is what the tests look at.
type overviewGot struct {
	From, To int64
	StepMS   int64 `json:"step_ms"`
	FirstRun bool  `json:"first_run"`
	Model    *struct{ Name, State string }
	Banner   *struct {
		State             string
		Critical, Warning int
		Since             *int64
		LabelsUntil       *int64 `json:"labels_until"`
		Explain           []struct{ Code string }
	}
	Quality []tileGot
	Vitals  []tileGot
	Chart   struct {
		Time        []int64
		Series      []struct{ Values []*float64 }
		Limits      []struct{ Metric, Level string }
		PendingFrom *int64 `json:"pending_from"`
		Events      []struct{ Kind, Label string }
	}
	Alerts struct {
		Items   []struct{ Rule, Model, State string }
		Started int
	}
	Drift struct {
		Time     []int64
		Features []struct {
			Name, State string
			Values      []*float64
			Last        *float64
		}
		Drifted, Total int
		Reason         string
	}
	DataQuality []struct {
		Feature      string
		Missing      *float64
		MissingState string `json:"missing_state"`
	} `json:"data_quality"`
	Models []struct {
		Name, State string
		Strip       []string
		Headline    struct{ Value *float64 }
	}
}

type tileGot struct {
	Key, State    string
	Value, Change *float64
	N             *int64
	Reason        *struct{ Code string }
	Spark         []*float64
	SparkCompare  []*float64 `json:"spark_compare"`
}

func tileNamed(t *testing.T, list []tileGot, key string) tileGot {
	t.Helper()
	i := slices.IndexFunc(list, func(x tileGot) bool { return x.Key == key })
	if i < 0 {
		t.Fatalf("there is no tile %s", key)
	}
	return list[i]
}

func near(p *float64, want float64) bool { return p != nil && math.Abs(*p-want) < 1e-9 }

func TestOverviewBeforeTheFirstModel(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	var got overviewGot
	s.get("/api/v1/overview", &got)
	if !got.FirstRun || got.Model != nil {
		t.Errorf("first_run is %v and the model %v", got.FirstRun, got.Model)
	}
}

func TestOverviewOfCalifornia(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	var got overviewGot
	s.get("/api/v1/overview?model=california&from=2021-06-01&to=2022-06-01&compare=off", &got)
	if got.Model.Name != "california" || got.FirstRun {
		t.Fatalf("the overview is of %+v", got.Model)
	}
	if tile := tileNamed(t, got.Quality, "accuracy"); !near(tile.Value, 0.5886783284742468) || tile.State != stateCritical || *tile.N != 8232 || tile.SparkCompare != nil || tile.Change != nil {
		t.Errorf("accuracy is %+v", tile)
	}
	if n := len(got.Chart.Time); n == 0 || n > chartPoints+1 || len(got.Chart.Series) != 3 || len(got.Chart.Series[0].Values) != n {
		t.Errorf("%d times and %d series in the chart", n, len(got.Chart.Series))
	}
	if len(got.Chart.Limits) == 0 || got.Chart.Limits[0].Metric != "accuracy" {
		t.Errorf("limits of the chart are %v", got.Chart.Limits)
	}
	if got.Drift.Total != 8 || len(got.Drift.Features) != 8 || got.Drift.Drifted == 0 {
		t.Errorf("%d of %d features drifted, %d rows", got.Drift.Drifted, got.Drift.Total, len(got.Drift.Features))
	}
	if len(got.DataQuality) != 8 || !near(got.DataQuality[0].Missing, 0) || got.DataQuality[0].MissingState != stateOK {
		t.Errorf("data quality is %+v", got.DataQuality)
	}
	if got.Banner.State != stateCritical || got.Banner.LabelsUntil == nil || got.Chart.PendingFrom != nil {
		t.Errorf("the banner is %+v, labels are pending from %v", got.Banner, got.Chart.PendingFrom)
	}
	if tile := tileNamed(t, got.Vitals, "cpu_usage"); tile.Value != nil || tile.State != stateNoData || tile.Reason == nil || tile.Reason.Code != "never_reported" {
		t.Errorf("cpu is %+v", tile)
	}
	// The table shows the last day of a model that is quiet now.
	if len(got.Models) != 1 || got.Models[0].State != stateNoData || got.Models[0].Headline.Value == nil {
		t.Errorf("models are %+v", got.Models)
	}

	// A range is compared with the one before it.
	s.get("/api/v1/overview?model=california&from=2021-09-01&to=2021-10-01", &got)
	var a, b qualityGot
	s.get("/api/v1/models/california/quality?from=2021-09-01&to=2021-10-01", &a)
	s.get("/api/v1/models/california/quality?from=2021-08-02&to=2021-09-01", &b)
	now, before := *a.Windows[0].Metrics["recall"].Value, *b.Windows[0].Metrics["recall"].Value
	if tile := tileNamed(t, got.Quality, "recall"); !near(tile.Value, now) || !near(tile.Change, now-before) {
		t.Errorf("recall is %v, changed by %v; want %v and %v", *tile.Value, *tile.Change, now, now-before)
	}
}

// rows makes labelled predictions, one a second up to a time, of which right
// are right.
func rows(model string, until time.Time, n, right int) (predictions, labels []map[string]any) {
	for i := range n {
		id, truth := fmt.Sprintf("%s-%d-%d", model, until.UnixMilli(), i), i%2
		pred := truth
		if i >= right {
			pred = 1 - truth
		}
		predictions = append(predictions, map[string]any{
			"id": id, "time": until.Add(-time.Duration(i) * time.Second).UnixMilli(), "version": "v1", "prediction": pred,
			"score": 0.1 + 0.8*float64(pred), "latency_ms": 10 + i%10, "features": map[string]any{"age": i % 50, "city": []string{"a", "b"}[i%2]},
		})
		labels = append(labels, map[string]any{"id": id, "label": truth})
	}
	return predictions, labels
}

func (s *site) send(model string, until time.Time, n, right int) {
	s.t.Helper()
	predictions, labels := rows(model, until, n, right)
	query := ""
	if time.Since(until) > time.Hour {
		query = "?import=true" // late rows that are no history begin no first day
	}
	s.do("POST", "/api/v1/models/"+model+"/predictions"+query, predictions, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/"+model+"/labels", labels, http.StatusOK, nil)
	s.caughtUp()
}

// What a label changes shows in the next answer, through every memory in
// between, and is the same as without any.
func TestOverviewIsRevised(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	now := time.Now()
	path := fmt.Sprintf("/api/v1/overview?model=m&from=%d&to=%d&compare=off", now.Add(-time.Hour).UnixMilli(), now.UnixMilli())
	right, total := 0, 0
	for round, k := range []int{90, 50, 100} {
		s.send("m", now.Add(-time.Duration(round*10)*time.Minute), 100, k)
		right, total = right+k, total+100
		for range 2 { // from the store, then from memory
			var got overviewGot
			s.get(path, &got)
			if tile := tileNamed(t, got.Quality, "accuracy"); !near(tile.Value, float64(right)/float64(total)) || *tile.N != int64(total) {
				t.Errorf("round %d: accuracy is %v of %d, want %d of %d", round, *tile.Value, *tile.N, right, total)
			}
			if n := len(got.DataQuality); n != 2 {
				t.Errorf("%d features, want 2", n)
			}
		}
	}
	p95 := overviewGot{}
	s.get(path, &p95)
	if tile := tileNamed(t, p95.Vitals, "response_time"); tile.Value == nil || math.Abs(*tile.Value-19) > 1 {
		t.Errorf("the response time is %v, want about 19 ms", tile.Value)
	}
}

func TestRolledUpMinutesAreShownByTheHour(t *testing.T) {
	s := newSite(t, nil)
	now := time.Now().Add(-6 * time.Hour).Truncate(time.Hour)
	s.send("m", now.Add(40*time.Minute), 600, 500)
	path := fmt.Sprintf("/api/v1/overview?model=m&from=%d&to=%d", now.Add(-time.Hour).UnixMilli(), now.Add(2*time.Hour).UnixMilli())
	var before, after overviewGot
	s.get(path, &before)
	if before.StepMS != minuteMS {
		t.Fatalf("the step is %d ms", before.StepMS)
	}
	if _, err := s.store.Rollup('p', time.Now().UnixMilli(), 10_000); err != nil {
		t.Fatal(err)
	}
	s.srv.cache.forget("m") // as after a restart
	s.get(path, &after)
	if after.StepMS != hourMS {
		t.Errorf("the step is %d ms after the roll-up, want an hour", after.StepMS)
	}
	if a, b := tileNamed(t, before.Quality, "accuracy"), tileNamed(t, after.Quality, "accuracy"); !near(b.Value, *a.Value) || *a.N != *b.N {
		t.Errorf("accuracy was %v of %d and is %v of %d", *a.Value, *a.N, *b.Value, *b.N)
	}
}

// An alert colours the tile, the model, the banner, the rule and the strip.
func TestAlertShowsEverywhere(t *testing.T) {
	silenced := false
	s := newSite(t, func(c *Config) { c.Silenced = func(map[string]string) bool { return silenced } })
	s.contract = openContract(t)
	s.send("m", time.Now(), 200, 100)
	publish := func(name string, v float64) {
		t.Helper()
		ls := labels.FromStrings("__name__", name, "model", "m", "version", "v1", "segment", "")
		if err := s.series.Append(context.Background(), []series.Sample{{Series: s.series.Series(ls), T: time.Now().UnixMilli(), V: v}}); err != nil {
			t.Fatal(err)
		}
	}
	publish("model_accuracy", 0.5)
	publish("model_evaluated_window", 200)
	publish("model_throughput", 3)
	if err := s.alerts.Start(); err != nil {
		t.Fatal(err)
	}
	var alerts struct {
		Alerts []struct{ Rule, State, Metric, Model string }
	}
	s.until("the alert", func() bool {
		s.get("/api/v1/alerts?state=firing&model=m", &alerts)
		return len(alerts.Alerts) > 0
	})
	if a := alerts.Alerts[0]; a.Rule != "accuracy_low" || a.State != "firing" {
		t.Errorf("the alert is %+v", a)
	}
	var got overviewGot
	s.get("/api/v1/overview?model=m", &got)
	if tile := tileNamed(t, got.Quality, "accuracy"); tile.State != stateCritical {
		t.Errorf("the tile is %s", tile.State)
	}
	if tile := tileNamed(t, got.Vitals, "throughput"); !near(tile.Value, 3) {
		t.Errorf("the throughput is %v, not what is published", tile.Value)
	}
	if got.Model.State != stateCritical || got.Banner.State != stateCritical || got.Banner.Critical != 1 || got.Banner.Since == nil || got.Alerts.Started == 0 {
		t.Errorf("model %+v, banner %+v, %d started", got.Model, got.Banner, got.Alerts.Started)
	}
	if strip := got.Models[0].Strip; strip[47] != stateCritical || strip[0] == stateCritical {
		t.Errorf("the strip is %v", strip)
	}
	var rule struct{ State string }
	s.get("/api/v1/rules/accuracy_low", &rule)
	if rule.State != stateCritical {
		t.Errorf("the rule is %s", rule.State)
	}
	var history struct{ Transitions []json.RawMessage }
	s.get("/api/v1/alerts/history?model=m&state=firing", &history)
	if len(history.Transitions) != 1 {
		t.Errorf("%d transitions", len(history.Transitions))
	}
	silenced = true
	s.get("/api/v1/overview?model=m", &got)
	if got.Model.State != stateSilenced || got.Banner.Critical != 0 || tileNamed(t, got.Quality, "accuracy").State != stateSilenced {
		t.Errorf("silenced, the model is %s and %d are critical", got.Model.State, got.Banner.Critical)
	}
}

// Many models, much history: the page must be there at once, also while the
// model goes on.
func BenchmarkOverview(b *testing.B) {
	s := newSite(b, nil)
	s.history(100, 30)
	folder, rng := profile.NewFolder(0), rand.New(rand.NewPCG(3, 4))
	for _, span := range []string{"1d", "30d"} {
		path := "/api/v1/overview?model=m000&from=now-" + span + "&to=now"
		s.get(path, nil)
		b.Run(span+"/quiet", func(b *testing.B) {
			for b.Loop() {
				s.get(path, nil)
			}
		})
		b.Run(span+"/live", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s.window(folder, rng, "m000", time.Now().Truncate(time.Minute))
				b.StartTimer()
				s.get(path, nil)
			}
		})
	}
}

// The machine's charts show what was published, also from memory.
func TestHostCharts(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	now := time.Now()
	s.send("m", now, 10, 10)
	handle := s.series.Series(labels.FromStrings("__name__", "system_cpu_usage", "host", "a"))
	for i := range 60 {
		at := now.Add(time.Duration(i-60) * time.Minute)
		if err := s.series.Append(context.Background(), []series.Sample{{Series: handle, T: at.UnixMilli(), V: 0.25}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		var got overviewGot
		s.get("/api/v1/overview?model=m&from=now-30m&compare=off", &got)
		tile := tileNamed(t, got.Vitals, "cpu_usage")
		if !near(tile.Value, 0.25) || tile.State != stateOK || tile.N != nil {
			t.Errorf("the tile is %+v", tile)
		}
		points := 0
		for _, v := range tile.Spark {
			if near(v, 0.25) {
				points++
			}
		}
		if points < 29 {
			t.Errorf("%d points of %d", points, len(tile.Spark))
		}
	}
}
