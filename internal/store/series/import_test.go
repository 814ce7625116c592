package series

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// minutes is a series with one sample a minute, whose value is the index.
func minutes(ls labels.Labels, start time.Time, n int) History {
	h := History{Labels: ls}
	for i := range n {
		h.Points = append(h.Points, Point{T: start.Add(time.Duration(i) * time.Minute).UnixMilli(), V: float64(i)})
	}
	return h
}

func mustImport(t *testing.T, s *Store, hs ...History) Imported {
	t.Helper()
	got, err := s.Import(t.Context(), slices.Values(hs))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestImportedHistoryIsQueriedAndKept(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	now := time.Now().Truncate(time.Minute)
	start := now.Add(-10 * 24 * time.Hour)
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	whole := minutes(accuracy("a"), start, 9*24*60)
	backwards := minutes(accuracy("b"), start, 100)
	slices.Reverse(backwards.Points)
	got := mustImport(t, s, whole, backwards)
	if want := 9*24*60 + 100; got.Stored != want || got.Blocks > 15 {
		t.Errorf("%+v, want %d stored in at most 15 blocks", got, want)
	}
	check := func(s *Store) {
		t.Helper()
		if got := one(t, s, `count_over_time(model_accuracy{model="a"}[11d])`, now); got != 9*24*60 {
			t.Errorf("%v samples of a, want %d", got, 9*24*60)
		}
		got := values(t, s, `model_accuracy{model="b"}`, start, start.Add(3*time.Minute), time.Minute)
		if want := []float64{0, 1, 2, 3}; !slices.Equal(got, want) {
			t.Errorf("b begins with %v, want %v", got, want)
		}
	}
	check(s)
	mustImport(t, s, whole, backwards) // again: the same samples count once
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, cfg))
}

// A commit every some thousand samples must not shut out an older series.
func TestImportTakesALaterSeriesFirst(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now().Truncate(time.Minute)
	start := now.Add(-9 * 24 * time.Hour)
	late := minutes(accuracy("late"), start.Add(2*24*time.Hour), 6*24*60)
	early := minutes(accuracy("early"), start, 24*60)
	if got := mustImport(t, s, late, early); got.Stored != 7*24*60 {
		t.Fatalf("%+v", got)
	}
	if got := one(t, s, `count_over_time(model_accuracy{model="early"}[10d])`, now); got != 24*60 {
		t.Errorf("%v samples of the early one", got)
	}
}

func TestImportTellsWhatItLeavesOut(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), MaxImportSamples: 5})
	now := time.Now()
	h := History{Labels: accuracy("a"), Points: []Point{
		{T: now.Add(-20 * 24 * time.Hour).UnixMilli()}, {T: now.Add(time.Hour).UnixMilli()}, {T: math.MinInt64}, {T: now.UnixMilli(), V: 1},
	}}
	if got := mustImport(t, s, h); got.TooOld != 2 || got.Future != 1 || got.Stored != 1 {
		t.Errorf("%+v", got)
	}
	if got := mustImport(t, s); got.Blocks != 0 {
		t.Errorf("nothing gives %+v", got)
	}
	for name, hs := range map[string][]History{
		"too many":    {minutes(accuracy("b"), now.Add(-time.Hour), 6)},
		"series once": {minutes(accuracy("b"), now.Add(-time.Hour), 2), minutes(accuracy("b"), now.Add(-time.Hour), 1)},
		"no name":     {minutes(labels.FromStrings("model", "b"), now.Add(-time.Hour), 1)},
	} {
		if _, err := s.Import(t.Context(), slices.Values(hs)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if v, err := s.Query(t.Context(), `count_over_time(model_accuracy{model="b"}[3h])`, now); err != nil || len(v) != 0 {
		t.Errorf("a failed import left %v (%v)", v, err)
	}
	if _, err := os.Stat(filepath.Join(s.cfg.Dir, importFolder)); !os.IsNotExist(err) {
		t.Errorf("the work folder is left behind: %v", err)
	}
}

// A block that reaches over the start of the head would make the TSDB drop
// what the head holds, at the next compaction or at the next start.
func TestImportOverTheHeadLosesNoLiveSample(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), OutOfOrderWindow: 30 * time.Hour}
	now := time.Now().Truncate(time.Minute)
	live := s24(now)
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := s.Series(accuracy("live"))
	for _, p := range live.Points {
		mustAppend(t, s, Sample{Series: a, T: p.T, V: p.V})
	}
	check := func(step string) {
		t.Helper()
		if got := one(t, s, `count_over_time(model_accuracy{model="live"}[2d])`, now); got != float64(len(live.Points)) {
			t.Fatalf("%s: %v live samples, want %d", step, got, len(live.Points))
		}
		if step == "appended" {
			return
		}
		if got := one(t, s, `count_over_time(model_accuracy{model="old"}[3d])`, now); got != 3*24*60-1 {
			t.Fatalf("%s: %v imported samples, want %d", step, got, 3*24*60-1)
		}
	}
	check("appended")
	mustImport(t, s, minutes(accuracy("old"), now.Add(-3*24*time.Hour+time.Minute), 3*24*60-1))
	check("imported")
	for range 3 {
		if err := s.db.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("compacted")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	check("restarted")
}

// s24 is a day of live samples that ends now.
func s24(now time.Time) History {
	return minutes(accuracy("live"), now.Add(-24*time.Hour+time.Minute), 24*60)
}
