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

// features commits rows of one feature around a centre.
func (b *bench) features(set profiles.Set, at time.Time, centre float64) {
	b.t.Helper()
	const n = 500
	rows := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: n, Time: make([]int64, n)}
	x := event.Num{Name: "x", Epoch: 1, Values: make([]float64, n)}
	rows.Pred = event.Dict{Values: []string{"0", "1"}, Codes: make([]int32, n)}
	for i := range n {
		rows.Time[i] = at.UnixMilli()
		x.Values[i] = centre + math.Sin(float64(i))
		if i%10 == 0 {
			x.SetNull(i)
		}
	}
	rows.Nums = []event.Num{x}
	folder := profile.NewFolder(0)
	w := folder.Open(false)
	folder.Add(w, rows, nil)
	for range n / 4 {
		w.Quality().Add(&profile.Outcome{Task: event.Binary, Score: math.NaN()}, 1)
	}
	step := &profiles.Step{State: profiles.State{Next: 1}, Deltas: []profiles.Delta{{
		Key: profiles.Key{Set: set, Model: "m", Start: at.Truncate(time.Minute).UnixMilli()}, Profile: folder.Close(w),
	}}}
	if err := b.cfg.Profiles.Commit(step); err != nil {
		b.t.Fatal(err)
	}
	b.pub.Add(&process.Update{Deltas: step.Deltas})
}

func TestDriftIsOfTheLastHourAgainstTheReference(t *testing.T) {
	b := newBench(t)
	if _, err := b.cfg.Registry.Observe(&event.Batch{
		Header: event.Header{Kind: event.Reference, Model: "m"}, Rows: 1, Time: []int64{1}, Nums: []event.Num{{Name: "x", Values: []float64{0}}},
	}); err != nil {
		t.Fatal(err)
	}
	b.features(profiles.ByReference, b.now.Add(-24*time.Hour), 0)
	b.features(profiles.ByPrediction, b.now.Add(-3*time.Hour), 50) // past the window
	b.features(profiles.ByPrediction, b.now.Add(-time.Minute), 0)
	b.publish()
	b.want(`model_missing_rate{feature="x"}`, 0.1)
	b.want(`model_label_coverage`, 0.25)
	b.want(`model_data_drift`, 0)
	b.now = b.now.Add(time.Minute)
	b.features(profiles.ByPrediction, b.now, 3)
	b.publish()
	b.want(`model_data_drift`, 1)
	if psi := b.value(`model_feature_drift{feature="x",method="psi"}`, b.now); !(psi > 0.25) {
		t.Fatal(psi)
	}
	b.want(`model_missing_rate{feature="x"}`, 0.1)
}

func TestQualityOfDataIsPublished(t *testing.T) {
	b := newBench(t)
	if _, err := b.cfg.Registry.Observe(&event.Batch{
		Header: event.Header{Kind: event.Reference, Model: "m"}, Rows: 1, Time: []int64{1}, Nums: []event.Num{{Name: "x", Values: []float64{0}}},
	}); err != nil {
		t.Fatal(err)
	}
	b.features(profiles.ByReference, b.now.Add(-10*24*time.Hour), 0)
	for day := range 5 { // the first of them is not whole, and does not count
		b.features(profiles.ByPrediction, b.now.Add(-time.Duration(day)*24*time.Hour-30*time.Minute), 0)
	}
	b.features(profiles.ByPrediction, b.now.Add(-time.Minute), 0)
	b.publish()
	b.want(`model_row_volume`, 2) // 1,000 rows, and 500 on each of three days before
	b.want(`model_data_quality_score`, 1)
	b.want(`model_duplicate_rate`, 0)
	b.want(`model_type_error_rate{feature="x"}`, 0)
	b.want(`model_outlier_rate_iqr{feature="x"}`, 0)
	b.want(`model_outlier_rate_zscore{feature="x"}`, 0)
	b.want(`model_data_age`, 60_000)
	// Nothing comes any more: the age is what goes on.
	b.now = b.now.Add(9 * time.Minute) // the series take ten ahead of the real clock
	b.publish()
	b.want(`model_data_age`, 600_000)
}
