package segment

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestTailAndDiskGiveTheSame reads from every offset, with any size of tail and
// in any order of appends, reads and releases, and compares with the files.
func TestTailAndDiskGiveTheSame(t *testing.T) {
	for _, size := range []int64{1, 2000, 40_000, 64 << 20} {
		rng := rand.New(rand.NewPCG(uint64(size), 3))
		reg := prometheus.NewRegistry()
		l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1, SegmentBytes: minSegmentBytes, TailBytes: size, Registerer: reg})
		var want []queue.Record
		for range 400 {
			data := noise(rng, rng.IntN(3000))
			o := mustAppend(t, l, 0, data)
			want = append(want, queue.Record{Offset: o, Data: data})
			if rng.IntN(3) == 0 {
				at := max(0, len(want)-1-rng.IntN(20))
				checkRead(t, l, want[at:], 1+rng.IntN(20_000))
			}
			if rng.IntN(10) == 0 {
				at := rng.IntN(len(want))
				checkRead(t, l, want[at:], 1+rng.IntN(20_000))
				l.parts[0].tail.release(want[at].Offset)
			}
			if held := l.parts[0].tail.size(); int64(held) > size {
				t.Fatalf("the tail has %d bytes of at most %d", held, size)
			}
		}
		for at := range want {
			checkRead(t, l, want[at:], 5000)
		}
		if n := gather(t, reg)["leeway_queue_read_records_total"]; n == 0 {
			t.Error("no read was counted")
		}
		mustClose(t, l)
	}
}

// checkRead reads from the first of want on.
func checkRead(t *testing.T, l *Log, want []queue.Record, maxBytes int) {
	t.Helper()
	got, err := l.Read(t.Context(), 0, want[0].Offset, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for i, r := range got {
		size += len(r.Data)
		if r.Offset != want[i].Offset || !bytes.Equal(r.Data, want[i].Data) || r.Producer != l.producer || r.Seq == 0 || r.Arrived == 0 {
			t.Fatalf("record %d of the read: %d, wanted %d", i, r.Offset, want[i].Offset)
		}
	}
	if len(got) == 0 || len(got) > 1 && size > maxBytes {
		t.Fatalf("%d records of %d bytes, asked for %d", len(got), size, maxBytes)
	}
}

// TestTailShowsDurableRecordsOnly holds a sync back: a reader must not get the
// record before it is done, and never when it failed.
func TestTailShowsDurableRecordsOnly(t *testing.T) {
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1})
	first := mustAppend(t, l, 0, []byte("first"))
	p := l.parts[0]
	s := &segment{number: 1 << 20}
	hidden := kept{queue.Record{Offset: offsetAt(s.number, 100), Data: []byte("hidden")}, s, 200}
	p.tail.add(hidden)
	records, known := p.tail.read(first+1, 100)
	if len(records) > 0 || !known {
		t.Fatalf("%d records, known %v: not durable yet", len(records), known)
	}
	s.advance(199)
	if records, _ = p.tail.read(first+1, 100); len(records) > 0 {
		t.Fatal("shown before its last byte was durable")
	}
	s.advance(200)
	if records, _ = p.tail.read(first+1, 100); !reflect.DeepEqual(records, []queue.Record{hidden.Record}) {
		t.Fatalf("got %+v", records)
	}
}

// TestAppendedDataMayBeReused changes the memory of an append after its return.
func TestAppendedDataMayBeReused(t *testing.T) {
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1})
	data := []byte("what was appended")
	o := mustAppend(t, l, 0, data)
	clear(data)
	records, err := l.Read(t.Context(), 0, o, 100)
	if err != nil || string(records[0].Data) != "what was appended" {
		t.Fatalf("%q, error %v", records[0].Data, err)
	}
}

// TestAReaderAtTheEndLeavesTheDiskAlone waits for each record and reads it.
func TestAReaderAtTheEndLeavesTheDiskAlone(t *testing.T) {
	reg := prometheus.NewRegistry()
	l := mustOpen(t, Config{Dir: "q", FS: vfs.NewMem(), Partitions: 1, SegmentBytes: minSegmentBytes, Registerer: reg})
	next := queue.Offset(0)
	for range 100 {
		o := mustAppend(t, l, 0, make([]byte, 3000))
		records, err := l.Read(t.Context(), 0, next, 1<<20)
		if err != nil || len(records) != 1 || records[0].Offset != o {
			t.Fatalf("%d records, error %v", len(records), err)
		}
		next = o + 1
	}
	if n := len(l.parts[0].cursors); n > 1 {
		t.Errorf("%d files are open for reading", n)
	}
	if d := testutil.ToFloat64(l.metrics.fromDisk); d > 1 {
		t.Errorf("%v records were read from the disk", d)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Read(ended, 0, next, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("reading past the end: %v", err)
	}
}
