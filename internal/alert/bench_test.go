package alert

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// BenchmarkStep is one evaluation of a rule that holds for 10,000 models, all
// firing already: what is left when nothing changes.
func BenchmarkStep(b *testing.B) {
	e, sp, results := manyFiring(b, 10_000)
	b.ReportAllocs()
	ts := time.Now()
	for b.Loop() {
		ts = ts.Add(time.Second)
		if out, err := e.life.step(context.Background(), sp, ts, results); err != nil || len(out) != 0 {
			b.Fatal(len(out), err)
		}
	}
}

func manyFiring(tb testing.TB, n int) (*Engine, *spec, []observed) {
	tb.Helper()
	s := newSite(tb)
	e := s.open(nil)
	rule := threshold("acc", ThresholdRule{Metric: "accuracy", Operator: "lt", Critical: num(0.9)})
	all, _, err := e.compile([]Rule{rule})
	if err != nil {
		tb.Fatal(err)
	}
	sp := all.byRef["threshold/acc/critical"]
	var results []observed
	for i := range n {
		results = append(results, observed{value: 0.5, labels: labels.FromStrings("alertname", "acc",
			"metric", "accuracy", "model", fmt.Sprintf("m%05d", i), "rule", "acc", "severity", "critical")})
	}
	if _, err := e.life.step(context.Background(), sp, time.Now(), results); err != nil {
		tb.Fatal(err)
	}
	return e, sp, results
}
