package profile

import (
	"math"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func TestCountsOfAWindow(t *testing.T) {
	b := &event.Batch{
		Rows:    5,
		Time:    []int64{50, 20, 40, 30, 60},
		Pred:    event.Dict{Codes: []int32{0, 1, -1, -1, 0}, Values: []string{"no", "yes"}},
		Err:     event.Dict{Codes: []int32{-1, -1, 0, -1, 0}, Values: []string{"timeout"}},
		Latency: event.Num{Values: []float64{1, -1, math.NaN(), 4, 5}},
		Nums:    []event.Num{{Name: "n", Values: []float64{1, 2, 3, math.NaN(), math.Inf(1)}, Valid: []byte{0b11101}}},
		Cats: []event.Dict{
			{Name: "c", Codes: []int32{0, 1, 1, -1, 2}, Values: []string{"a", "b", ""}},
			{Name: "n", Codes: []int32{-1, 0, -1, -1, -1}, Values: []string{"two"}},
		},
	}
	b.Arrived = 99
	for _, batches := range [][]*event.Batch{{b}, {b.Take([]int32{0, 3}), b.Take([]int32{1, 2, 4})}} {
		f := NewFolder(0)
		w, light := f.Open(false), f.Open(true)
		for _, part := range batches {
			f.Add(w, part, nil)
			f.Add(light, part, nil)
		}
		w.Duplicates(2)
		p := f.Close(w)
		if p.Predictions != 4 || p.NoPrediction != 1 || p.Errors != 2 || p.Duplicates != 2 || p.Rows() != 5 {
			t.Errorf("%d predictions, %d rows without, %d errors, %d duplicates", p.Predictions, p.NoPrediction, p.Errors, p.Duplicates)
		}
		if p.FirstTime != 20 || p.LastTime != 60 || p.Arrived != 99 {
			t.Errorf("%d to %d, arrived %d", p.FirstTime, p.LastTime, p.Arrived)
		}
		if l := p.Latency; l.N != 3 || l.Invalid != 2 || !near(l.Sum, 10, 1e-15) {
			t.Errorf("latency %+v", l)
		}
		if c := p.Classes.Counts; c["no"] != 2 || c["yes"] != 1 {
			t.Errorf("classes %v", c)
		}
		n, c := p.Features["n"], p.Features["c"]
		if n.Rows != 5 || n.Num.N != 2 || n.Num.PosInf != 1 || n.Num.NaN != 1 || n.Cat.N != 1 || n.Missing() != 1 {
			t.Errorf("n: %d rows, %+v, %+v, %d missing", n.Rows, n.Num, n.Cat, n.Missing())
		}
		if c.Rows != 5 || c.Cat.N != 3 || c.Cat.Counts["b"] != 2 || c.Missing() != 2 {
			t.Errorf("c: %d rows, %+v, %d missing", c.Rows, c.Cat, c.Missing())
		}
		if q := f.Close(light); q.Features != nil || q.Predictions != 4 || q.Latency.N != 3 {
			t.Errorf("light: %+v", q)
		}
	}
}

// The window must not see what becomes of a batch's memory.
func TestWindowKeepsNothingOfABatch(t *testing.T) {
	name, value := []byte("feature"), []float64{1, 2, 3}
	b := &event.Batch{Rows: 3, Nums: []event.Num{{Name: string(name), Values: value}}}
	f := NewFolder(0)
	w := f.Open(false)
	f.Add(w, b, nil)
	value[0], value[1], value[2] = 7, 8, 9
	if x := f.Close(w).Features["feature"].Num; x.Max != 3 || x.Mean() != 2 {
		t.Errorf("%v to %v", x.Min, x.Max)
	}
}

func TestChooseCentre(t *testing.T) {
	for _, s := range shapes {
		if s.lumps {
			continue
		}
		values := s.draw(1000, 3)
		if bound := numericOf(s.draw(100_000, 4), 1, ChooseCentre(values)).QuantileError(); bound > 0.006 {
			t.Errorf("%s: error %v about %v", s.name, bound, ChooseCentre(values))
		}
	}
	if c := ChooseCentre([]float64{math.NaN(), math.Inf(1)}); c != 0 {
		t.Errorf("centre %v of nothing", c)
	}
}
