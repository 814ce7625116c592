package publish

import (
	"math"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// slow commits live rows with these response times.
func (b *bench) slow(ms ...float64) {
	b.t.Helper()
	rows := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: len(ms), Time: make([]int64, len(ms))}
	rows.Latency = event.Num{Values: ms}
	rows.Pred = event.Dict{Values: []string{"1"}, Codes: make([]int32, len(ms))}
	folder := profile.NewFolder(0)
	w := folder.Open(true)
	folder.Add(w, rows, nil)
	step := &profiles.Step{State: profiles.State{Next: 1}, Deltas: []profiles.Delta{{
		Key: profiles.Key{Set: profiles.ByEvaluation, Model: "m", Start: b.now.Truncate(time.Minute).UnixMilli()}, Profile: folder.Close(w),
	}}}
	if err := b.cfg.Profiles.Commit(step); err != nil {
		b.t.Fatal(err)
	}
	b.pub.Add(&process.Update{Deltas: step.Deltas})
}

func TestResponseTimesAreANativeHistogram(t *testing.T) {
	b := newBench(t)
	b.slow(10, 10, 10, 0)
	b.publish()
	b.now = b.now.Add(time.Minute)
	b.slow(100, 100, 100, 100, 2000, 2000)
	b.publish()
	b.want(`histogram_count(model_latency_seconds)`, 10)
	if got := b.value(`histogram_sum(model_latency_seconds)`, b.now); math.Abs(got-4.43) > 0.05 {
		t.Fatal("sum", got)
	}
	if got := b.value(`histogram_quantile(0.5, increase(model_latency_seconds[2m]))`, b.now); math.Abs(got-0.1) > 0.01 {
		t.Fatal("median of the last minute", got)
	}
	b.open() // a counter begins anew, and what was published is not counted again
	b.now = b.now.Add(10 * time.Second)
	b.slow(100)
	b.publish()
	b.want(`histogram_count(model_latency_seconds)`, 1)
	b.want(`model_predictions_window`, 11)
}
