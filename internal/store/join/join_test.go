package join

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

const day = int64(24 * time.Hour / time.Millisecond)

func id(i int) event.Hash {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(i))
	return event.HashID(7, b[:])
}

func open(t testing.TB, dir string, st State) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir, Horizon: 30 * 24 * time.Hour}, st)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *Store, e Entry, arrived int64) {
	t.Helper()
	s.Arrive(arrived)
	if err := s.Put(&e, arrived); err != nil {
		t.Fatal(err)
	}
}

func sync(t testing.TB, s *Store) State {
	t.Helper()
	st, err := s.Sync()
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestEntriesComeBack(t *testing.T) {
	s := open(t, t.TempDir(), State{})
	want := Entry{Hash: id(1), Value: 0.18, Label: math.Float64bits(2.5), Class: 9, Window: 1 << 24, Meta: 1<<24 - 1, Flags: HasRow | HasPred | HasScore, Segments: []uint32{0, 5, 1 << 20}}
	put(t, s, want, 5)
	put(t, s, Entry{Hash: id(2), Flags: HasLabel}, 6)
	for range 2 {
		var got Entry
		if !s.Find(id(1), &got) || got.Value != want.Value || got.Label != want.Label || got.Class != 9 || got.Window != want.Window ||
			got.Meta != want.Meta || got.Flags != want.Flags || len(got.Segments) != 3 || got.Segments[2] != 1<<20 {
			t.Fatalf("%+v", got)
		}
		if !s.Find(id(2), &got) || got.Flags != HasLabel || len(got.Segments) != 0 {
			t.Fatalf("%+v", got)
		}
		if s.Find(id(3), &got) {
			t.Fatal("found what was never put")
		}
		sync(t, s) // and once more from the file
	}
}

// A random history against a map: puts, replacements, steps, crashes (which
// fall back to the last committed state) and restarts.
func TestAgainstAMap(t *testing.T) {
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 2))
	s := open(t, dir, State{})
	committed, live := map[int]float64{}, map[int]float64{}
	var st State
	for step := range 300 {
		for range rnd.IntN(400) {
			k := rnd.IntN(20000)
			e := Entry{Hash: id(k), Value: rnd.Float64(), Flags: HasRow}
			if k%3 == 0 {
				e.Segments = []uint32{uint32(k)}
			}
			put(t, s, e, int64(step)*day/20)
			live[k] = e.Value
		}
		switch rnd.IntN(4) {
		case 0: // crash
			s.Close()
			s = open(t, dir, st)
			live = clone(committed)
		default:
			st = sync(t, s)
			committed = clone(live)
		}
		for range 50 {
			var e Entry
			k := rnd.IntN(20000)
			want, known := live[k]
			if found := s.Find(id(k), &e); found != known || (found && e.Value != want) {
				t.Fatalf("step %d id %d: found %v %v, wanted %v %v", step, k, found, e.Value, known, want)
			}
		}
	}
}

func clone(m map[int]float64) map[int]float64 {
	c := make(map[int]float64, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func TestBucketsExpireWhole(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, State{})
	for d := range 40 {
		put(t, s, Entry{Hash: id(d), Flags: HasRow | HasPred}, int64(d)*day)
	}
	put(t, s, Entry{Hash: id(1), Flags: HasRow | HasPred | HasLabel}, 39*day)
	if got, _ := s.Expire(); got != 7 { // days 0 to 7, of which day 1 has its label
		t.Fatal("expired without a label:", got)
	}
	var e Entry
	if s.Find(id(0), &e) || s.Find(id(7), &e) {
		t.Fatal("found past the horizon")
	}
	if !s.Find(id(1), &e) || !s.Find(id(8), &e) {
		t.Fatal("lost within the horizon")
	}
	st := sync(t, s)
	if err := s.Done(); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 32 {
		t.Fatal("files:", len(files))
	}
	s.Close()
	s = open(t, dir, st)
	if !s.Find(id(8), &e) || s.Find(id(7), &e) || s.Stats().Unlabelled != 32 {
		t.Fatal(s.Stats())
	}
	for d := range 40 { // reuses the expired cells
		put(t, s, Entry{Hash: id(d), Value: 2}, 40*day)
	}
	if !s.Find(id(0), &e) || e.Value != 2 {
		t.Fatal(e)
	}
}

func TestFullStoreGivesUpItsOldest(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, MaxSlots: 1600}, State{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	given := int64(0)
	for i := range 5000 { // all in one day
		put(t, s, Entry{Hash: id(i), Flags: HasRow | HasPred}, 1)
		if i%100 == 99 {
			_, early := s.Expire()
			given += early
			sync(t, s)
		}
	}
	if n := s.Stats().Entries; given < 3300 || given > 3600 || int64(s.Stats().Unlabelled)+given != 5000 {
		t.Fatal("given up", given, "kept", s.Stats().Unlabelled, "cells", n)
	}
	var e Entry
	if s.Find(id(0), &e) || !s.Find(id(4999), &e) {
		t.Fatal("the wrong ones went")
	}
}

func TestDamageIsNamed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, State{})
	for i := range 100 {
		put(t, s, Entry{Hash: id(i)}, 1)
	}
	st := sync(t, s)
	s.Close()
	name := s.fileOf(0)
	text, _ := os.ReadFile(name)
	text[50*slotBytes+20] ^= 4
	os.WriteFile(name, text, 0o644)
	if _, err := Open(Config{Dir: dir}, st); !errors.Is(err, ErrDamaged) {
		t.Fatal("flipped bit:", err)
	}
	os.Truncate(name, 50*slotBytes)
	if _, err := Open(Config{Dir: dir}, st); !errors.Is(err, ErrDamaged) {
		t.Fatal("cut file:", err)
	}
}

func TestMemoryAnEntry(t *testing.T) {
	s := open(t, t.TempDir(), State{})
	for i := range 1_000_000 {
		put(t, s, Entry{Hash: id(i)}, 1)
		if i%100_000 == 99_999 {
			sync(t, s)
			if n := i + 1; s.Stats().IndexBytes > 20*n {
				t.Fatalf("%d bytes for %d entries", s.Stats().IndexBytes, n)
			}
		}
	}
}

func BenchmarkPut(b *testing.B) {
	s := open(b, b.TempDir(), State{})
	e := Entry{Flags: HasRow | HasPred}
	i := 0
	for b.Loop() {
		e.Hash = id(i)
		if err := s.Put(&e, 1); err != nil {
			b.Fatal(err)
		}
		if i++; i%50_000 == 0 {
			sync(b, s)
		}
	}
}

func BenchmarkLabel(b *testing.B) {
	const n = 2_000_000
	s := open(b, b.TempDir(), State{})
	for i := range n {
		put(b, s, Entry{Hash: id(i), Flags: HasRow | HasPred}, 1)
		if i%100_000 == 0 {
			sync(b, s)
		}
	}
	sync(b, s)
	var e Entry
	i := 0
	for b.Loop() {
		if !s.Find(id(i*7919%n), &e) {
			b.Fatal("lost")
		}
		e.Flags |= HasLabel
		if err := s.Put(&e, 1); err != nil {
			b.Fatal(err)
		}
		if i++; i%50_000 == 0 {
			sync(b, s)
		}
	}
}
