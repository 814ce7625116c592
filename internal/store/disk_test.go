package store

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// smallDisk is a disk in memory that is full at times.
type smallDisk struct {
	vfs.FS
	full  atomic.Bool
	asked atomic.Int32
}

func newSmallDisk() *smallDisk {
	d := &smallDisk{}
	d.FS = errorfs.Wrap(vfs.NewCrashableMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if d.full.Load() && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate) {
			return syscall.ENOSPC
		}
		return nil
	}))
	return d
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	d.asked.Add(1)
	if d.full.Load() {
		return vfs.DiskUsage{AvailBytes: 4096, TotalBytes: 1 << 30}, nil
	}
	return vfs.DiskUsage{AvailBytes: 1 << 29, TotalBytes: 1 << 30}, nil
}

// open opens a database; what ends it comes from the channel.
func open(t *testing.T, fs vfs.FS) (*pebble.DB, chan error) {
	t.Helper()
	fatal := make(chan error, 10)
	l := Log{Logger: slog.New(slog.DiscardHandler), Dir: "db", Fatal: func(err error) {
		fatal <- err
		select {} // as a process that ends
	}}
	db, err := pebble.Open("db", &pebble.Options{FS: fs, Logger: l, MemTableSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return db, fatal
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.After(10*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}

func TestAWriteWaitsForSpace(t *testing.T) {
	small := newSmallDisk()
	d := NewDisk(small, "db", slog.New(slog.DiscardHandler))
	d.every = time.Millisecond
	db, fatal := open(t, d)
	if err := db.Set([]byte("before"), []byte("1"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	small.full.Store(true)
	done := make(chan error, 1)
	go func() {
		// More than a memtable, so that a new log is begun and a table written.
		for range 100 {
			if err := db.Set([]byte("during"), make([]byte, 2<<10), pebble.Sync); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	eventually(t, "nobody looked whether there is space again", func() bool { return small.asked.Load() > 3 })
	if _, c, err := db.Get([]byte("before")); err != nil || c.Close() != nil {
		t.Error("no reading while writing waits:", err)
	}
	select {
	case err := <-done:
		t.Fatal("written on a full disk:", err)
	case err := <-fatal:
		t.Fatal(err)
	default:
	}
	small.full.Store(false)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAStopDoesNotWaitForSpace: once released, the disk ends the process with
// one clear line, and the next start finds what was acknowledged.
func TestAStopDoesNotWaitForSpace(t *testing.T) {
	small := newSmallDisk()
	d := NewDisk(small, "db", slog.New(slog.DiscardHandler))
	db, fatal := open(t, d)
	if err := db.Set([]byte("before"), []byte("1"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	small.full.Store(true)
	go func() { _ = db.Set([]byte("during"), []byte("2"), pebble.Sync) }()
	eventually(t, "nobody looked whether there is space", func() bool { return small.asked.Load() > 0 })
	d.Release()
	d.Release()
	if err := <-fatal; !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	mem := vfs.Root(small.FS).(*vfs.MemFS)
	again, _ := open(t, mem.CrashClone(vfs.CrashCloneCfg{}))
	if _, c, err := again.Get([]byte("before")); err != nil || c.Close() != nil {
		t.Error("what was acknowledged is lost:", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestOtherFailuresEndTheDatabaseAtOnce: also a full disk that does not say how
// much space there is.
func TestOtherFailuresEndTheDatabaseAtOnce(t *testing.T) {
	small := newSmallDisk()
	db, fatal := open(t, NewDisk(struct{ vfs.FS }{small.FS}, "db", slog.New(slog.DiscardHandler)))
	small.full.Store(true) // a disk in memory does not say how full it is
	go func() { _ = db.Set([]byte("a"), []byte("1"), pebble.Sync) }()
	if err := <-fatal; !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	defer func() {
		if err, _ := recover().(error); err == nil || errors.Is(err, ErrDiskFull) {
			t.Error("without Fatal, the end of the database is a panic:", err)
		}
	}()
	Log{Logger: slog.New(slog.DiscardHandler), Dir: "db"}.Fatalf("bad block: %v", errors.New("checksum"))
}
