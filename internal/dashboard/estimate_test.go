package dashboard

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// Every month that the API answers is estimated as NannyML estimates it, though
// no row was kept; and where there are labels, the gap is of the same rows.
func TestEstimatedQualityOfCalifornia(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	text, err := os.ReadFile("../../test/parity/expected/cbpe.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		California struct {
			Metrics map[string]map[string][]*float64
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	type value struct{ Value, Low, High *float64 }
	var got struct {
		Estimator struct {
			Labels     int64
			Calibrated bool
			Reason     string
			Reference  struct{ Source string }
		}
		Windows []struct {
			From      string
			Labels    int64
			Metrics   map[string]value
			Estimated map[string]value
			Gap       map[string]struct {
				Value, Estimated, Noise, Stale float64
				N                              int64
			}
		}
	}
	s.get("/api/v1/models/california/quality?step=1M&from=2020-10-01&to=2023-01-01", &got)
	if e := got.Estimator; !e.Calibrated || e.Labels != 5832 || e.Reason != "" || e.Reference.Source != "import" {
		t.Errorf("estimator %+v", e)
	}
	if len(got.Windows) != 20 {
		t.Fatalf("%d windows", len(got.Windows))
	}
	names := map[string]string{"roc_auc": "auc_roc", "accuracy": "accuracy", "recall": "recall", "f1": "f1_score", "average_precision": "average_precision"}
	for _, w := range got.Windows {
		for theirs, key := range names {
			v, want := w.Estimated[key], *want.California.Metrics[theirs][w.From[:7]][0]
			if v.Value == nil || math.Abs(*v.Value-want) > 1e-6 || v.Low == nil || *v.Low > *v.Value || *v.High < *v.Value {
				t.Errorf("%s: %s is %+v, NannyML has %v", w.From, key, v, want)
			}
		}
		// All rows have labels here: estimate and gap are of the same rows.
		for key, g := range w.Gap {
			realised, estimated := *w.Metrics[key].Value, *w.Estimated[key].Value
			if math.Abs(g.Estimated-estimated) > 1e-9 || math.Abs(g.Value-(realised-estimated)) > 1e-9 || g.N != w.Labels {
				t.Errorf("%s: gap of %s is %+v, realised %v, estimated %v", w.From, key, g, realised, estimated)
			}
		}
		if g := w.Gap["accuracy"]; !(g.Noise > 0.005 && g.Noise < 0.05) {
			t.Errorf("%s: %+v", w.From, g)
		}
	}
}
