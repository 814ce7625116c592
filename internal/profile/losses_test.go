package profile

import (
	"bytes"
	"math"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// In any order and with corrections, each cell has the errors of its rows.
func TestLossesByWhatWasPredicted(t *testing.T) {
	r := random(3)
	type sum struct {
		n           int64
		abs, square float64
	}
	want := map[uint32]*sum{}
	parts := make([]*Profile, 7)
	for i := range parts {
		parts[i] = &Profile{Quality: &Quality{}}
	}
	for range 4000 {
		predicted := r.NormFloat64() * math.Pow(10, float64(r.IntN(6)-2))
		o := Outcome{Task: event.Regression, PredValue: predicted, LabelValue: predicted + r.NormFloat64()}
		was := o
		was.LabelValue += 5
		parts[r.IntN(len(parts))].Quality.Add(&was, 1)
		parts[r.IntN(len(parts))].Quality.Add(&was, -1)
		parts[r.IntN(len(parts))].Quality.Add(&o, 1)
		e := o.PredValue - o.LabelValue
		s := want[LossKey(predicted)]
		if s == nil {
			s = &sum{}
			want[LossKey(predicted)] = s
		}
		s.n, s.abs, s.square = s.n+1, s.abs+math.Abs(e), s.square+e*e
	}
	a, b := mergeAll(r, parts, WindowExact), mergeAll(r, parts, WindowExact)
	if !bytes.Equal(a.AppendTo(nil), b.AppendTo(nil)) {
		t.Fatal("two orders of merging differ")
	}
	back, err := Decode(a.AppendTo(nil))
	if err != nil || !bytes.Equal(back.AppendTo(nil), a.AppendTo(nil)) {
		t.Fatal("a round trip changes the bytes:", err)
	}
	seen, last := 0, uint32(0)
	back.Quality.Regression.Losses.Each(func(key uint32, n int64, abs, square float64) {
		s := want[key]
		if s == nil || n != s.n || !near(abs, s.abs, 1./4096) || !near(square, s.square, 1./4096) || seen > 0 && key <= last {
			t.Errorf("cell %d: %d rows, %v and %v, want %+v", key, n, abs, square, s)
		}
		seen, last = seen+1, key
	})
	if seen != len(want) {
		t.Errorf("%d cells of %d", seen, len(want))
	}
}

func TestLossKeysAscend(t *testing.T) {
	last := uint32(0)
	for _, v := range []float64{-math.MaxFloat64, -1e9, -3, -1, -1e-30, 0, 1e-30, 0.9, 1, 1.3, 1.6, 1.8, 2, 1e9, math.MaxFloat64} {
		if k := LossKey(v); k < last || k >= gridCells>>lossShift {
			t.Errorf("%v has the key %d after %d", v, k, last)
		} else {
			last = k
		}
	}
	if LossKey(1) == LossKey(1.3) || LossKey(1) != LossKey(1.2) {
		t.Error("a doubling has four cells")
	}
}
