package measure

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/leewayhq/leeway/internal/profile"
)

// What Evidently itself printed for Adult (test/parity/adult.py).
func TestAdultBesideEvidently(t *testing.T) {
	text, err := os.ReadFile("../../test/parity/expected/adult.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Columns map[string]map[string]float64 }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	cur, ref := adultProfiles(t)
	for _, p := range []*profile.Profile{cur, ref} { // where an empty string is a value
		for _, f := range p.Features {
			if f.Cat != nil {
				f.Cat.N -= f.Cat.Counts[""]
				delete(f.Cat.Counts, "")
			}
		}
	}
	compared := 0
	for _, method := range []string{"js@evidently", "kl@evidently", "psi@evidently", "wasserstein@evidently"} {
		for _, f := range Drift(cur, ref, DriftOptions{Method: method}) {
			if v, ok := want.Columns[f.Name][method]; ok {
				compared++
				if math.Abs(f.Value-v) > 1e-9*math.Abs(v) {
					t.Errorf("%s of %s: %v, Evidently says %v", method, f.Name, f.Value, v)
				}
			}
		}
	}
	if compared < 45 {
		t.Errorf("%d numbers were compared", compared)
	}
}
