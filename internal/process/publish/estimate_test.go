package publish

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// scores commits rows of evenly spread scores, positive from a half, whose
// labels are right as often as hit says of the score of what was predicted.
// Rows without labels have none; hit is nil then.
func (b *bench) scores(set profiles.Set, at time.Time, rows int, hit func(sure float64) float64) {
	b.t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(set)))
	p := &profile.Profile{Predictions: int64(rows)}
	if set != profiles.ByEvaluation {
		p.Scores, p.Decided = &profile.ScoreSet{}, &profile.Decided{N: int64(rows)}
	}
	if hit != nil {
		p.Quality = &profile.Quality{}
	}
	for range rows {
		s := r.Float64()
		up := s >= 0.5
		if p.Scores != nil {
			p.Scores.Add(s, 1)
			if up {
				p.Decided.Up.Add(s, 1)
			}
		}
		if hit != nil {
			right := r.Float64() < hit(max(s, 1-s))
			p.Quality.Add(&profile.Outcome{Task: event.Binary, Score: s, PredPositive: up, LabelPositive: up == right}, 1)
		}
	}
	own := &profile.Profile{}
	own.Merge(p, profile.WindowExact)
	step := &profiles.Step{State: profiles.State{Next: 1}, Deltas: []profiles.Delta{{
		Key: profiles.Key{Set: set, Model: "m", Version: "v1", Start: at.Truncate(time.Minute).UnixMilli()}, Profile: own,
	}}}
	if err := b.cfg.Profiles.Commit(step); err != nil {
		b.t.Fatal(err)
	}
	b.pub.Add(&process.Update{Deltas: step.Deltas})
}

// The estimate is there before any label is. Once labels come, the gap tells
// whether the scores still mean what they meant in the reference.
func TestEstimateAndItsGap(t *testing.T) {
	b := newBench(t)
	b.pub.cfg.DriftWindow = 2 * time.Minute
	b.now = b.now.Add(-5 * time.Minute) // the series refuse what is far ahead of the clock
	if _, err := b.cfg.Registry.Observe(&event.Batch{
		Header: event.Header{Kind: event.Reference, Model: "m"}, Rows: 1, Time: []int64{1}, Nums: []event.Num{{Name: "x", Values: []float64{0}}},
	}); err != nil {
		t.Fatal(err)
	}
	sound := func(sure float64) float64 { return sure }
	b.scores(profiles.ByReference, b.now.Add(-24*time.Hour), 20_000, sound)
	b.scores(profiles.ByPrediction, b.now.Add(-time.Minute), 5000, nil)
	b.publish()
	// A score of s is right with max(s, 1-s): three quarters in the mean.
	if got := b.value(`model_estimated_accuracy{model="m"}`, b.now); !(math.Abs(got-0.75) < 0.02) {
		t.Fatal(got)
	}
	if got := b.value(`model_estimate_excess`, b.now); !math.IsNaN(got) {
		t.Fatal("a gap without labels:", got)
	}

	b.now = b.now.Add(time.Minute)
	b.scores(profiles.ByEvaluation, b.now, 3000, sound)
	b.scores(profiles.ByPrediction, b.now, 1, nil)
	b.publish()
	b.want(`model_estimate_excess`, 0)
	if got := b.value(`model_estimate_gap_accuracy`, b.now); !(math.Abs(got) < 0.03) {
		t.Fatal(got)
	}

	b.now = b.now.Add(2 * b.pub.cfg.DriftWindow) // these have left it
	b.scores(profiles.ByEvaluation, b.now, 3000, func(float64) float64 { return 0.5 })
	b.scores(profiles.ByPrediction, b.now.Add(-48*time.Hour), 1, func(float64) float64 { return 1 }) // the labels were late
	b.publish()
	if got := b.value(`model_estimate_gap_accuracy`, b.now); !(math.Abs(got+0.25) < 0.04) {
		t.Fatal(got)
	}
	if got := b.value(`model_estimate_excess`, b.now); !(got > 0.1) {
		t.Fatal(got)
	}
}
