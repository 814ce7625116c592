package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/event"
)

var ctx = context.Background()

const start = int64(1_777_636_800_000) // 2026-05-01T12:00:00Z

func openAt(t testing.TB, fs vfs.FS, change func(*Config)) *Archive {
	t.Helper()
	cfg := Config{Dir: "logs", FS: fs, Now: func() time.Time { return time.UnixMilli(start) }}
	if change != nil {
		change(&cfg)
	}
	a, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// batch is log lines a second apart, their messages "line N …".
func batch(arrived int64, first, n int) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: event.Logs, Arrived: arrived}, Rows: n}
	level := event.Dict{Name: "level", Values: []string{"info", "error"}}
	service := event.Dict{Name: "service", Values: []string{"api", "batch"}}
	for i := range n {
		k := first + i
		b.Time = append(b.Time, start+int64(k)*1000)
		level.Codes = append(level.Codes, int32(k%2))
		service.Codes = append(service.Codes, int32(k/2%2))
		b.Message.Append(fmt.Sprintf("line %d of Größe", k))
		b.Attrs.Append(fmt.Sprintf(`{"request":"r-%05d"}`, k))
	}
	b.Cats = []event.Dict{level, service}
	return b
}

func add(t *testing.T, a *Archive, partition int, offset uint64, b ...*event.Batch) {
	t.Helper()
	if err := a.Append(ctx, partition, offset, b); err != nil {
		t.Fatal(err)
	}
}

