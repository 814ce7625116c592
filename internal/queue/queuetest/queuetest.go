// Package queuetest is the suite that every driver of queue.Log passes. A
// driver's test hands over how to open a log and gets all of it:
//
//	func TestLog(t *testing.T) {
//		queuetest.Run(t, func(t *testing.T) queuetest.Harness {
//			dir := t.TempDir()
//			return queuetest.Harness{Open: func(t *testing.T) queue.Log { … open dir … }}
//		})
//	}
package queuetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/leewayhq/leeway/internal/queue"
)

// Harness is one place where a log can live. Each test gets a new one.
type Harness struct {
	// Open opens the log in that place, with at least two partitions, with room
	// for some 64 MiB, and with records of 8 MiB allowed and of 65 MiB refused.
	Open func(t *testing.T) queue.Log

	// Reopen says that the place outlives Close.
	Reopen bool

	// Trims says that Trim of everything removes what came before within
	// FillBytes of further appends.
	Trims     bool
	FillBytes int
}

// patience is how long a condition may take to come true.
const patience = 20 * time.Second

// Run runs the suite.
func Run(t *testing.T, harness func(t *testing.T) Harness) {
	tests := []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"records come back in order", testOrder},
		{"partitions are separate", testPartitions},
		{"concurrent appends all arrive once", testConcurrent},
		{"a waiting reader wakes", testWakes},
		{"reading goes back after a wait", testBack},
		{"a waiting reader obeys its context", testContext},
		{"a waiting reader obeys Close", testCloseWakes},
		{"maxBytes bounds a read", testMaxBytes},
		{"reading starts at any offset", testFrom},
		{"data has one owner", testOwnership},
		{"sizes from empty to large", testSizes},
		{"bounds enclose the records", testBounds},
		{"what is above the end is refused", testBeyond},
		{"trim keeps what is not released", testTrimKeeps},
		{"trimmed records are refused", testTrimmed},
		{"reopening keeps what was acknowledged", testReopen},
		{"a closed log refuses", testClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, harness(t)) })
	}
}

func open(t *testing.T, h Harness) queue.Log {
	t.Helper()
	l := h.Open(t)
	t.Cleanup(func() { _ = l.Close() }) // the second Close of many
	return l
}

func add(t *testing.T, l queue.Log, partition int, data []byte) queue.Offset {
	t.Helper()
	o, err := l.Append(t.Context(), partition, data)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return o
}

// read reads n records from an offset on.
func read(t *testing.T, l queue.Log, partition int, from queue.Offset, n int) []queue.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []queue.Record
	for len(all) < n {
		records, err := l.Read(ctx, partition, from, 1<<20)
		if err != nil {
			t.Fatalf("read from %d after %d of %d records: %v", from, len(all), n, err)
		}
		if len(records) == 0 {
			t.Fatal("read returned nothing and no error")
		}
		for _, r := range records {
			if r.Offset < from {
				t.Fatalf("offset %d does not increase: asked from %d", r.Offset, from)
			}
			from = r.Offset + 1
		}
		all = append(all, records...)
	}
	return all[:n]
}

func testOrder(t *testing.T, h Harness) {
	l := open(t, h)
	const n = 200
	var offsets []queue.Offset
	for i := range n {
		offsets = append(offsets, add(t, l, 0, fmt.Appendf(nil, "record %d", i)))
	}
	before := queue.Offset(0)
	for i, r := range read(t, l, 0, 0, n) {
		if want := fmt.Sprintf("record %d", i); string(r.Data) != want || r.Offset != offsets[i] {
			t.Fatalf("record %d is %q at %d, want %q at %d", i, r.Data, r.Offset, want, offsets[i])
		}
		if r.Offset <= before {
			t.Fatalf("offset %d after %d", r.Offset, before)
		}
		if r.Producer == 0 || r.Seq != uint64(i+1) {
			t.Fatalf("record %d has producer %d and sequence %d", i, r.Producer, r.Seq)
		}
		if age := time.Since(time.UnixMilli(r.Arrived)); age < -time.Minute || age > time.Hour {
			t.Fatalf("record arrived at %d", r.Arrived)
		}
		before = r.Offset
	}
}

