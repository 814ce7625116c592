package segment

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/prometheus/client_golang/prometheus"
)

// noise is data that can be told apart and that does not compress to zeros.
func noise(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// TestCrashKeepsWhatWasAcknowledged pulls the plug at random moments under
// concurrent appends. The disk keeps what was synced and a random part of the
// rest, block by block.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	trials := 60
	if testing.Short() {
		trials = 10
	}
	for seed := range trials {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		fs := vfs.NewCrashableMem()
		acknowledged := map[queue.Offset][]byte{}
		for range 1 + rng.IntN(3) { // crashes upon crashes
			fs = crashOnce(t, fs, rng, acknowledged)
		}
		reg := prometheus.NewRegistry()
		l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1, Registerer: reg})
		checkAcknowledged(t, l, acknowledged)
		if n := gather(t, reg)["leeway_queue_corrupt_places_total"]; n != 0 {
			t.Fatalf("seed %d: a torn write was taken for %v corrupt places", seed, n)
		}
		mustClose(t, l)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// crashOnce opens the log, checks it, appends from some goroutines, and returns
// the disk as a power cut at a random moment leaves it. It adds to acknowledged
// what was answered before that moment.
func crashOnce(t *testing.T, fs *vfs.MemFS, rng *rand.Rand, acknowledged map[queue.Offset][]byte) *vfs.MemFS {
	t.Helper()
	l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1, SegmentBytes: minSegmentBytes << rng.IntN(3)})
	checkAcknowledged(t, l, acknowledged)
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		crashed bool
	)
	plug := make(chan struct{})
	writers, total := 1+rng.IntN(4), 5+rng.IntN(40)
	cutAt := rng.IntN(total)
	size := []int{60, 3000, 90_000}[rng.IntN(3)]
	count := 0
	for range writers {
		seed := rng.Uint64()
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for range total/writers + 1 {
				data := noise(rng, rng.IntN(size))
				o, err := l.Append(t.Context(), 0, data)
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				if !crashed {
					acknowledged[o] = data
				}
				if count++; count == cutAt+1 {
					close(plug)
				}
				mu.Unlock()
			}
		})
	}
	<-plug
	mu.Lock()
	crashed = true // before the clone: what is answered from now on does not count
	mu.Unlock()
	after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 90}[rng.IntN(3)], RNG: rng})
	wg.Wait()
	mustClose(t, l)
	return after
}

func checkAcknowledged(t *testing.T, l *Log, acknowledged map[queue.Offset][]byte) {
	t.Helper()
	records, err := readAll(t, l, 0, 0)
	if err != nil {
		t.Errorf("read after a crash: %v", err)
	}
	found := map[queue.Offset][]byte{}
	for _, r := range records {
		found[r.Offset] = r.Data
	}
	for o, data := range acknowledged {
		if got, ok := found[o]; !ok || !bytes.Equal(got, data) {
			t.Errorf("record at %d (%d bytes) was acknowledged and is gone", o, len(data))
		}
	}
	// Unacknowledged records may have survived; from now on they are in the log.
	for o, data := range found {
		acknowledged[o] = data
	}
}

func TestAFailedSyncMakesTheLogReadOnly(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileSyncData, errorfs.OpFileWrite} {
		mem := vfs.NewCrashableMem()
		fault := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == kind && strings.HasSuffix(op.Path, ".log") {
				return errorfs.ErrInjected
			}
			return nil
		})}
		reg := prometheus.NewRegistry()
		l := mustOpen(t, Config{Dir: "q", FS: errorfs.Wrap(mem, fault), Partitions: 2, Registerer: reg})
		kept := mustAppend(t, l, 0, []byte("kept"))
		fault.On()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := l.Append(t.Context(), 0, []byte("lost")); !errors.Is(err, queue.ErrReadOnly) {
					t.Errorf("append while the disk fails: %v", err)
				}
			})
		}
		wg.Wait()
		fault.Off() // a disk that works again changes nothing
		for partition := range 2 {
			if _, err := l.Append(t.Context(), partition, nil); !errors.Is(err, queue.ErrReadOnly) || !errors.Is(err, errorfs.ErrInjected) {
				t.Errorf("append to partition %d afterwards: %v", partition, err)
			}
		}
		records, err := readAll(t, l, 0, 0)
		if err != nil || len(records) != 1 || records[0].Offset != kept {
			t.Errorf("reading shows %v, error %v", records, err)
		}
		if gather(t, reg)["leeway_queue_read_only"] != 1 {
			t.Error("the gauge does not show it")
		}
		if err := l.Close(); err == nil {
			t.Error("Close says that all is well")
		}
		l = mustOpen(t, Config{Dir: "q", FS: mem.CrashClone(vfs.CrashCloneCfg{}), Partitions: 2})
		if records, err := readAll(t, l, 0, 0); err != nil || len(records) != 1 {
			t.Errorf("after a crash: %d records, error %v", len(records), err)
		}
		mustAppend(t, l, 0, []byte("again"))
	}
}

