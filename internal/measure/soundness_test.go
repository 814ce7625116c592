package measure

import (
	"math"
	"testing"

	"github.com/leewayhq/leeway/internal/profile"
)

func repeat(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func counting(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i)
	}
	return out
}

func TestOutliersByName(t *testing.T) {
	// numpy.percentile(range(201), [25, 75]) is [50, 150], the fence [-100, 300];
	// mean 100, deviation 58.02, the fence [-74.07, 274.07].
	ref := foldNumbers(counting(201), 100, profile.WindowExact)
	cur := foldNumbers([]float64{-101, -100, -75, 0, 100, 200, 274, 275, 300, 301}, 100, profile.WindowExact)
	q := DataQuality(cur, ref)[0]
	if q.OutliersIQR != 2 || q.OutliersZScore != 6 || q.Outliers != 9 || q.OutOfRange != 7 {
		t.Errorf("%d by IQR, %d by z-score, %d by percentile, %d out of range", q.OutliersIQR, q.OutliersZScore, q.Outliers, q.OutOfRange)
	}
	if alone := DataQuality(cur, nil)[0]; alone.Compared || alone.OutliersIQR != 0 || alone.OutliersZScore != 0 {
		t.Errorf("outliers without a reference: %+v", alone)
	}
}

func TestVariety(t *testing.T) {
	numbers := func(v []float64) *profile.Feature { return foldNumbers(v, 0, profile.WindowExact).Features["f"] }
	for _, c := range []struct {
		name string
		f    *profile.Feature
		want Variety
	}{
		{"empty", &profile.Feature{Rows: 5}, Variety{Exact: true}},
		{"one row", numbers([]float64{7}), Variety{N: 1, Distinct: 1, Exact: true, Top: 1}},
		{"constant", numbers(repeat(0.1, 5000)), Variety{N: 5000, Distinct: 1, Exact: true, Top: 1, Constant: true}},
		{"varied", numbers(counting(100)), Variety{N: 100, Distinct: 100, Exact: true, Top: 0.01}},
		{"two values on a grid", numbers(append(repeat(0, 9700), repeat(1, 300)...)), Variety{N: 10_000, Distinct: 2, Exact: true, Top: 0.97, AlmostConstant: true}},
		{"one string", stringsOf(map[string]int64{"a": 40}), Variety{N: 40, Distinct: 1, Exact: true, Top: 1, Constant: true}},
		{"mostly one string", stringsOf(map[string]int64{"a": 95, "b": 4, "c": 1}), Variety{N: 100, Distinct: 3, Exact: true, Top: 0.95, AlmostConstant: true}},
	} {
		if got := varietyOf(c.f); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	fractions := make([]float64, 20_000)
	for i := range fractions {
		fractions[i] = math.Sqrt(float64(i))
	}
	if v := varietyOf(numbers(fractions)); v.Exact || v.Distinct < 500 || v.Constant || v.AlmostConstant {
		t.Errorf("fractions on a grid: %+v", v)
	}
	mixed := numbers(repeat(1, 50))
	mixed.Cat = &profile.Categories{N: 1, Counts: map[string]int64{"one": 1}}
	if v := varietyOf(mixed); v.Distinct != 2 || v.Constant || !v.AlmostConstant {
		t.Errorf("a number and a string: %+v", v)
	}
}

func TestScoreOfAColumn(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	ref := foldNumbers(append(counting(90), repeat(nan, 10)...), 0, profile.WindowExact)
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"the reference itself", append(counting(90), repeat(nan, 10)...), 1},
		{"fewer missing", counting(90), 1},
		{"20 % missing, 10 % are usual", append(counting(80), repeat(nan, 20)...), 0.9},
		{"infinite and out of range", append(counting(90), inf, inf, inf, -5, -5, 200, 200, 200, 200, 200), 0.9},
		{"all missing", repeat(nan, 100), 0.1},
		{"stuck", repeat(7, 100), 0},
		{"a few rows of one value", repeat(7, 10), 1},
	} {
		cur := foldNumbers(c.values, 0, profile.WindowExact)
		q := DataQuality(cur, ref)[0]
		if !q.Score.Defined || math.Abs(q.Score.Value-c.want) > 1e-12 {
			t.Errorf("%s: %+v, want %v", c.name, q.Score, c.want)
		}
	}
	// Without a reference nothing is usual.
	if q := DataQuality(ref, nil)[0]; math.Abs(q.Score.Value-0.9) > 1e-12 {
		t.Errorf("without a reference: %+v, want 0.9", q.Score)
	}
	strings := with(map[string]*profile.Feature{"f": stringsOf(map[string]int64{"a": 50, "b": 50})})
	cur := stringsOf(map[string]int64{"a": 60, "b": 20, "new": 10})
	cur.Rows = 100 // 10 are missing
	if q := DataQuality(with(map[string]*profile.Feature{"f": cur}), strings)[0]; math.Abs(q.Score.Value-0.8) > 1e-12 {
		t.Errorf("10 missing, 10 never seen of 100: %+v, want 0.8", q.Score)
	}
}

func TestDataState(t *testing.T) {
	p := foldNumbers(append(counting(60), repeat(math.NaN(), 40)...), 0, profile.WindowExact)
	p.Features["g"] = stringsOf(map[string]int64{"a": 100})
	p.Predictions, p.NoPrediction, p.Duplicates = 100, 0, 25
	s := DataStateOf(p, DataQuality(p, nil))
	if s.Rows != 100 || s.Duplicates != 25 || s.DuplicateRate.Value != 0.2 || s.MissingRate.Value != 0.2 || s.Constant != 1 || s.AlmostConst != 0 {
		t.Errorf("%+v", s)
	}
	near(t, "score", s.Score.Value, 0.8*0.8, 1e-12) // the mean of 0.6 and 1, and a fifth came twice
	empty := DataStateOf(&profile.Profile{}, nil)
	if empty.Score.Defined || empty.MissingRate.Defined || empty.DuplicateRate.Defined {
		t.Errorf("nothing has numbers: %+v", empty)
	}
}

func TestVolumeAndAge(t *testing.T) {
	if v := Volume(50, []int64{100, 90, 4000}); !v.Defined || v.Value != 0.5 || v.N != 3 {
		t.Errorf("%+v, want half of the median", v)
	}
	if v := Volume(50, []int64{100, 90}); v.Defined || v.Reason != NoHistory {
		t.Errorf("two windows make no history: %+v", v)
	}
	if v := Volume(5, []int64{0, 0, 0, 7}); v.Defined || v.Reason != NeverUsed {
		t.Errorf("a window that is always empty: %+v", v)
	}
	if v := Volume(0, []int64{10, 20, 30, 40}); !v.Defined || v.Value != 0 {
		t.Errorf("nothing came: %+v", v)
	}
	if Median([]int64{4, 1, 3, 2}) != 2.5 || Median(nil) != 0 {
		t.Error("the median is wrong")
	}
	if Age(1000, 4000) != 3000 || Age(5000, 4000) != 0 {
		t.Error("an age is wrong")
	}
}
