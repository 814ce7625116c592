package measure

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/measure/twosample"
)

// adult is the Adult data, cut as the golden file says: the reference is
// education not in Some-college, HS-grad, Bachelors.
func adult(t testing.TB) (cur, ref table) {
	t.Helper()
	all := readTable(t, "adult/adults.csv.gz")
	cur, ref = table{}, table{}
	for name, col := range all {
		for i, v := range col {
			switch all["education"][i] {
			case "Some-college", "HS-grad", "Bachelors":
				cur[name] = append(cur[name], v)
			default:
				ref[name] = append(ref[name], v)
			}
		}
	}
	return cur, ref
}

// sturgesNumbers are Evidently's with the bins of one type of numbers.
type sturgesNumbers struct {
	Bins int     `json:"sturges_bins"`
	JS   float64 `json:"jensenshannon_base_e"`
	PSI  float64
	KL   float64 `json:"kl_div"`
}

type goldenAdult struct {
	Numeric map[string]struct {
		Float       sturgesNumbers `json:"evidently_float"`
		Whole       sturgesNumbers `json:"evidently_numpy2_int"`
		KS          float64        `json:"ks_statistic"`
		Wasserstein float64        `json:"wasserstein_raw"`
		Normed      float64        `json:"evidently_wasserstein_normed"`
		Energy      float64        `json:"energy_distance"`
		EMD         float64        `json:"deepchecks_emd_margin0.025_minmax"`
		NannyML     struct {
			JS        float64 `json:"jensen_shannon_base2"`
			Hellinger float64
		}
	}
	Categorical map[string]struct {
		Evidently struct {
			JS        float64 `json:"jensenshannon_base_e"`
			PSI       float64
			KL        float64 `json:"kl_div"`
			Hellinger float64
			TVD       float64         `json:"tvd_statistic"`
			Chi2      json.RawMessage `json:"chisquare_statistic"` // a number, or "inf"
			DF        int             `json:"chisquare_dof"`
			P         float64         `json:"chisquare_p"`
		}
		NannyML struct {
			JS        float64 `json:"jensen_shannon_base2"`
			Hellinger float64
			LInf      float64 `json:"l_infinity"`
			Chi2      float64 `json:"chi2_contingency_yates_statistic"`
			DF        int     `json:"dof"`
			P         float64
		}
		FlooredPSI float64 `json:"deepchecks_psi_min1pct_no_other_binning"`
	}
}

// methodOf is a row of the table.
func methodOf(t testing.TB, name string) *twosample.Method {
	t.Helper()
	m, ok := twosample.Lookup(name)
	if !ok {
		t.Fatalf("no method %q", name)
	}
	return &m
}

func TestAdultNumbers(t *testing.T) {
	var want goldenAdult
	golden(t, "adult_drift_golden.json", &want)
	cur, ref := adult(t)
	if len(want.Numeric) != 6 {
		t.Fatalf("%d numeric columns", len(want.Numeric))
	}
	for name, w := range want.Numeric {
		x := twosample.NewNumbers(floats(t, cur[name]), floats(t, ref[name]))
		for method, value := range map[string]float64{
			"ks": w.KS, "wasserstein": w.Wasserstein, "wasserstein@evidently": w.Normed, "energy": w.Energy,
			"emd@deepchecks": w.EMD, "js@nannyml": w.NannyML.JS, "hellinger@nannyml": w.NannyML.Hellinger,
			"psi@evidently": w.Float.PSI, "kl@evidently": w.Float.KL, "js@evidently": w.Float.JS,
		} {
			if name == "education-num" && (method == "psi@evidently" || method == "kl@evidently") {
				continue // 13 values: Evidently compares them one by one; the golden numbers are of bins
			}
			near(t, name+" "+method, methodOf(t, method).Numbers(x).Value, value, 1e-9)
		}
		for whole, w := range map[bool]sturgesNumbers{false: w.Float, true: w.Whole} {
			slots := x.SturgesSlots(whole)
			if len(slots) != w.Bins {
				t.Errorf("%s: %d bins, want %d", name, len(slots), w.Bins)
			}
			near(t, name+" psi", twosample.EvidentlyPSI(slots).Value, w.PSI, 1e-9)
			near(t, name+" kl", twosample.EvidentlyKL(slots).Value, w.KL, 1e-9)
			near(t, name+" js", twosample.EvidentlyJS(slots).Value, w.JS, 1e-9)
		}
	}
}

