package model

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

func named(name string, d event.Dict) event.Dict {
	d.Name = name
	return d
}

func TestVersionsPastTheLimitAreFolded(t *testing.T) {
	r, err := Open(Config{Dir: t.TempDir(), MaxVersions: 2})
	if err != nil {
		t.Fatal(err)
	}
	b := batch(6, func(b *event.Batch) {
		b.Version = event.Dict{Values: []string{"unused", "a", "b", "c", "d"}, Codes: []int32{2, 1, 3, 3, 4, -1}}
		b.Time[0], b.Time[1] = 50, 40
	})
	shared := slices.Clone(b.Version.Values)
	d, err := r.Observe(b)
	if err != nil || d.Versions != 3 {
		t.Fatal(d, err)
	}
	if want := []string{"a", "b", OtherSegment}; !slices.Equal(b.Version.Values, want) {
		t.Fatalf("dictionary %q, wanted %q", b.Version.Values, want)
	}
	if want := []int32{1, 0, 2, 2, 2, -1}; !slices.Equal(b.Version.Codes, want) {
		t.Fatalf("codes %v, wanted %v", b.Version.Codes, want)
	}
	m, _ := r.Get("m")
	if want := []Version{{"a", 40}, {"b", 50}}; !slices.Equal(m.Versions, want) {
		t.Fatalf("%v, wanted %v (values %q)", m.Versions, want, shared)
	}
}

// A body of a few megabytes can name this many; the cost was rows x versions.
func TestManyVersionsAreQuick(t *testing.T) {
	const n = 160_000
	r := open(t, t.TempDir())
	b := batch(n, func(b *event.Batch) {
		for i := range n {
			b.Version.Values = append(b.Version.Values, fmt.Sprint(i))
			b.Version.Codes = append(b.Version.Codes, int32(i))
		}
	})
	start := time.Now()
	d, err := r.Observe(b)
	if took := time.Since(start); err != nil || took > 5*time.Second || d.Versions != n-1000 || len(b.Version.Values) != 1001 {
		t.Fatal(took, d, err, len(b.Version.Values))
	}
}

func TestSegmentFieldsAreLimited(t *testing.T) {
	dir := t.TempDir()
	config := Config{Dir: dir, MaxSegmentFields: 2, MaxSegments: 3}
	r, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for i := range 10 {
		if i == 5 { // what was seen survives a restart
			if r, err = Open(config); err != nil {
				t.Fatal(err)
			}
		}
		b := batch(4, func(b *event.Batch) {
			b.Segments = []event.Dict{named(fmt.Sprint("f", i), classes("a", "b", "c", "d"))}
		})
		d, err := r.Observe(b)
		if err != nil {
			t.Fatal(err)
		}
		fields += d.Fields
		if i < 2 && len(b.Segments) != 1 || i >= 2 && len(b.Segments) != 0 {
			t.Fatalf("field %d: %v", i, b.Segments)
		}
	}
	m, _ := r.Get("m")
	if want := []string{"f0=a", "f0=b", "f0=c", "f0=" + OtherSegment, "f1=" + OtherSegment}; fields != 8 || !slices.Equal(m.SegmentValues, want) {
		t.Fatalf("%d dropped, %q", fields, m.SegmentValues)
	}
}

func TestFoldedValuesAreOneAndOnlyThoseInUseRegister(t *testing.T) {
	r := open(t, t.TempDir())
	d := event.Dict{Name: "s", Values: []string{"unused", "a", "b", "c", "d", "e"}, Codes: []int32{5, 4, -1, 3, 2, 1, 1}}
	shared := d
	b := batch(7, func(b *event.Batch) { b.Segments = []event.Dict{d} })
	dropped, err := r.Observe(b)
	if err != nil || dropped.Segments != 2 {
		t.Fatal(dropped, err)
	}
	got := b.Segments[0]
	if want := []string{"a", "b", "c", OtherSegment}; !slices.Equal(got.Values, want) || !slices.Equal(got.Codes, []int32{3, 3, -1, 2, 1, 0, 0}) {
		t.Fatalf("%q %v", got.Values, got.Codes)
	}
	if !slices.Equal(shared.Codes, []int32{5, 4, -1, 3, 2, 1, 1}) || shared.Values[5] != "e" {
		t.Fatalf("a shared slice was changed: %v", shared)
	}
}

