package estimate

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/measure"
)

// names are NannyML's of the metrics.
var names = map[string]string{
	"roc_auc": "auc_roc", "accuracy": "accuracy", "precision": "precision", "recall": "recall",
	"specificity": "specificity", "f1": "f1_score", "average_precision": "average_precision",
}

// Every month of the reference and of production, as NannyML prints it.
func TestCaliforniaAsNannyML(t *testing.T) {
	reference, production := california(t)
	want := readParity(t)
	ref := mustLearn(t, all(reference))
	if ref.Calibrated != want.California.NeedsCalibration {
		t.Fatalf("calibrated: %v, NannyML: %v", ref.Calibrated, want.California.NeedsCalibration)
	}
	for _, m := range slices.Concat(reference, production) {
		got := ref.Estimate(decided(m.rows))
		for theirs, key := range names {
			v, _ := got.Get(key)
			where := m.name + " " + key
			if !v.Defined {
				if w := want.field(theirs, m.name, "value"); w != 0 { // they call 0 what does not exist
					t.Errorf("%s is undefined (%s), NannyML has %v", where, v.Reason, w)
				}
				continue
			}
			// They round counts to five decimals; average precision adds up thousands of them.
			within(t, where, v.Value.Value, want.field(theirs, m.name, "value"), 1e-6)
			se := want.field(theirs, m.name, "sampling_error")
			tol := map[string]float64{"auc_roc": 0.015, "average_precision": 0.3}[key]
			within(t, where+" sampling error", v.SamplingError, se, max(tol, 1e-9)*se)
			if key != "average_precision" {
				within(t, where+" low", v.Low, want.field(theirs, m.name, "lower_confidence_boundary"), 4*max(tol, 1e-9)*se)
				within(t, where+" high", v.High, want.field(theirs, m.name, "upper_confidence_boundary"), 4*max(tol, 1e-9)*se)
			}
		}
		for name, cell := range map[string]float64{
			"true_positive": got.TP, "false_positive": got.FP, "false_negative": got.FN, "true_negative": got.TN,
		} {
			within(t, m.name+" "+name, cell, float64(want.California.Confusion[name][m.name][0]), 1e-6)
		}
	}
}

// The limits are of the realised metric over the reference's months. Realised
// AUC and accuracy stand for all: the others are tested in measure.
func TestLimitsAsNannyML(t *testing.T) {
	reference, _ := california(t)
	want := readParity(t)
	realised := map[string][]float64{}
	for _, m := range reference {
		var scoredRows []scored
		right := 0.0
		for _, r := range m.rows {
			scoredRows = append(scoredRows, scored{r.Score, r.Actual})
			if r.Predicted == r.Actual {
				right++
			}
		}
		auc, _ := measure.AUC(cellsOf(scoredRows))
		realised["roc_auc"] = append(realised["roc_auc"], auc.Value)
		realised["accuracy"] = append(realised["accuracy"], right/float64(len(m.rows)))
	}
	for name, values := range realised {
		low, high, ok := Limits(append(values, math.NaN()), 0, 1)
		if !ok {
			t.Fatal("no limits")
		}
		within(t, name+" lower", low, want.field(name, "2022-03", "lower_threshold"), 1e-9)
		within(t, name+" upper", high, want.field(name, "2022-03", "upper_threshold"), 1e-9)
	}
}

