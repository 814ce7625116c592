package measure

import (
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// byMonth cuts the rows of a column by calendar month.
func byMonth(t testing.TB, tab table, column string) map[string][]float64 {
	t.Helper()
	out := map[string][]float64{}
	for i, at := range tab["timestamp"] {
		out[at[:7]] = append(out[at[:7]], number(t, tab[column][i]))
	}
	return out
}

// NannyML's published KS of the California data by calendar month, and the
// months that lie outside of the reference's mean and three deviations.
func TestCaliforniaDrift(t *testing.T) {
	var want struct {
		Mean   map[string]float64 `json:"mean_ks_over_all_chunks"`
		Alerts map[string]int     `json:"alerts_in_analysis"`
	}
	published(t, "nannyml-california-ks", &want)
	ref, prod := readTable(t, "california/reference.csv"), readTable(t, "california/production.csv")
	ks := methodOf(t, "ks@nannyml")
	if len(want.Mean) != 9 {
		t.Fatalf("%d columns", len(want.Mean))
	}
	for column, mean := range want.Mean {
		all := floats(t, ref[column])
		// The month in which the reference ends belongs to both parts and is two chunks only by its period.
		var usual, every []float64
		refMonths, prodMonths := byMonth(t, ref, column), byMonth(t, prod, column)
		for _, rows := range refMonths {
			usual = append(usual, ks.Numbers(twosample.NewNumbers(rows, all)).Value)
		}
		limits, alerts := LimitsOfChunks(usual, 0, 1), 0
		every = slices.Clone(usual)
		for _, rows := range prodMonths {
			v := ks.Numbers(twosample.NewNumbers(rows, all)).Value
			every = append(every, v)
			if v > limits.Upper {
				alerts++
			}
		}
		sum := 0.0
		for _, v := range every {
			sum += v
		}
		if got := sum / float64(len(every)); math.Abs(got-mean) > 1e-6 {
			t.Errorf("%s: mean ks %.6f, want %v over %d chunks", column, got, mean, len(every))
		}
		if alerts != want.Alerts[column] && column != "id" {
			t.Errorf("%s: %d alerts, want %d", column, alerts, want.Alerts[column])
		}
	}
}

// The preset takes its limits from profiles of the reference's months.
func TestNannyMLPreset(t *testing.T) {
	ref, prod := readTable(t, "california/reference.csv"), readTable(t, "california/production.csv")
	columns := []string{"Longitude", "Latitude", "HouseAge", "Population"}
	fold := func(tab table, month string) *profile.Profile {
		p := &profile.Profile{Features: map[string]*profile.Feature{}}
		for _, c := range columns {
			var rows []float64
			for m, v := range byMonth(t, tab, c) {
				if month == "" || m == month {
					rows = append(rows, v...)
				}
			}
			p.Features[c] = foldNumbers(rows, 0, profile.MergeExact).Features["f"]
		}
		return p
	}
	whole := fold(ref, "")
	var chunks []*profile.Profile
	for month := range byMonth(t, ref, "Latitude") {
		chunks = append(chunks, fold(ref, month))
	}
	opt := DriftOptions{Preset: PresetNannyML, Usual: UsualDrift(chunks, whole, "")}
	if len(opt.Usual.Features) != len(columns) {
		t.Fatalf("%v", opt.Usual)
	}
	grades := map[string]int{}
	for month := range byMonth(t, prod, "Latitude") {
		for _, f := range Drift(fold(prod, month), whole, opt) {
			if f.Method != "js@nannyml" || f.Limit != opt.Usual.Features[f.Name] || f.Drifted != (f.Value > f.Limit) {
				t.Errorf("%+v", f)
			}
			if f.Drifted {
				grades[f.Name]++
			}
		}
	}
	if grades["Longitude"] == 0 || grades["Population"] > grades["Longitude"] {
		t.Errorf("%v", grades)
	}
	// Without chunks nothing is known of what is usual.
	if f := Drift(chunks[0], whole, DriftOptions{Preset: PresetNannyML})[0]; f.Grade != Insufficient || !f.Defined || !math.IsNaN(f.Limit) {
		t.Errorf("without limits: %+v", f)
	}
}

func TestLabelDrift(t *testing.T) {
	quality := func(pos, neg int64) *profile.Profile {
		return &profile.Profile{Quality: &profile.Quality{Labels: pos + neg, TP: pos / 2, FN: pos - pos/2, TN: neg / 2, FP: neg - neg/2}}
	}
	f := LabelDrift(quality(400, 600), quality(1000, 9000), DriftOptions{})
	if len(f) != 1 || f[0].Grade != Drifted || f[0].N != 1000 || f[0].RefN != 10_000 || f[0].Name != "label" {
		t.Errorf("%+v", f)
	}
	if f = LabelDrift(quality(100, 900), quality(1000, 9000), DriftOptions{}); f[0].Grade != Stable {
		t.Errorf("%+v", f)
	}
	classes := func(a, b int64) *profile.Profile {
		return &profile.Profile{Quality: &profile.Quality{Labels: a + b, Confusion: map[[2]string]int64{{"x", "a"}: a, {"a", "b"}: b}}}
	}
	f = LabelDrift(classes(900, 100), classes(5000, 5000), DriftOptions{Method: "linf@nannyml"})
	if len(f) != 1 || math.Abs(f[0].Value-0.4) > 1e-12 || f[0].Grade != Drifted {
		t.Errorf("%+v", f)
	}
	numbers := func(n int, shift float64) *profile.Profile {
		q := &profile.Quality{}
		for i := range n {
			q.Add(&profile.Outcome{Task: event.Regression, PredValue: 1, LabelValue: float64(i%97) + shift}, 1)
		}
		return &profile.Profile{Quality: q}
	}
	if f = LabelDrift(numbers(2000, 30), numbers(3000, 0), DriftOptions{}); len(f) != 1 || f[0].Grade != Drifted || f[0].N != 2000 || f[0].RefN != 3000 {
		t.Errorf("%+v", f)
	}
	if f = LabelDrift(numbers(2000, 0), numbers(3000, 0), DriftOptions{}); f[0].Grade != Stable {
		t.Errorf("%+v", f)
	}
	if f = LabelDrift(quality(1, 1), &profile.Profile{}, DriftOptions{}); f != nil {
		t.Errorf("no labels in the reference: %+v", f)
	}
}

// Evidently's rule: what it chooses, and when the data set drifts.
func TestEvidentlyPreset(t *testing.T) {
	opt := DriftOptions{Preset: PresetEvidently}
	spread := func(n int, values func(i int) float64) *profile.Feature {
		v := make([]float64, n)
		for i := range v {
			v[i] = values(i)
		}
		return foldNumbers(v, 0, profile.MergeExact).Features["f"]
	}
	many, few, two := func(i int) float64 { return float64(i % 97) }, func(i int) float64 { return float64(i % 4) }, func(i int) float64 { return float64(i % 2) }
	for _, c := range []struct {
		n      int
		values func(int) float64
		want   string
	}{{900, many, "ks"}, {900, few, "chi2@evidently"}, {900, two, "z@evidently"}, {1001, many, "wasserstein@evidently"}, {1001, few, "js@evidently"}} {
		f := only(t, spread(300, c.values), spread(c.n, c.values), opt)
		if f.Method != c.want || f.Grade != Stable {
			t.Errorf("%d rows: %+v, want %s", c.n, f, c.want)
		}
	}
	cur := with(map[string]*profile.Feature{"a": spread(300, func(i int) float64 { return float64(i%97) + 50 }), "b": spread(300, few)})
	ref := with(map[string]*profile.Feature{"a": spread(900, many), "b": spread(900, few)})
	list := Drift(cur, ref, opt)
	if !list[0].Drifted || list[0].Method != "ks" || list[1].Drifted {
		t.Errorf("%+v", list)
	}
	if drifted, ok := DataSetDrifted(list, opt); !drifted || !ok {
		t.Error("half of the columns drift, so the data set does")
	}
	if _, ok := DataSetDrifted(list, DriftOptions{}); ok {
		t.Error("Leeway has no such rule")
	}
}