func TestAdultCategories(t *testing.T) {
	var want goldenAdult
	golden(t, "adult_drift_golden.json", &want)
	cur, ref := adult(t)
	if len(want.Categorical) != 8 {
		t.Fatalf("%d categorical columns", len(want.Categorical))
	}
	for name, w := range want.Categorical {
		c := twosample.NewCategories(countStrings(cur[name], ref[name]))
		chi2 := math.Inf(1)
		if string(w.Evidently.Chi2) != `"inf"` {
			if err := json.Unmarshal(w.Evidently.Chi2, &chi2); err != nil {
				t.Fatal(err)
			}
		}
		for method, value := range map[string]float64{
			"js@evidently": w.Evidently.JS, "psi@evidently": w.Evidently.PSI, "kl@evidently": w.Evidently.KL,
			"tvd": w.Evidently.TVD, "js@nannyml": w.NannyML.JS, "hellinger@nannyml": w.NannyML.Hellinger,
			"linf@nannyml": w.NannyML.LInf, "psi@deepchecks": w.FlooredPSI,
		} {
			near(t, name+" "+method, methodOf(t, method).Categories(c).Value, value, 1e-9)
		}
		// sqrt(1 - sum sqrt(p q)) of two similar samples loses digits by its definition.
		near(t, name+" hellinger", methodOf(t, "hellinger@evidently").Categories(c).Value, w.Evidently.Hellinger, 1e-9)
		for method, w := range map[string]struct {
			value, p float64
			df       int
		}{
			"chi2@evidently":   {chi2, w.Evidently.P, w.Evidently.DF},
			"chi2@contingency": {w.NannyML.Chi2, w.NannyML.P, w.NannyML.DF},
			"chi2":             {w.NannyML.Chi2, w.NannyML.P, w.NannyML.DF},
		} {
			r := methodOf(t, method).Categories(c)
			if r.DF != w.df || math.IsInf(w.value, 1) != math.IsInf(r.Value, 1) {
				t.Errorf("%s %s: %+v, want %+v", name, method, r, w)
			}
			if !math.IsInf(w.value, 1) {
				near(t, name+" "+method, r.Value, w.value, 1e-9)
			}
			near(t, name+" "+method+" p", r.P, w.p, 1e-9)
		}
	}
}

// published is one entry of published_expected.json.
func published(t testing.TB, id string, into any) {
	t.Helper()
	var entries []struct {
		ID       string
		Expected json.RawMessage
	}
	golden(t, "published_expected.json", &entries)
	for _, e := range entries {
		if e.ID == id {
			if err := json.Unmarshal(e.Expected, into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no entry %q", id)
}

// Alibi Detect's numbers of three parts of the Adult data, printed with three
// digits.
func TestAlibiAdult(t *testing.T) {
	var want struct{ T0, T1 map[string][2]float64 }
	published(t, "alibi-adult-tabular", &want)
	all := readTable(t, "adult/adults.csv.gz")
	part := func(name string, from int) []string { return all[name][16281+from:][:10_000] }
	columns := map[string]string{
		"Age KS": "age", "Capital Gain KS": "capital-gain", "Capital Loss KS": "capital-loss", "Hours per week KS": "hours-per-week",
		"Workclass chi2": "workclass", "Relationship chi2": "relationship", "Race chi2": "race", "Sex chi2 (Yates)": "sex",
	}
	checked := 0
	for i, numbers := range []map[string][2]float64{want.T0, want.T1} {
		for name, w := range numbers {
			col := columns[name]
			cur, ref := part(col, 10_000*(i+1)), part(col, 0)
			var r twosample.Result
			if isNumber(name) {
				r = methodOf(t, "ks").Numbers(twosample.NewNumbers(floats(t, cur), floats(t, ref)))
			} else {
				r = methodOf(t, "chi2").Categories(twosample.NewCategories(countAll(cur, ref)))
			}
			if math.Abs(r.Value-w[0]) > 5e-4 || math.Abs(r.P-w[1]) > 5e-4 {
				t.Errorf("t%d %s: %.4f, p %.4f, want %v", i, name, r.Value, r.P, w)
			}
			checked++
		}
	}
	if checked != 16 {
		t.Errorf("%d statistics", checked)
	}
}

func isNumber(name string) bool { return name[len(name)-2:] == "KS" }

func floats(t testing.TB, col []string) []float64 {
	t.Helper()
	out := make([]float64, 0, len(col))
	for _, s := range col {
		out = append(out, number(t, s))
	}
	return out
}

// countStrings counts what is not empty.
func countStrings(cur, ref []string) []twosample.Bin {
	return slices.DeleteFunc(countAll(cur, ref), func(b twosample.Bin) bool { return b.Name == "" })
}

func countAll(cur, ref []string) []twosample.Bin {
	by := map[string]twosample.Bin{}
	for _, v := range cur {
		b := by[v]
		by[v] = twosample.Bin{Name: v, Cur: b.Cur + 1, Ref: b.Ref}
	}
	for _, v := range ref {
		b := by[v]
		by[v] = twosample.Bin{Name: v, Cur: b.Cur, Ref: b.Ref + 1}
	}
	out := make([]twosample.Bin, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[name])
	}
	return out
}
