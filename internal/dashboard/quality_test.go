package dashboard

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

type qualityGot struct {
	Windows []struct {
		From, To, Dataset   string
		Predictions, Labels int64
		Metrics             map[string]struct {
			Value, Low, High *float64
			Reason           string
		}
		Confusion struct {
			Classes []string
			Matrix  [][]int64
		}
	}
}

// golden holds an answer of the API against numbers made by other means.
func golden(t *testing.T, where string, got qualityGot, want map[string]any) {
	t.Helper()
	if len(got.Windows) != 1 {
		t.Fatalf("%s: %d windows, want 1", where, len(got.Windows))
	}
	w := got.Windows[0]
	if w.Labels != int64(want["n"].(float64)) {
		t.Errorf("%s: %d labels, want %v", where, w.Labels, want["n"])
	}
	names := map[string]string{
		"accuracy": "accuracy", "precision": "precision", "recall": "recall", "specificity": "specificity", "f1_score": "f1",
		"mcc": "mcc", "auc_roc": "roc_auc", "average_precision": "average_precision", "brier_score": "brier", "log_loss": "log_loss_eps2e16",
	}
	for key, name := range names {
		v := w.Metrics[key].Value
		if v == nil && w.Metrics[key].Reason != "" && want[name].(float64) == 0 {
			continue // the other tool calls 0 what is not defined
		}
		if v == nil || math.Abs(*v-want[name].(float64)) > 1e-9 {
			t.Errorf("%s: %s is %v (%s), want %v", where, key, v, w.Metrics[key].Reason, want[name])
		}
	}
	m := w.Confusion.Matrix
	for i, cell := range []int64{m[0][0], m[0][1], m[1][0], m[1][1]} {
		if name := []string{"tn", "fp", "fn", "tp"}[i]; cell != int64(want[name].(float64)) {
			t.Errorf("%s: %s is %d, want %v", where, name, cell, want[name])
		}
	}
}

func TestQualityOfCalifornia(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.california()
	text, err := os.ReadFile(filepath.Join(data, "golden/california_quality.json"))
	if err != nil {
		t.Skipf("the golden file is not here: %v", err)
	}
	var want map[string]map[string]any
	var loose map[string]any
	if err := json.Unmarshal(text, &loose); err != nil {
		t.Fatal(err)
	}
	want = map[string]map[string]any{}
	for k, v := range loose {
		if m, ok := v.(map[string]any); ok {
			want[k] = m
		}
	}
	const path = "/api/v1/models/california/quality"
	var got qualityGot
	s.get(path, &got)
	golden(t, "production", got, want["california_analysis"])
	got = qualityGot{}
	s.get(path+"?set=reference", &got)
	golden(t, "reference", got, want["california_reference"])

	// Every month, of production or, before it, of the reference.
	months := qualityGot{}
	s.get(path+"?step=1M&from=2020-10-01&to=2023-01-01", &months)
	if len(months.Windows) != len(want["california_by_month"]) {
		t.Errorf("%d months, want %d", len(months.Windows), len(want["california_by_month"]))
	}
	for _, w := range months.Windows {
		one := qualityGot{}
		one.Windows = append(one.Windows, w)
		month, ok := want["california_by_month"][w.From[:7]].(map[string]any)
		if !ok {
			t.Errorf("there is no month %s", w.From)
			continue
		}
		golden(t, w.From, one, month)
		dataset := setProduction
		if w.From < "2021-06" {
			dataset = setReference
		}
		if w.Dataset != dataset {
			t.Errorf("%s is of %s, want %s", w.From, w.Dataset, dataset)
		}
	}
}
