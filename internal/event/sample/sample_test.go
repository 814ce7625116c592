package sample

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/leewayhq/leeway/internal/event"
)

func some(t testing.TB, series, each int) *event.Batch {
	t.Helper()
	var b Builder
	for i := range each {
		for s := range series {
			ls := labels.FromStrings("__name__", "up", "instance", fmt.Sprint(s), "empty", "")
			switch (i + s) % 5 {
			case 3:
				if err := b.Histogram(ls, int64(i), &histogram.FloatHistogram{Schema: 3, Count: 3, Sum: 4.5, ZeroThreshold: 0.1, ZeroCount: 1,
					PositiveSpans: []histogram.Span{{Offset: -2, Length: 2}}, PositiveBuckets: []float64{1, 1}}); err != nil {
					t.Fatal(err)
				}
			case 4:
				b.Exemplar(ls, &exemplar.Exemplar{Labels: labels.EmptyLabels(), Ts: int64(i), Value: 2})
			default:
				b.Float(ls, int64(i), math.Float64frombits(value.StaleNaN))
			}
		}
	}
	return b.Batch()
}

// TestEachSeriesStaysInOrderInOnePartition takes samples through frames as the
// door cuts them.
func TestEachSeriesStaysInOrderInOnePartition(t *testing.T) {
	b := some(t, 20, 30)
	rows, home, last := 0, map[string]int{}, map[string]int64{}
	for p, part := range b.Split(3) {
		if part == nil {
			t.Fatalf("partition %d of 3 has nothing of 20 series", p)
		}
		got, err := event.Decode(part.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		rows += got.Rows
		if len(got.Points.Series.Values) >= 20 {
			t.Errorf("partition %d carries the labels of %d series", p, len(got.Points.Series.Values))
		}
		for i := range got.Rows {
			key, _ := got.Points.Series.At(i)
			if at, ok := home[key]; ok && at != p {
				t.Fatalf("a series stands in partitions %d and %d", at, p)
			}
			home[key] = p
			if before, ok := last[key]; ok && got.Time[i] != before+1 {
				t.Fatalf("time %d after %d", got.Time[i], before)
			}
			last[key] = got.Time[i]
			checkRow(t, got, i)
		}
	}
	if rows != 600 || len(home) != 20 {
		t.Fatalf("%d rows of %d series", rows, len(home))
	}
}

func checkRow(t *testing.T, b *event.Batch, i int) {
	t.Helper()
	key, _ := b.Points.Series.At(i)
	ls, err := Labels(key)
	if err != nil || ls.Get("__name__") != "up" {
		t.Fatal(ls, err)
	}
	h, e := b.Points.Histogram.At(i), b.Points.Exemplar.At(i)
	switch {
	case len(h) > 0:
		got, err := Histogram(h)
		if err != nil || got.Count != 3 || got.Validate() != nil || !reflect.DeepEqual(got.PositiveBuckets, []float64{1, 1}) {
			t.Fatal(got, err)
		}
	case len(e) > 0:
		if got, err := Labels(string(e)); err != nil || !got.IsEmpty() || b.Points.Value.Values[i] != 2 {
			t.Fatal(got, err)
		}
	case !value.IsStaleNaN(b.Points.Value.Values[i]):
		t.Fatal("a mark of staleness became another number")
	}
}

func TestMalformedLabels(t *testing.T) {
	for _, bad := range []string{"", "\x01", "\x01\x01a", "\x01\x01a\x05b", "\x02\x01b\x00\x01a\x00", "\x02\x01a\x00\x01a\x00", "\x00x", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x7f"} {
		if ls, err := Labels(bad); !errors.Is(err, event.ErrMalformed) {
			t.Errorf("%q is read as %s (%v)", bad, ls, err)
		}
	}
	if _, err := Histogram([]byte{0xff}); !errors.Is(err, event.ErrMalformed) {
		t.Error(err)
	}
}

func FuzzLabels(f *testing.F) {
	f.Add("\x01\x01a\x01b")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, s string) {
		ls, err := Labels(s)
		if err != nil {
			return
		}
		again, err := Labels(string(appendLabels(nil, ls)))
		if err != nil || !labels.Equal(ls, again) {
			t.Fatalf("%s became %s (%v)", ls, again, err)
		}
	})
}

func FuzzHistogram(f *testing.F) {
	f.Add([]byte{0x10, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := Histogram(b); err == nil {
			_ = h.Validate()
		}
	})
}

// FuzzFrames takes any frame as one of samples, as the worker does.
func FuzzFrames(f *testing.F) {
	f.Add(some(f, 3, 5).AppendTo(nil))
	f.Fuzz(func(t *testing.T, frame []byte) {
		b, err := event.Decode(frame)
		if err != nil {
			return
		}
		b.Kind = event.Samples
		for _, part := range b.Split(2) {
			if part == nil {
				continue
			}
			again, err := event.Decode(part.AppendTo(nil))
			if err != nil && len(b.Time) > 0 {
				t.Fatal(err)
			}
			for i := range again.Rows {
				key, _ := again.Points.Series.At(i)
				_, _ = Labels(key)
				_, _ = Histogram(again.Points.Histogram.At(i))
			}
		}
	})
}