func TestNamesAreCleaned(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	send := func() *event.Batch {
		b := batch(2, func(b *event.Batch) {
			b.Version = classes("v\x00", "v\xff")
			b.Segments = []event.Dict{named("a=\n", classes("x\x00y", "x\x01y")), named("a=\r", classes("1", "2"))}
			b.Nums = []event.Num{{Name: "n\x00", Values: []float64{1, 2}}, {Name: "n\x01", Values: []float64{1, 2}}}
			b.Cats = []event.Dict{named("c\xff", classes("1", "2"))}
		})
		d, err := r.Observe(b)
		if err != nil || d.Fields != 1 || d.Features != 1 {
			t.Fatal(d, err)
		}
		return b
	}
	send()
	r = open(t, dir) // the file must not know them by other names
	b := send()
	if want := []string{"v\uFFFD"}; !slices.Equal(b.Version.Values, want) || !slices.Equal(b.Version.Codes, []int32{0, 0}) {
		t.Fatalf("%q", b.Version)
	}
	if len(b.Segments) != 1 || b.Segments[0].Name != "a_\uFFFD" || !slices.Equal(b.Segments[0].Values, []string{"x\uFFFDy"}) {
		t.Fatalf("%q", b.Segments)
	}
	if b.Nums[0].Name != "n\uFFFD" || b.Cats[0].Name != "c\uFFFD" {
		t.Fatalf("%q %q", b.Nums[0].Name, b.Cats[0].Name)
	}
	m, _ := r.Get("m")
	if len(m.Versions) != 1 || len(m.SegmentValues) != 1 || len(m.Features) != 2 {
		t.Fatalf("%+v", m)
	}
}

func TestDeclaredFieldThatTheBatchLacks(t *testing.T) {
	r := open(t, t.TempDir())
	if _, err := r.Declare("m", Declaration{Segments: &[]string{"c"}}); err != nil {
		t.Fatal(err)
	}
	r.Observe(batch(2, func(b *event.Batch) { b.Cats = []event.Dict{named("c", classes("a", "b"))} }))
	b := batch(1, func(b *event.Batch) { b.Nums = []event.Num{{Name: "x", Values: []float64{1}}} })
	if _, err := r.Observe(b); err != nil || len(b.Cats) != 1 || len(b.Segments) != 0 {
		t.Fatalf("%v: cut by a column without rows: %+v", err, b.Segments)
	}
	many := make([]string, 21)
	if _, err := r.Declare("m", Declaration{Segments: &many}); err == nil {
		t.Fatal("21 fields were declared")
	}
}

func TestPairsOfFieldsAreSegments(t *testing.T) {
	r, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Declare("m", Declaration{Segments: &[]string{"country", "country,member", "country,nothing"}}); err != nil {
		t.Fatal(err)
	}
	b := batch(5, func(b *event.Batch) {
		b.Segments = []event.Dict{{Name: "country", Values: []string{"DE", "CN"}, Codes: []int32{0, 1, 0, -1, 1}}}
		b.Nums = []event.Num{{Name: "member", Values: []float64{1, 0, 1, 1, math.NaN()}}}
	})
	if _, err := r.Observe(b); err != nil || len(b.Segments) != 2 {
		t.Fatalf("%v: %+v", err, b.Segments)
	}
	pair := b.Segments[1]
	if pair.Name != "country,member" || !slices.Equal(pair.Values, []string{"DE,1", "CN,0"}) || !slices.Equal(pair.Codes, []int32{0, 1, 0, -1, -1}) {
		t.Fatalf("%+v", pair)
	}
	m, _ := r.Get("m")
	if want := []string{"country=CN", "country=DE", "country,member=CN,0", "country,member=DE,1"}; !slices.Equal(slices.Sorted(slices.Values(m.SegmentValues)), slices.Sorted(slices.Values(want))) {
		t.Fatalf("%q", m.SegmentValues)
	}
}

func TestFirstEventIsOfThePresentOrOfHistory(t *testing.T) {
	const now, hour = int64(1700000000000), int64(3600_000)
	r := open(t, t.TempDir())
	send := func(flags event.Flags, times ...int64) int64 {
		b := batch(len(times), func(b *event.Batch) { b.Time, b.Arrived, b.Flags = times, now, flags })
		if _, err := r.Observe(b); err != nil {
			t.Fatal(err)
		}
		m, _ := r.Get("m")
		return m.FirstEvent
	}
	if got := send(0, now-9*365*24*hour); got != 0 {
		t.Fatal("a late row alone:", got)
	}
	if got := send(0, now-2*hour, now-1, now-hour+1); got != now-hour+1 {
		t.Fatal("late beside live rows:", got-now)
	}
	if got := send(event.Imported, now-48*hour, now-72*hour); got != now-72*hour {
		t.Fatal("history:", got-now)
	}
}

func TestFilesAreFoundUnderAnyPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "prod[1]*")
	title := "kept"
	if _, err := open(t, dir).Declare("m", Declaration{Title: &title}); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, ".new-1"), []byte("{"), 0o644) // left by a crash
	if m, err := open(t, dir).Get("m"); err != nil || m.Title != title {
		t.Fatal(m, err)
	}
}
