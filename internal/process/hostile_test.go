package process

import (
	"strconv"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// What clients can send and must not break the fold with.

func TestVersionsMayHoldAnyByte(t *testing.T) {
	s := newSite(t, 1)
	b := rows(0, 4)
	b.Version = event.Dict{Values: []string{"", "v\x00\x00", strings.Repeat("x", 300), "\xff"}, Codes: []int32{0, 1, 2, 3}}
	s.put(b)
	if p := s.merged(profiles.ByPrediction, ""); p.Predictions != 4 {
		t.Fatal(p.Predictions)
	}
	s.close()
	s.open() // and again from what is stored
	s.put(labelRows(upTo(4), truth))
	check(t, s.merged(profiles.ByPrediction, ""), 4, want(4, truth, every))
}

// A row a minute and a segment value a row, for months: the step puts windows
// aside and the cost stays that of the rows.
func TestManyWindowsInOneBatch(t *testing.T) {
	const n = 3 * maxOpen
	s := newSite(t, 1)
	b := rows(0, n)
	field := event.Dict{Name: "user", Codes: make([]int32, n), Values: make([]string, n)}
	for i := range n {
		b.Time[i] = start + int64(i)*60_000
		field.Codes[i], field.Values[i] = int32(i), strconv.Itoa(i)
	}
	b.Segments = append(b.Segments, field)
	s.put(b)
	s.put(labelRows(upTo(n), truth))
	check(t, s.merged(profiles.ByPrediction, ""), n, want(n, truth, every))
	check(t, s.merged(profiles.ByPrediction, "user=7"), 1, want(8, truth, func(k int) bool { return k == 7 }))
}

func TestBatchIDOfPredictionsIsNotThatOfLabels(t *testing.T) {
	s := newSite(t, 1)
	b, l := rows(0, 10), labelRows(upTo(10), truth)
	b.BatchID, l.BatchID = "same", "same"
	s.put(b)
	s.put(l)
	check(t, s.merged(profiles.ByPrediction, ""), 10, want(10, truth, every))
}

func TestOtherSpellingOfAClass(t *testing.T) {
	for _, c := range []struct {
		positive, label string
		want            bool
	}{
		{"1", "true", true}, {"1", "no", false}, {"true", "1", true},
		{"0", "1", false}, {"0", "false", true}, {"no", "yes", false}, {"no", "0", true},
		{"fraud", "1", false}, {"fraud", "fraud", true},
	} {
		s := newSite(t, 1)
		b := rows(0, 1)
		b.Positive, b.Pred = c.positive, event.Dict{Values: []string{c.positive}, Codes: []int32{0}}
		s.put(b)
		l := labelRows([]int{0}, truth)
		l.Positive, l.Label = c.positive, event.Dict{Values: []string{c.label}, Codes: []int32{0}}
		s.put(l)
		if q := s.merged(profiles.ByPrediction, "").Quality; (q.TP == 1) != c.want || q.TP+q.FP != 1 {
			t.Errorf("positive %q, label %q: %+v", c.positive, c.label, q)
		}
		s.close()
	}
}

// A broken frame takes only its own rows with it: records are shared.
func TestBrokenFrameLeavesTheOthersOfItsRecord(t *testing.T) {
	s := newSite(t, 1)
	first, second := rows(0, 10), rows(10, 20)
	first.Arrived, second.Arrived = start, start
	record := first.AppendTo(nil)
	broken := rows(30, 31)
	at := len(record)
	record = broken.AppendTo(record)
	record[at+28]++ // one column more than there are
	record = second.AppendTo(record)
	if _, err := s.log.Append(t.Context(), 0, record); err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, 20)
}

// More segment fields than a label can be counted in: both sides stop at the
// same ones, whichever comes first.
func TestManySegmentFields(t *testing.T) {
	for _, early := range []bool{false, true} {
		s := newSite(t, 1)
		b := rows(0, 10)
		b.Segments = nil
		for f := range 20 {
			d := event.Dict{Name: string(rune('a' + 19 - f)), Values: []string{"v"}, Codes: make([]int32, 10)}
			b.Segments = append(b.Segments, d)
		}
		if early {
			s.put(labelRows(upTo(10), truth))
		}
		s.put(b)
		if !early {
			s.put(labelRows(upTo(10), truth))
		}
		check(t, s.merged(profiles.ByPrediction, "a=v"), 10, want(10, truth, every))
		if p := s.merged(profiles.ByPrediction, "t=v"); p.Predictions != 0 || p.Quality != nil {
			t.Fatalf("early %v: %+v", early, p)
		}
	}
}

func TestNamesAreCapped(t *testing.T) {
	n := newNames(nil)
	n.limit = 10
	for i := range 50 {
		n.id(strconv.Itoa(i))
	}
	m := n.metaID(&event.Header{Model: "m", Positive: "late"}, "v")
	if len(n.list) > 13 || n.over != 40 || n.list[n.id("77")] != otherName || n.meta(m).Version != "v" {
		t.Fatal(len(n.list), n.over)
	}
}
