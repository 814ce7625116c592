package publish

import (
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// rowsTogether commits a sample of rows in which y follows x, or its opposite.
func (b *bench) rowsTogether(set profiles.Set, at time.Time, sign float64) {
	b.t.Helper()
	const n = 400
	rows := &event.Batch{Rows: n, Nums: []event.Num{{Name: "x", Values: make([]float64, n)}, {Name: "y", Values: make([]float64, n)}, {Name: "z", Values: make([]float64, n)}}}
	at32, hashes := make([]int32, n), make([]uint64, n)
	for i := range n {
		x := float64(i%41) - 20
		rows.Nums[0].Values[i], rows.Nums[1].Values[i], rows.Nums[2].Values[i] = x, sign*x+float64(i%7), float64(i%13)
		at32[i], hashes[i] = int32(i), uint64(at.UnixMilli())<<16+uint64(i)
	}
	var s profile.SampleBuilder
	s.Add(rows, at32, hashes, n)
	step := &profiles.Step{State: profiles.State{Next: 1}, Samples: []profiles.SampleDelta{{Set: set, Model: "m", Start: at.UnixMilli(), Sample: s.Sample()}}}
	if err := b.cfg.Profiles.Commit(step); err != nil {
		b.t.Fatal(err)
	}
}

// Each column keeps its values, which the drift of features cannot see.
func TestJointDriftIsPublished(t *testing.T) {
	b := newBench(t)
	b.now = b.now.Add(-170 * time.Minute) // the store takes nothing of the future, and nothing older than 3 h
	if _, err := b.cfg.Registry.Observe(&event.Batch{
		Header: event.Header{Kind: event.Reference, Model: "m"}, Rows: 1, Time: []int64{1}, Nums: []event.Num{{Name: "x", Values: []float64{0}}},
	}); err != nil {
		t.Fatal(err)
	}
	b.features(profiles.ByReference, b.now.Add(-24*time.Hour), 0)
	b.rowsTogether(profiles.ByReference, b.now.Add(-24*time.Hour), 1)
	b.rowsTogether(profiles.ByPrediction, b.now, 1)
	b.features(profiles.ByPrediction, b.now, 0)
	b.publish()
	if v := b.value(`model_joint_drift`, b.now); !(v < 1) {
		t.Errorf("joint drift of equal rows is %v", v)
	}
	b.now = b.now.Add(165 * time.Minute)
	b.rowsTogether(profiles.ByPrediction, b.now, -1)
	b.features(profiles.ByPrediction, b.now, 0)
	b.publish()
	if v := b.value(`model_joint_drift`, b.now); !(v > 1) {
		t.Errorf("joint drift of broken rows is %v", v)
	}
	if v := b.value(`model_reconstruction_error`, b.now); !(v > 0) {
		t.Errorf("reconstruction error is %v", v)
	}
}
