package profile

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// hostile are columns on which summaries break first.
var hostile = map[string]func(r *rand.Rand) float64{
	"constant":          func(*rand.Rand) float64 { return 0.1 },
	"zero":              func(*rand.Rand) float64 { return 0 },
	"minus zero":        func(*rand.Rand) float64 { return math.Copysign(0, -1) },
	"NaN":               func(*rand.Rand) float64 { return math.NaN() },
	"infinite":          func(r *rand.Rand) float64 { return math.Inf(1 - 2*r.IntN(2)) },
	"1e9 and noise":     func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64()*1e-3 },
	"pareto":            func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1/1.1) },
	"cauchy":            func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) },
	"far modes":         func(r *rand.Rand) float64 { return [2]float64{-5, 1e6}[r.IntN(2)] + r.NormFloat64() },
	"least and largest": func(r *rand.Rand) float64 { return [4]float64{5e-324, -5e-324, 1e308, -1e308}[r.IntN(4)] },
	"odd": func(r *rand.Rand) float64 {
		return [5]float64{math.NaN(), math.Inf(1), math.Inf(-1), 3, r.NormFloat64()}[r.IntN(5)]
	},
	"share": func(r *rand.Rand) float64 { return r.Float64() },
}

// hostileLeaf is rows of one hostile column in every place that a number can
// have, and outcomes of every task.
func hostileLeaf(r *rand.Rand, f *Folder, name string, rows int) *Profile {
	draw := hostile[name]
	column := func(name string, epoch uint32, centres ...float64) event.Num {
		c := event.Num{Name: name, Epoch: epoch, Centre: centres[0], Others: centres[1:], Values: make([]float64, rows)}
		for i := range c.Values {
			c.Values[i] = draw(r)
		}
		return c
	}
	missing := event.Num{Name: "missing", Values: make([]float64, rows)}
	for i := range rows {
		missing.SetNull(i)
	}
	b := &event.Batch{Header: event.Header{Task: event.Binary, Positive: "true"}, Rows: rows, Time: make([]int64, rows)}
	b.Nums = []event.Num{missing, column("kept", 0, 0), column("grid", 1, 0), column("grids", 1, -5, 1e6), column("both", 1, 3)}
	one := event.Dict{Values: []string{"true"}, Codes: make([]int32, rows)} // one class
	b.Pred, b.Cats = one, []event.Dict{one, one}
	b.Cats[0].Name, b.Cats[1].Name = "one class", "both"
	b.Score, b.PredValue, b.Latency = column("", 0, 0), column("", 0, 0), column("", 0, 0)
	w := f.Open(false)
	f.Add(w, b, nil)
	w.Duplicates(int64(1 + rows%3))
	for i := range min(rows, 300) {
		hostileOutcome(w.Quality(), b, i, draw(r))
	}
	return f.Close(w)
}

func hostileOutcome(q *Quality, b *event.Batch, i int, label float64) {
	classes := []string{"a", "b"}
	q.Add(&Outcome{Task: event.Binary, PredPositive: true, LabelPositive: i%2 == 0, Score: b.Score.Values[i]}, 1)
	q.Add(&Outcome{Task: event.Multiclass, Pred: "a", Label: classes[i%2], Score: math.NaN(), ScoredClasses: classes, ClassScores: []float64{b.Score.Values[i], label}}, 1)
	q.Add(&Outcome{Task: event.Regression, Score: math.NaN(), PredValue: b.PredValue.Values[i], LabelValue: label}, 1)
	if i%10 == 0 {
		q.AddQuery(&Query{Relevance: []float64{1, 0, label}}, 1)
	}
}

// The laws: whatever the parts and their sizes, any order and any tree of
// merging gives the same; nothing merged in changes nothing; and the bytes
// bring back what was written.
func TestLawsOfHostileColumns(t *testing.T) {
	f := NewFolder(1 << 20)
	for name := range hostile {
		for seed, sizes := range [][]int{{1}, {1, 1, 1}, {1, 255, 1}, {100, 100, 100}, {300, 1, 2000}, {5000, 6000}} {
			r := random(uint64(seed))
			var leaves []*Profile
			for _, rows := range sizes {
				leaves = append(leaves, hostileLeaf(r, f, name, rows))
			}
			leaves = append(leaves, &Profile{}) // an empty window
			for _, limit := range []int{WindowExact, MergeExact} {
				checkLaws(t, r, name, leaves, limit)
			}
		}
	}
}

func checkLaws(t *testing.T, r *rand.Rand, name string, leaves []*Profile, limit int) {
	t.Helper()
	want := mergeAll(r, leaves, limit)
	wanted := bare(t, want)
	for range 3 {
		if got := mergeAll(r, leaves, limit); !bytes.Equal(bare(t, got), wanted) {
			t.Fatalf("%s, limit %d: two orders of merging differ", name, limit)
		}
	}
	same := clonedBy(t, want)
	same.Merge(&Profile{}, limit)
	if !bytes.Equal(bare(t, same), wanted) {
		t.Errorf("%s, limit %d: an empty profile changed what it was merged into", name, limit)
	}
	other := &Profile{}
	other.Merge(want, limit)
	if !bytes.Equal(other.AppendTo(nil), want.AppendTo(nil)) {
		t.Errorf("%s, limit %d: merged into an empty profile it is another", name, limit)
	}
	readAll(want)
}

// clonedBy is what a profile's bytes bring back, which must be the same.
func clonedBy(t *testing.T, p *Profile) *Profile {
	t.Helper()
	b := p.AppendTo(nil)
	c, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.AppendTo(nil), b) {
		t.Fatal("the bytes change in a round trip")
	}
	return c
}

// Each part of a profile must be in the leaves of the laws: who adds a summary
// adds it to hostileLeaf.
func TestLawsKnowEveryPart(t *testing.T) {
	r, f := random(1), NewFolder(0)
	p := &Profile{}
	for name := range hostile {
		p.Merge(hostileLeaf(r, f, name, 300), WindowExact)
	}
	for _, part := range []any{*p, *p.Quality} {
		v := reflect.ValueOf(part)
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() || slices.Contains([]string{"Errors", "NoPrediction", "FirstTime", "LastTime", "Arrived", "ConfusionOther", "FN", "TN"}, field.Name) {
				continue
			}
			if v.Field(i).IsZero() {
				t.Errorf("%s of %s is in no leaf", field.Name, v.Type())
			}
		}
	}
}

// The seeds have what the laws have; FuzzDecode has the usual columns.
func FuzzDecodeHostile(f *testing.F) {
	r, folder := random(2), NewFolder(0)
	for name := range hostile {
		for _, rows := range []int{1, 40, 300} {
			f.Add(hostileLeaf(r, folder, name, rows).AppendTo(nil))
		}
	}
	f.Fuzz(tryBytes)
}