func flush(t *testing.T, a *Archive, partition int) {
	t.Helper()
	if err := a.Flush(ctx, partition); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, a *Archive, q Query) *Page {
	t.Helper()
	p, err := a.Search(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// numbers are the Ns of the lines.
func numbers(lines []Line) []int {
	out := []int{}
	for i := range lines {
		var n int
		fmt.Sscanf(lines[i].Message, "line %d", &n)
		out = append(out, n)
	}
	return out
}

func TestSearch(t *testing.T) {
	a := openAt(t, vfs.NewMem(), nil)
	add(t, a, 0, 5, batch(start, 0, 10))
	flush(t, a, 0)
	add(t, a, 1, 3, batch(start, 10, 10))
	flush(t, a, 1)
	add(t, a, 0, 9, batch(start, 20, 4)) // stays in memory
	for name, c := range map[string]struct {
		q    Query
		want []int
	}{
		"all":         {Query{Limit: 3}, []int{23, 22, 21}},
		"time":        {Query{From: start + 8000, To: start + 12000}, []int{11, 10, 9, 8}},
		"level":       {Query{Levels: []string{"error"}, To: start + 6000}, []int{5, 3, 1}},
		"service":     {Query{Service: "batch", To: start + 8000}, []int{7, 6, 3, 2}},
		"text":        {Query{Text: "LINE 1"}, []int{19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1}},
		"attributes":  {Query{Text: "r-00022"}, []int{22}},
		"umlaut":      {Query{Text: "GRÖSSE"}, []int{}},
		"umlaut fold": {Query{Text: "GRÖßE", To: start + 2000}, []int{1, 0}},
		"short text":  {Query{Text: "2 ", To: start + 13000}, []int{12, 2}},
		"nothing":     {Query{Text: "absent"}, []int{}},
		"model":       {Query{Model: "m"}, []int{}},
	} {
		if got := numbers(find(t, a, c.q).Lines); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, wanted %v", name, got, c.want)
		}
	}
	l := find(t, a, Query{Text: "line 7 "}).Lines[0]
	if l.Time != start+7000 || l.Level != "error" || l.Service != "batch" || l.Attrs != `{"request":"r-00007"}` || l.Message != "line 7 of Größe" {
		t.Errorf("%+v", l)
	}
}

func TestPagesMeetEndToEnd(t *testing.T) {
	a := openAt(t, vfs.NewMem(), func(c *Config) { c.MergeCount = 2 })
	for i := range 10 {
		b := batch(start, i*7, 7)
		for j := range b.Time {
			b.Time[j] = start + int64(i%3) // many lines of the same time, in many files
		}
		add(t, a, i%2, uint64(i), b)
		flush(t, a, i%2)
	}
	var got []int
	q := Query{Limit: 4}
	for page := 0; ; page++ {
		p := find(t, a, q)
		got = append(got, numbers(p.Lines)...)
		if q.Cursor = p.Next; q.Cursor == "" {
			break
		}
		if page == 5 {
			if err := a.Maintain(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(got)
	want := make([]int, 70)
	for i := range want {
		want[i] = i
	}
	if !slices.Equal(got, want) {
		t.Fatal(got)
	}
	for _, c := range []string{"x", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "01.2.3.4"} {
		if _, err := a.Search(ctx, Query{Cursor: c}); !errors.Is(err, ErrBadCursor) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestAReplayCountsOnce(t *testing.T) {
	fs := vfs.NewMem()
	a := openAt(t, fs, nil)
	add(t, a, 2, 10, batch(start, 0, 2))
	add(t, a, 2, 10, batch(start, 2, 2)) // two batches of one record
	add(t, a, 2, 12, batch(start, 4, 1))
	flush(t, a, 2)
	add(t, a, 2, 13, batch(start, 5, 1)) // lost: never flushed
	a = openAt(t, fs, nil)
	if got := a.Committed(2); got != 13 || a.Committed(7) != 0 {
		t.Fatal(got)
	}
	add(t, a, 2, 10, batch(start, 0, 2), batch(start, 2, 2))
	add(t, a, 2, 12, batch(start, 4, 1))
	add(t, a, 2, 13, batch(start, 5, 1))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := numbers(find(t, a, Query{}).Lines); !slices.Equal(got, []int{5, 4, 3, 2, 1, 0}) {
		t.Fatal(got)
	}
	if n := testutil.ToFloat64(a.metrics.replayed); n != 2 {
		t.Error(n)
	}
	if err := a.Append(ctx, 2, 14, []*event.Batch{batch(start, 6, 1)}); err != nil {
		t.Fatal(err)
	}
}

func TestFullTailIsFlushed(t *testing.T) {
	a := openAt(t, vfs.NewMem(), func(c *Config) { c.TailBytes = 1000 })
	add(t, a, 0, 1, batch(start, 0, 10))
	add(t, a, 0, 1, batch(start, 10, 10)) // the same record: not cut
	if n, _ := a.Size(); n != 0 {
		t.Fatal("a record was cut in two")
	}
	add(t, a, 0, 2, batch(start, 20, 1))
	if n, _ := a.Size(); n != 1 || a.Committed(0) != 2 {
		t.Fatal(n, a.Committed(0))
	}
}

// TestCrashAnywhere stops the disk at each of its operations, loses what was
// not synced, and replays from where the archive says it stands.
func TestCrashAnywhere(t *testing.T) {
	for stop := range int32(400) {
		mem := vfs.NewCrashableMem()
		var done int32
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
				return nil
			}
			if done++; done > stop {
				return errorfs.ErrInjected
			}
			return nil
		}))
		acknowledged, err := script(fs)
		crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(stop), 1))})
		a := openAt(t, crashed, nil)
		if a.Committed(0) < acknowledged {
			t.Fatalf("stop %d: %d was acknowledged, %d is there", stop, acknowledged, a.Committed(0))
		}
		for offset := a.Committed(0) / 2; offset < 40; offset++ { // from before it, as a worker may
			add(t, a, 0, offset, batch(start, int(offset)*3, 3))
		}
		flush(t, a, 0)
		got := numbers(find(t, a, Query{Limit: 1000}).Lines)
		slices.Sort(got)
		for i := range 120 {
			if len(got) != 120 || got[i] != i {
				t.Fatalf("stop %d: %d lines: %v", stop, len(got), got)
			}
		}
		if err == nil {
			if stop < 50 {
				t.Fatalf("the whole script took %d operations", stop)
			}
			return
		}
	}
	t.Fatal("the script never ended")
}

