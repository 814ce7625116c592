package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/prometheus/client_golang/prometheus"
)

// TestEveryBitFlipIsNamed flips one bit of a closed log, in any byte of any
// segment. Every record must come back as it was, or be inside a damage that is
// named; and skipping the damage must give back all the others.
func TestEveryBitFlipIsNamed(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, orderly := range []bool{true, false} {
		fs, want := filled(t, orderly)
		var files []string
		numbers, err := listSegments(fs, "q/p0000")
		if err != nil || len(numbers) < 3 {
			t.Fatalf("%d segments, error %v", len(numbers), err)
		}
		for _, n := range numbers {
			files = append(files, "q/p0000/"+fileName(n))
		}
		for trial := range 300 {
			path := files[trial%len(files)]
			image, err := fs.UnsafeGetFileDataBuffer(path)
			if err != nil {
				t.Fatal(err)
			}
			at := rng.IntN(len(image))
			if !orderly && path == files[len(files)-1] {
				// What the last group commit wrote has no later witness.
				at = rng.IntN(lastWitness(t, fs, path))
			}
			flipped := fs.CrashClone(vfs.CrashCloneCfg{})
			image, _ = flipped.UnsafeGetFileDataBuffer(path)
			image[at] ^= 1 << rng.IntN(8)
			if lost := checkFlipped(t, flipped, path, want); t.Failed() {
				t.Fatalf("bit flipped in %s at %d of %d, orderly %v, %d lost", path, at, len(image), orderly, lost)
			}
		}
	}
}

// filled returns a disk with a log of several segments, and what is in it.
func filled(t *testing.T, orderly bool) (*vfs.MemFS, map[queue.Offset][]byte) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1, SegmentBytes: minSegmentBytes})
	rng := rand.New(rand.NewPCG(7, 8))
	want := map[queue.Offset][]byte{}
	for i := range 60 {
		data := noise(rng, rng.IntN(6000))
		if i%7 == 0 {
			data = noise(rng, rng.IntN(100))
		}
		want[mustAppend(t, l, 0, data)] = data
	}
	if !orderly {
		defer mustClose(t, l)
		return fs.CrashClone(vfs.CrashCloneCfg{}), want
	}
	mustClose(t, l)
	return fs.CrashClone(vfs.CrashCloneCfg{}), want
}

// lastWitness is the position below which the last entry of a file testifies
// that all was durable.
func lastWitness(t *testing.T, fs vfs.FS, path string) int {
	t.Helper()
	n, _, _ := strings.Cut(fs.PathBase(path), ".")
	var number uint32
	for _, c := range n {
		number = number*10 + uint32(c-'0')
	}
	r, f, err := openReader(fs, path, 0, number)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	synced := int64(0)
	for pos := int64(0); pos < r.limit; {
		h, end, err := r.entry(pos)
		if err != nil {
			break
		}
		synced, pos = h.synced, end
	}
	return int(synced)
}

func checkFlipped(t *testing.T, fs vfs.FS, path string, want map[queue.Offset][]byte) (lost int64) {
	t.Helper()
	reg := prometheus.NewRegistry()
	l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1, Registerer: reg})
	defer mustClose(t, l)
	records, err := readAll(t, l, 0, 0)
	var bad *queue.CorruptError
	if errors.As(err, &bad) {
		if bad.File != path || gather(t, reg)["leeway_queue_corrupt_places_total"] < 1 {
			t.Errorf("named %s, counted %v", bad.File, gather(t, reg))
		}
		if _, again := readAll(t, l, 0, bad.From); !errors.Is(again, queue.ErrCorrupt) {
			t.Errorf("the second read of the damage: %v", again)
		}
		next, err := l.SkipCorrupt(0, bad.From)
		if err != nil || next != bad.To {
			t.Errorf("skip: to %d, want %d, error %v", next, bad.To, err)
		}
		rest, err := readAll(t, l, 0, bad.From)
		if err != nil {
			t.Errorf("after the skip: %v", err)
		}
		records = append(records, rest...)
	} else if err != nil {
		t.Errorf("read: %v", err)
	}
	found := map[queue.Offset]bool{}
	for _, r := range records {
		if !bytes.Equal(r.Data, want[r.Offset]) {
			t.Errorf("record %d came back changed", r.Offset)
		}
		found[r.Offset] = true
	}
	for o := range want {
		if !found[o] {
			lost++
			if bad == nil || o < bad.From || o >= bad.To {
				t.Errorf("record %d vanished without a word", o)
			}
		}
	}
	if bad != nil && bad.Records >= 0 && bad.Records != lost {
		t.Errorf("%d records lost, the error says %d", lost, bad.Records)
	}
	return lost
}

// TestASkipIsRemembered skips a damage, opens the log again and reads on.
func TestASkipIsRemembered(t *testing.T) {
	fs, want := filled(t, true)
	image, err := fs.UnsafeGetFileDataBuffer("q/p0000/" + fileName(2))
	if err != nil {
		t.Fatal(err)
	}
	image[len(image)/2] ^= 4
	cfg := Config{Dir: "q", FS: fs, Partitions: 1}
	l := mustOpen(t, cfg)
	if _, err := l.SkipCorrupt(0, offsetAt(1, 0)); err == nil {
		t.Error("skipped what is not damaged")
	}
	_, err = readAll(t, l, 0, 0)
	var bad *queue.CorruptError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), fileName(2)) || !strings.Contains(err.Error(), "1 records at offsets") {
		t.Fatalf("read: %v", err)
	}
	if _, err := l.SkipCorrupt(0, bad.From); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	l = mustOpen(t, cfg)
	if records, err := readAll(t, l, 0, 0); err != nil || len(records) != len(want)-1 {
		t.Errorf("%d of %d records, error %v", len(records), len(want), err)
	}
}

