package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// strings makes a feature of counted strings.
func stringsOf(counts map[string]int64) *profile.Feature {
	c := &profile.Categories{Counts: counts}
	for _, n := range counts {
		c.N += n
	}
	return &profile.Feature{Rows: c.N, Cat: c}
}

func with(features map[string]*profile.Feature) *profile.Profile {
	return &profile.Profile{Features: features}
}

// only compares one feature.
func only(t *testing.T, cur, ref *profile.Feature, opt DriftOptions) FeatureDrift {
	t.Helper()
	list := Drift(with(map[string]*profile.Feature{"f": cur}), with(map[string]*profile.Feature{"f": ref}), opt)
	if len(list) != 1 {
		t.Fatalf("%d features", len(list))
	}
	return list[0]
}

func TestGrades(t *testing.T) {
	ref := stringsOf(map[string]int64{"a": 5000, "b": 5000})
	for _, c := range []struct {
		name string
		cur  map[string]int64
		want string
	}{
		{"alike", map[string]int64{"a": 500, "b": 500}, Stable},
		{"by chance", map[string]int64{"a": 520, "b": 480}, Stable},
		{"a large window, a small effect", map[string]int64{"a": 5600, "b": 4400}, Shifted},
		{"moved", map[string]int64{"a": 800, "b": 200}, Drifted},
		{"too few", map[string]int64{"a": 29}, Insufficient},
		{"none", nil, Insufficient},
	} {
		f := only(t, stringsOf(c.cur), ref, DriftOptions{})
		if f.Grade != c.want || f.Drifted != (c.want == Drifted) {
			t.Errorf("%s: %+v, want %s", c.name, f, c.want)
		}
		if f.Defined == math.IsNaN(f.Value) || f.Defined != (c.cur != nil) {
			t.Errorf("%s: value %v, defined %v", c.name, f.Value, f.Defined)
		}
	}
}

// A feature that the current window lacks is there, without a verdict; one
// that the reference lacks has nothing to be compared with.
func TestFeaturesOnOneSide(t *testing.T) {
	list := Drift(with(map[string]*profile.Feature{"new": stringsOf(map[string]int64{"a": 99})}),
		with(map[string]*profile.Feature{"old": stringsOf(map[string]int64{"a": 99})}), DriftOptions{})
	if len(list) != 1 || list[0].Name != "old" || list[0].Grade != Insufficient || list[0].RefN != 99 {
		t.Errorf("%+v", list)
	}
	if share := DriftShare(list); share.Defined {
		t.Errorf("a share of no verdicts: %+v", share)
	}
}

// A never-seen category in 1.2 % of rows passes under every distance; it is
// reported by itself. One odd row is not.
func TestUnseenIsReported(t *testing.T) {
	ref := stringsOf(map[string]int64{"a": 5000, "b": 5000})
	f := only(t, stringsOf(map[string]int64{"a": 494, "b": 494, "new": 12}), ref, DriftOptions{Method: MethodJS})
	if !f.UnseenSignificant || f.Grade != Shifted || f.Value >= 0.1 || f.Unseen != 0.012 {
		t.Errorf("%+v", f)
	}
	f = only(t, stringsOf(map[string]int64{"a": 500, "b": 499, "new": 1}), ref, DriftOptions{})
	if f.UnseenSignificant || f.Grade != Stable || f.Unseen != 0.001 {
		t.Errorf("one odd row: %+v", f)
	}
}

// Past the cap of names a new one may be one that the reference dropped.
func TestDroppedNamesAreNotUnseen(t *testing.T) {
	ref := stringsOf(map[string]int64{"a": 5000, "b": 5000})
	ref.Cat.Other, ref.Cat.N = 1000, 11000
	f := only(t, stringsOf(map[string]int64{"a": 500, "b": 500, "c": 100}), ref, DriftOptions{})
	if f.Unseen != 0 || f.Grade != Stable || f.Value > 1e-5 {
		t.Errorf("%+v", f)
	}
}

func TestMethodsApply(t *testing.T) {
	cur, ref := stringsOf(map[string]int64{"a": 60, "b": 40}), stringsOf(map[string]int64{"a": 40, "b": 60})
	for method, applies := range map[string]bool{
		MethodPSI: true, MethodJS: true, MethodChiSquare: true, MethodKS: false, MethodWasserstein: false,
		"js@nannyml": true, "fisher": true, "cvm": false, "linf@nannyml": true, "mmd": false,
	} {
		list := Drift(with(map[string]*profile.Feature{"f": cur}), with(map[string]*profile.Feature{"f": ref}), DriftOptions{Method: method})
		if (len(list) == 1) != applies {
			t.Errorf("%s: %+v", method, list)
		}
	}
	f := only(t, cur, ref, DriftOptions{Method: MethodChiSquare})
	x2, p, _ := twosample.ChiSquare(named([]int64{60, 40}, []int64{40, 60}))
	if f.Value != x2 || f.PValue == nil || *f.PValue != p {
		t.Errorf("%+v, want %v with %v", f, x2, p)
	}
}

// A test whose statistic grows with the rows is judged by the column's psi, and
// one that cannot be had says why.
func TestTestsAreJudgedByPSI(t *testing.T) {
	ref := stringsOf(map[string]int64{"a": 50_000, "b": 50_000})
	little := only(t, stringsOf(map[string]int64{"a": 5300, "b": 4700}), ref, DriftOptions{Method: "g@contingency"})
	if little.Grade != Shifted || little.Value < 10 || little.Limit != 0.1 {
		t.Errorf("%+v", little)
	}
	if much := only(t, stringsOf(map[string]int64{"a": 8000, "b": 2000}), ref, DriftOptions{Method: "g@contingency"}); much.Grade != Drifted {
		t.Errorf("%+v", much)
	}
	three := only(t, stringsOf(map[string]int64{"a": 500, "b": 400, "c": 100}), ref, DriftOptions{Method: "fisher"})
	if three.Defined || three.Reason != twosample.NotTwo || three.Drifted || !math.IsNaN(three.Value) || three.Grade != Shifted {
		t.Errorf("%+v", three)
	}
}

