package model

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func open(t *testing.T, dir string) *Registry {
	t.Helper()
	r, err := Open(Config{Dir: dir, MaxFeatures: 5, MaxSegments: 3, MaxModels: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func batch(rows int, fill func(b *event.Batch)) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: "m"}, Rows: rows, Time: make([]int64, rows)}
	for i := range b.Time {
		b.Time[i] = 1700000000000 + int64(i)
	}
	fill(b)
	return b
}

func classes(values ...string) event.Dict {
	d := event.Dict{}
	for i, v := range values {
		d.Values, d.Codes = append(d.Values, v), append(d.Codes, int32(i))
	}
	return d
}

func numbers(values ...float64) event.Num { return event.Num{Values: values} }

func TestTaskIsInferredOnFirstSight(t *testing.T) {
	for _, c := range []struct {
		name string
		b    *event.Batch
		want event.Task
		pos  string
	}{
		{"zero and one with a score", batch(2, func(b *event.Batch) {
			b.Pred, b.PredValue, b.Score = classes("0", "1"), numbers(0, 1), numbers(.2, .9)
		}), event.Binary, "1"},
		{"one alone", batch(1, func(b *event.Batch) { b.Pred, b.PredValue = classes("1"), numbers(1) }), event.Binary, "1"},
		{"booleans", batch(1, func(b *event.Batch) { b.Pred = classes("false") }), event.Binary, "true"},
		{"two words with a score", batch(2, func(b *event.Batch) { b.Pred, b.Score = classes("ok", "fraud"), numbers(.1, .8) }), event.Binary, "fraud"},
		{"words", batch(3, func(b *event.Batch) { b.Pred = classes("cat", "dog", "bird") }), event.Multiclass, ""},
		{"a score alone", batch(1, func(b *event.Batch) { b.Score = numbers(.7) }), event.Binary, "1"},
		{"numbers", batch(2, func(b *event.Batch) { b.Pred, b.PredValue = classes("3.5", "2"), numbers(3.5, 2) }), event.Regression, ""},
		{"features alone", batch(1, func(b *event.Batch) { b.Nums = []event.Num{{Name: "x", Values: []float64{1}}} }), event.Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t, t.TempDir())
			if _, err := r.Observe(c.b); err != nil {
				t.Fatal(err)
			}
			m, _ := r.Get("m")
			if event.Task(m.Task) != c.want || m.Positive != c.pos || c.b.Task != c.want {
				t.Fatalf("got %v %q, wanted %v %q", m.Task, m.Positive, c.want, c.pos)
			}
		})
	}
}

func TestNarrowFirstLookIsCorrectedButADeclarationStands(t *testing.T) {
	one := func() *event.Batch {
		return batch(1, func(b *event.Batch) { b.Pred, b.PredValue = classes("1"), numbers(1) })
	}
	more := func() *event.Batch {
		return batch(1, func(b *event.Batch) { b.Pred, b.PredValue = classes("7.25"), numbers(7.25) })
	}
	r := open(t, t.TempDir())
	r.Observe(one())
	b := more()
	r.Observe(b)
	if b.Task != event.Regression || b.Pred.Present() {
		t.Fatalf("task %v, predictions %v", b.Task, b.Pred)
	}
	binary := Task(event.Binary)
	if _, err := r.Declare("m", Declaration{Task: &binary}); err != nil {
		t.Fatal(err)
	}
	b = more()
	if r.Observe(b); b.Task != event.Binary {
		t.Fatal(b.Task)
	}
}

func TestScoreAloneIsDecidedAtTheThreshold(t *testing.T) {
	r := open(t, t.TempDir())
	threshold := 0.8
	if _, err := r.Declare("m", Declaration{Threshold: &threshold}); err != nil {
		t.Fatal(err)
	}
	b := batch(3, func(b *event.Batch) { b.Score = numbers(.79, .8, math.NaN()); b.Score.SetNull(2) })
	r.Observe(b)
	if v, _ := b.Pred.At(0); v != "0" {
		t.Fatal(v)
	}
	if v, _ := b.Pred.At(1); v != "1" {
		t.Fatal(v)
	}
	if _, ok := b.Pred.At(2); ok {
		t.Fatal("a null score became a prediction")
	}
}

func TestCentreIsFixedOnceAndSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	x := func(n int, at float64) *event.Batch {
		return batch(n, func(b *event.Batch) {
			v := event.Num{Name: "x", Values: make([]float64, n)}
			for i := range v.Values {
				v.Values[i] = at + float64(i%7)
			}
			b.Nums = []event.Num{v}
		})
	}
	b := x(600, 1e9)
	r.Observe(b)
	if b.Nums[0].Epoch != 0 {
		t.Fatal("fixed too early")
	}
	b = x(600, 1e9)
	r.Observe(b)
	if b.Nums[0].Epoch != 1 || b.Nums[0].Centre != 1e9+3 {
		t.Fatal(b.Nums[0].Epoch, b.Nums[0].Centre)
	}
	r = open(t, dir)
	b = x(2000, 5)
	if r.Observe(b); b.Nums[0].Centre != 1e9+3 {
		t.Fatal("moved by a restart:", b.Nums[0].Centre)
	}
}

func TestSeveralCentresSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Dir: dir, Centres: func([]float64) []float64 { return []float64{-2, 7, 9e9} }}
	r, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	x := func(n int) *event.Batch {
		return batch(n, func(b *event.Batch) { b.Nums = []event.Num{{Name: "x", Values: make([]float64, n)}} })
	}
	r.Observe(x(1000))
	if r, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	b := x(1)
	b.Nums[0].Others = []float64{1} // a sender's own word does not count
	if r.Observe(b); b.Nums[0].Centre != -2 || !slices.Equal(b.Nums[0].Others, []float64{7, 9e9}) {
		t.Errorf("centres %v and %v", b.Nums[0].Centre, b.Nums[0].Others)
	}
	absent := batch(1, func(b *event.Batch) { b.Cats = []event.Dict{classes("a")}; b.Cats[0].Name = "c" })
	if r.Observe(absent); len(absent.Nums) != 1 || !slices.Equal(absent.Nums[0].Others, []float64{7, 9e9}) {
		t.Errorf("the absent column is %+v", absent.Nums)
	}
}

// A regression's predictions may lie far from zero too.
func TestPredictionsHaveAGrid(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	predict := func(n int) *event.Batch {
		return batch(n, func(b *event.Batch) {
			b.Pred, b.Score = event.Dict{}, event.Num{}
			b.PredValue = event.Num{Values: make([]float64, n)}
			for i := range n {
				b.PredValue.Values[i] = 1e9 + float64(i%3) + 0.5
			}
		})
	}
	if b := predict(10); b.PredValue.Epoch != 0 {
		t.Fatal("fixed before it was seen")
	}
	if _, err := r.Observe(predict(1000)); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	b := predict(1)
	if r.Observe(b); b.Task != event.Regression || b.PredValue.Epoch != 1 || b.PredValue.Centre != 1e9+1.5 {
		t.Errorf("a %v predicts about %v in epoch %d", b.Task, b.PredValue.Centre, b.PredValue.Epoch)
	}
}

func TestAbsentFeaturesAreListed(t *testing.T) {
	r := open(t, t.TempDir())
	both := batch(1, func(b *event.Batch) {
		b.Nums = []event.Num{{Name: "x", Values: []float64{1}}}
		b.Cats = []event.Dict{classes("a")}
		b.Cats[0].Name = "c"
	})
	r.Observe(both)
	one := batch(1, func(b *event.Batch) { b.Nums = []event.Num{{Name: "x", Values: []float64{1}}} })
	r.Observe(one)
	if len(one.Cats) != 1 || one.Cats[0].Name != "c" || one.Cats[0].Present() {
		t.Fatalf("%+v", one.Cats)
	}
	nulls := batch(1, func(b *event.Batch) {
		b.Nums = []event.Num{{Name: "c", Values: []float64{0}}, {Name: "new", Values: []float64{0}}}
		b.Nums[0].SetNull(0)
		b.Nums[1].SetNull(0)
	})
	r.Observe(nulls)
	if m, _ := r.Get("m"); len(m.Features) != 2 || len(nulls.Nums) != 2 || nulls.Nums[0].Name != "x" || nulls.Nums[1].Name != "new" || nulls.Nums[1].Present() || nulls.Cats[0].Name != "c" {
		t.Fatalf("nulls chose a kind: %+v %+v", m.Features, nulls)
	}
	none := batch(1, func(b *event.Batch) { b.Score = numbers(.5) })
	if r.Observe(none); len(none.Nums)+len(none.Cats) != 0 {
		t.Fatalf("%+v", none)
	}
}

func TestLimits(t *testing.T) {
	r := open(t, t.TempDir())
	b := batch(4, func(b *event.Batch) {
		for i := range 7 {
			b.Nums = append(b.Nums, event.Num{Name: fmt.Sprint("f", i), Values: make([]float64, 4)})
		}
		b.Segments = []event.Dict{classes("a", "b", "c", "d")}
		b.Segments[0].Name = "country"
	})
	d, err := r.Observe(b)
	if err != nil || d.Features != 2 || d.Segments != 1 {
		t.Fatal(d, err)
	}
	if v, _ := b.Segments[0].At(3); v != OtherSegment || len(b.Nums) != 5 {
		t.Fatal(v, len(b.Nums))
	}
	for _, name := range []string{"m2", "m3"} {
		b.Model = name
		_, err = r.Observe(b)
	}
	if !errors.Is(err, ErrLimit) {
		t.Fatal(err)
	}
}

func TestNamesThatWouldLeaveTheFolder(t *testing.T) {
	r := open(t, t.TempDir())
	for _, name := range []string{"", "../escaped", ".hidden", "a/b", "a b", "a\x00b"} {
		if _, err := r.Declare(name, Declaration{}); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNegativeClassIsTheOneThatWasSeen(t *testing.T) {
	r := open(t, t.TempDir())
	b := batch(2, func(b *event.Batch) { b.Pred, b.Score = classes("repaid", "default"), numbers(.1, .8) })
	r.Observe(b)
	if m, _ := r.Get("m"); m.NegativeClass() != "repaid" || m.Positive != "default" {
		t.Fatalf("%+v", m)
	}
}

func TestDamagedFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "m.json"), []byte("{"), 0o644)
	if _, err := Open(Config{Dir: dir}); err == nil {
		t.Fatal("opened over a damaged file")
	}
}