func TestPublishedNumbersOfCalifornia(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(dataDir, "golden/published_expected.json"))
	if err != nil {
		t.Skipf("the golden file is not here: %v", err)
	}
	var entries []struct {
		ID       string
		Expected json.RawMessage
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(entries, func(e struct {
		ID       string
		Expected json.RawMessage
	}) bool {
		return e.ID == "nannyml-california-cbpe"
	})
	var months map[string]json.RawMessage
	if err := json.Unmarshal(entries[i].Expected, &months); err != nil {
		t.Fatal(err)
	}
	reference, production := california(t)
	ref := mustLearn(t, all(reference))
	seen := 0
	for _, m := range production {
		raw, ok := months[m.name]
		if !ok {
			continue
		}
		seen++
		var want struct {
			Estimated float64 `json:"estimated_roc_auc"`
			High      float64 `json:"ci_upper"`
			Low       float64 `json:"ci_lower"`
			Error     float64 `json:"sampling_error"`
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		got := ref.Estimate(decided(m.rows))
		v, _ := got.Get("auc_roc")
		within(t, m.name, v.Value.Value, want.Estimated, 1e-6)
		within(t, m.name+" sampling error", v.SamplingError, want.Error, 0.015*want.Error)
		within(t, m.name+" low", v.Low, want.Low, 0.05*want.Error)
		within(t, m.name+" high", v.High, want.High, 0.05*want.Error)
	}
	if seen != 2 {
		t.Errorf("%d of the two published months", seen)
	}
}

// The splits are those of scikit-learn's StratifiedShuffleSplit, row by row.
func TestSplitsAreThoseOfScikitLearn(t *testing.T) {
	var classes [2][]int32
	for i := range int32(95) {
		class := 0
		if i%7 == 2 || i%7 == 3 {
			class = 1
		}
		classes[class] = append(classes[class], i)
	}
	r := newTwister(splitSeed)
	for i, want := range readParity(t).Splits {
		train, test := r.split(classes[0], classes[1])
		if !slices.Equal(train, want.Train) || !slices.Equal(test, want.Test) {
			t.Fatalf("split %d: train %v test %v, want %v and %v", i, train, test, want.Train, want.Test)
		}
	}
}

// stream is the Stream of cbpe.py.
type stream uint64

func (s *stream) below(n uint64) uint64 {
	*s = *s*6364136223846793005 + 1442695040888963407
	return uint64(*s) >> 40 % n
}

func TestNeedsCalibrationAsNannyML(t *testing.T) {
	for i, want := range readParity(t).NeedsCalibration {
		seed := uint64(i + 1)
		s := stream(seed)
		var rows []scored
		for range 400 + 100*seed {
			a, r := s.below(1000), s.below(1000)
			truth := float64(a)
			if seed%2 == 0 {
				truth = float64(a*(12-seed)+500*seed) / 12
			}
			rows = append(rows, scored{float64(a) / 1000, float64(r) < truth})
		}
		// Null is where their answer hangs on the order of ties.
		if got := needsCalibration(rows); want != nil && got != *want {
			t.Errorf("seed %d: %v, NannyML says %v", seed, got, *want)
		}
	}
}

func threeClasses(n int, seed stream) (rows []ClassRow) {
	s := seed
	for range n {
		var w [3]uint64
		var sum, squares float64
		best := 0
		for k := range w {
			w[k] = 1 + s.below(1000)
			sum += float64(w[k])
			squares += float64(w[k] * w[k])
			if w[k] > w[best] {
				best = k
			}
		}
		r := ClassRow{Predicted: best, Actual: 2}
		for _, x := range w {
			r.Scores = append(r.Scores, float64(x)/sum)
		}
		at := float64(s.below(1000)) * squares / 1000
		for k, upTo := range []float64{float64(w[0] * w[0]), float64(w[0]*w[0] + w[1]*w[1])} {
			if at < upTo {
				r.Actual = k
				break
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func TestThreeClassesAsNannyML(t *testing.T) {
	want := readParity(t).Multiclass
	c, reason := FromClassRows(threeClasses(2000, 1), 3)
	if reason != "" {
		t.Fatal(reason)
	}
	if got := c.Calibrated(); !slices.Equal(got, want.Calibrated) {
		t.Errorf("calibrated %v, NannyML: %v", got, want.Calibrated)
	}
	for seed, metrics := range want.Estimates {
		got := c.Estimate(threeClasses(600, stream(seed[0]-'0')))
		for theirs, key := range names {
			v, _ := got.Get(key)
			where := strings.Join([]string{"seed", seed, key}, " ")
			within(t, where, v.Value.Value, float64(metrics[theirs][0]), 1e-6)
			// The error of a mean F1 lacks, with them, what makes F1 of a share;
			// that of average precision they draw by chance, and take the root
			// mean square over the classes where the others are divided by their root.
			if key != "f1_score" && key != "average_precision" {
				se := float64(metrics[theirs][1])
				within(t, where+" sampling error", v.SamplingError, se, 0.015*se)
			}
		}
	}
}
