package measure

import (
	"math"
	"testing"
)

func TestContributionsWeighDriftByImportance(t *testing.T) {
	drift := []FeatureDrift{
		{Name: "age", Value: 0.4, Defined: true, Grade: Drifted},
		{Name: "income", Value: 0.2, Defined: true, Grade: Drifted},
		{Name: "noise", Value: 0.05, Defined: true, Grade: Stable},
		{Name: "plan", Value: 0.01, Defined: true, Grade: Stable, UnseenSignificant: true},
		{Name: "gone", Value: math.NaN(), Grade: Insufficient},
	}
	plain := Contributions(drift, nil)
	if plain[0].Name != "age" || plain[0].Known || math.Abs(plain[0].Share-0.4/0.61) > 1e-12 || plain[3].Weight != 0 {
		t.Errorf("%+v", plain)
	}
	rated := Contributions(drift, map[string]float64{"age": 1, "income": 8, "noise": 1})
	if rated[0].Name != "income" || !rated[0].Known || rated[0].Importance != 0.8 || math.Abs(rated[0].Weight-0.16) > 1e-12 {
		t.Errorf("%+v", rated)
	}
	for _, c := range rated {
		if c.Name == "plan" && (c.Known || c.Weight == 0) {
			t.Errorf("a feature that nobody rated was lost: %+v", c)
		}
	}
}