// script flushes and merges until the disk fails; it tells up to which offset
// the archive has acknowledged lines.
func script(fs vfs.FS) (uint64, error) {
	a, err := Open(Config{Dir: "logs", FS: fs, MergeCount: 4, Now: func() time.Time { return time.UnixMilli(start) }})
	if err != nil {
		return 0, err
	}
	acknowledged := uint64(0)
	for offset := range uint64(20) {
		if err := a.Append(ctx, 0, offset, []*event.Batch{batch(start, int(offset)*3, 3)}); err != nil {
			return acknowledged, err
		}
		if err := a.Flush(ctx, 0); err != nil {
			return acknowledged, err
		}
		acknowledged = offset + 1
		if offset%5 == 4 {
			if err := a.Maintain(ctx); err != nil {
				return acknowledged, err
			}
		}
	}
	return acknowledged, nil
}

func TestAFlushThatFailedCanBeRepeated(t *testing.T) {
	broken := true
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken && op.Kind == errorfs.OpRename {
			return errorfs.ErrInjected
		}
		return nil
	}))
	a := openAt(t, fs, nil)
	add(t, a, 0, 1, batch(start, 0, 3))
	if err := a.Flush(ctx, 0); !errors.Is(err, errorfs.ErrInjected) {
		t.Fatal(err)
	}
	broken = false
	flush(t, a, 0)
	if got := numbers(find(t, a, Query{}).Lines); len(got) != 3 || a.Committed(0) != 2 {
		t.Fatal(got)
	}
}

func overwrite(t *testing.T, fs vfs.FS, path string, change func([]byte) []byte) {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, info.Size()), b); err != nil {
		t.Fatal(err)
	}
	if err := writeSynced(fs, path, change(b)); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	fs := vfs.NewMem()
	a := openAt(t, fs, nil)
	for i := range 3 {
		add(t, a, 0, uint64(i), batch(start, i*10, 10))
		flush(t, a, 0)
	}
	path := a.path(a.files[1])
	var whole []byte
	overwrite(t, fs, path, func(b []byte) []byte { whole = slices.Clone(b); return b })
	damages := map[string]func([]byte) []byte{
		"empty":    func([]byte) []byte { return nil },
		"cut":      func(b []byte) []byte { return b[:len(b)/2] },
		"no index": func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), indexKey, "leeway.logs.v9")) },
		"footer":   func(b []byte) []byte { b[len(b)-20] ^= 0xff; return b },
	}
	for at := 10; at < len(whole)/2; at += 97 {
		damages[fmt.Sprint("byte ", at)] = func(b []byte) []byte { b[at] ^= 0x10; return b }
	}
	named := 0
	for name, damage := range damages {
		overwrite(t, fs, path, func([]byte) []byte { return damage(slices.Clone(whole)) })
		again := openAt(t, fs, nil)
		p := find(t, again, Query{})
		got := numbers(p.Lines)
		slices.Sort(got)
		switch {
		case len(p.Damaged) == 0 && len(got) == 30: // a byte that nothing depends on
		case len(p.Damaged) == 1 && p.Damaged[0] == path && len(got) >= 20 && got[0] == 0 && got[len(got)-1] == 29:
			named++
		default:
			t.Errorf("%s: %d lines, damaged %v", name, len(got), p.Damaged)
		}
		if again.Committed(0) != 3 {
			t.Errorf("%s: %d", name, again.Committed(0))
		}
	}
	if named < 6 {
		t.Errorf("only %d of %d damages were seen", named, len(damages))
	}
}

func TestMergeKeepsEveryLine(t *testing.T) {
	fs := vfs.NewMem()
	a := openAt(t, fs, func(c *Config) { c.MergeCount = 4 })
	for i := range 10 {
		add(t, a, i%2, uint64(i), batch(start, i*5, 5))
		flush(t, a, i%2)
	}
	if err := a.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	if n, _ := a.Size(); n != 2 {
		t.Fatal(n, "files")
	}
	for _, a := range []*Archive{a, openAt(t, fs, nil)} {
		if got := numbers(find(t, a, Query{}).Lines); len(got) != 50 || got[0] != 49 || got[49] != 0 {
			t.Fatal(got)
		}
		if a.Committed(0) != 9 || a.Committed(1) != 10 {
			t.Fatal(a.Committed(0), a.Committed(1))
		}
	}
}

