package profile

import (
	"bytes"
	"math"
	"math/big"
	"os"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

func qualityBytes(q *Quality) []byte { return (&Profile{Quality: q}).AppendTo(nil) }

// A correction leaves no trace, within one delta and over several, while
// scores are kept and when they are on the grid.
func TestTakeBack(t *testing.T) {
	for _, rows := range []int{0, 50, 3000} {
		for _, wrong := range []int{1, 40, 900} {
			r := random(uint64(rows + wrong))
			if rows == 50 && wrong == 900 {
				continue // on the grid meanwhile: see Quality
			}
			var right, other []Outcome
			for range rows {
				right = append(right, randomOutcome(r))
			}
			for range wrong {
				other = append(other, randomOutcome(r))
			}
			want := &Quality{}
			want.Merge(qualityOf(right, 1), WindowExact)

			inOne := qualityOf(right, 1)
			addAllTo(inOne, other, 1)
			addAllTo(inOne, other, -1)
			got := &Quality{}
			got.Merge(inOne, WindowExact)
			if rows > 0 && !bytes.Equal(qualityBytes(got), qualityBytes(want)) {
				t.Errorf("%d rows, %d taken back in one delta: a trace is left", rows, wrong)
			}

			got = &Quality{}
			got.Merge(qualityOf(right, 1), WindowExact)
			got.Merge(qualityOf(other, 1), WindowExact)
			got.Merge(qualityOf(other, -1), WindowExact)
			if !bytes.Equal(qualityBytes(got), qualityBytes(want)) {
				t.Errorf("%d rows, %d taken back by another delta: a trace is left", rows, wrong)
			}
		}
	}
}

func qualityOf(outcomes []Outcome, sign int64) *Quality {
	q := &Quality{}
	addAllTo(q, outcomes, sign)
	return q
}

func addAllTo(q *Quality, outcomes []Outcome, sign int64) {
	for i := range outcomes {
		q.Add(&outcomes[i], sign)
	}
}

func TestBinaryQuality(t *testing.T) {
	q := &Quality{}
	rows := []struct {
		pred, label bool
		score       float64
	}{{true, true, 0.9}, {true, false, 0.8}, {false, true, 0.3}, {false, false, 0}, {false, false, math.NaN()}, {true, true, 1.5}}
	for _, row := range rows {
		q.Add(&Outcome{Task: event.Binary, PredPositive: row.pred, LabelPositive: row.label, Score: row.score}, 1)
	}
	if q.TP != 2 || q.FP != 1 || q.FN != 1 || q.TN != 2 || q.Labels != 6 || q.ScoreLabels() != 5 || q.ProbLabels != 4 {
		t.Errorf("%+v", q)
	}
	if got, want := q.Brier.Float64(), 0.1*0.1+0.64+0.49; !near(got, want, 1e-15) {
		t.Errorf("Brier %v, want %v", got, want)
	}
	if got, want := q.LogLoss.Float64(), -math.Log(0.9)-math.Log(0.2)-math.Log(0.3); !near(got, want, 1e-14) {
		t.Errorf("log loss %v, want %v", got, want)
	}
}

func TestLogLossIsClipped(t *testing.T) {
	q := &Quality{}
	q.Add(&Outcome{Task: event.Binary, LabelPositive: true, Score: 0}, 1)
	q.Add(&Outcome{Task: event.Binary, Score: 1}, 1)
	if got, want := q.LogLoss.Float64(), -2*math.Log(2.220446049250313e-16); !near(got, want, 1e-12) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestExactSum(t *testing.T) {
	r := random(2)
	var s ExactSum
	want := new(big.Rat)
	var values []float64
	for range 2000 {
		v := math.Ldexp(r.NormFloat64(), r.IntN(2000)-1040)
		if !finite(v) {
			continue
		}
		values = append(values, v)
		s.Add(v, 1)
		want.Add(want, new(big.Rat).SetFloat64(v))
	}
	if exact, _ := want.Float64(); s.Float64() != exact {
		t.Errorf("%v, want %v", s.Float64(), exact)
	}
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	for _, v := range values {
		s.Add(v, -1)
	}
	if !s.isZero() || s.Float64() != 0 {
		t.Errorf("%v is left", s.Float64())
	}
	s.Add(5e-324, 1)
	s.Add(math.MaxFloat64, 1)
	s.Add(math.MaxFloat64, -1)
	if s.Float64() != 5e-324 {
		t.Errorf("%v of the least float is left", s.Float64())
	}
}

func TestRegressionSums(t *testing.T) {
	r := random(5)
	q := &Quality{}
	var ys []float64
	var sqE float64
	for range 1000 {
		o := Outcome{Task: event.Regression, LabelValue: 1e9 + r.NormFloat64()}
		o.PredValue = o.LabelValue + r.NormFloat64()
		ys = append(ys, o.LabelValue)
		e := o.PredValue - o.LabelValue
		sqE += e * e
		q.Add(&o, 1)
	}
	q.Add(&Outcome{Task: event.Regression, PredValue: math.Inf(1), LabelValue: 1}, 1)
	x := q.Regression
	_, sd := exactMoments(ys)
	if !near(x.TotalSquares(), sd*sd*1000, 1e-12) || !near(x.SqE.Float64(), sqE, 1e-12) || x.Invalid != 1 || x.N != 1000 || x.NonZero != 1000 {
		t.Errorf("total squares %v, want %v; %+v", x.TotalSquares(), sd*sd*1000, x)
	}
}

// aucOf counts ties half; bound is half the tied share.
func aucOf(pos, neg *ScoreSet) (auc, bound float64) {
	var below, pairs, tied float64
	ScorePairs(pos, neg, func(_ float64, p, n int64) {
		pairs += float64(p) * (below + float64(n)/2)
		tied += float64(p) * float64(n) / 2
		below += float64(n)
	})
	all := float64(pos.N()) * float64(neg.N())
	return pairs / all, tied / all
}

// The AUC from the grid is within 1e-4, and within its bound, also where a
// class is rare and where scores crowd at an end.
func TestAUC(t *testing.T) {
	for _, n := range []int{10, 100, 1000, 50_000, 1_000_000} {
		testAUC(t, n)
	}
}

func TestAUCOfTenMillion(t *testing.T) {
	if os.Getenv("LEEWAY_VERIFY") == "" {
		t.Skip("verify: sorts ten million scores; make verify runs it")
	}
	testAUC(t, 10_000_000)
}

func testAUC(t *testing.T, n int) {
	t.Helper()
	for _, c := range []struct {
		name  string
		shift float64
	}{{"balanced", 0}, {"rare", -9}, {"saturated", 9}} {
		r := random(uint64(n))
		q := &Quality{}
		var pos, neg []scoreCount
		for range n {
			logit := r.NormFloat64()*2 + c.shift
			o := Outcome{Task: event.Binary, Score: 1 / (1 + math.Exp(-logit)), LabelPositive: r.Float64() < 1/(1+math.Exp(-(logit-c.shift)))}
			q.Add(&o, 1)
			if o.LabelPositive {
				pos = append(pos, scoreCount{o.Score, 1})
			} else {
				neg = append(neg, scoreCount{o.Score, 1})
			}
		}
		exactPos := ScoreSet{n: int64(len(pos)), values: gatherScores(pos)}
		exactNeg := ScoreSet{n: int64(len(neg)), values: gatherScores(neg)}
		merged := &Quality{}
		merged.Merge(q, WindowExact)
		got, bound := aucOf(&merged.Pos, &merged.Neg)
		want, _ := aucOf(&exactPos, &exactNeg)
		if n <= WindowExact && got != want {
			t.Errorf("%s, %d: AUC %v of kept scores, want %v", c.name, n, got, want)
		}
		if math.Abs(got-want) > 1e-4 || math.Abs(got-want) > bound+1e-12 {
			t.Errorf("%s, %d: AUC %v, want %v within %v", c.name, n, got, want, bound)
		}
	}
}

func TestScoreKeysAscend(t *testing.T) {
	r := random(1)
	for range 200_000 {
		a := math.Ldexp(r.Float64(), -r.IntN(60))
		if r.IntN(2) == 0 {
			a = 1 - a
		}
		b := a + math.Ldexp(r.Float64(), -r.IntN(60))
		ka, kb := scoreKey(a), scoreKey(b)
		if ka > kb || ka > scoreMax {
			t.Fatalf("key %d of %v, %d of %v", ka, a, kb, b)
		}
		if s := scoreSpan(ka); a < s.lo-1e-7*math.Abs(a) || a > s.hi+1e-7 {
			t.Fatalf("%v is not in %v to %v", a, s.lo, s.hi)
		}
		if a >= 0 && a <= 1 && tableIndex(a) != ka-tableBase {
			t.Fatalf("index %d of %v, want %d", tableIndex(a), a, ka-tableBase)
		}
	}
	for _, s := range []float64{0, math.Copysign(0, -1), 0.5, math.Nextafter(0.5, 0), 1, math.Nextafter(1, 0), 5e-324} {
		if i := tableIndex(s); i != scoreKey(s)-tableBase || i >= tableCells {
			t.Errorf("index %d of %v", i, s)
		}
	}
}

func TestScoreSetKeepsAllKinds(t *testing.T) {
	r := random(9)
	s := &ScoreSet{}
	for range 5000 {
		s.Add(r.Float64(), 1)
	}
	for _, odd := range []float64{-3, 7, math.NaN(), math.Inf(1), 0, 1} {
		s.Add(odd, 1)
	}
	if s.N() != 5004 {
		t.Fatalf("%d scores", s.N())
	}
	if q := s.Quantile(0.5); math.Abs(q-0.5) > 0.02 {
		t.Errorf("median %v", q)
	}
	if lo, hi := s.Quantile(0), s.Quantile(1); math.Abs(lo+3) > 0.03 || math.Abs(hi-7) > 0.06 {
		t.Errorf("%v to %v", lo, hi)
	}
	if out := s.MassOutside(0, 1); !near(out, 2.0/5004, 1e-9) {
		t.Errorf("outside %v", out)
	}
}

func TestConfusionPastTheCap(t *testing.T) {
	name := func(i int) string { return string(rune('a'+i%26)) + string(rune('a'+i/26)) }
	q := &Quality{}
	for i := range 150 {
		for j := range 150 {
			q.Add(&Outcome{Task: event.Multiclass, Pred: name(i), Label: name(j)}, 1)
		}
	}
	p := &Quality{}
	p.Merge(q, WindowExact)
	if len(p.Confusion) != MaxConfusion || p.ConfusionOther != 150*150-MaxConfusion || p.Correct != 150 || p.Labels != 150*150 {
		t.Errorf("%d cells, %d others, %d correct", len(p.Confusion), p.ConfusionOther, p.Correct)
	}
}

func TestBinaryAddDoesNotAllocate(t *testing.T) {
	f := NewFolder(0)
	w := f.Open(false)
	q := w.Quality()
	r := random(1)
	o := Outcome{Task: event.Binary}
	next := func() {
		o.Score, o.LabelPositive, o.PredPositive = r.Float64(), r.IntN(2) == 0, r.IntN(2) == 0
		q.Add(&o, 1)
	}
	for range 10_000 {
		next()
	}
	if n := testing.AllocsPerRun(1000, next); n != 0 {
		t.Errorf("%v allocations a label", n)
	}
}
