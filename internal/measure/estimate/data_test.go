package estimate

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

const (
	dataDir   = "../../../../shared/data"
	parityDir = "../../../test/parity/expected"
)

// month is the rows of one calendar month of the California data.
type month struct {
	name string
	rows []Row // Actual is known of the reference alone
}

// california reads the reference and the production rows by month.
func california(t testing.TB) (reference, production []month) {
	t.Helper()
	return readMonths(t, "reference.csv"), readMonths(t, "production.csv")
}

func readMonths(t testing.TB, name string) []month {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir, "california", name))
	if err != nil {
		t.Skipf("the data is not here: %v", err)
	}
	defer f.Close()
	table, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, title := range table[0] {
		at[title] = i
	}
	var months []month
	for _, line := range table[1:] {
		name := line[at["timestamp"]][:7]
		if n := len(months); n == 0 || months[n-1].name != name {
			months = append(months, month{name: name})
		}
		score, err := strconv.ParseFloat(line[at["y_pred_proba"]], 64)
		if err != nil {
			t.Fatal(err)
		}
		row := Row{Score: score, Predicted: isOne(line[at["y_pred"]])}
		if i, ok := at["clf_target"]; ok {
			row.Actual = isOne(line[i])
		}
		last := &months[len(months)-1]
		last.rows = append(last.rows, row)
	}
	return months
}

func isOne(s string) bool { return s == "1" || s == "1.0" }

func all(months []month) (rows []Row) {
	for _, m := range months {
		rows = append(rows, m.rows...)
	}
	return rows
}

func decided(rows []Row) []Decided {
	scores, predicted := make([]float64, len(rows)), make([]bool, len(rows))
	for i, r := range rows {
		scores[i], predicted[i] = r.Score, r.Predicted
	}
	return DecidedOf(scores, predicted)
}

func mustLearn(t testing.TB, rows []Row) *Reference {
	t.Helper()
	r, reason := FromRows(rows)
	if reason != "" {
		t.Fatal(reason)
	}
	return r
}

// parity is what test/parity/cbpe.py printed.
type parity struct {
	California struct {
		NeedsCalibration bool `json:"needs_calibration"`
		Fields           []string
		// By metric and month. A realised value of production is null.
		Metrics   map[string]map[string][]number
		Confusion map[string]map[string][]number
	}
	Splits           []struct{ Train, Test []int32 }
	NeedsCalibration []*bool `json:"needs_calibration"`
	Multiclass       struct {
		Calibrated []bool
		Estimates  map[string]map[string][]number // by seed and metric
	}
}

// number is a JSON number; null and NaN are NaN.
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		v = math.NaN()
	}
	*n = number(v)
	return nil
}

// field is a number of a month by its name.
func (p *parity) field(metric, month, name string) float64 {
	for i, f := range p.California.Fields {
		if f == name {
			return float64(p.California.Metrics[metric][month][i])
		}
	}
	return math.NaN()
}

func readParity(t testing.TB) *parity {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parityDir, "cbpe.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := &parity{}
	if err := json.Unmarshal(text, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// within fails unless got is at most tol from want.
func within(t testing.TB, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s is %.10g, want %.10g to %g", what, got, want, tol)
	}
}
