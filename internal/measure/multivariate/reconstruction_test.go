package multivariate

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// shared is the folder of test data that lies beside the project.
const shared = "../../../../shared/data/"

func open(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(shared + name)
	if os.IsNotExist(err) {
		t.Skipf("test data %s is missing", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// published are NannyML's numbers for sample_drift_data.
func published(t *testing.T) (weekly, chunks []float64) {
	var all []struct {
		ID       string
		Expected json.RawMessage
	}
	if err := json.NewDecoder(open(t, "golden/published_expected.json")).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.ID == "nannyml-pca-reconstruction" {
			var want struct {
				Weekly []float64
				Chunks []float64 `json:"chunk_size_5000"`
			}
			if err := json.Unmarshal(e.Expected, &want); err != nil {
				t.Fatal(err)
			}
			return want.Weekly, want.Chunks
		}
	}
	t.Fatal("the golden file has no such entry")
	return nil, nil
}

type stream struct {
	rows      [][]string
	reference int // how many are of the reference
}

func readStream(t *testing.T) stream {
	t.Helper()
	rows, err := csv.NewReader(open(t, "streams/nannyml_sample_drift_data_seed167.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := stream{rows: rows[1:]}
	for s.reference < len(s.rows) && s.rows[s.reference][1] == "reference" {
		s.reference++
	}
	return s
}

func (s *stream) table(t *testing.T, from, to int) *Table {
	t.Helper()
	numbers := []Numbers{{Name: "f1"}, {Name: "f2"}}
	strings := []Strings{{Name: "f3"}, {Name: "f4"}}
	for _, row := range s.rows[from:to] {
		for i := range numbers {
			v, err := strconv.ParseFloat(row[2+i], 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers[i].Values = append(numbers[i].Values, v)
		}
		for i := range strings {
			strings[i].Values = append(strings[i].Values, row[4+i])
		}
	}
	return NewTable(numbers, strings)
}

func TestReconstructionAsPublished(t *testing.T) {
	weekly, chunks := published(t)
	s := readStream(t)
	m, err := FitReconstruction(s.table(t, 0, s.reference))
	if err != nil {
		t.Fatal(err)
	}
	first, err := time.Parse(time.DateTime, s.rows[0][0])
	if err != nil || first.Weekday() != time.Monday {
		t.Fatal(first, err)
	}
	begin, week := 0, 0
	for i := range s.rows {
		at, err := time.Parse(time.DateTime, s.rows[i][0])
		if err != nil {
			t.Fatal(err)
		}
		if next := int(at.Sub(first) / (7 * 24 * time.Hour)); next != week || i+1 == len(s.rows) {
			end := i
			if i+1 == len(s.rows) {
				end = i + 1
			}
			got := meanOf(m.Errors(s.table(t, begin, end)))
			if math.Abs(got-weekly[week]) > 1e-9*weekly[week] {
				t.Errorf("week %d: %v, want %v", week, got, weekly[week])
			}
			begin, week = i, next
		}
	}
	if week != len(weekly)-1 {
		t.Fatalf("%d weeks, want %d", week+1, len(weekly))
	}
	// Published for the mean of means over 5 chunks of 5,000 rows, to 5 digits.
	for i, want := range chunks {
		from := i * 5000
		if to := min(from+5000, len(s.rows)); math.Abs(meanOf(m.Errors(s.table(t, from, to)))-want) > 5e-6 {
			t.Errorf("chunk %d: %v, want %v", i, meanOf(m.Errors(s.table(t, from, to))), want)
		}
	}
}

func TestReconstructionOfOddTables(t *testing.T) {
	if _, err := FitReconstruction(NewTable([]Numbers{{"a", []float64{1, 2}}}, nil)); err == nil {
		t.Error("one column was fitted")
	}
	nan := math.NaN()
	ref := NewTable([]Numbers{{"a", []float64{1, 1, 1, 1}}, {"b", []float64{1, nan, 3, math.Inf(1)}}, {"c", []float64{nan, nan, nan, nan}}},
		[]Strings{{"s", []string{"", "", "", ""}}, {"t", []string{"x", "y", "x", ""}}})
	m, err := FitReconstruction(ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range m.Errors(NewTable([]Numbers{{"z", []float64{1, 2}}}, nil)) { // none of the columns
		if math.IsNaN(e) || math.IsInf(e, 0) {
			t.Errorf("error %v", e)
		}
	}
	if got := m.Errors(NewTable(nil, nil)); len(got) != 0 {
		t.Errorf("no rows: %v", got)
	}
}