func TestRetention(t *testing.T) {
	now := time.UnixMilli(start)
	fs := vfs.NewMem()
	a := openAt(t, fs, func(c *Config) {
		c.Retention = 24 * time.Hour
		c.Now = func() time.Time { return now }
	})
	for i := range 4 {
		add(t, a, 0, uint64(i), batch(start+int64(i)*time.Hour.Milliseconds(), i*10, 10))
		flush(t, a, 0)
	}
	now = now.Add(26*time.Hour + time.Minute)
	if err := a.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	if got := numbers(find(t, a, Query{}).Lines); len(got) != 20 || got[19] != 20 {
		t.Fatal(got)
	}
	if hours, _ := fs.List("logs"); len(hours) != 2 {
		t.Error(hours)
	}
	a.cfg.MaxBytes = 1
	if err := a.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	if got := numbers(find(t, a, Query{}).Lines); len(got) != 10 || a.Committed(0) != 4 {
		t.Fatal("the newest file tells where the partition stands", got)
	}
	if n := testutil.ToFloat64(a.metrics.removed.WithLabelValues("age")); n != 2 {
		t.Error(n)
	}
}

// TestSearchPassesOverGroups: what the index rules out is not read.
func TestSearchPassesOverGroups(t *testing.T) {
	a := openAt(t, vfs.NewMem(), nil)
	add(t, a, 0, 1, batch(start, 0, 50_000))
	flush(t, a, 0)
	for name, c := range map[string]struct {
		q             Query
		lines, looked int
	}{
		"text":    {Query{Text: "r-00007"}, 1, 3 * groupLines},
		"no text": {Query{Text: "something else entirely"}, 0, 0},
		"level":   {Query{Levels: []string{"fatal"}}, 0, 0},
		"service": {Query{Service: "nobody"}, 0, 0},
		"newest":  {Query{Limit: 10}, 10, groupLines},
		"time":    {Query{From: start, To: start + 5000}, 5, groupLines},
	} {
		p := find(t, a, c.q)
		if len(p.Lines) != c.lines || p.Scanned > c.looked {
			t.Errorf("%s: %d lines of %d, wanted %d of at most %d", name, len(p.Lines), p.Scanned, c.lines, c.looked)
		}
	}
}

