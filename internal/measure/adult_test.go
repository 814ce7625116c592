package measure

import (
	"maps"
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

type goldenAdult struct {
	Numeric map[string]struct {
		KS          float64 `json:"ks_statistic"`
		Wasserstein float64 `json:"wasserstein_raw"`
	}
	Categorical map[string]struct {
		NannyML struct {
			JS        float64 `json:"jensen_shannon_base2"`
			Hellinger float64
			LInf      float64 `json:"l_infinity"`
			Chi2      float64 `json:"chi2_contingency_yates_statistic"`
			DF        int     `json:"dof"`
			P         float64
		}
	}
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
		near(t, name+" ks", x.KS(), w.KS, 1e-12)
		near(t, name+" wasserstein", x.Wasserstein(), w.Wasserstein, 1e-9)
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
		bins := countStrings(cur[name], ref[name])
		g := w.NannyML
		x2, p, df := twosample.ChiSquare(bins)
		near(t, name+" chi2", x2, g.Chi2, 1e-9)
		near(t, name+" p", p, g.P, 1e-9)
		if df != g.DF {
			t.Errorf("%s: %d degrees of freedom, want %d", name, df, g.DF)
		}
		near(t, name+" js", twosample.JS(bins), g.JS, 1e-9)
		near(t, name+" hellinger", twosample.Hellinger(bins), g.Hellinger, 1e-9)
		near(t, name+" linf", twosample.LInf(bins), g.LInf, 1e-9)
	}
}

func floats(t testing.TB, col []string) []float64 {
	t.Helper()
	out := make([]float64, 0, len(col))
	for _, s := range col {
		out = append(out, number(t, s))
	}
	return out
}

func countStrings(cur, ref []string) []twosample.Bin {
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
		if name != "" {
			out = append(out, by[name])
		}
	}
	return out
}
