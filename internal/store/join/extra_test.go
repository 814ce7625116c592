package join

import (
	"bytes"
	"os"
	"testing"
)

func extraOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + n)
	}
	return b
}

// Entries of every length stand among short ones, are found before and after
// they are in the file, and after a restart; and what follows damage in one of
// them is given up.
func TestExtraBytesComeBack(t *testing.T) {
	sizes := []int{0, 1, 41, 42, 43, 85, 86, 87, 130, 999, MaxExtra}
	dir := t.TempDir()
	s := open(t, dir, State{})
	for i, n := range sizes {
		e := Entry{Hash: id(2 * i), Flags: HasRow | HasPred, Value: float64(i), Extra: extraOf(n)}
		if i%2 == 1 {
			e.Segments = []uint32{3, 4}
		}
		put(t, s, e, day)
		put(t, s, Entry{Hash: id(2*i + 1), Flags: HasRow | HasPred}, day)
	}
	check := func(s *Store, upTo int) {
		t.Helper()
		e := Entry{Extra: extraOf(5)}
		for i, n := range sizes {
			if found := s.Find(id(2*i), &e); found != (i < upTo) {
				t.Fatalf("entry %d: found %v", i, found)
			} else if found && (!bytes.Equal(e.Extra, extraOf(n)) || e.Value != float64(i) || len(e.Segments) != 2*(i%2) || e.Flags != HasRow|HasPred) {
				t.Fatalf("entry %d with %d bytes: %d bytes, %+v", i, n, len(e.Extra), e)
			}
			if found := s.Find(id(2*i+1), &e); found != (i < upTo) || found && len(e.Extra) != 0 {
				t.Fatalf("the entry after %d: found %v, %d bytes", i, found, len(e.Extra))
			}
		}
	}
	check(s, len(sizes))
	st := sync(t, s)
	check(s, len(sizes))
	s.Close()
	check(open(t, dir, st), len(sizes))
	if kept, lost, err := Cut(dir, st); err != nil || len(lost) != 0 || kept.Buckets[0].Slots != st.Buckets[0].Slots {
		t.Fatal(kept, lost, err)
	}
	name := bucketFile(dir, 0)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)-10*slotBytes] ^= 1 // in the last extra
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	kept, lost, err := Cut(dir, st)
	if err != nil || len(lost) != 1 {
		t.Fatal(lost, err)
	}
	check(open(t, dir, kept), len(sizes)-1)
}

// An entry that needs no extra bytes takes what it took before there were any.
func TestEntriesAreAsLongAsTheyNeed(t *testing.T) {
	for _, c := range []struct {
		e    Entry
		want int
	}{
		{Entry{}, 1}, {Entry{Segments: []uint32{1}}, 2}, {Entry{Extra: extraOf(42)}, 2}, {Entry{Extra: extraOf(43)}, 3},
		{Entry{Segments: []uint32{1}, Extra: extraOf(1)}, 3}, {Entry{Extra: extraOf(MaxExtra + 9)}, 1 + (2+MaxExtra+43)/44},
	} {
		if b := appendEntry(nil, &c.e); len(b) != c.want*slotBytes || int(more(b)) != c.want-1 {
			t.Errorf("%d extra bytes, %d segments: %d bytes, %d slots more", len(c.e.Extra), len(c.e.Segments), len(b), more(b))
		}
	}
}
