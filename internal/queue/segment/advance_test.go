package segment

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leewayhq/leeway/internal/queue"
)

// advanced is a log on a disk that can lose what was not synced.
func advanced(t *testing.T, fs vfs.FS) *Log {
	t.Helper()
	l, err := Open(Config{Dir: "queue", FS: fs, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func one(t *testing.T, l *Log, data string) queue.Offset {
	t.Helper()
	at, err := l.Append(t.Context(), 0, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A log that lost its end, or everything, goes on above what a consumer has
// read, over a crash too.
func TestAdvance(t *testing.T) {
	for name, kept := range map[string]int{"of an empty log": 0, "of a log with records": 2} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			l := advanced(t, disk)
			for range kept {
				one(t, l, "old")
			}
			committed := offsetAt(7, 4711)
			next, err := l.Advance(0, committed)
			if err != nil || next < committed {
				t.Fatal(next, err)
			}
			if again, err := l.Advance(0, committed); err != nil || again != next {
				t.Fatal("a second time:", again, err)
			}
			if _, end, _ := l.Bounds(0); end < committed {
				t.Fatal("ends at", end)
			}
			disk = disk.CrashClone(vfs.CrashCloneCfg{}) // only what was synced
			l = advanced(t, disk)
			defer l.Close()
			if _, end, _ := l.Bounds(0); end < committed {
				t.Fatal("after a crash it ends at", end)
			}
			at := one(t, l, "new")
			if at < committed {
				t.Fatal("an offset was given twice:", at)
			}
			list, err := l.Read(t.Context(), 0, next, 1<<20)
			if err != nil || len(list) != 1 || string(list[0].Data) != "new" {
				t.Fatal(list, err)
			}
			over, cancel := context.WithCancel(context.Background())
			cancel()
			var lost *queue.CorruptError
			if _, err := l.Read(over, 0, committed-1, 1<<20); !errors.As(err, &lost) && !errors.Is(err, queue.ErrTrimmed) {
				t.Fatal("what was left out was read over in silence:", err)
			}
			if err := l.Trim(0, at+1); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAdvanceIsBounded(t *testing.T) {
	l := advanced(t, vfs.NewMem())
	defer l.Close()
	one(t, l, "old")
	if _, err := l.Advance(0, offsetAt(1<<30, 0)); err == nil {
		t.Fatal("a thousand million segments were left out")
	}
	one(t, l, "still taken")
	if next, err := l.Advance(0, 1); err != nil || next <= 1 {
		t.Fatal("there was no loss:", next, err)
	}
}
