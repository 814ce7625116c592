package profile

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// mergeAll merges leaves in a random order and a random tree.
func mergeAll(r *rand.Rand, leaves []*Profile, limit int) *Profile {
	work := make([]*Profile, len(leaves))
	for i, p := range leaves {
		work[i] = &Profile{}
		work[i].Merge(p, limit)
	}
	for len(work) > 1 {
		i := r.IntN(len(work))
		p := work[i]
		work = append(work[:i], work[i+1:]...)
		work[r.IntN(len(work))].Merge(p, limit)
	}
	return work[0]
}

func TestMergeInAnyOrder(t *testing.T) {
	for seed := range uint64(12) {
		r := random(seed)
		f := NewFolder(1 << 20) // two dense tables: the others spill
		var leaves []*Profile
		for range 2 + r.IntN(6) {
			leaves = append(leaves, randomLeaf(r, f))
		}
		for _, limit := range []int{WindowExact, MergeExact} {
			want := mergeAll(r, leaves, limit)
			for range 4 {
				got := mergeAll(r, leaves, limit)
				if !bytes.Equal(bare(t, got), bare(t, want)) {
					t.Fatalf("seed %d limit %d: two orders of merging differ", seed, limit)
				}
				sameMoments(t, got, want)
			}
		}
	}
}

func randomLeaf(r *rand.Rand, f *Folder) *Profile {
	w := f.Open(false)
	for range 1 + r.IntN(3) {
		rows := []int{1, 30, 100, 400, 3000}[r.IntN(5)]
		f.Add(w, randomBatch(r, rows), nil)
	}
	for range r.IntN(400) {
		o := randomOutcome(r)
		w.Quality().Add(&o, 1)
		if r.IntN(4) == 0 { // a correction: its first label came in another delta
			was := randomOutcome(r)
			w.Quality().Add(&was, -1)
			w.Quality().Add(&o, 1)
		}
		if r.IntN(8) == 0 {
			w.Quality().AddQuery(randomQuery(r), int64(1-2*r.IntN(2)))
		}
	}
	return f.Close(w)
}

func randomQuery(r *rand.Rand) *Query {
	var q Query
	for range r.IntN(150) {
		q.Relevance = append(q.Relevance, float64(max(0, r.IntN(6)-3)))
	}
	for range r.IntN(3) {
		q.Missed = append(q.Missed, r.Float64())
	}
	return &q
}

// manyClasses are more than have their scores kept.
var manyClasses = strings.Fields("cat dog bird a b c d e f g h i j k l m n o p q r s t u v w x y z")

func randomOutcome(r *rand.Rand) Outcome {
	classes := []string{"cat", "dog", "bird"}
	o := Outcome{
		Task:         event.Task(1 + r.IntN(3)),
		PredPositive: r.IntN(2) == 0, LabelPositive: r.IntN(3) == 0,
		Pred: classes[r.IntN(3)], Label: classes[r.IntN(3)],
		Score:     float64(r.IntN(1000)) / 999,
		PredValue: r.NormFloat64() * 1e6, LabelValue: r.NormFloat64() * 1e-3,
	}
	switch r.IntN(8) {
	case 0: // no scores of classes
	case 1:
		o.ScoredClasses = manyClasses
	default:
		o.ScoredClasses = classes
	}
	for range o.ScoredClasses {
		o.ClassScores = append(o.ClassScores, []float64{r.Float64(), math.NaN(), 0, 1, -2.5}[max(0, r.IntN(20)-15)])
	}
	return o
}

