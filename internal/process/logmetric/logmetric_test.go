package logmetric

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/store/archive"
	"github.com/leewayhq/leeway/internal/store/series"
)

// clock is one that a test moves.
type clock struct{ now time.Time }

func open(t *testing.T, m ...Metric) (*Metrics, *series.Store, *clock) {
	t.Helper()
	s, err := series.Open(series.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &clock{time.Now().Truncate(time.Second)}
	x, err := New(Config{Metrics: m, Series: s, MaxSeries: 3, Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	return x, s, c
}

func value(t *testing.T, s *series.Store, c *clock, expr string) float64 {
	t.Helper()
	v, err := s.Query(t.Context(), expr, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if len(v) != 1 {
		return -1
	}
	return v[0].F
}

func TestCounter(t *testing.T) {
	x, s, c := open(t, Metric{Name: "failures", Level: "error", Match: map[string]string{"status": "500"}, Labels: map[string]string{"path": "path", "service": "service"}},
		Metric{Name: "sent", Pattern: `sent (?P<n>\d+) to (?P<who>\w+)`, Labels: map[string]string{"who": "who"}, Value: "n"})
	lines := []archive.Line{
		{Level: "error", Service: "api", Attrs: `{"status":500,"path":"/a"}`},
		{Level: "critical", Service: "api", Attrs: `{"status":"500","path":"/a"}`},
		{Level: "info", Service: "api", Attrs: `{"status":500,"path":"/a"}`},
		{Level: "error", Service: "api", Attrs: `{"status":404,"path":"/a"}`},
		{Message: "sent 5 to ann"}, {Message: "sent 7 to ann"}, {Message: "nothing"},
	}
	x.Observe(lines)
	x.Write(t.Context(), false)
	if v := value(t, s, c, `log_failures_total{path="/a",service="api"}`); v != 2 {
		t.Errorf("%v failures", v)
	}
	if v := value(t, s, c, `log_sent_total{who="ann"}`); v != 12 {
		t.Errorf("%v sent", v)
	}
	if v := value(t, s, c, `sum(increase(log_failures_total[1s] @ `+fmt.Sprint(c.now.Unix())+`))`); v == 0 {
		t.Errorf("no increase is seen")
	}
	c.now = c.now.Add(time.Second)
	x.Observe(lines[:1])
	x.Write(t.Context(), false)
	if v := value(t, s, c, `log_failures_total`); v != 3 {
		t.Errorf("%v failures", v)
	}
}

func TestHistogram(t *testing.T) {
	x, s, c := open(t, Metric{Name: "took", Type: "histogram", Value: "took", Buckets: []float64{0.1, 1}})
	var lines []archive.Line
	for _, v := range []string{`"50ms"`, `0.1`, `"1.5s"`, `0.5`, `"soon"`, `null`} {
		lines = append(lines, archive.Line{Attrs: `{"took":` + v + `}`})
	}
	x.Observe(lines)
	x.Write(t.Context(), false)
	for expr, want := range map[string]float64{
		`log_took_bucket{le="0.1"}`: 2, `log_took_bucket{le="1"}`: 3, `log_took_bucket{le="+Inf"}`: 4, `log_took_count`: 4, `log_took_sum`: 2.15,
	} {
		if v := value(t, s, c, expr); v != want {
			t.Errorf("%s is %v, want %v", expr, v, want)
		}
	}
	if n := testutil.ToFloat64(x.bad.WithLabelValues("took")); n != 2 {
		t.Errorf("%v bad values", n)
	}
}

func TestLabelsAreBounded(t *testing.T) {
	x, s, c := open(t, Metric{Name: "lines", Labels: map[string]string{"id": "id"}})
	for i := range 10 {
		x.Observe([]archive.Line{{Attrs: fmt.Sprintf(`{"id":%d}`, i)}})
	}
	x.Write(t.Context(), true)
	if v := value(t, s, c, `count(log_lines_total)`); v != 3 {
		t.Errorf("%v series", v)
	}
	if n := testutil.ToFloat64(x.overflow.WithLabelValues("lines")); n != 7 {
		t.Errorf("%v left out", n)
	}
}

func TestValidate(t *testing.T) {
	for _, m := range []Metric{
		{}, {Name: "a-b"}, {Name: "a", Type: "gauge"}, {Name: "a", Type: "histogram"}, {Name: "a", Pattern: "("}, {Name: "a", Level: "loud"},
		{Name: "a", Labels: map[string]string{"le": "x"}}, {Name: "a", Labels: map[string]string{"__a": "x"}}, {Name: "a", Buckets: []float64{2, 1}},
	} {
		if m.Validate() == nil {
			t.Errorf("%+v is taken", m)
		}
	}
}