func TestOpenKeepsStrangersAndRemovesRests(t *testing.T) {
	dir := t.TempDir()
	cfg := func(c *Config) { c.Dir = dir }
	a := openAt(t, vfs.Default, cfg)
	add(t, a, 0, 1, batch(start, 0, 3))
	flush(t, a, 0)
	f := a.files[0]
	for _, name := range []string{"notes.txt", "000-00000000000000000002-00000000000000000009-1-2.parquet.tmp", "000-00000000000000000002-00000000000000000009-1-2.grams"} {
		if err := writeSynced(vfs.Default, filepath.Join(dir, f.hour, name), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	a = openAt(t, vfs.Default, cfg)
	names, _ := vfs.Default.List(filepath.Join(dir, f.hour))
	if slices.Sort(names); !slices.Equal(names, []string{gramsPath(f.name()), f.name(), "notes.txt"}) || a.Committed(0) != 2 {
		t.Fatal(names, a.Committed(0))
	}
}

func TestNames(t *testing.T) {
	for _, f := range []file{{partition: 3, first: 1, last: 2, min: 5, max: 9}, {partition: 12, first: 0, last: 1 << 62, min: -9, max: -5}, {min: -9, max: 5, last: 1}} {
		f.hour = "2026-05-01T12"
		got, ok := parseName(f.hour, f.name())
		if !ok || *got != f {
			t.Errorf("%s: %+v", f.name(), got)
		}
	}
	for _, s := range []string{"", ".parquet", "1-2-3.parquet", "1-5-3-1-2.parquet", "x-1-2-3-4.parquet", "1-1-2-3-4.txt", "1-1-2--.parquet", "1-1-2-4-3.parquet"} {
		if f, ok := parseName("h", s); ok {
			t.Errorf("%q: %+v", s, f)
		}
	}
}

func TestAtLeast(t *testing.T) {
	got, ok := AtLeast("error")
	if !ok || slices.Contains(got, "warning") || !slices.Contains(got, "fatal") {
		t.Error(got)
	}
	if got, _ = AtLeast("info"); !slices.Contains(got, "") || slices.Contains(got, "debug") {
		t.Error(got)
	}
	if _, ok = AtLeast("loud"); ok {
		t.Error("loud is a level")
	}
}

func BenchmarkAppendFlush(b *testing.B) {
	a := openAt(b, vfs.NewMem(), func(c *Config) { c.TailBytes = 1 << 30 })
	lines := batch(start, 0, 10_000)
	offset := uint64(0)
	for b.Loop() {
		offset++
		if err := a.Append(ctx, 0, offset, []*event.Batch{lines}); err != nil {
			b.Fatal(err)
		}
		if err := a.Flush(ctx, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/line")
}

// TestSearchBesideWritesAndMerges: a search sees every line that was there when
// it began, once, whatever moves meanwhile.
func TestSearchBesideWritesAndMerges(t *testing.T) {
	a := openAt(t, vfs.NewMem(), func(c *Config) { c.MergeCount = 3 })
	add(t, a, 0, 0, batch(start, 0, 10))
	written := make(chan error, 1)
	go func() {
		var err error
		for offset := uint64(1); offset < 60 && err == nil; offset++ {
			err = errors.Join(
				a.Append(ctx, 0, offset, []*event.Batch{batch(start, int(offset)*10, 10)}),
				a.Flush(ctx, 0), a.Maintain(ctx))
		}
		written <- err
	}()
	for last := 0; ; {
		p := find(t, a, Query{Limit: 1000})
		got := numbers(p.Lines)
		slices.Sort(got)
		if len(got) < last || len(got) != len(slices.Compact(slices.Clone(got))) || len(p.Damaged) > 0 {
			t.Fatal(len(got), last, p.Damaged)
		}
		last = len(got)
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			if got := find(t, a, Query{Limit: 1000}).Lines; len(got) != 600 {
				t.Fatal(len(got))
			}
			return
		default:
		}
	}
}

// A step of the processor that fails before its commit is folded again from
// the committed offset: each line is there once, whatever a full tail has
// written in the middle of the step.
func TestRewind(t *testing.T) {
	a := openAt(t, vfs.NewMem(), nil)
	add(t, a, 0, 4, batch(start, 0, 2))
	flush(t, a, 0)
	add(t, a, 1, 4, batch(start, 50, 1)) // of another partition: stays
	add(t, a, 0, 5, batch(start, 2, 2))
	add(t, a, 0, 6, batch(start, 4, 2))
	if err := a.Append(ctx, 0, 5, []*event.Batch{batch(start, 2, 2)}); err == nil {
		t.Fatal("an offset went back without a rewind")
	}
	a.Rewind(0)
	if got := a.Committed(0); got != 5 {
		t.Fatalf("wanted from %d after the rewind", got)
	}
	for range 2 { // the step fails twice
		add(t, a, 0, 4, batch(start, 0, 2)) // is in a file
		add(t, a, 0, 5, batch(start, 2, 2))
		a.Rewind(0)
	}
	add(t, a, 0, 5, batch(start, 2, 1), batch(start, 3, 1))
	add(t, a, 0, 6, batch(start, 4, 2))
	flush(t, a, 0)
	if got := numbers(find(t, a, Query{}).Lines); !slices.Equal(got, []int{50, 5, 4, 3, 2, 1, 0}) {
		t.Errorf("%v", got)
	}

	a = openAt(t, vfs.NewMem(), func(c *Config) { c.TailBytes = 1 })
	add(t, a, 0, 1, batch(start, 0, 2))
	add(t, a, 0, 2, batch(start, 2, 2)) // writes offset 1
	a.Rewind(0)
	add(t, a, 0, 1, batch(start, 0, 2))
	add(t, a, 0, 2, batch(start, 2, 2))
	flush(t, a, 0)
	if got := numbers(find(t, a, Query{}).Lines); !slices.Equal(got, []int{3, 2, 1, 0}) {
		t.Errorf("with a full tail: %v", got)
	}
}
