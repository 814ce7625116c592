package detector

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/detectors.md")

const page = "../../../docs/detectors.md"

// TestDocs holds docs/detectors.md against the table.
func TestDocs(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/detectors.md is not what the table says; run go test ./internal/measure/detector -run TestDocs -update")
	}
}

const intro = `# Change detectors

This page is made from the table in internal/measure/detector.

A change detector reads a stream one number at a time and says when it changed. ` + "`GET /api/v1/models/{model}/changes`" + ` runs one, or all, over any series of a model, over the values of windows, or over the labels as they arrived.

What holds for each of them: memory is bounded; the same values give the same answers; after a drift it begins anew; NaN and infinite values are passed over and counted; a stream that never changes never fires.

**Kinds of streams.** ` + "`values`" + ` are any numbers, ` + "`unit`" + ` numbers from 0 to 1, ` + "`errors`" + ` 0 and 1 where 1 is an error.

**Scale.** Where limits are in units of the value (column *scaled*), the API first takes the mean of the first 30 values away and divides by their standard deviation (` + "`standardise=30`" + `; 0 turns it off). While the values are all the same there is no scale, and nothing fires.

**Sides.** Those with ` + "`two_sided`" + ` notice a rise only unless it is 1. The API sets it for series and windows, and not for labels, where fewer errors are no reason for alarm. DDM and EDDM notice more errors only.

**Measured** with the defaults and both sides: false alarms in 100,000 stationary values (normal, or errors of 20 %), and the number of values after a change at which it fires (median; a step of two standard deviations, or errors from 20 % to 50 %). Choose by these: a detector that fires once in a thousand values is of use on hourly values and a nuisance on seconds.

A name with @ is the definition of that release of a tool, where it differs. All are held against the indices that River and Frouros publish, by tests.

`

func document() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| name | what it is | kind | scaled | false alarms in 100,000 | found after | source |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range Table() {
		scaled := ""
		if r.Scaled {
			scaled = "yes"
		}
		m := measured()[r.Name]
		fmt.Fprintf(&b, "| `%s` | %s, %s: %s | %s | %s | %d | %d | %s |\n", r.Name, r.Title.En, r.Title.Zh, r.Help.En, r.Kind, scaled, m[0], m[1], r.Source)
	}
	b.WriteString("\n## Parameters\n\n| detector | parameter | default | range | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range Table() {
		for _, p := range r.Params {
			fmt.Fprintf(&b, "| `%s` | `%s` | %v | %v to %v | %s |\n", r.Name, p.Name, p.Default, p.Min, p.Max, p.Help.En)
		}
	}
	return b.String()
}
