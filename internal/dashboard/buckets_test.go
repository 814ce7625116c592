package dashboard

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// Whatever is in memory, and however a bucket is made, a sum is that of the
// store.
func TestBucketsAgreeWithTheStore(t *testing.T) {
	s := newSite(t, func(c *Config) { c.CacheBytes = 200 << 10 }) // so that buckets are dropped
	folder, rng := profile.NewFolder(0), rand.New(rand.NewPCG(1, 2))
	now := time.Now().Truncate(time.Minute)
	ctx := context.Background()
	for round := range 60 {
		at := now.Add(-time.Duration(rng.IntN(400)) * time.Minute)
		s.window(folder, rng, "m", at)
		width := []int64{minuteMS, 5 * minuteMS, 15 * minuteMS, hourMS, 6 * hourMS}[rng.IntN(5)]
		from := floorTo(now.Add(-time.Duration(rng.IntN(500))*time.Minute).UnixMilli(), width)
		to := floorTo(now.UnixMilli(), width) + width
		l := line{set: profiles.ByPrediction, model: "m", full: rng.IntN(2) == 0, width: width}
		list, err := s.srv.cache.get(ctx, l, from, to)
		if err != nil {
			t.Fatal(err)
		}
		got := s.srv.cache.sum(list).p
		want, err := s.store.Merged(ctx, profiles.Query{Set: profiles.ByPrediction, Model: "m", From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		if (got == nil) != (want == nil) {
			t.Fatalf("round %d: there is %v in memory and %v in the store", round, got != nil, want != nil)
		}
		if got == nil {
			continue
		}
		if got.Predictions != want.Predictions || got.Quality.TP != want.Quality.TP || got.Latency.N != want.Latency.N {
			t.Errorf("round %d, width %d: %d predictions in memory, %d in the store", round, width, got.Predictions, want.Predictions)
		}
		if l.full && got.Features["f00"].Num.N != want.Features["f00"].Num.N {
			t.Errorf("round %d: %d values in memory, %d in the store", round, got.Features["f00"].Num.N, want.Features["f00"].Num.N)
		}
	}
	if c := s.srv.cache; c.cost > c.max {
		t.Errorf("%d bytes in memory, the limit is %d", c.cost, c.max)
	}
}

// A change that comes while a bucket is being read must not be lost.
func TestChangeDuringAFillIsNotKept(t *testing.T) {
	s := newSite(t, nil)
	folder, rng := profile.NewFolder(0), rand.New(rand.NewPCG(1, 2))
	at := time.Now().Add(-24 * time.Hour).Truncate(time.Hour)
	s.window(folder, rng, "m", at)
	c := s.srv.cache
	l := line{set: profiles.ByPrediction, model: "m", width: hourMS}
	out := []*bucket{{line: l, start: at.UnixMilli()}}
	f := &fill{line: l}
	c.fills[f] = struct{}{}
	if err := c.read(context.Background(), out); err != nil {
		t.Fatal(err)
	}
	s.window(folder, rng, "m", at.Add(time.Minute)) // after the read, before the keep
	if len(f.changed) != 1 || f.changed[0] != at.UnixMilli() {
		t.Errorf("the fill was told of %v", f.changed)
	}
	delete(c.fills, f)
	list, err := c.get(context.Background(), l, at.UnixMilli(), at.UnixMilli()+hourMS)
	if err != nil {
		t.Fatal(err)
	}
	if n := list[0].p.Predictions; n != 2*historyRows {
		t.Errorf("%d predictions, want %d", n, 2*historyRows)
	}
}
