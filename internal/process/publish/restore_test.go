package publish

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// begin moves the clock to the beginning of a minute so long ago, for the
// store of series goes by the real one.
func (b *bench) begin(ago time.Duration) {
	b.now = time.Now().Add(-ago).Truncate(time.Minute)
}

// keep copies the series as a power cut at this moment would leave them.
func (b *bench) keep() string {
	b.t.Helper()
	dir := filepath.Join(b.t.TempDir(), "series")
	if err := os.CopyFS(dir, os.DirFS(b.dir)); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		b.t.Fatal(err)
	}
	return dir
}

// crash starts again with the series of a folder, and the profiles as they are.
func (b *bench) crash(dir string) {
	b.t.Helper()
	numbers, err := series.Open(series.Config{Dir: dir})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { numbers.Close() })
	if !numbers.Unclean() {
		b.t.Fatal("the stop was clean")
	}
	b.dir, b.cfg.Series, b.cfg.Registerer = dir, numbers, prometheus.NewRegistry()
	b.open()
}

// silently commits without a word to the publisher: the crash came in between.
func (b *bench) silently(set profiles.Set, at time.Time, tp, fp int) {
	b.t.Helper()
	told := b.pub
	b.pub = &Publisher{cfg: told.cfg, trails: map[subject]*trail{}, history: map[string]imported{}}
	b.commit(set, at, tp, fp, false)
	b.pub = told
}

// minutes wants the count samples of each minute to be what its profile counts.
func (b *bench) minutes(name string, of func(*profile.Profile) int64) {
	b.t.Helper()
	err := b.cfg.Profiles.Scan(b.t.Context(), profiles.Query{Set: profiles.ByEvaluation, Model: "m"}, func(w *profiles.Window) error {
		p, err := profile.Decode(w.Bytes)
		end := time.UnixMilli(w.Start + minuteMS - 1)
		got := b.value(fmt.Sprintf("sum(sum_over_time(%s{version=%q}[1m]))", name, w.Version), end)
		if got != float64(of(p)) {
			b.t.Errorf("%s of the minute %s is %v, the profile has %d", name, time.UnixMilli(w.Start).UTC().Format("15:04"), got, of(p))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) whole() {
	b.t.Helper()
	b.minutes("model_predictions", func(p *profile.Profile) int64 { return p.Predictions })
	b.minutes("model_errors", func(p *profile.Profile) int64 { return p.Errors })
	b.minutes("model_evaluated", func(p *profile.Profile) int64 { return p.Quality.Labels })
	b.minutes("model_correct", func(p *profile.Profile) int64 { return p.Quality.TP })
	b.minutes("model_false_positives", func(p *profile.Profile) int64 { return p.Quality.FP })
}

func TestALostEndOfTheSeriesIsWrittenAgain(t *testing.T) {
	b := newBench(t)
	b.begin(30 * time.Minute)
	for i := range 8 { // minutes 0 to 7, two publications each
		for range 2 {
			b.now = b.now.Add(20 * time.Second)
			b.commit(profiles.ByEvaluation, b.now, 3+i, 1, false)
			b.publish()
		}
		b.now = b.now.Add(20 * time.Second)
	}
	kept := b.keep()
	for range 12 { // four more minutes are lost
		b.now = b.now.Add(20 * time.Second)
		b.commit(profiles.ByEvaluation, b.now, 0, 5, false)
		b.publish()
	}
	b.silently(profiles.ByEvaluation, b.now, 2, 2) // and this was never published
	lostAt := b.now.Add(-2 * time.Minute).Truncate(time.Minute)
	b.now = b.now.Add(4 * time.Minute)
	for range 3 { // the same again and again
		b.crash(kept)
		b.whole()
		kept = b.keep()
	}
	if got := testutil.ToFloat64(b.pub.metrics.repaired); got != 0 {
		t.Fatal("minutes written by the third start:", got)
	}
	b.publish()
	b.whole()
	at := lostAt.Add(time.Minute)
	if got := b.value(`model_evaluated_window`, at); got < 50 || got > 100 {
		t.Error("the trailing window of a lost minute:", got)
	}
	if got := b.value(`model_precision`, at); !(got > 0.1 && got < 0.8) {
		t.Error("precision in a lost minute:", got)
	}
	if got := b.value(`model_throughput`, at); got != 0.25 {
		t.Error("throughput in a lost minute:", got)
	}
}

// A row that arrives in a minute's last moment is published in the next; it is
// counted in its own, so that nothing is missing there.
func TestWhatIsPublishedLateIsNotTakenForLost(t *testing.T) {
	b := newBench(t)
	b.begin(time.Hour)
	for range 5 {
		arrived := b.now.Add(59500 * time.Millisecond)
		for _, later := range []time.Duration{300, 600, 1600, 2600, 3600} {
			b.now = arrived.Add(later * time.Millisecond)
			b.commit(profiles.ByEvaluation, arrived, 1, 0, false)
			if later > 500 {
				b.commit(profiles.ByEvaluation, b.now, 0, 1, false)
			}
			b.publish()
		}
		b.now = arrived.Add(500 * time.Millisecond)
	}
	b.now = b.now.Add(30 * time.Second)
	b.publish()
	b.whole()
	b.crash(b.keep())
	if got := testutil.ToFloat64(b.pub.metrics.repaired); got != 0 {
		t.Fatal("minutes written though nothing was lost:", got)
	}
	b.whole()
}

// What is folded after its minute has left the window counts when it is
// published. Its own minute looks short of it and must not get it twice.
func TestABacklogIsNotCountedTwice(t *testing.T) {
	b := newBench(t)
	b.begin(time.Hour)
	arrived := b.now
	for range 4 {
		b.now = b.now.Add(10 * time.Minute)
		b.commit(profiles.ByEvaluation, arrived, 2, 1, false)
		b.publish()
		b.now = b.now.Add(5 * time.Second)
		b.publish()
	}
	for range 2 {
		b.want(`sum(sum_over_time(model_predictions[2h]))`, 12)
		b.crash(b.keep())
	}
	b.silently(profiles.ByEvaluation, b.now, 1, 1) // this is lost, and only this
	b.crash(b.keep())
	b.want(`sum(sum_over_time(model_predictions[2h]))`, 14)
}

// Whatever the moment of the crash and of the last sync, all counts are exact.
func TestNoCrashMakesACountWrong(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 8))
			b := newBench(t)
			b.begin(100 * time.Minute)
			kept := b.keep()
			for range 150 {
				b.now = b.now.Add(time.Duration(200+rnd.IntN(9000)) * time.Millisecond)
				arrived := b.now.Add(-time.Duration(rnd.IntN(3000)) * time.Millisecond)
				if rnd.IntN(12) == 0 {
					b.silently(profiles.ByEvaluation, arrived, rnd.IntN(3), 1)
					b.crash(b.keep()) // kill -9
				} else {
					b.commit(profiles.ByEvaluation, arrived, rnd.IntN(4), rnd.IntN(2), false)
				}
				b.publish()
				if rnd.IntN(10) == 0 {
					kept = b.keep()
				}
				if rnd.IntN(40) == 0 {
					b.crash(kept) // power loss
					kept = b.keep()
				}
			}
			b.crash(b.keep())
			b.whole()
		})
	}
}

