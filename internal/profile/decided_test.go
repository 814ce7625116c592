package profile

import (
	"bytes"
	"errors"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// decidedProfile is rows of which those from a score of 0.6 are positive.
func decidedProfile(seed uint64, rows int) *Profile {
	r := random(seed)
	p := &Profile{Predictions: int64(rows), Scores: &ScoreSet{}, Decided: &Decided{N: int64(rows)}}
	for range rows {
		s := r.Float64()
		p.Scores.Add(s, 1)
		if s >= 0.6 {
			p.Decided.Up.Add(s, 1)
		}
	}
	q := &Profile{}
	q.Merge(p, WindowExact)
	return q
}

// Whatever the order of merging, the two sets add up and have one form.
func TestDecidedMergesInAnyOrder(t *testing.T) {
	for seed := range uint64(6) {
		r := random(seed)
		var leaves []*Profile
		rows := 0
		for range 2 + r.IntN(6) {
			n := 1 + r.IntN([]int{20, 200, 2000}[seed%3])
			leaves = append(leaves, decidedProfile(r.Uint64(), n))
			rows += n
		}
		for _, limit := range []int{WindowExact, MergeExact} {
			want := mergeAll(r, leaves, limit)
			got := mergeAll(r, leaves, limit)
			if !bytes.Equal(got.AppendTo(nil), want.AppendTo(nil)) {
				t.Fatalf("seed %d limit %d: two orders of merging differ", seed, limit)
			}
			if got.Decided.N != int64(rows) || got.Scores.Gridded() != got.Decided.Up.Gridded() {
				t.Errorf("%d of %d rows, forms %v and %v", got.Decided.N, rows, got.Scores.Gridded(), got.Decided.Up.Gridded())
			}
			ScorePairs(&got.Decided.Up, got.Scores, func(score float64, up, all int64) {
				if up > all || up != 0 && score < 0.599 || up != all && score > 0.604 {
					t.Fatalf("%d of %d are positive at %v", up, all, score)
				}
			})
			back, err := Decode(got.AppendTo(nil))
			if err != nil || !bytes.Equal(back.AppendTo(nil), got.AppendTo(nil)) {
				t.Errorf("a round trip changes the bytes: %v", err)
			}
		}
	}
}

// The scores of labelled positives go with corrections and never leave a trace.
func TestPositivePredictionsAreInvertible(t *testing.T) {
	r := random(5)
	clean, corrected := &Quality{}, &Quality{}
	for range 700 {
		o := Outcome{Task: event.Binary, Score: r.Float64(), PredPositive: r.IntN(2) == 0, LabelPositive: r.IntN(2) == 0}
		clean.Add(&o, 1)
		was := o
		was.LabelPositive = !o.LabelPositive
		corrected.Add(&was, 1)
		corrected.Add(&was, -1)
		corrected.Add(&o, 1)
	}
	a, b := &Profile{}, &Profile{}
	a.Merge(&Profile{Quality: clean}, WindowExact)
	b.Merge(&Profile{Quality: corrected}, WindowExact)
	if !bytes.Equal(a.AppendTo(nil), b.AppendTo(nil)) {
		t.Error("a correction left a trace")
	}
	if up := a.Quality.Up.N(); up != a.Quality.TP+a.Quality.FP {
		t.Errorf("%d scores of %d positive predictions", up, a.Quality.TP+a.Quality.FP)
	}
}

func TestDecidedOfAnotherFormIsRefused(t *testing.T) {
	p := decidedProfile(1, 100)
	p.Decided.Up.toGrid()
	if _, err := Decode(p.AppendTo(nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("form: %v", err)
	}
	p = decidedProfile(1, 100)
	p.Scores = nil
	if _, err := Decode(p.AppendTo(nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("no scores: %v", err)
	}
}

func TestScoreMiddleIsThatOfPairs(t *testing.T) {
	r := random(9)
	for range 1000 {
		s := r.Float64()
		if r.IntN(4) == 0 {
			s *= 1e-6
		}
		all, none := &ScoreSet{}, &ScoreSet{}
		all.Add(s, 1)
		all.settle()
		all.toGrid()
		ScorePairs(all, none, func(score float64, _, _ int64) {
			if score != ScoreMiddle(s) {
				t.Errorf("%v: %v and %v", s, score, ScoreMiddle(s))
			}
		})
	}
}

// However the rows are batched, and by whichever of the ways that the fold has,
// a positive row is counted at its score.
func TestFoldKnowsWhatWasDecided(t *testing.T) {
	for name, spellings := range map[string][]string{"one": {"no", "yes"}, "several": {"no", "yes", "1"}, "none": {"no", "never"}} {
		r := random(8)
		const rows = 9000
		b := &event.Batch{Rows: rows, Time: make([]int64, rows)}
		b.Task, b.Positive = event.Binary, "true"
		b.Pred, b.Score.Values = event.Dict{Values: spellings, Codes: make([]int32, rows)}, make([]float64, rows)
		var want, decided int64
		for i := range rows {
			b.Score.Values[i] = float64(r.IntN(30)) / 20 // a third of them above 1
			b.Pred.Codes[i] = int32(r.IntN(len(spellings)+1)) - 1
			if b.Pred.Codes[i] >= 0 {
				decided++
			}
			if b.Pred.Codes[i] > 0 && name != "none" {
				want++
			}
		}
		var first []byte
		for _, parts := range []int{1, 2, 9, 300} {
			f := NewFolder(0)
			w := f.Open(true)
			for part := range parts {
				some := someRows(rows, parts, part)
				if part%2 == 0 {
					f.Add(w, b.Take(some), nil)
				} else {
					f.Add(w, b, some)
				}
			}
			p := f.Close(w)
			if p.Decided.N != decided || p.Decided.Up.N() != want || p.Scores.N() != rows {
				t.Errorf("%s in %d parts: %d of %d decisions are positive, want %d of %d", name, parts, p.Decided.Up.N(), p.Decided.N, want, decided)
			}
			if first == nil {
				first = bare(t, p)
			}
			if !bytes.Equal(bare(t, p), first) {
				t.Errorf("%s: %d parts differ from one", name, parts)
			}
		}
	}
}

func TestNothingIsDecidedWithoutAPositiveClass(t *testing.T) {
	for _, change := range []func(b *event.Batch){
		func(b *event.Batch) { b.Positive = "" },
		func(b *event.Batch) { b.Task = event.Multiclass },
		func(b *event.Batch) { b.Pred = event.Dict{} },
		func(b *event.Batch) { b.Score.SetNull(0); b.Score.SetNull(1) },
	} {
		b := &event.Batch{Rows: 2, Time: make([]int64, 2), Pred: event.Dict{Values: []string{"1"}, Codes: []int32{0, 0}}, Score: event.Num{Values: []float64{0.1, 0.9}}}
		b.Task, b.Positive = event.Binary, "1"
		change(b)
		f := NewFolder(0)
		w := f.Open(true)
		f.Add(w, b, nil)
		if p := f.Close(w); p.Decided != nil {
			t.Errorf("%+v of %+v", p.Decided, b)
		}
	}
}
