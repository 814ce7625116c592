package profiles

import (
	"context"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leewayhq/leeway/internal/profile"
)

func TestRowsAndNewest(t *testing.T) {
	s, err := Open(Config{Dir: "state", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, ok, err := s.Newest(ByPrediction, "m"); ok || err != nil {
		t.Fatalf("a model without windows has a newest row: %v %v", ok, err)
	}
	at := func(minute int64, version string, p profile.Profile) Delta {
		p.FirstTime = minute * minuteMS
		return Delta{Key: Key{Set: ByPrediction, Model: "m", Version: version, Start: minute * minuteMS}, Profile: &p}
	}
	err = s.Commit(&Step{State: State{Next: 1}, Deltas: []Delta{
		at(10, "a", profile.Profile{Predictions: 3, LastTime: 10*minuteMS + 5}),
		at(90, "a", profile.Profile{Predictions: 4, NoPrediction: 2, LastTime: 90*minuteMS + 7}),
		at(90, "b", profile.Profile{Predictions: 5, LastTime: 90*minuteMS + 9}),
		at(91, "b", profile.Profile{Duplicates: 8, LastTime: 91 * minuteMS}), // no row
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, moved := range []bool{false, true} {
		if moved { // the first minute lies in its hour from now on
			if n, err := s.Rollup(ByPrediction, hourMS, profile.WindowExact); n == 0 || err != nil {
				t.Fatal(n, err)
			}
		}
		if ms, ok, err := s.Newest(ByPrediction, "m"); ms != 90*minuteMS+9 || !ok || err != nil {
			t.Errorf("the newest row is of %d, %v, %v", ms, ok, err)
		}
		for _, c := range []struct {
			q    Query
			want int64
		}{
			{Query{}, 14},
			{Query{To: hourMS}, 3},
			{Query{From: hourMS, To: 2 * hourMS, Versions: []string{"a"}}, 6},
			{Query{From: 95 * minuteMS}, 0},
		} {
			c.q.Set, c.q.Model = ByPrediction, "m"
			if got, err := s.Rows(context.Background(), c.q); got != c.want || err != nil {
				t.Errorf("%+v: %d rows, want %d (%v)", c.q, got, c.want, err)
			}
		}
	}
}

func TestRowsOfDaysBefore(t *testing.T) {
	s, err := Open(Config{Dir: "state", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	step := Step{State: State{Next: 1}}
	for day, rows := range []int64{5, 0, 7, 8, 9} {
		if rows == 0 {
			continue // a day without windows
		}
		start := int64(day)*dayMS + 10*hourMS
		step.Deltas = append(step.Deltas, Delta{
			Key: Key{Set: ByPrediction, Model: "m", Start: start}, Profile: &profile.Profile{Predictions: rows, FirstTime: start, LastTime: start},
		})
	}
	if err := s.Commit(&step); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to int64
		want     []int64
	}{
		{4*dayMS + 10*hourMS, 4*dayMS + 11*hourMS, []int64{8, 7, 0, 5}},
		{4*dayMS + 9*hourMS, 4*dayMS + 11*hourMS, []int64{8, 7, 0}}, // the first day was not whole
		{4*dayMS + 12*hourMS, 4*dayMS + 13*hourMS, []int64{0, 0, 0, 0}},
		{3*dayMS + 10*hourMS, 5*dayMS + 10*hourMS, []int64{7}}, // two days: the two before
	} {
		got, err := s.RowsOfDaysBefore(context.Background(), Query{Set: ByPrediction, Model: "m", From: c.from, To: c.to}, 7)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%d to %d: %v, want %v (%v)", c.from, c.to, got, c.want, err)
		}
	}
	if got, err := s.RowsOfDaysBefore(context.Background(), Query{Set: ByPrediction, Model: "none", To: dayMS}, 7); got != nil || err != nil {
		t.Error(got, err)
	}
}
