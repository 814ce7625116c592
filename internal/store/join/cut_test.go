package join

import (
	"errors"
	"os"
	"testing"
)

// damagedStore has two days of 20 predictions, those of the first with segments.
func damagedStore(t *testing.T) (dir string, st State) {
	dir = t.TempDir()
	s := open(t, dir, State{})
	for i := range 40 {
		e := Entry{Hash: id(i), Flags: HasRow | HasPred}
		at := 10*day + 1
		if i < 20 {
			e.Segments = []uint32{1, 2}
		} else {
			at += day
		}
		put(t, s, e, at)
	}
	st = sync(t, s)
	s.Close()
	return dir, st
}

func TestCutKeepsWhatStandsBeforeTheDamage(t *testing.T) {
	flip := func(name string) error {
		b, err := os.ReadFile(name)
		b[2*slotBytes*7+slotBytes+3] ^= 1 // the second slot of the eighth entry
		return errors.Join(err, os.WriteFile(name, b, 0o600))
	}
	short := func(name string) error { return os.Truncate(name, 2*slotBytes*7+slotBytes+3) }
	for what, c := range map[string]struct {
		damage func(string) error
		kept   int
		copied bool
	}{"a flipped bit": {flip, 7, true}, "a short file": {short, 7, true}, "no file": {os.Remove, 0, false}} {
		t.Run(what, func(t *testing.T) {
			dir, st := damagedStore(t)
			name := bucketFile(dir, st.Buckets[0].Base)
			if err := c.damage(name); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(Config{Dir: dir}, st); !errors.Is(err, ErrDamaged) {
				t.Fatal("the damage was not seen:", err)
			}
			kept, lost, err := Cut(dir, st)
			if err != nil || len(lost) != 1 || lost[0].File != name || lost[0].Byte != int64(c.kept)*2*slotBytes || (lost[0].Kept != "") != c.copied {
				t.Fatalf("%+v, %v", lost, err)
			}
			if again, lost, err := Cut(dir, st); err != nil || len(lost) != 1 || len(again.Buckets) != len(kept.Buckets) {
				t.Fatal("broken off and run again:", lost, err)
			}
			s := open(t, dir, kept)
			var e Entry
			for i := range 40 {
				if want := i < c.kept || i >= 20; s.Find(id(i), &e) != want {
					t.Fatalf("entry %d: wanted %v", i, want)
				}
			}
			if n := s.Stats().Unlabelled; n != int64(20+c.kept) {
				t.Fatal("waiting:", n)
			}
			put(t, s, Entry{Hash: id(100), Flags: HasRow | HasPred}, 12*day)
			s = open(t, dir, sync(t, s))
			if !s.Find(id(100), &e) {
				t.Fatal("nothing can be added any more")
			}
			if c.copied {
				if _, err := os.Stat(lost[0].Kept); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestCutLeavesWholeFilesAlone(t *testing.T) {
	dir, st := damagedStore(t)
	kept, lost, err := Cut(dir, st)
	if err != nil || len(lost) != 0 || len(kept.Buckets) != 2 || kept.Clock != st.Clock {
		t.Fatal(kept, lost, err)
	}
}