func TestAMissingSegmentIsNamed(t *testing.T) {
	fs, _ := filled(t, true)
	if err := fs.Remove("q/p0000/" + fileName(2)); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1})
	before, err := readAll(t, l, 0, 0)
	var bad *queue.CorruptError
	if !errors.As(err, &bad) || bad.From != offsetAt(2, 0) || bad.To != offsetAt(3, 0) || len(before) == 0 {
		t.Fatalf("read %d records, then: %v", len(before), err)
	}
	if next, err := l.SkipCorrupt(0, bad.From); err != nil || next != bad.To {
		t.Fatalf("skip: %d, %v", next, err)
	}
	if rest, err := readAll(t, l, 0, bad.From); err != nil || len(rest) == 0 {
		t.Errorf("after the skip: %d records, error %v", len(rest), err)
	}
}

// TestALostTailShows cuts the last segment: the log itself cannot know, but the
// consumer's offset can.
func TestALostTailShows(t *testing.T) {
	fs, want := filled(t, false)
	var last queue.Offset
	for o := range want {
		last = max(last, o)
	}
	number, pos := split(last)
	image, err := fs.UnsafeGetFileDataBuffer("q/p0000/" + fileName(number))
	if err != nil {
		t.Fatal(err)
	}
	clear(image[pos:])
	l := mustOpen(t, Config{Dir: "q", FS: fs, Partitions: 1})
	if _, next, err := l.Bounds(0); err != nil || next > last {
		t.Errorf("next is %d with record %d gone, error %v", next, last, err)
	}
	if _, err := l.Read(t.Context(), 0, last+1, 1); !errors.Is(err, queue.ErrBeyond) {
		t.Errorf("the consumer goes on: %v", err)
	}
}

// TestDataCannotImitateAnEntry puts the exact bytes of entries into the data,
// damages what is around them, and expects none of them to come up.
func TestDataCannotImitateAnEntry(t *testing.T) {
	fs := vfs.NewMem()
	cfg := Config{Dir: "q", FS: fs, Partitions: 1}
	l := mustOpen(t, cfg)
	before := mustAppend(t, l, 0, []byte("x"))
	_, pos := split(before)
	at := entryEnd(pos, 1)
	// The forger knows all but the producer's number.
	h := header{kind: kindData, offset: offsetAt(1, at+2*chunkHeader+headerSize), producer: 1, seq: 2}
	var head [headerSize]byte
	h.encode(&head)
	forged := make([]byte, chunkHeader, 200)
	forged[6] = chunkFull
	binary.LittleEndian.PutUint16(forged[4:], headerSize)
	binary.LittleEndian.PutUint32(forged[7:], 1)
	forged = append(forged, head[:]...)
	binary.LittleEndian.PutUint32(forged, chunkSum(forged[6:]))
	forged = append(forged, make([]byte, 100)...)
	mustAppend(t, l, 0, forged)
	after := mustAppend(t, l, 0, []byte("y"))
	mustClose(t, l)
	image, err := fs.UnsafeGetFileDataBuffer("q/p0000/" + fileName(1))
	if err != nil {
		t.Fatal(err)
	}
	image[at+chunkHeader+20] ^= 1 // the header of the forger's record
	l = mustOpen(t, cfg)
	_, err = readAll(t, l, 0, 0)
	var bad *queue.CorruptError
	if !errors.As(err, &bad) || bad.To != after || bad.Records != 1 {
		t.Errorf("want one record lost below %d: %v", after, err)
	}
}

// TestPebbleReadsTheSame holds our reader to the library whose writer we use.
func TestPebbleReadsTheSame(t *testing.T) {
	fs, want := filled(t, true)
	numbers, err := listSegments(fs, "q/p0000")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range numbers {
		f, err := fs.Open("q/p0000/" + fileName(n))
		if err != nil {
			t.Fatal(err)
		}
		r := newPebbleReader(record.NewReader, f, n)
		for {
			var h header
			b := nextRecord(t, r)
			if b == nil {
				break
			}
			if len(b) != headerSize {
				t.Fatalf("a header of %d bytes", len(b))
			}
			if h, err = decodeHeader((*[headerSize]byte)(b)); err != nil {
				t.Fatal(err)
			}
			body := nextRecord(t, r)
			if h.kind == kindData {
				if !bytes.Equal(body[:h.length], want[h.offset]) {
					t.Errorf("record %d differs", h.offset)
				}
				delete(want, h.offset)
			}
		}
		f.Close()
	}
	if len(want) > 0 {
		t.Errorf("pebble does not see %d records", len(want))
	}
}

func newPebbleReader[N ~uint64](open func(io.Reader, N) *record.Reader, f io.Reader, number uint32) *record.Reader {
	return open(f, N(number))
}

func nextRecord(t *testing.T, r *record.Reader) []byte {
	t.Helper()
	one, err := r.Next()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(one)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
