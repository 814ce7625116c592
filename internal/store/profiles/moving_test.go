package profiles

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
)

// minuteOf is a window of n rows.
func minuteOf(set Set, version string, start int64, n int) Delta {
	rows := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: n, Time: make([]int64, n)}
	x := event.Num{Name: "x", Epoch: 1, Values: make([]float64, n)}
	for i := range n {
		rows.Time[i], x.Values[i] = start, math.Sin(float64(i))
	}
	rows.Nums = []event.Num{x}
	folder := profile.NewFolder(0)
	w := folder.Open(false)
	folder.Add(w, rows, nil)
	return Delta{Key: Key{Set: set, Model: "m", Version: version, Start: start}, Profile: folder.Close(w)}
}

func TestMovingReferenceIsReadOnceAUnit(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 5, 4, 12, 30, 20, 0, time.UTC)
	refs := NewReferences(s, func() time.Time { return now })
	step := &Step{State: State{Next: 1}}
	for i := range 90 { // 11:00 to 12:29
		at := time.Date(2026, 5, 4, 11, i, 0, 0, time.UTC).UnixMilli()
		step.Deltas = append(step.Deltas, minuteOf(ByPrediction, "a", at, 2), minuteOf(ByPrediction, "b", at, 3))
	}
	if err := s.Commit(step); err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Name: "m", Reference: model.Reference{Source: model.ReferencePrevious}}
	at := func(from time.Duration, length time.Duration) (int64, model.Reference) {
		t.Helper()
		begin := now.Add(from).UnixMilli()
		p, ref, err := refs.At(context.Background(), m, begin, begin+length.Milliseconds())
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			return 0, ref
		}
		return p.Rows(), ref
	}
	if n, ref := at(-30*time.Minute, 30*time.Minute); n != 150 || ref.To-ref.From != 30*minuteMS {
		t.Errorf("half an hour before: %d rows, %+v", n, ref)
	}
	m.Reference = model.Reference{Source: model.ReferenceVersion, Version: "b"}
	if n, _ := at(-30*time.Minute, 30*time.Minute); n != 90 {
		t.Errorf("the other version: %d rows", n)
	}
	// More rows come; they are seen when the memory is over.
	more := minuteOf(ByPrediction, "b", now.Add(-10*time.Minute).Truncate(time.Minute).UnixMilli(), 100)
	if err := s.Commit(&Step{State: State{Next: 2}, Deltas: []Delta{more}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(10 * time.Second) // the same minute
	if n, _ := at(-30*time.Minute, 30*time.Minute); n != 90 {
		t.Errorf("it was read again at once: %d rows", n)
	}
	refs.Forget("m")
	if n, _ := at(-30*time.Minute, 30*time.Minute); n != 190 {
		t.Errorf("after it was forgotten: %d rows", n)
	}
	b := "b"
	p, err := s.Merged(context.Background(), Query{Set: ByPrediction, Model: "m", From: 0, Except: &b})
	if err != nil || p.Rows() != 180 {
		t.Errorf("all but b: %v %v", p, err)
	}
}

func TestMovingReferencesAreBounded(t *testing.T) {
	var m moving
	for i := range 5000 {
		m.put(movingKey{model: fmt.Sprint(i)}, &movingEntry{bytes: 1 << 16})
		if m.bytes > maxMovingBytes || len(m.known) > maxMovingModels {
			t.Fatalf("%d bytes of %d models", m.bytes, len(m.known))
		}
	}
	m.put(movingKey{model: "huge"}, &movingEntry{bytes: 2 * maxMovingBytes})
	if m.bytes > maxMovingBytes || m.known[movingKey{model: "huge"}] != nil {
		t.Errorf("%d bytes", m.bytes)
	}
}

func TestOldRangesAreCutAtHours(t *testing.T) {
	const h, minute = hourMS, minuteMS
	for _, c := range []struct{ from, to, now, wantFrom, wantTo int64 }{
		{100*h + 90_000, 101*h + 30_000, 102 * h, 100*h + minute, 101 * h},
		{100*h + 20*minute, 101*h + 20*minute, 200 * h, 100 * h, 101 * h},
		{100*h + 20*minute, 100*h + 40*minute, 200 * h, 100 * h, 101 * h},
		{100*h + 20*minute, 110*h + 20*minute, 111 * h, 100 * h, 110 * h},
	} {
		if a, b := wholeUnits(c.from, c.to, c.now); a != c.wantFrom || b != c.wantTo {
			t.Errorf("%+v: %d to %d", c, a, b)
		}
	}
}

func TestWhatIsLearntFromStays(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC).UnixMilli()
	refs := NewReferences(s, func() time.Time { return time.UnixMilli(begin + 3*dayMS) })
	m := &model.Model{Name: "m", FirstEvent: begin, Reference: model.Reference{Source: model.ReferenceEarlier, Back: "7d"}}
	commit := func(d Delta) {
		t.Helper()
		if err := s.Commit(&Step{State: State{Next: 1}, Deltas: []Delta{d}}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(rows int64) {
		t.Helper()
		p, err := refs.Get(context.Background(), m)
		if err != nil || p == nil || p.Rows() != rows {
			t.Errorf("%v %v, want %d rows", p, err, rows)
		}
	}
	commit(minuteOf(ByPrediction, "", begin, 5))
	commit(minuteOf(ByPrediction, "", begin+2*dayMS, 7))
	want(5) // the first day
	commit(minuteOf(ByReference, "", begin-dayMS, 11))
	want(11) // what was sent
}
