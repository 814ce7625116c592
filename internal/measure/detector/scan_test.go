package detector

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestScanFindsTheStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	xs := make([]float64, 600)
	for i := range xs {
		xs[i] = 1e9 + rng.NormFloat64()
		if i >= 300 {
			xs[i] += 5
		}
		if i%50 == 7 {
			xs[i] = math.NaN()
		}
	}
	d := mustNew(t, "page_hinkley", Options{Standardise: 50, Params: map[string]float64{"two_sided": 1}})
	changes, warned, err := Scan(context.Background(), d, xs)
	if err != nil || warned || len(changes) == 0 {
		t.Fatal(changes, warned, err)
	}
	c := changes[0]
	if c.From != 300 || c.At < 300 || c.At > 330 || c.NBefore != 294 || c.Skipped < 6 {
		t.Errorf("%+v", c)
	}
	if math.Abs(c.Before-1e9) > 0.3 || math.Abs(c.After-1e9-5) > 1 {
		t.Errorf("levels %v and %v", c.Before, c.After)
	}
}

func TestScanTellsOfWarnings(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	xs := make([]float64, 2000)
	for i := range xs {
		if rng.Float64() < 0.1 || i > 1000 && rng.Float64() < 0.5 {
			xs[i] = 1
		}
	}
	changes, _, err := Scan(context.Background(), mustNew(t, "ddm", Options{}), xs)
	found := func(c Change) bool { return c.WarnedAt >= 0 && c.WarnedAt < c.At && c.From > 950 && c.From < 1050 }
	if err != nil || !slices.ContainsFunc(changes, found) {
		t.Errorf("%+v %v", changes, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Scan(ctx, mustNew(t, "ddm", Options{}), xs); !errors.Is(err, context.Canceled) {
		t.Errorf("a scan that was given up ended with %v", err)
	}
}