func TestPredictionDrift(t *testing.T) {
	ref, cur := &profile.Profile{Scores: &profile.ScoreSet{}}, &profile.Profile{Scores: &profile.ScoreSet{}}
	rng := rand.New(rand.NewPCG(1, 2))
	var a, b []float64
	for range 300 {
		x, y := rng.Float64(), rng.Float64()*rng.Float64()
		a, b = append(a, x), append(b, y)
		ref.Scores.Add(x, 1)
		cur.Scores.Add(y, 1)
	}
	ref.Classes = stringsOf(map[string]int64{"yes": 100, "no": 200}).Cat
	cur.Classes = stringsOf(map[string]int64{"yes": 100, "no": 200}).Cat
	list := PredictionDrift(cur, ref, DriftOptions{})
	if len(list) != 2 || list[0].Name != "score" || list[0].Grade != Drifted || list[1].Name != "class" || list[1].Grade != Stable {
		t.Fatalf("%+v", list)
	}
	near(t, "psi", list[0].Value, twosample.PSI(twosample.NewNumbers(b, a).Deciles()), 1e-12)
	ks := PredictionDrift(cur, ref, DriftOptions{Method: MethodKS})
	if len(ks) != 1 || ks[0].Bound != 0 || ks[0].Value != twosample.NewNumbers(b, a).KS() {
		t.Errorf("%+v", ks)
	}
}

func TestDriftOptions(t *testing.T) {
	if errs := (DriftOptions{}).Validate(); errs != nil {
		t.Error(errs)
	}
	bad := DriftOptions{Preset: "mood", Method: "vibes", Limits: map[string]float64{"x": 1, MethodPSI: -1}, Q: 1, MinRows: -1}
	if errs := bad.Validate(); len(errs) != 6 {
		t.Error(errs)
	}
	f := only(t, stringsOf(map[string]int64{"a": 800, "b": 200}), stringsOf(map[string]int64{"a": 5000, "b": 5000}),
		DriftOptions{Limits: map[string]float64{MethodPSI: 9}})
	if f.Grade != Shifted {
		t.Errorf("a limit of 9 is far away: %+v", f)
	}
}

func TestDataQualityOfStrings(t *testing.T) {
	f := stringsOf(map[string]int64{"a": 60, "b": 30, "new": 5})
	f.Rows = 100
	list := DataQuality(with(map[string]*profile.Feature{"f": f}), with(map[string]*profile.Feature{"f": stringsOf(map[string]int64{"a": 1, "b": 1})}))
	q := list[0]
	if q.Kind != KindCategorical || q.Missing != 5 || q.MissingRate != 0.05 || q.Unseen != 5 || q.UnseenRate != 5./95 || !q.Compared {
		t.Errorf("%+v", q)
	}
	if c := q.Category; c.Distinct != 3 || c.Top[0] != (CategoryCount{"a", 60}) || c.Top[2].Name != "new" || c.Other != 0 {
		t.Errorf("%+v", q.Category)
	}
	if alone := DataQuality(with(map[string]*profile.Feature{"f": f}), nil)[0]; alone.Compared || alone.Unseen != 0 {
		t.Errorf("without a reference: %+v", alone)
	}
}

// The goal of SPEED.md is 75 µs for the four numbers of one feature-window, from
// two profiles to the numbers: 10,000 rows against a reference of 100,000.
func BenchmarkFourNumbers(b *testing.B) {
	for _, c := range []struct {
		name   string
		scale  float64
		digits func(float64) float64
	}{{"real", 1, func(v float64) float64 { return v }}, {"whole", 1000, math.Round}} {
		rng := rand.New(rand.NewPCG(3, 4))
		draw := func(n int, mean float64) *profile.Numeric {
			v := make([]float64, n)
			for i := range v {
				v[i] = c.digits(c.scale * (rng.NormFloat64() + mean))
			}
			return foldNumbers(v, 0, profile.WindowExact).Features["f"].Num
		}
		cur, ref := draw(10_000, 0.2), draw(100_000, 0)
		b.Run(c.name, func(b *testing.B) { fourNumbers(b, cur, ref) })
	}
}

func fourNumbers(b *testing.B, cur, ref *profile.Numeric) {
	var r reader
	sum := 0.0
	b.ReportAllocs()
	for b.Loop() {
		x := r.numeric("f", cur, ref).numbers
		sum += x.KS() + x.Wasserstein() + twosample.PSI(x.Deciles()) + twosample.JS(x.Deciles())
	}
	b.ReportMetric(float64(len(r.points)), "points")
	if math.IsNaN(sum) {
		b.Error("not a number")
	}
}

// The exact p-value at its dearest: both samples at the limit, unequal, and a
// distance whose p is just above the negligible.
func BenchmarkExactP(b *testing.B) {
	for _, c := range []struct {
		name string
		d    float64
		n, m int64
	}{{"10000x9999", 0.0585, 10_000, 9_999}, {"5832x744/no-drift", 0.04, 5832, 744}, {"asymptotic", 0.01, 100_000, 20_000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				twosample.KSPValue(c.d, c.n, c.m)
			}
		})
	}
}

func named(cur, ref []int64) []twosample.Bin {
	out := make([]twosample.Bin, len(cur))
	for i := range cur {
		out[i] = twosample.Bin{Name: string(rune('a' + i)), Cur: cur[i], Ref: ref[i]}
	}
	return out
}
