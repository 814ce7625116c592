package alert

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	disk "github.com/leewayhq/leeway/internal/store"
)

// TestAFullDiskIsSaidClearly: the database ends the process through Fatal, not
// with a panic.
func TestAFullDiskIsSaidClearly(t *testing.T) {
	var full atomic.Bool
	fs := errorfs.Wrap(vfs.NewCrashableMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpFileWrite {
			return syscall.ENOSPC
		}
		return nil
	}))
	fatal := make(chan error, 10)
	s, err := openStore(Config{Dir: "alert", FS: fs, Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) {
		fatal <- err
		select {} // as a process that ends
	}})
	if err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	go func() { _ = s.putRule(Rule{Name: "a"}) }()
	if err := <-fatal; !errors.Is(err, disk.ErrDiskFull) {
		t.Fatal(err)
	}
}