func sameMoments(t *testing.T, got, want *Profile) {
	t.Helper()
	if got.Latency != nil && !near(got.Latency.Sum, want.Latency.Sum, 1e-12) {
		t.Errorf("latency sum %v, want %v", got.Latency.Sum, want.Latency.Sum)
	}
	wants := map[string]*Numeric{}
	eachNumeric(want, func(name string, x *Numeric) { wants[name] = x })
	eachNumeric(got, func(name string, x *Numeric) {
		y := wants[name]
		if x.N > 0 && (!near(x.Mean()-y.Mean(), 0, 0) && !near(x.Mean(), y.Mean(), 1e-12) && x.Mean()-y.Mean() > 1e-12*y.SD(0) || !near(x.SD(0), y.SD(0), 1e-10)) {
			t.Errorf("%s: mean %v sd %v, want %v and %v", name, x.Mean(), x.SD(0), y.Mean(), y.SD(0))
		}
	})
}

// The same rows give the same profile however they were batched and spread
// over deltas.
func TestFoldIsTheSameForAnyBatching(t *testing.T) {
	for seed := range uint64(6) {
		r := random(seed)
		rows := []int{200, 300, 2000, 9000}[seed%4]
		whole := randomBatch(r, rows)
		f := NewFolder(0)
		w := f.Open(false)
		f.Add(w, whole, nil)
		once := &Profile{}
		once.Merge(f.Close(w), WindowExact)
		want := bare(t, once)
		for _, parts := range []int{2, 7, 40} {
			got := &Profile{}
			w := f.Open(false)
			for i := range parts {
				rows := someRows(rows, parts, i)
				if i%2 == 0 {
					f.Add(w, whole, rows)
				} else {
					f.Add(w, whole.Take(rows), nil)
				}
				if i%5 == 4 {
					got.Merge(f.Close(w), WindowExact)
					w = f.Open(false)
				}
			}
			got.Merge(f.Close(w), WindowExact)
			if !bytes.Equal(bare(t, got), want) {
				t.Errorf("seed %d: %d rows in %d parts differ from one batch", seed, rows, parts)
			}
			sameMoments(t, got, once)
		}
	}
}

// someRows is every parts-th row from the i-th.
func someRows(n, parts, i int) []int32 {
	rows := []int32{}
	for ; i < n; i += parts {
		rows = append(rows, int32(i))
	}
	return rows
}

func TestMergeLeavesTheOtherAlone(t *testing.T) {
	r := random(1)
	f := NewFolder(0)
	a, b := randomLeaf(r, f), randomLeaf(r, f)
	before := b.AppendTo(nil)
	p := &Profile{}
	p.Merge(b, WindowExact)
	p.Merge(a, WindowExact)
	p.Merge(a, WindowExact)
	if !bytes.Equal(b.AppendTo(nil), before) {
		t.Error("a merge changed its argument")
	}
}

func TestCategoriesPastTheCap(t *testing.T) {
	r := random(3)
	counts := map[string]int64{}
	var parts []*Categories
	f := NewFolder(0)
	for range 8 {
		d := event.Dict{Name: "c"}
		for range 3000 {
			d.Codes = append(d.Codes, int32(len(d.Values)))
			d.Values = append(d.Values, fmt.Sprint("value ", int(r.ExpFloat64()*2000)))
			counts[d.Values[len(d.Values)-1]]++
		}
		w := f.Open(false)
		f.Add(w, &event.Batch{Rows: 3000, Cats: []event.Dict{d}}, nil)
		parts = append(parts, f.Close(w).Features["c"].Cat)
	}
	for range 3 {
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		all := &Categories{}
		for _, p := range parts {
			all.Merge(p, 0)
		}
		if all.N != 24_000 || len(all.Counts) != MaxCategories {
			t.Fatalf("%d rows, %d names", all.N, len(all.Counts))
		}
		sum := all.Other
		for value, n := range all.Counts {
			sum += n
			if counts[value] != n {
				t.Fatalf("%s: %d, want %d", value, n, counts[value])
			}
		}
		if sum != all.N {
			t.Errorf("counts add up to %d of %d", sum, all.N)
		}
		if d := float64(all.Distinct()) / float64(len(counts)); d < 0.88 || d > 1.12 {
			t.Errorf("%d distinct, want about %d", all.Distinct(), len(counts))
		}
	}
}