func testPartitions(t *testing.T, h Harness) {
	l := open(t, h)
	if l.Partitions() < 2 {
		t.Fatalf("the harness opened %d partitions", l.Partitions())
	}
	add(t, l, 0, []byte("zero"))
	add(t, l, 1, []byte("one"))
	for i, want := range []string{"zero", "one"} {
		if r := read(t, l, i, 0, 1); string(r[0].Data) != want {
			t.Errorf("partition %d has %q", i, r[0].Data)
		}
	}
	for _, i := range []int{-1, l.Partitions()} {
		if _, err := l.Append(t.Context(), i, nil); !errors.Is(err, queue.ErrPartition) {
			t.Errorf("append to partition %d: %v", i, err)
		}
		if _, err := l.Read(t.Context(), i, 0, 1); !errors.Is(err, queue.ErrPartition) {
			t.Errorf("read of partition %d: %v", i, err)
		}
	}
}

func testConcurrent(t *testing.T, h Harness) {
	l := open(t, h)
	const writers, each = 16, 50
	var wg sync.WaitGroup
	var mu sync.Mutex
	want := map[string]queue.Offset{}
	for w := range writers {
		wg.Go(func() {
			last := queue.Offset(0)
			for i := range each {
				data := fmt.Sprintf("%d/%d", w, i)
				o, err := l.Append(t.Context(), 0, []byte(data))
				if err != nil || o <= last {
					t.Errorf("append: offset %d after %d, error %v", o, last, err)
					return
				}
				last = o
				mu.Lock()
				want[data] = o
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, r := range read(t, l, 0, 0, len(want)) {
		if want[string(r.Data)] != r.Offset {
			t.Fatalf("%q is at %d, was acknowledged at %d", r.Data, r.Offset, want[string(r.Data)])
		}
		delete(want, string(r.Data))
	}
	if len(want) > 0 {
		t.Fatalf("%d records are missing", len(want))
	}
}

type answer struct {
	records []queue.Record
	err     error
}

// readAside starts a read and returns once it has had a fair chance to wait.
func readAside(ctx context.Context, l queue.Log, from queue.Offset) <-chan answer {
	got, started := make(chan answer, 1), make(chan struct{})
	go func() {
		close(started)
		r, err := l.Read(ctx, 0, from, 1<<20)
		got <- answer{r, err}
	}()
	<-started
	return got
}

func await(t *testing.T, got <-chan answer) answer {
	t.Helper()
	select {
	case a := <-got:
		return a
	case <-time.After(patience):
		t.Fatal("the reader still waits")
		return answer{}
	}
}

func testWakes(t *testing.T, h Harness) {
	l := open(t, h)
	from := queue.Offset(0)
	for i := range 20 {
		got := readAside(t.Context(), l, from)
		add(t, l, 0, []byte{byte(i)})
		a := await(t, got)
		if a.err != nil || len(a.records) != 1 || a.records[0].Data[0] != byte(i) {
			t.Fatalf("round %d: %v, %v", i, a.records, a.err)
		}
		from = a.records[0].Offset + 1
	}
}

// testBack waits at the end and then reads what came before.
func testBack(t *testing.T, h Harness) {
	l := open(t, h)
	begin := add(t, l, 0, []byte("begin"))
	last := add(t, l, 0, []byte("last"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := l.Read(ctx, 0, last+1, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("read at the end: %v, %v", r, err)
	}
	if r := read(t, l, 0, begin, 2); r[0].Offset != begin || r[1].Offset != last {
		t.Fatalf("reading back begins at %d, want %d", r[0].Offset, begin)
	}
}

func testContext(t *testing.T, h Harness) {
	l := open(t, h)
	last := add(t, l, 0, []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	got := readAside(ctx, l, last+1)
	cancel()
	if a := await(t, got); !errors.Is(a.err, context.Canceled) {
		t.Fatalf("read returned %v, %v", a.records, a.err)
	}
	if _, err := l.Append(ctx, 0, []byte("y")); !errors.Is(err, context.Canceled) {
		t.Fatalf("append with an ended context: %v", err)
	}
}

func testCloseWakes(t *testing.T, h Harness) {
	l := open(t, h)
	got := readAside(t.Context(), l, 0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if a := await(t, got); !errors.Is(a.err, queue.ErrClosed) {
		t.Fatalf("read returned %v, %v", a.records, a.err)
	}
}

func testMaxBytes(t *testing.T, h Harness) {
	l := open(t, h)
	for range 20 {
		add(t, l, 0, make([]byte, 1000))
	}
	from := queue.Offset(0)
	for total := 0; total < 20; {
		records, err := l.Read(t.Context(), 0, from, 3500)
		if err != nil || len(records) == 0 || len(records) > 3 {
			t.Fatalf("read %d records of 1,000 bytes within 3,500, error %v", len(records), err)
		}
		total += len(records)
		from = records[len(records)-1].Offset + 1
	}
	if records, err := l.Read(t.Context(), 0, 0, 10); err != nil || len(records) != 1 {
		t.Fatalf("a record above maxBytes: %d records, error %v", len(records), err)
	}
}

func testFrom(t *testing.T, h Harness) {
	l := open(t, h)
	rng := rand.New(rand.NewPCG(1, 2))
	var offsets []queue.Offset
	for i := range 60 {
		offsets = append(offsets, add(t, l, 0, bytes.Repeat([]byte{byte(i)}, rng.IntN(20_000))))
	}
	for _, i := range rng.Perm(len(offsets)) {
		from := []queue.Offset{offsets[i]}
		if i > 0 {
			from = append(from, offsets[i-1]+1, offsets[i-1]+1+(offsets[i]-offsets[i-1]-1)/2)
		}
		for _, f := range from {
			if r := read(t, l, 0, f, 1); r[0].Offset != offsets[i] {
				t.Fatalf("read from %d begins at %d, want %d", f, r[0].Offset, offsets[i])
			}
		}
	}
}

func testOwnership(t *testing.T, h Harness) {
	l := open(t, h)
	data := []byte("first")
	add(t, l, 0, data)
	copy(data, "XXXXX") // Append must have done with it
	got := read(t, l, 0, 0, 1)[0].Data
	if string(got) != "first" {
		t.Fatalf("the log kept the caller's slice: %q", got)
	}
	got = append(got, "spill"...)
	for i := range got {
		got[i] = 'Y' // and Read must have let go of it
	}
	add(t, l, 0, []byte("second"))
	r := read(t, l, 0, 0, 2)
	if string(r[0].Data) != "first" || string(r[1].Data) != "second" || string(got) != "YYYYYYYYYY" {
		t.Fatalf("read %q, %q, and the first reader has %q", r[0].Data, r[1].Data, got)
	}
}

func testSizes(t *testing.T, h Harness) {
	l := open(t, h)
	rng := rand.New(rand.NewPCG(3, 4))
	sizes := []int{0, 1, 55, 56, 57, 1000, 32<<10 - 20, 32<<10 - 19, 32 << 10, 100_000, 8 << 20, 0}
	var want [][]byte
	for _, n := range sizes {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		want = append(want, b)
		add(t, l, 0, b)
	}
	for i, r := range read(t, l, 0, 0, len(want)) {
		if !bytes.Equal(r.Data, want[i]) {
			t.Errorf("record of %d bytes came back different, with %d", len(want[i]), len(r.Data))
		}
		if len(r.Data) > 0 && uintptr(unsafe.Pointer(&r.Data[0]))%8 != 0 {
			t.Errorf("record of %d bytes is not aligned to 8", len(r.Data))
		}
	}
	if _, err := l.Append(t.Context(), 0, make([]byte, 65<<20)); !errors.Is(err, queue.ErrTooLarge) {
		t.Errorf("a record of 65 MiB: %v", err)
	}
}

func bounds(t *testing.T, l queue.Log, partition int) (first, next queue.Offset) {
	t.Helper()
	first, next, err := l.Bounds(partition)
	if err != nil {
		t.Fatal(err)
	}
	return first, next
}

func testBounds(t *testing.T, h Harness) {
	l := open(t, h)
	if first, _ := bounds(t, l, 0); first != 0 {
		t.Errorf("nothing was removed, and first is %d", first)
	}
	for range 10 {
		_, next := bounds(t, l, 0)
		o := add(t, l, 0, []byte("x"))
		if o < next {
			t.Errorf("next was %d, and the record got %d", next, o)
		}
		if first, next := bounds(t, l, 0); first > o || next <= o {
			t.Errorf("bounds %d to %d do not enclose %d", first, next, o)
		}
	}
}

func testBeyond(t *testing.T, h Harness) {
	l := open(t, h)
	add(t, l, 0, []byte("x"))
	_, next := bounds(t, l, 0)
	var e *queue.BeyondError
	if _, err := l.Read(t.Context(), 0, next+1, 1); !errors.As(err, &e) || !errors.Is(err, queue.ErrBeyond) || e.Next != next {
		t.Errorf("read above the end: %v", err)
	}
	if err := l.Trim(0, next+1); !errors.Is(err, queue.ErrBeyond) {
		t.Errorf("trim above the end: %v", err)
	}
}

func testTrimKeeps(t *testing.T, h Harness) {
	l := open(t, h)
	var offsets []queue.Offset
	for range 50 {
		offsets = append(offsets, add(t, l, 0, make([]byte, 1000)))
	}
	if err := l.Trim(0, offsets[25]); err != nil {
		t.Fatal(err)
	}
	if r := read(t, l, 0, offsets[25], 25); r[0].Offset != offsets[25] {
		t.Fatalf("reading begins at %d, and %d is not released", r[0].Offset, offsets[25])
	}
}

func testTrimmed(t *testing.T, h Harness) {
	if !h.Trims {
		t.Skip("the driver leaves trimming to its broker")
	}
	l := open(t, h)
	begin := add(t, l, 0, []byte("begin"))
	last := begin
	for n := 0; n < h.FillBytes; n += 1 << 16 {
		last = add(t, l, 0, make([]byte, 1<<16))
		if err := l.Trim(0, last+1); err != nil {
			t.Fatal(err)
		}
	}
	first, _ := bounds(t, l, 0)
	if first <= begin || first > last+1 {
		t.Fatalf("first is %d after a trim below %d", first, last+1)
	}
	var e *queue.TrimmedError
	if _, err := l.Read(t.Context(), 0, begin, 1); !errors.As(err, &e) || !errors.Is(err, queue.ErrTrimmed) || e.First != first {
		t.Fatalf("reading what was trimmed: %v", err)
	}
	end := add(t, l, 0, []byte("end"))
	if r := read(t, l, 0, last+1, 1); r[0].Offset != end {
		t.Fatalf("the consumer goes on at %d, want %d", r[0].Offset, end)
	}
}

func testReopen(t *testing.T, h Harness) {
	if !h.Reopen {
		t.Skip("the place does not outlive the log")
	}
	var offsets []queue.Offset
	producers := map[uint64]bool{}
	for round := range 4 {
		l := open(t, h)
		if round > 0 {
			if _, next := bounds(t, l, 1); next <= offsets[len(offsets)-1] {
				t.Fatalf("next is %d, and %d was acknowledged", next, offsets[len(offsets)-1])
			}
		}
		for range 10 {
			offsets = append(offsets, add(t, l, 1, fmt.Append(nil, len(offsets))))
		}
		for i, r := range read(t, l, 1, 0, len(offsets)) {
			if r.Offset != offsets[i] || string(r.Data) != fmt.Sprint(i) {
				t.Fatalf("record %d is %q at %d, want offset %d", i, r.Data, r.Offset, offsets[i])
			}
			producers[r.Producer] = true
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(producers) != 4 {
		t.Errorf("4 openings have %d producer ids", len(producers))
	}
}

func testClosed(t *testing.T, h Harness) {
	l := open(t, h)
	add(t, l, 0, []byte("x"))
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.Append(t.Context(), 0, nil)
	_, errRead := l.Read(t.Context(), 0, 0, 1)
	_, _, errBounds := l.Bounds(0)
	for _, err := range []error{err, errRead, errBounds, l.Trim(0, 0)} {
		if !errors.Is(err, queue.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
