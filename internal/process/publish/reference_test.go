package publish

import (
	"math"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// version commits rows of one feature around a centre, which a version got.
func (b *bench) version(name string, at time.Time, centre float64) {
	b.t.Helper()
	const n = 500
	rows := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: n, Time: make([]int64, n)}
	x := event.Num{Name: "x", Epoch: 1, Values: make([]float64, n)}
	for i := range n {
		rows.Time[i], x.Values[i] = at.UnixMilli(), centre+math.Sin(float64(i))
	}
	rows.Nums = []event.Num{x}
	folder := profile.NewFolder(0)
	w := folder.Open(false)
	folder.Add(w, rows, nil)
	step := &profiles.Step{State: profiles.State{Next: 1}, Deltas: []profiles.Delta{{
		Key: profiles.Key{Set: profiles.ByPrediction, Model: "m", Version: name, Start: at.Truncate(time.Minute).UnixMilli()}, Profile: folder.Close(w),
	}}}
	if err := b.cfg.Profiles.Commit(step); err != nil {
		b.t.Fatal(err)
	}
	b.pub.Add(&process.Update{Deltas: step.Deltas})
}

func (b *bench) choose(name string) {
	b.t.Helper()
	if _, err := b.cfg.Registry.Declare("m", model.Declaration{Reference: &name}); err != nil {
		b.t.Fatal(err)
	}
}

func TestDriftIsPublishedAgainstAReferenceThatMoves(t *testing.T) {
	b := newBench(t)
	b.choose("1d")
	b.version("a", b.now.Add(-24*time.Hour-10*time.Minute), 50)
	b.version("a", b.now.Add(-time.Minute), 50)
	b.publish()
	b.want(`model_data_drift`, 0)
	b.choose("2d") // nothing came then
	b.now = b.now.Add(time.Minute)
	b.version("a", b.now.Add(-time.Second), 50)
	b.publish()
	b.want(`model_data_drift`, 0) // as it was: there is no new sample
	b.choose("version:a")
	b.now = b.now.Add(time.Minute)
	b.version("b", b.now.Add(-time.Second), 90)
	b.publish()
	b.want(`model_data_drift`, 1) // b alone is compared with a
}