func TestRepairIsBounded(t *testing.T) {
	b := newBench(t)
	b.cfg.RepairSpan = 20 * time.Minute
	b.begin(2 * time.Hour)
	kept := b.keep()
	for range 60 {
		b.now = b.now.Add(time.Minute)
		b.commit(profiles.ByEvaluation, b.now, 1, 0, false)
		b.publish()
	}
	b.crash(kept) // nothing is left
	if got := testutil.ToFloat64(b.pub.metrics.repaired); got < 19 || got > 21 {
		t.Error("minutes written:", got)
	}
	if got := testutil.ToFloat64(b.pub.metrics.limited); got != 1 {
		t.Error("the limit was not told:", got)
	}
	kept = b.keep()
	b.silently(profiles.ByEvaluation, b.now, 1, 0)
	b.cfg.RepairTime = time.Nanosecond
	b.crash(kept)
	if got := testutil.ToFloat64(b.pub.metrics.limited); got == 0 {
		t.Error("the time was over and that was not told")
	}
}

// Imported history is not of the evaluation clock; a repair leaves it alone.
func TestRepairLeavesHistoryAlone(t *testing.T) {
	b := newBench(t)
	b.begin(50 * time.Minute)
	b.commit(profiles.ByPrediction, b.now, 7, 3, true)
	b.crash(b.keep())
	if got := b.value(`sum(sum_over_time(model_predictions[3h]))`, b.now.Add(time.Hour)); !math.IsNaN(got) {
		t.Fatal("imported rows were published:", got)
	}
}

func TestLostResponseTimesAreCountedAgain(t *testing.T) {
	b := newBench(t)
	b.begin(30 * time.Minute)
	b.slow(10, 10)
	b.publish()
	b.now = b.now.Add(time.Minute)
	b.publish()
	kept := b.keep()
	b.now = b.now.Add(30 * time.Second)
	b.slow(500, 500, 500)
	b.publish()
	b.now = b.now.Add(time.Minute)
	b.crash(kept)
	b.slow(900, 900, 900, 900, 900)
	b.publish()
	b.now = b.now.Add(time.Second)
	b.publish()
	b.want(`sum(sum_over_time(model_predictions[10m]))`, 10)
	increase := b.value(`histogram_count(increase(model_latency_seconds[10m]))`, b.now)
	first := 2.0 // a counter's first sample has nothing before it
	if increase < 8*0.95 || increase > (8+first)*1.2 {
		t.Error("response times since the first sample:", increase)
	}
	if got := b.value(`histogram_count(model_latency_seconds)`, b.now); got != 5 {
		t.Error("the counter of this process:", got)
	}
}

// A clock that was years ahead and was set right leaves nothing behind that
// keeps a subject's window open, and its rows still count.
func TestMinutesOfTheFutureAreCountedNow(t *testing.T) {
	b := newBench(t)
	u := &process.Update{Deltas: []profiles.Delta{{
		Key:     profiles.Key{Set: profiles.ByEvaluation, Model: "m", Start: b.now.AddDate(5, 0, 0).Truncate(time.Minute).UnixMilli()},
		Profile: &profile.Profile{Predictions: 4},
	}}}
	b.pub.Add(u)
	b.publish()
	b.want(`model_predictions`, 4)
	b.now = b.now.Add(20 * time.Minute)
	if err := b.pub.publish(context.Background(), b.now, false); err != nil {
		t.Fatal(err)
	}
	for s, trail := range b.pub.trails {
		if len(trail.minutes) > 0 {
			t.Error("remembered for years:", s)
		}
	}
}

// The counts of tasks that have fewer series are compared by those.
func TestEveryTaskHasItsCounts(t *testing.T) {
	for task, want := range map[event.Task]int{event.Binary: 8, event.Multiclass: 4, event.Regression: 3, 0: 3} {
		if got := countsOf(task); got != want {
			t.Errorf("task %d: %d", task, got)
		}
	}
}
