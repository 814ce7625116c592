package collect

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

func TestTheReserveCoversWhatWaitsInTheQueue(t *testing.T) {
	const mib, gib = uint64(1) << 20, uint64(1) << 30
	for _, c := range []struct{ total, backlog, want uint64 }{
		{1000 * gib, 0, 2 * gib},
		{20 * gib, 0, gib},
		{gib, 0, 64 * mib},
		{20 * gib, 100 * mib, gib},
		{20 * gib, 3 * gib, 6*gib + 64*mib},
		{1000 * gib, 3 * gib, 6*gib + 64*mib},
	} {
		cfg := Config{Backlog: func() uint64 { return c.backlog }}
		cfg.setDefaults()
		if got := cfg.reserve(c.total); got != c.want {
			t.Errorf("a disk of %d MiB with a backlog of %d MiB: %d MiB, want %d", c.total/mib, c.backlog/mib, got/mib, c.want/mib)
		}
	}
}

// TestTheGuardRefusesBeforeTheDiskIsFull, on the real disk: a backlog of half
// of what is free leaves no space for what is made of it.
func TestTheGuardRefusesBeforeTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	backlog := fs.Bavail * uint64(fs.Bsize) / 2
	cfg := Config{DataDir: dir, Backlog: func() uint64 { return backlog }}
	cfg.setDefaults()
	var guard diskGuard
	now := time.Unix(1, 0)
	if err := guard.check(&cfg, now); !errors.Is(err, decode.ErrFull) {
		t.Error(err)
	}
	backlog, cfg.MinFree = 0, 1
	if err := guard.check(&cfg, now.Add(time.Second)); err != nil && fs.Bavail*uint64(fs.Bsize) > 1<<30 {
		t.Error("refused with space enough:", err)
	}
}
