package segment

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/prometheus/client_golang/prometheus"
)

func TestFullRefusesUntilReleased(t *testing.T) {
	reg := prometheus.NewRegistry()
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 2, Registerer: reg,
		SegmentBytes: 128 << 10, MaxBytes: 1 << 20, MaxRecordBytes: 64 << 10})
	var offsets []queue.Offset
	var full error
	for full == nil {
		o, err := l.Append(t.Context(), 0, make([]byte, 10_000))
		if full = err; err == nil {
			offsets = append(offsets, o)
		}
	}
	if !errors.Is(full, queue.ErrFull) || len(offsets) < 90 {
		t.Fatalf("%d records of 10,000 bytes, then: %v", len(offsets), full)
	}
	if records, err := readAll(t, l, 0, 0); err != nil || len(records) != len(offsets) {
		t.Fatalf("%d of %d records are left, error %v", len(records), len(offsets), err)
	}
	if err := l.Trim(0, offsets[len(offsets)/2]); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 1, make([]byte, 10_000)) // room in one partition is room in all
	if _, err := l.Read(t.Context(), 0, offsets[len(offsets)/2], 1); err != nil {
		t.Errorf("what is not released: %v", err)
	}
	got := gather(t, reg)
	if got["leeway_queue_full_total"] != 1 || got["leeway_queue_trimmed_segments_total"] < 1 {
		t.Errorf("counted %v refusals, %v segments", got["leeway_queue_full_total"], got["leeway_queue_trimmed_segments_total"])
	}
}

// TestAReleasedActiveSegmentMakesRoom: segments larger than the cap would else
// fill the log for good.
func TestAReleasedActiveSegmentMakesRoom(t *testing.T) {
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1, MaxBytes: 1 << 20, MaxRecordBytes: 64 << 10})
	for range 500 {
		o := mustAppend(t, l, 0, make([]byte, 50_000))
		if err := l.Trim(0, o+1); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRetentionKeepsForReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1,
			SegmentAge: time.Hour, RetentionAge: 5 * time.Hour, MaxBytes: 1 << 30})
		var offsets []queue.Offset
		for range 10 {
			offsets = append(offsets, mustAppend(t, l, 0, []byte("x")))
			time.Sleep(time.Hour)
		}
		if err := l.Trim(0, offsets[2]+1); err != nil {
			t.Fatal(err)
		}
		if first, _, _ := l.Bounds(0); first != offsets[2]+1 {
			t.Errorf("three old hours are released, and first is %d, want %d", first, offsets[2]+1)
		}
		if err := l.Trim(0, offsets[9]+1); err != nil {
			t.Fatal(err)
		}
		// An hour's segment goes when the next one is more than five hours old.
		if first, _, _ := l.Bounds(0); first != offsets[3]+1 {
			t.Errorf("all is released, and first is %d, want %d", first, offsets[3]+1)
		}
		mustClose(t, l)
	})
}

func TestRetentionBytesBoundsTheReplay(t *testing.T) {
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1,
		SegmentBytes: 128 << 10, RetentionBytes: 512 << 10, MaxBytes: 4 << 20, MaxRecordBytes: 64 << 10})
	for range 200 {
		o := mustAppend(t, l, 0, make([]byte, 10_000))
		if err := l.Trim(0, o+1); err != nil {
			t.Fatal(err)
		}
		if n := l.size.Load(); n > 700<<10 {
			t.Fatalf("the log has %d bytes", n)
		}
	}
	if n := l.size.Load(); n < 300<<10 {
		t.Errorf("only %d bytes are kept for a replay", n)
	}
}

// TestARestartReleasesNothing: the release is the consumer's word, not the log's.
func TestARestartReleasesNothing(t *testing.T) {
	cfg := Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1, SegmentBytes: 128 << 10,
		RetentionBytes: 1 << 20, MaxBytes: 1 << 20, MaxRecordBytes: 64 << 10}
	l := mustOpen(t, cfg)
	var last queue.Offset
	for range 80 {
		last = mustAppend(t, l, 0, make([]byte, 10_000))
	}
	if err := l.Trim(0, last+1); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	l = mustOpen(t, cfg)
	var err error
	n := 80
	for ; err == nil; n++ {
		_, err = l.Append(t.Context(), 0, make([]byte, 10_000))
	}
	records, readErr := readAll(t, l, 0, 0)
	if !errors.Is(err, queue.ErrFull) || readErr != nil || len(records) != n-1 {
		t.Errorf("%d of %d records, read %v, append %v", len(records), n-1, readErr, err)
	}
	if err := l.Trim(0, last+1); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, 0, make([]byte, 10_000))
}

func TestDump(t *testing.T) {
	cfg := Config{Dir: "q", FS: vfs.NewMem(), Partitions: 2, SegmentBytes: minSegmentBytes}
	l := mustOpen(t, cfg)
	first := mustAppend(t, l, 0, []byte("hello"))
	for range 4 {
		mustAppend(t, l, 1, make([]byte, 30_000))
	}
	var running bytes.Buffer
	if err := Dump(&running, "q", DumpOptions{FS: cfg.FS}); err != nil { // while the log is open
		t.Fatal(err)
	}
	for _, want := range []string{"format 2, 2 partitions", "4294967406\tat byte 110\tseq 1\t", "\t5 bytes\tsums ok",
		"segment 0000000002.log", "total: 5 records, 120005 bytes of data, 0 damaged places"} {
		if !strings.Contains(running.String(), want) {
			t.Errorf("no %q in\n%s", want, &running)
		}
	}
	if first != 4294967406 {
		t.Errorf("the format changed: the first record is at %d", first)
	}
	mustClose(t, l)
	image, err := cfg.FS.(*vfs.MemFS).UnsafeGetFileDataBuffer("q/p0001/" + fileName(1))
	if err != nil {
		t.Fatal(err)
	}
	image[20_000] ^= 1
	var damaged bytes.Buffer
	if err := Dump(&damaged, "q", DumpOptions{FS: cfg.FS, Partitions: []int{1}, NoRecords: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DAMAGED: offsets 4294967406 to below", "1 records: chunk fails its checksum", "total: 3 records"} {
		if !strings.Contains(damaged.String(), want) {
			t.Errorf("no %q in\n%s", want, &damaged)
		}
	}
	if err := Dump(&damaged, "q", DumpOptions{FS: cfg.FS, Partitions: []int{2}}); !errors.Is(err, queue.ErrPartition) {
		t.Errorf("dump of partition 2: %v", err)
	}
}

func TestBacklogIsWhatIsNotReleased(t *testing.T) {
	l, err := Open(Config{Dir: t.TempDir(), Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	data := make([]byte, 10_000)
	for range 10 {
		if _, err := l.Append(t.Context(), 1, data); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.Backlog(); n < 100_000 || n > 110_000 {
		t.Fatal(n)
	}
	_, next, err := l.Bounds(1)
	if err == nil {
		err = l.Trim(1, next)
	}
	if n := l.Backlog(); err != nil || n > 5_000 {
		t.Fatal(n, err)
	}
}
