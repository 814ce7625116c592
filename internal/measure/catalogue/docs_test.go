package catalogue

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

const docsPath = "../../../docs/metrics.md"

var update = flag.Bool("update", false, "rewrite docs/metrics.md from the catalogue")

// TestDocs holds docs/metrics.md to the table; `go test
// ./internal/measure/catalogue -update` writes it.
func TestDocs(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/metrics.md is not what the catalogue says; run this test with -update")
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(`# Metrics

Made from internal/measure/catalogue; do not edit by hand. Rules, the API and
the configuration name a metric by its key; its series has the labels model,
version and segment (host metrics: host), and feature where the table says so.
Percent is stored as a ratio (0.7 is 70 %). "On" tells whether the default
rule runs without being asked for. An undefined value (no labels, no
positives) has no sample: it is never zero and raises nothing.
`)
	for _, g := range Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n", g)
		b.WriteString("| key | title | 名称 | unit | better | tasks | by | warning | critical | for | min rows | on | series |\n")
		b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
		for _, m := range All() {
			if m.Group == g {
				b.WriteString(row(m))
			}
		}
		b.WriteString("\n")
		for _, m := range All() {
			if m.Group == g {
				fmt.Fprintf(&b, "- `%s`: %s %s\n", m.Key, m.Help.En, m.Help.Zh)
			}
		}
	}
	return b.String()
}

func row(m Metric) string {
	cells := []string{
		"`" + m.Key + "`", m.Title.En, m.Title.Zh, string(m.Unit), string(m.Good), tasks(m.Tasks), dash(m.By),
		bound(m, m.Warning), bound(m, m.Critical), dur(m), strconv.Itoa(m.MinSamples), yes(m.EnabledByDefault), "`" + m.Series + "`",
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func tasks(list []event.Task) string {
	if len(list) == 0 {
		return "all"
	}
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

func bound(m Metric, v *float64) string {
	if v == nil {
		return "–"
	}
	return m.Operator.PromQL() + " " + strconv.FormatFloat(*v, 'g', -1, 64)
}

func dur(m Metric) string {
	if m.For == 0 {
		return "–"
	}
	return m.For.String()
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}