// TestCrashWhileClosing cuts the power while Close syncs: the end entry may be
// on the disk and the appends before it not.
func TestCrashWhileClosing(t *testing.T) {
	mem := vfs.NewCrashableMem()
	entered, release := make(chan struct{}), make(chan struct{})
	var clones []*vfs.MemFS
	hold := &errorfs.Toggle{}
	held := false // used by the one goroutine of the log writer
	hold.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileSyncData {
			return nil
		}
		if !held {
			held = true
			close(entered)
			<-release
			return nil
		}
		for seed := range 40 {
			cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: 60, RNG: rand.New(rand.NewPCG(uint64(seed), 9))}
			clones = append(clones, mem.CrashClone(cfg))
		}
		hold.Off()
		return nil
	})
	l := mustOpen(t, Config{Dir: "q", FS: errorfs.Wrap(mem, hold), Partitions: 1})
	acknowledged := map[queue.Offset][]byte{}
	rng := rand.New(rand.NewPCG(9, 9))
	first, second := noise(rng, 10), noise(rng, 50_000)
	acknowledged[mustAppend(t, l, 0, first)] = first
	hold.On()
	var wg sync.WaitGroup
	adding := func(data []byte) {
		before := l.size.Load()
		wg.Go(func() { mustAppend(t, l, 0, data) })
		until(t, func() bool { return l.size.Load() > before })
	}
	adding(first)
	<-entered
	adding(second)
	before := l.size.Load()
	wg.Go(func() { mustClose(t, l) })
	until(t, func() bool { return l.size.Load() > before })
	close(release)
	wg.Wait()
	if len(clones) == 0 {
		t.Fatal("no crash happened")
	}
	for _, fs := range clones {
		reg := prometheus.NewRegistry()
		l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1, Registerer: reg})
		checkAcknowledged(t, l, maps.Clone(acknowledged))
		if n := gather(t, reg)["leeway_queue_corrupt_places_total"]; n != 0 {
			t.Fatalf("%v corrupt places", n)
		}
	}
}

// until waits for a condition that needs no more than another goroutine's turn.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the condition did not come true")
		}
	}
}

// TestWhatARestartShowsIsDurable: a record whose sync failed may be in the file.
// Once a reader has seen it, a power cut must not take it.
func TestWhatARestartShowsIsDurable(t *testing.T) {
	mem := vfs.NewCrashableMem()
	fault := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData {
			return errorfs.ErrInjected
		}
		return nil
	})}
	l := mustOpen(t, Config{Dir: "q", FS: errorfs.Wrap(mem, fault), Partitions: 1})
	mustAppend(t, l, 0, []byte("one"))
	fault.On()
	if _, err := l.Append(t.Context(), 0, []byte("two")); err == nil {
		t.Fatal("append without a sync")
	}
	_ = l.Close() // says that the log had failed
	l = mustOpen(t, Config{Dir: "q", FS: mem, Partitions: 1})
	shown, err := readAll(t, l, 0, 0)
	if err != nil || len(shown) != 2 {
		t.Fatalf("%d records, error %v", len(shown), err)
	}
	l = mustOpen(t, Config{Dir: "q", FS: mem.CrashClone(vfs.CrashCloneCfg{}), Partitions: 1})
	if after, err := readAll(t, l, 0, 0); err != nil || len(after) != 2 {
		t.Errorf("a power cut left %d records, error %v", len(after), err)
	}
}
