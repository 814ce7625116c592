package profile

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func TestKeysOfKindsAscend(t *testing.T) {
	r := random(1)
	for range 100_000 {
		a := math.Ldexp(r.Float64(), -r.IntN(60))
		if r.IntN(2) == 0 {
			a = 1 - a
		}
		b := a + math.Ldexp(r.Float64(), -r.IntN(60))
		for _, kind := range []setKind{ofScores, ofClasses, ofNumbers} {
			if kind == ofNumbers {
				a, b = math.Ldexp(a-0.5, 20), math.Ldexp(b-0.5, 20)
			}
			ka, kb := kind.key(a), kind.key(b)
			if ka > kb || kb > kind.maxKey() || !kind.holds(ka) || !kind.holds(kb) {
				t.Fatalf("kind %d: key %d of %v, %d of %v", kind, ka, a, kb, b)
			}
			if s := kind.span(ka); a < s.lo-1e-7*math.Abs(a) || a > s.hi+1e-7*max(1, math.Abs(a)) {
				t.Fatalf("kind %d: %v is not in %v to %v", kind, a, s.lo, s.hi)
			}
		}
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 0.5, 1, -3, 1e300, -1e300, 5e-324, -5e-324, math.Nextafter(1, 0)} {
		for _, kind := range []setKind{ofClasses, ofNumbers} {
			table := make([]int32, kind.size())
			i, ok := kind.index(v)
			if !ok {
				continue
			}
			table[i] = 1
			if got := kind.drain(table); len(got) != 1 || got[0].key != kind.key(v) {
				t.Errorf("kind %d: a table puts %v into %v, want key %d", kind, v, got, kind.key(v))
			}
		}
	}
}

// Errors are exact while few, and else within a cell, for every shape and in
// any order of merging.
func TestErrorsOfEveryShape(t *testing.T) {
	for _, s := range shapes {
		for _, n := range []int{1, 100, 256, 257, 10_000, 50_000} {
			values := s.draw(n, uint64(n))
			whole := &Regression{}
			for part := range 7 {
				x := &Regression{}
				for i := part; i < n; i += 7 {
					x.add(values[i], 0, 1)
				}
				whole.Merge(x, WindowExact)
			}
			slices.Sort(values)
			e := &whole.Errors
			exact, ok := e.Exact()
			if n <= WindowExact && !slices.Equal(exact, values) || ok != (n <= WindowExact) {
				t.Errorf("%s, %d: errors are not as they were", s.name, n)
			}
			var lo, hi []float64
			e.Cells(func(l, h float64, _ int64) { lo, hi = append(lo, l), append(hi, h) })
			last := len(hi) - 1
			for _, c := range []struct{ v, lo, hi float64 }{{values[0], lo[0], hi[0]}, {values[n-1], lo[last], hi[last]}} {
				if slack := 1e-7 * math.Abs(c.v); c.v < c.lo-slack || c.v > c.hi+slack {
					t.Errorf("%s, %d: the outermost %v is not in %v to %v", s.name, n, c.v, c.lo, c.hi)
				}
			}
			for i := range 101 {
				q := float64(i) / 100
				got, want := e.Quantile(q), quantileOfValues(values, q)
				if math.Abs(got-want) > math.Abs(want)/64 && rankError64(values, got, q) > e.QuantileError()+1/float64(n)+1e-9 {
					t.Errorf("%s, %d: quantile %v is %v, want %v", s.name, n, q, got, want)
				}
			}
		}
	}
}

// The area of a class against all others, from the grid, is near the true one
// and within its bound; within the limit it is exact.
func TestClassScores(t *testing.T) {
	for _, k := range []int{2, 3, 10} {
		for _, n := range []int{20, 300, 20_000} {
			testClassScores(t, k, n)
		}
	}
}

func testClassScores(t *testing.T, k, n int) {
	t.Helper()
	r := random(uint64(n + k))
	names := make([]string, k)
	for i := range names {
		names[i] = fmt.Sprint("class ", i)
	}
	exact := map[string]*OneVsRest{}
	for _, name := range names {
		exact[name] = &OneVsRest{}
	}
	whole, loss := &Quality{}, 0.0
	part := &Quality{}
	for i := range n {
		label := r.IntN(k)
		scores, sum := make([]float64, k), 0.0
		for c := range scores {
			scores[c] = math.Exp(r.NormFloat64() * 1.5)
			if c == label {
				scores[c] *= 4
			}
			sum += scores[c]
		}
		for c := range scores {
			scores[c] /= sum
			side := &exact[names[c]].Neg
			if c == label {
				side = &exact[names[c]].Pos
				loss -= math.Log(scores[c])
			}
			side.values = append(side.values, scoreCount{scores[c], 1})
			side.n++
		}
		part.Add(&Outcome{Task: event.Multiclass, Pred: names[0], Label: names[label], ScoredClasses: names, ClassScores: scores}, 1)
		if i%700 == 699 || i == n-1 {
			whole.Merge(part, MergeExact)
			part = &Quality{}
		}
	}
	c := whole.Classes
	if c.Rows != int64(n) || len(c.Of) != k || c.Other != 0 || !near(c.LogLoss.Float64(), loss, 1e-12) {
		t.Fatalf("%d of %d: %d rows of %d classes, log loss %v, want %v", k, n, c.Rows, len(c.Of), c.LogLoss.Float64(), loss)
	}
	for name, want := range exact {
		want.Pos.values, want.Neg.values = gatherScores(want.Pos.values), gatherScores(want.Neg.values)
		a, _ := aucOf(&want.Pos, &want.Neg)
		b, bound := aucOf(&c.Of[name].Pos, &c.Of[name].Neg)
		if kept := n <= MergeExact/ClassExactShare; kept && a != b || math.Abs(a-b) > 1e-4 || math.Abs(a-b) > bound+1e-12 {
			t.Errorf("%d classes, %d rows: AUC of %s %v, want %v within %v", k, n, name, b, a, bound)
		}
	}
}

func TestScoresOfTooManyClasses(t *testing.T) {
	q := &Quality{}
	scores := make([]float64, len(manyClasses))
	for i := range 40 {
		q.Add(&Outcome{Task: event.Multiclass, Label: manyClasses[i%5], ScoredClasses: manyClasses, ClassScores: scores}, 1)
	}
	all := &Quality{}
	all.Merge(q, WindowExact)
	c := all.Classes
	if len(c.Of) != MaxScoredClasses || c.Other != int64(40*(len(manyClasses)-MaxScoredClasses)) || c.Rows != 40 {
		t.Errorf("%d classes, %d scores of others, %d rows", len(c.Of), c.Other, c.Rows)
	}
}

// What keeps every value equals what a window of few rows keeps.
func TestExactQualityKeepsErrorsAndClasses(t *testing.T) {
	r := random(6)
	var outcomes []Outcome
	for range 90 {
		outcomes = append(outcomes, randomOutcome(r))
	}
	want := &Quality{}
	want.Merge(qualityOf(outcomes, 1), math.MaxInt)
	got := &Quality{}
	got.Merge(ExactQuality(outcomes), math.MaxInt)
	want.Pos, want.Neg, got.Pos, got.Neg = ScoreSet{}, ScoreSet{}, ScoreSet{}, ScoreSet{} // of outcomes of one task only
	if !slices.Equal(qualityBytes(got), qualityBytes(want)) {
		t.Error("they differ")
	}
}
