package measure

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/profile"
)

// One column after the other gives what all together give, but that a column
// which takes no part in the verdict is left out by Drift.
func TestComparerIsDrift(t *testing.T) {
	cur, ref := adultProfiles(t)
	n := len(ref.Features)
	if n != 14 {
		t.Fatalf("%d columns", n)
	}
	for _, opt := range []DriftOptions{{}, {Method: MethodKS}, {Method: MethodChiSquare}, {Preset: PresetEvidently}} {
		c := NewComparer(opt, []string{MethodPSI, MethodChiSquare})
		var list []Comparison
		for _, name := range slices.Sorted(maps.Keys(ref.Features)) {
			one := c.Feature(name, cur.Features[name], ref.Features[name], math.NaN())
			if len(one.Also) == 0 || one.Also[0].Method != MethodPSI {
				t.Errorf("%s has no psi beside %s", name, opt.Method)
			}
			list = append(list, one)
		}
		got := slices.DeleteFunc(Verdicts(list, opt), func(f FeatureDrift) bool { return f.Reason == NotForKind })
		want := Drift(cur, ref, opt)
		if len(got) != len(want) {
			t.Fatalf("%+v: %d columns, want %d", opt, len(got), len(want))
		}
		for i := range got {
			if shown(got[i]) != shown(want[i]) {
				t.Errorf("%+v: %+v, want %+v", opt, got[i], want[i])
			}
		}
	}
}

// shown is a column with what its pointer points to; NaN equals itself so.
func shown(f FeatureDrift) string {
	p := math.NaN()
	if f.PValue != nil {
		p, f.PValue = *f.PValue, nil
	}
	return fmt.Sprintf("%+v %v", f, p)
}

// adultProfiles are the two parts of the Adult data with every value kept.
func adultProfiles(t *testing.T) (cur, ref *profile.Profile) {
	t.Helper()
	now, then := adult(t)
	var want goldenAdult
	golden(t, "adult_drift_golden.json", &want)
	of := func(tab table) *profile.Profile {
		p := &profile.Profile{Features: map[string]*profile.Feature{}}
		for name := range want.Numeric {
			values := floats(t, tab[name])
			slices.Sort(values)
			p.Features[name] = &profile.Feature{Rows: int64(len(values)), Num: profile.ExactNumeric(values, 0, 0, 0)}
		}
		for name := range want.Categorical {
			counts := map[string]int64{}
			for _, v := range tab[name] {
				counts[v]++
			}
			p.Features[name] = &profile.Feature{Rows: int64(len(tab[name])), Cat: profile.ExactCategories(counts, 1000)}
		}
		return p
	}
	return of(now), of(then)
}
