package process

import (
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// Duplicates and a correction inside one batch, and rows without an id beside
// rows with one.
func TestDuplicatesInsideOneBatch(t *testing.T) {
	s := newSite(t, 3)
	b := rows(0, 6)
	b.ID = event.Text{}
	for _, id := range []string{"id-0", "id-1", "id-0", "", "", "id-1"} {
		b.ID.Append(id)
	}
	s.put(b)
	l := labelRows([]int{0, 0, 1, 1}, func(int) string { return "0" })
	l.Label.Codes = []int32{0, 1, 1, 1} // id-0 is corrected at once, id-1 repeated
	s.put(l)
	p := s.merged(profiles.ByPrediction, "")
	if p.Predictions != 4 || p.Duplicates != 2 || p.Quality.Labels != 2 || p.Quality.FN != 2 || p.Quality.TN != 0 {
		t.Fatalf("predictions %d, %+v", p.Predictions, p.Quality)
	}
}

// A retry that comes back cut in another way counts each row once.
func TestRetryCutAnotherWayCountsOnce(t *testing.T) {
	s := newSite(t, 3)
	first := rows(0, 40)
	first.BatchID = "whole"
	s.put(first)
	s.wait()
	for k := 0; k < 60; k += 7 {
		part := rows(k, min(60, k+7))
		part.BatchID = "part-" + string(rune('a'+k/7))
		s.put(part)
	}
	if p := s.merged(profiles.ByPrediction, ""); p.Predictions != 60 || p.Duplicates != 40 {
		t.Fatal(p.Predictions, p.Duplicates)
	}
}
