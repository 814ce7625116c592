package publish

import (
	"context"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// bench is real stores around a publisher whose clock the test owns.
type bench struct {
	t   *testing.T
	dir string // of the series
	now time.Time
	cfg Config
	pub *Publisher
}

func newBench(t *testing.T) *bench {
	dir := t.TempDir()
	b := &bench{t: t, dir: filepath.Join(dir, "series"), now: time.Now().Truncate(time.Minute).Add(30 * time.Second)}
	reg, err := model.Open(model.Config{Dir: filepath.Join(dir, "models")})
	if err != nil {
		t.Fatal(err)
	}
	task, positive := model.Task(event.Binary), "1"
	if _, err := reg.Declare("m", model.Declaration{Task: &task, Positive: &positive}); err != nil {
		t.Fatal(err)
	}
	store, err := profiles.Open(profiles.Config{Dir: filepath.Join(dir, "state")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	numbers, err := series.Open(series.Config{Dir: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { numbers.Close() })
	b.cfg = Config{
		Registry: reg, Profiles: store, Series: numbers, Now: func() time.Time { return b.now },
		References: profiles.NewReferences(store, func() time.Time { return b.now }),
	}
	b.open()
	return b
}

func (b *bench) open() {
	b.t.Helper()
	var err error
	if b.pub, err = New(context.Background(), b.cfg); err != nil {
		b.t.Fatal(err)
	}
}

// commit stores a delta of some outcomes and tells the publisher.
func (b *bench) commit(set profiles.Set, at time.Time, tp, fp int, imported bool) {
	b.t.Helper()
	p := &profile.Profile{Predictions: int64(tp + fp), Errors: 1, Quality: &profile.Quality{}}
	for i := range tp + fp {
		o := profile.Outcome{Task: event.Binary, PredPositive: true, LabelPositive: i < tp, Score: 0.9}
		p.Quality.Add(&o, 1)
	}
	start := at.Truncate(time.Minute).UnixMilli()
	step := &profiles.Step{State: profiles.State{Next: 1}, Deltas: []profiles.Delta{{Key: profiles.Key{Set: set, Model: "m", Version: "v1", Start: start}, Profile: p}}}
	if err := b.cfg.Profiles.Commit(step); err != nil {
		b.t.Fatal(err)
	}
	u := &process.Update{Deltas: step.Deltas}
	if imported {
		u.Imported = map[string]process.Span{"m": {From: start, To: start}}
	}
	b.pub.Add(u)
}

func (b *bench) publish() {
	b.t.Helper()
	if err := b.pub.publish(context.Background(), b.now, false); err != nil {
		b.t.Fatal(err)
	}
}

// value is what a query gives now; NaN is nothing.
func (b *bench) value(expr string, at time.Time) float64 {
	b.t.Helper()
	v, err := b.cfg.Series.Query(context.Background(), expr, at)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(v) != 1 {
		return math.NaN()
	}
	return v[0].F
}

func (b *bench) want(expr string, want float64) {
	b.t.Helper()
	if got := b.value(expr, b.now); !(math.Abs(got-want) < 1e-12) {
		b.t.Fatalf("%s is %v, wanted %v", expr, got, want)
	}
}

func TestTrailingWindowAndCounts(t *testing.T) {
	b := newBench(t)
	b.commit(profiles.ByEvaluation, b.now, 3, 1, false)
	b.publish()
	b.want(`model_precision{model="m",version="v1",segment=""}`, 0.75)
	b.want(`model_evaluated_window`, 4)
	b.want(`model_error_rate`, 0.25)
	b.now = b.now.Add(time.Minute)
	b.commit(profiles.ByEvaluation, b.now, 0, 4, false)
	b.publish()
	b.want(`model_precision`, 3.0/8)
	b.want(`sum_over_time(model_correct[10m]) / sum_over_time(model_evaluated[10m])`, 3.0/8)
	b.now = b.now.Add(b.pub.cfg.Window) // the first minute has left the window
	b.publish()
	b.want(`model_precision`, 0)
	b.want(`model_evaluated_window`, 4)
}

func TestRestartKeepsTheTrailingWindowAndCountsNothingTwice(t *testing.T) {
	b := newBench(t)
	b.commit(profiles.ByEvaluation, b.now, 3, 1, false)
	b.publish()
	b.open()
	b.now = b.now.Add(10 * time.Second)
	b.commit(profiles.ByEvaluation, b.now, 1, 0, false)
	b.publish()
	b.want(`model_precision`, 0.8)
	b.want(`sum_over_time(model_evaluated[10m])`, 5)
}

func TestQuietModelFallsToZeroAndEnds(t *testing.T) {
	b := newBench(t)
	b.commit(profiles.ByEvaluation, b.now, 8, 0, false)
	b.publish()
	if got := b.value(`model_throughput`, b.now); got <= 0 {
		t.Fatal(got)
	}
	b.now = b.now.Add(time.Minute)
	b.publish()
	b.want(`model_throughput`, 0)
	b.now = b.now.Add(time.Hour)
	b.publish()
	b.pub.publish(context.Background(), b.now.Add(time.Minute), false)
	if n := len(b.pub.trails); n != 0 {
		t.Fatal("remembered for ever:", n)
	}
}

func TestImportedHistoryIsWrittenUpToTheLiveRows(t *testing.T) {
	b := newBench(t)
	old := b.now.Add(-5 * time.Hour)
	b.commit(profiles.ByPrediction, old, 1, 1, true)
	b.commit(profiles.ByEvaluation, b.now.Add(-time.Hour), 4, 0, false)
	b.commit(profiles.ByPrediction, b.now.Add(-10*time.Minute), 0, 9, true)
	if _, _, ok := b.pub.settled(b.now); ok {
		t.Fatal("written while the import went on")
	}
	name, span, ok := b.pub.settled(b.now.Add(settle))
	if !ok || name != "m" {
		t.Fatal(name, ok)
	}
	for range 2 { // once more: the same history
		if _, err := b.pub.writeHistory(context.Background(), name, span); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.value(`model_precision`, old.Truncate(time.Minute).Add(time.Minute)); got != 0.5 {
		t.Fatal(got)
	}
	if got := b.value(`model_precision`, b.now.Add(-9*time.Minute)); !math.IsNaN(got) {
		t.Fatal("history was written over live time:", got)
	}
}
