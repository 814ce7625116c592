package model

import (
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func declareBinary(t *testing.T, r *Registry) {
	t.Helper()
	binary := Task(event.Binary)
	m, err := r.Declare("m", Declaration{Task: &binary})
	if err != nil || m.Positive != "" {
		t.Fatalf("%v: positive class %q out of nothing", err, m.Positive)
	}
}

func TestDeclaredBinaryLearnsItsPositiveClass(t *testing.T) {
	r := open(t, t.TempDir())
	declareBinary(t, r)
	b := batch(2, func(b *event.Batch) { b.Pred, b.Score = classes("deny", "approve"), numbers(.2, .9) })
	r.Observe(b)
	if m, _ := r.Get("m"); m.Positive != "approve" || m.Negative != "deny" || b.Positive != "approve" || b.Task != event.Binary {
		t.Fatalf("%+v, batch %v %q", m, b.Task, b.Positive)
	}
}

func TestOneWordWithALowScoreIsTheNegativeClass(t *testing.T) {
	r := open(t, t.TempDir())
	declareBinary(t, r)
	row := func(class string, score float64) *event.Batch {
		b := batch(1, func(b *event.Batch) { b.Pred, b.Score = classes(class), numbers(score) })
		if _, err := r.Observe(b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := row("deny", .1); b.Task != event.Unknown || b.Positive != "" {
		t.Fatalf("judged as %v with positive class %q", b.Task, b.Positive)
	}
	row("deny", .9) // even so
	if b := row("approve", .2); b.Task != event.Binary || b.Positive != "approve" {
		t.Fatalf("%v %q", b.Task, b.Positive)
	}
	if m, _ := r.Get("m"); m.NegativeClass() != "deny" {
		t.Fatalf("%+v", m)
	}
}

func TestDeclaringTheOtherClassExchangesThem(t *testing.T) {
	r := open(t, t.TempDir())
	r.Observe(batch(2, func(b *event.Batch) { b.Pred, b.Score = classes("repaid", "default"), numbers(.1, .8) }))
	p := "repaid"
	if m, err := r.Declare("m", Declaration{Positive: &p}); err != nil || m.NegativeClass() != "default" {
		t.Fatalf("%v %+v", err, m)
	}
}

func TestScoresBesidePredictionsAreDecided(t *testing.T) {
	r := open(t, t.TempDir())
	r.Observe(batch(2, func(b *event.Batch) { b.Pred, b.Score = classes("deny", "approve"), numbers(.2, .9) }))
	values := append(make([]string, 0, 8), "approve", "held")
	codes := []int32{0, -1, -1, -1, -1, 1}
	b := batch(6, func(b *event.Batch) {
		b.Pred = event.Dict{Values: values, Codes: codes}
		b.Score = numbers(.1, .5, .4, 0, math.NaN(), .9)
		b.Score.SetNull(3)
	})
	if _, err := r.Observe(b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range b.Rows {
		v, _ := b.Pred.At(i)
		got = append(got, v)
	}
	if want := []string{"approve", "approve", "deny", "", "", "held"}; !slices.Equal(got, want) {
		t.Fatalf("%q, wanted %q", got, want)
	}
	if !slices.Equal(codes, []int32{0, -1, -1, -1, -1, 1}) || values[:3][2] != "" {
		t.Fatalf("shared slices were changed: %v %q", codes, values[:3])
	}
}

func TestRankingIsSeen(t *testing.T) {
	r := open(t, t.TempDir())
	list := event.List{}
	list.Put(0, []uint64{3, 1}, nil)
	b := batch(1, func(b *event.Batch) { b.Items = list })
	r.Observe(b)
	if b.Task != event.Ranking || !b.Items.Present() {
		t.Fatalf("judged as %v", b.Task)
	}
	l := batch(1, func(b *event.Batch) { b.Kind, b.Relevant, b.Label = event.Labels, list, classes("x") })
	if r.Observe(l); l.Task != event.Ranking || !l.Relevant.Present() || l.Label.Present() {
		t.Fatalf("a label of a ranking: %+v", l)
	}
	// Beside a prediction, items are the sender's own affair.
	other := batch(1, func(b *event.Batch) { b.Model, b.Items, b.Pred = "other", list, classes("1") })
	if r.Observe(other); other.Task != event.Binary || other.Items.Present() {
		t.Fatalf("judged as %v", other.Task)
	}
	early := batch(1, func(b *event.Batch) { b.Model, b.Kind, b.Relevant = "early", event.Labels, list })
	if r.Observe(early); early.Task != event.Ranking {
		t.Fatalf("a label that came first is of %v", early.Task)
	}
}

func TestScoresOfClassesDecide(t *testing.T) {
	scores := func(name string, v ...float64) event.Num { return event.Num{Name: name, Values: v} }
	b := batch(4, func(b *event.Batch) {
		b.Pred = event.Dict{Values: []string{"cat"}, Codes: []int32{-1, -1, 0, -1}}
		b.Scores = []event.Num{scores("ant", .2, .4, .9, 0), scores("bee", .5, .4, .1, 0), scores("cat", .3, .2, 0, 0)}
		for i := range b.Scores {
			b.Scores[i].SetNull(3)
		}
	})
	sent := b.Pred.Codes
	if m := Infer(Model{}, b); m.Task != Task(event.Multiclass) {
		t.Fatalf("judged as %v", m.Task)
	}
	for i, want := range []string{"bee", "ant", "cat", ""} {
		if got, _ := b.Pred.At(i); got != want {
			t.Errorf("row %d is decided as %q, want %q", i, got, want)
		}
	}
	if !slices.Equal(sent, []int32{-1, -1, 0, -1}) {
		t.Error("what was sent has changed")
	}
	two := batch(1, func(b *event.Batch) {
		b.Pred, b.Scores = classes("1"), []event.Num{scores("0", .3), scores("1", .7)}
	})
	if Infer(Model{}, two); two.Task != event.Binary || two.Score.Null(0) || two.Score.Values[0] != .7 || two.Score.Name != "" {
		t.Errorf("%v with score %+v", two.Task, two.Score)
	}
}
