package twosample

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

const docsPath = "../../../docs/drift.md"

var update = flag.Bool("update", false, "rewrite the table of docs/drift.md")

// The table of methods in docs/drift.md stands below this line.
const tableBegins = "<!-- Made from internal/measure/twosample/methods.go; go test ./internal/measure/twosample -update writes it. -->\n"

// TestDocs holds the table of docs/drift.md to the methods.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	text, _, ok := strings.Cut(string(b), tableBegins)
	if !ok {
		t.Fatal("docs/drift.md has no place for the table")
	}
	want := text + tableBegins + tableOfMethods()
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(b) != want {
		t.Error("docs/drift.md is not what the table of methods says; run this test with -update")
	}
}

func tableOfMethods() string {
	var b strings.Builder
	b.WriteString("\n| method | columns | limit | effect | definition | whose | from a grid |\n|---|---|---|---|---|---|---|\n")
	for _, m := range Methods() {
		columns := "numbers, strings"
		if !m.Categorical() {
			columns = "numbers"
		} else if !m.Numeric() {
			columns = "strings"
		}
		limit := strconv.FormatFloat(m.Limit, 'g', -1, 64)
		if m.Test {
			limit = "p < " + limit
		}
		grid := m.Grid
		if grid == "" {
			grid = "exact"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", m.Name, columns, limit,
			map[string]string{Itself: "itself", PerSD: "per sd", EffectOfPSI: "psi"}[m.Effect], m.Definition, m.Source, grid)
	}
	return b.String()
}

func TestNamesAreDifferent(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Methods() {
		if seen[m.Name] || m.Definition == "" || m.Source == "" || m.Numeric() == false && m.Categorical() == false {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
	}
}
