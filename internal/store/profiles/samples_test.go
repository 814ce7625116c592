package profiles

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

func sampleOf(rng *rand.Rand, n int) *profile.Sample {
	b := &event.Batch{Rows: n, Nums: []event.Num{{Name: "x", Values: make([]float64, n)}}}
	rows, hashes := make([]int32, n), make([]uint64, n)
	for i := range n {
		rows[i], hashes[i], b.Nums[0].Values[i] = int32(i), rng.Uint64(), rng.Float64()
	}
	var s profile.SampleBuilder
	s.Add(b, rows, hashes, n)
	return s.Sample()
}

func TestSamplesAreAddedUpKeptAndErased(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(1, 1))
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	var all []uint64
	for i := range 6 { // three hours of one day, twice each
		part := sampleOf(rng, 900)
		all = append(all, part.Hashes...)
		step := &Step{Partition: i % 2, Samples: []SampleDelta{
			{ByPrediction, "m", day + int64(i%3)*hourMS + 5, part}, {ByPrediction, "mm", day, sampleOf(rng, 3)},
		}}
		if err := s.Commit(step); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	check := func(when string, stored int) {
		t.Helper()
		got, err := s.Sample(ctx, Query{Set: ByPrediction, Model: "m", From: day, To: day + dayMS})
		if err != nil || got.Of != 5400 || !slices.Equal(got.Hashes, all[:profile.SampleRows]) {
			t.Fatalf("%s: %d rows of %d, %v", when, got.Rows(), got.Of, err)
		}
		n := 0
		err = s.Samples(ctx, Query{Set: ByPrediction, Model: "m", From: day, To: day + dayMS}, func(int64, *profile.Sample) error { n++; return nil })
		if err != nil || n != stored {
			t.Fatalf("%s: %d samples are stored, want %d (%v)", when, n, stored, err)
		}
	}
	check("by the hour", 3)
	if err := s.KeepSamples("m", day+2*hourMS, 0); err != nil {
		t.Fatal(err)
	}
	check("two hours in their day", 2)
	if err := s.KeepSamples("m", day+dayMS, 0); err != nil {
		t.Fatal(err)
	}
	check("all in the day", 1)
	if err := s.KeepSamples("m", day+dayMS, day+1); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Sample(ctx, Query{Set: ByPrediction, Model: "m", From: 0, To: day + dayMS}); err != nil || got.Rows() != 0 {
		t.Fatalf("%d rows past their time, %v", got.Rows(), err)
	}
	if err := s.Erase(ByPrediction, "mm"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Sample(ctx, Query{Set: ByPrediction, Model: "mm", From: 0, To: day + dayMS}); err != nil || got.Rows() != 0 {
		t.Fatalf("%d rows of an erased model, %v", got.Rows(), err)
	}
}
