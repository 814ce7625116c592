package twosample

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// scipyFile is what test/parity/twosample.py printed.
type scipyFile struct {
	Columns map[string]struct {
		Cur, Ref       []float64
		Want           map[string][2]*float64 // statistic and p
		Sturges, Doane []float64
	}
	Tables []struct {
		Cur, Ref []int64
		Want     map[string][2]*float64
	}
}

func readScipy(t *testing.T) (f scipyFile) {
	t.Helper()
	b, err := os.ReadFile("../../../test/parity/expected/twosample_scipy.json")
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func method(t testing.TB, name string) Method {
	t.Helper()
	m, ok := Lookup(name)
	if !ok {
		t.Fatalf("no method %s", name)
	}
	return m
}

func checkResult(t *testing.T, what string, got Result, want [2]*float64) {
	t.Helper()
	if got.Reason != "" || got.Bound != 0 {
		t.Errorf("%s: %+v", what, got)
	}
	near(t, what, got.Value, *want[0], 1e-9)
	if want[1] != nil {
		// A p-value is as good as 1 less a distribution function can be.
		if math.Abs(got.P-*want[1]) > 1e-9**want[1]+1e-14 {
			t.Errorf("%s: p %.17g, want %.17g", what, got.P, *want[1])
		}
	} else if !math.IsNaN(got.P) {
		t.Errorf("%s has no p-value, got %v", what, got.P)
	}
}

func TestScipyColumns(t *testing.T) {
	for name, c := range readScipy(t).Columns {
		for key, want := range c.Want {
			m := method(t, key)
			checkResult(t, name+" "+key, m.Numbers(NewNumbers(c.Cur, c.Ref)), want)
		}
	}
}

func TestScipyTables(t *testing.T) {
	for _, c := range readScipy(t).Tables {
		for key, want := range c.Want {
			m := method(t, key)
			checkResult(t, key, m.Categories(NewCategories(named(c.Cur, c.Ref))), want)
		}
	}
}

func TestNumpyEdges(t *testing.T) {
	for name, c := range readScipy(t).Columns {
		x := NewNumbers(c.Cur, c.Ref)
		lo, hi := x.span(either)
		sameEdges(t, name+" sturges", even(lo, hi, sturges(lo, hi, x.N+x.M, false)), c.Sturges)
		lo, hi = x.span(refOf)
		g, _ := x.skewness()
		sameEdges(t, name+" doane", even(lo, hi, doane(lo, hi, x.M, g)), c.Doane)
	}
}

func sameEdges(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d edges, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: edge %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
