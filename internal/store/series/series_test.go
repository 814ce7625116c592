package series

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

func open(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func accuracy(model string) labels.Labels {
	return labels.FromStrings("__name__", "model_accuracy", "model", model)
}

func mustAppend(t *testing.T, s *Store, samples ...Sample) {
	t.Helper()
	if err := s.Append(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
}

// values are the numbers of the one series that the range query finds.
func values(t *testing.T, s *Store, expr string, start, end time.Time, step time.Duration) []float64 {
	t.Helper()
	m, err := s.QueryRange(t.Context(), expr, start, end, step)
	if err != nil {
		t.Fatal(err)
	}
	if len(m) == 0 {
		return nil
	}
	if len(m) > 1 {
		t.Fatalf("%s: %d series, want 1", expr, len(m))
	}
	var out []float64
	for _, p := range m[0].Floats {
		out = append(out, p.F)
	}
	return out
}

func one(t *testing.T, s *Store, expr string, at time.Time) float64 {
	t.Helper()
	v, err := s.Query(t.Context(), expr, at)
	if err != nil {
		t.Fatal(err)
	}
	if len(v) != 1 {
		t.Fatalf("%s: %d results, want 1", expr, len(v))
	}
	return v[0].F
}

func TestAppendedSamplesAreQueried(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	now := time.Now().Truncate(time.Second)
	a, b := s.Series(accuracy("a")), s.Series(accuracy("b"))
	for i := range 3 {
		at := now.Add(time.Duration(i-3) * time.Second).UnixMilli()
		mustAppend(t, s, Sample{Series: a, T: at, V: float64(i)}, Sample{Series: b, T: at, V: 10})
	}
	if a.ref.Load() == 0 {
		t.Error("the handle has not learnt where its series is kept")
	}
	got := values(t, s, `model_accuracy{model="a"}`, now.Add(-3*time.Second), now.Add(-time.Second), time.Second)
	if want := []float64{0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := one(t, s, `sum(model_accuracy)`, now); got != 12 {
		t.Errorf("sum is %v, want 12", got)
	}
	if got := one(t, s, `1 + 1`, now); got != 2 {
		t.Errorf("scalar is %v, want 2", got)
	}
}

func TestNativeHistogram(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	h := &histogram.FloatHistogram{
		Schema: 0, Count: 4, Sum: 6,
		PositiveSpans: []histogram.Span{{Offset: 1, Length: 1}}, PositiveBuckets: []float64{4}, // (1, 2]
	}
	latency := s.Series(labels.FromStrings("__name__", "model_latency_seconds", "model", "a"))
	now := time.Now()
	mustAppend(t, s, Sample{Series: latency, T: now.UnixMilli(), H: h})
	if got := one(t, s, `histogram_quantile(0.5, model_latency_seconds)`, now); got <= 1 || got > 2 {
		t.Errorf("median %v is not in (1, 2]", got)
	}
	bad := h.Copy()
	bad.PositiveBuckets[0] = -1
	err := s.Append(t.Context(), []Sample{{Series: latency, T: now.UnixMilli() + 1, H: bad}})
	if refused := new(RefusedError); !errors.As(err, &refused) || refused.Reasons[reasonInvalid] != 1 {
		t.Errorf("a histogram with a negative bucket: %v", err)
	}
}

func TestLateSamplesWithinTheWindow(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	now := time.Now().Truncate(time.Minute)
	a := s.Series(accuracy("a"))
	for _, ago := range []time.Duration{0, 2 * time.Hour, time.Hour, 170 * time.Minute} {
		mustAppend(t, s, Sample{Series: a, T: now.Add(-ago).UnixMilli(), V: ago.Minutes()})
	}
	if got := one(t, s, `sum(sum_over_time(model_accuracy[3h]))`, now); got != 120+60+170 {
		t.Errorf("sum of all samples is %v, want 350", got)
	}
}

func TestRefusedSamplesAreNamedAndTheRestIsKept(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := open(t, Config{Dir: t.TempDir(), MaxSeries: 1, Registerer: reg})
	other := open(t, Config{Dir: t.TempDir()})
	now := time.Now()
	a := s.Series(accuracy("a"))
	mustAppend(t, s, Sample{Series: a, T: now.UnixMilli() - 1, V: 1})
	err := s.Append(t.Context(), []Sample{
		{Series: a, T: now.UnixMilli() - 1, V: 2},
		{Series: a, T: now.Add(-4 * time.Hour).UnixMilli(), V: 1},
		{Series: a, T: now.Add(time.Hour).UnixMilli(), V: 1},
		{Series: s.Series(accuracy("b")), T: now.UnixMilli(), V: 1},
		{Series: s.Series(labels.FromStrings("model", "a")), T: now.UnixMilli(), V: 1},
		{Series: s.Series(labels.FromStrings("__name__", "x", "model", strings.Repeat("x", 3000))), T: now.UnixMilli(), V: 1},
		{Series: other.Series(accuracy("a")), T: now.UnixMilli(), V: 1},
		{Series: s.Series(accuracy("a")), T: now.UnixMilli(), V: 7}, // a second handle on a known series
	})
	refused := new(RefusedError)
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a RefusedError", err)
	}
	want := map[string]int{reasonDuplicate: 1, reasonTooOld: 1, reasonFuture: 1, reasonLimit: 1, reasonInvalid: 3}
	if fmt.Sprint(refused.Reasons) != fmt.Sprint(want) {
		t.Errorf("reasons %v, want %v", refused.Reasons, want)
	}
	if got := one(t, s, `model_accuracy`, now); got != 7 {
		t.Errorf("the good sample of the batch is %v, want 7", got)
	}
	for reason, n := range want {
		if got := testutil.ToFloat64(s.metrics.refused.WithLabelValues(reason)); got != float64(n) {
			t.Errorf("counter of %s is %v, want %d", reason, got, n)
		}
	}
	if got := testutil.ToFloat64(s.metrics.appended); got != 2 {
		t.Errorf("counter of appended samples is %v, want 2", got)
	}
}

func TestRestartKeepsSamplesAndFreesMetrics(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Registerer: prometheus.NewRegistry()}
	now := time.Now().Truncate(time.Second)
	for i := range 3 {
		s, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if s.Unclean() {
			t.Errorf("start %d: unclean after Close", i)
		}
		mustAppend(t, s, Sample{Series: s.Series(accuracy("a")), T: now.UnixMilli() + int64(i), V: float64(i + 1)})
		if got := one(t, s, `sum_over_time(model_accuracy[1m])`, now.Add(time.Second)); got != []float64{1, 3, 6}[i] {
			t.Errorf("start %d: sum of samples is %v", i, got)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneOwnerAtATime(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	work := filepath.Join(s.cfg.Dir, importFolder)
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	if second, err := Open(Config{Dir: s.cfg.Dir}); err == nil {
		t.Errorf("opened twice, and %v on the second Close", second.Close())
	}
	if _, err := os.Stat(work); err != nil {
		t.Errorf("the second one disturbed the import of the first: %v", err)
	}
}

func TestKilledProcessLosesNothingAppended(t *testing.T) {
	dir := t.TempDir()
	if victim := os.Getenv("SERIES_TEST_VICTIM"); victim != "" {
		appendForever(t, victim)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLosesNothingAppended$")
	child.Env = append(os.Environ(), "SERIES_TEST_VICTIM="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var start, acked int64
	for lines := bufio.NewScanner(out); acked < 500 && lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "acked %d %d", &start, &acked); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed, so always an error
	if acked < 500 {
		t.Fatalf("only %d batches were acknowledged", acked)
	}

	s := open(t, Config{Dir: dir})
	if !s.Unclean() {
		t.Error("the store does not notice that its last owner was killed")
	}
	end := time.UnixMilli(start + acked)
	if got := one(t, s, `count_over_time(model_accuracy[10m])`, end); got < float64(acked) {
		t.Errorf("%v samples, %d were acknowledged", got, acked)
	}
}

// appendForever acknowledges on stdout what it has appended, until it is killed.
func appendForever(t *testing.T, dir string) {
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	a := s.Series(accuracy("a"))
	start := time.Now().Add(-time.Minute).UnixMilli()
	for i := int64(1); ; i++ {
		mustAppend(t, s, Sample{Series: a, T: start + i, V: float64(i)})
		fmt.Println("acked", start, i)
	}
}

func TestQueryLimits(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), MaxQuerySamples: 3, MaxConcurrentQueries: 1})
	now := time.Now()
	for _, m := range []string{"a", "b", "c", "d"} {
		mustAppend(t, s, Sample{Series: s.Series(accuracy(m)), T: now.UnixMilli(), V: 1})
	}
	_, err := s.Query(t.Context(), `model_accuracy`, now)
	if tooMany := promql.ErrTooManySamples(""); !errors.As(err, &tooMany) {
		t.Errorf("four samples with room for three: %v", err)
	}
	if _, err := s.Query(t.Context(), `model_accuracy{`, now); err == nil {
		t.Error("half an expression is accepted")
	}
	if _, err := s.QueryRange(t.Context(), `1`, now, now, 0); err == nil {
		t.Error("a step of zero is accepted")
	}

	tracker := fullGate()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tracker.Insert(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a full gate answers %v", err)
	}
	tracker.Delete(0)
	if _, err := tracker.Insert(t.Context(), ""); err != nil {
		t.Errorf("a freed gate answers %v", err)
	}
}

func fullGate() gate {
	g := newGate(2)
	for range cap(g) {
		g <- struct{}{}
	}
	return g
}

func TestValidateNamesEveryProblem(t *testing.T) {
	cfg := DefaultConfig("")
	cfg.Retention = time.Hour
	cfg.MaxSeries = -1
	cfg.QueryTimeout = -1
	err := cfg.Validate()
	for _, key := range []string{"dir", "retention", "max_series", "query_timeout"} {
		if err == nil || !strings.Contains(err.Error(), "series: "+key+":") {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
	if err := DefaultConfig("x").Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func BenchmarkAppend10kSeries(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir(), FutureLimit: 24 * time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := make([]Sample, 10_000)
	for i := range batch {
		batch[i].Series = s.Series(labels.FromStrings("__name__", "model_accuracy", "model", fmt.Sprint(i)))
	}
	start := time.Now().UnixMilli()
	round := int64(0)
	for b.Loop() {
		for i := range batch {
			batch[i].T, batch[i].V = start+round*100, float64(round)
		}
		if err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		round++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/sample")
}
