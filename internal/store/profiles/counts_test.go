package profiles

import (
	"context"
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
