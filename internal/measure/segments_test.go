package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// binaryProfile has tp, fp, fn, tn labelled rows.
func binaryProfile(tp, fp, fn, tn int64) *profile.Profile {
	return &profile.Profile{
		Predictions: tp + fp + fn + tn,
		Classes:     &profile.Categories{N: tp + fp + fn + tn, Counts: map[string]int64{"yes": tp + fp, "no": fn + tn}},
		Quality:     &profile.Quality{Labels: tp + fp + fn + tn, TP: tp, FP: fp, FN: fn, TN: tn},
	}
}

func totalOf(segments []Segment) *profile.Profile {
	total := &profile.Profile{}
	for i := range segments {
		total.Merge(segments[i].Profile, profile.MergeExact)
	}
	return total
}

// Newcombe, Statistics in Medicine 17 (1998), table II, method 10, case (a):
// 56/70 and 48/80.
func TestDifferenceOfShares(t *testing.T) {
	diff, low, high, p := differ(countsOf(56, 70), countsOf(48, 80))
	for _, c := range []struct{ got, want, tol float64 }{
		{diff, 0.2, 1e-12}, {low, 0.0524, 5e-5}, {high, 0.3339, 5e-5}, {p, 0.0081, 1e-4},
	} {
		if math.Abs(c.got-c.want) > c.tol {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	if _, _, _, p := differ(countsOf(5, 5), countsOf(7, 7)); p != 1 {
		t.Errorf("equal shares: p = %v", p)
	}
}

func TestTheWorstSegmentComesFirst(t *testing.T) {
	segments := []Segment{
		{"country=DE", binaryProfile(450, 50, 50, 450)},
		{"country=CN", binaryProfile(440, 60, 40, 460)},
		{"country=FR", binaryProfile(60, 40, 60, 40)}, // half wrong
		{"country=IS", binaryProfile(1, 3, 2, 1)},     // too few
	}
	got, err := CompareSegments(totalOf(segments), segments, CutOptions{Task: event.Binary})
	if err != nil {
		t.Fatal(err)
	}
	worst := got[0]
	if worst.Name != "country=FR" || !worst.Significant || worst.Value.Value != 0.5 || worst.Difference.Value > -0.3 {
		t.Errorf("%+v", worst)
	}
	rest := (450 + 450 + 440 + 460 + 2) / 2007.0
	if want := 200 / 2207.0 * (rest - 0.5); math.Abs(worst.Impact-want) > 1e-12 {
		t.Errorf("impact %v, want %v", worst.Impact, want)
	}
	for _, s := range got {
		if s.Name == "country=IS" && (s.Difference != nil || s.Significant) {
			t.Errorf("seven rows are a verdict: %+v", s)
		}
	}
	if _, err := CompareSegments(totalOf(segments), segments, CutOptions{Task: event.Binary, Metric: "rmse"}); err == nil {
		t.Error("a metric that does not add up was compared")
	}
}

// On equal segments the false discovery rate holds: hardly any is named.
func TestEqualSegmentsAreNotNamed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	named := 0
	for range 200 {
		var segments []Segment
		for s := range 20 {
			var right int64
			for range 200 {
				if rng.Float64() < 0.9 {
					right++
				}
			}
			segments = append(segments, Segment{fmt.Sprint("s=", s), binaryProfile(right, 200-right, 0, 0)})
		}
		got, err := CompareSegments(totalOf(segments), segments, CutOptions{Task: event.Binary})
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Significant {
			named++
		}
	}
	if named > 8 {
		t.Errorf("%d of 200 windows without a difference named a segment", named)
	}
}

func TestShiftAddsUpToTheChange(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		cut := func(skip int) Cut {
			var c Cut
			for s := range 5 {
				if s != skip {
					c.Segments = append(c.Segments, Segment{fmt.Sprint("s=", s), binaryProfile(rng.Int64N(50)+1, rng.Int64N(50), rng.Int64N(50), rng.Int64N(50))})
				}
			}
			c.Total = totalOf(c.Segments)
			c.Total.Merge(binaryProfile(10, 5, 5, 10), profile.MergeExact) // rows without the field
			return c
		}
		before, after := cut(1), cut(2)
		s, ok, err := ShiftOf("s", before, after, CutOptions{Task: event.Binary})
		if err != nil || !ok || len(s.Segments) != 6 {
			t.Fatal(s, ok, err)
		}
		sum := 0.0
		for _, part := range s.Segments {
			sum += part.Within + part.Mix
		}
		if math.Abs(sum-s.Change) > 1e-12 {
			t.Fatalf("parts %v, change %v", sum, s.Change)
		}
	}
}

func TestShiftNamesWhatCarriesIt(t *testing.T) {
	before := Cut{Segments: []Segment{{"os=a", binaryProfile(90, 10, 0, 0)}, {"os=b", binaryProfile(90, 10, 0, 0)}}}
	after := Cut{Segments: []Segment{{"os=a", binaryProfile(90, 10, 0, 0)}, {"os=b", binaryProfile(50, 50, 0, 0)}}}
	before.Total, after.Total = totalOf(before.Segments), totalOf(after.Segments)
	s, _, err := ShiftOf("os", before, after, CutOptions{Task: event.Binary})
	if err != nil {
		t.Fatal(err)
	}
	if b := s.Segments[0]; b.Name != "os=b" || math.Abs(b.Within+0.2) > 1e-12 || b.Mix != 0 || math.Abs(s.Change+0.2) > 1e-12 {
		t.Errorf("%+v", s)
	}
	if _, ok, _ := ShiftOf("os", Cut{}, after, CutOptions{Task: event.Binary}); ok {
		t.Error("a change from nothing")
	}
}

func TestFairness(t *testing.T) {
	segments := []Segment{
		{"sex=f", binaryProfile(30, 10, 20, 40)}, // 0.40 positive, tpr 0.6, fpr 0.2
		{"sex=m", binaryProfile(45, 15, 5, 35)},  // 0.60 positive, tpr 0.9, fpr 0.3
		{"sex=x", binaryProfile(1, 0, 0, 1)},     // too few
		{"age=1", binaryProfile(0, 0, 0, 50)},
	}
	f, ok := FairnessOf("sex", segments, CutOptions{Task: event.Binary, Positive: "yes"})
	if !ok || len(f.Groups) != 3 {
		t.Fatal(f, ok)
	}
	for _, c := range []struct {
		name string
		got  Value
		want float64
	}{
		{"demographic parity", f.DemographicParity, 0.2}, {"equal opportunity", f.EqualOpportunity, 0.3},
		{"equalised odds", f.EqualisedOdds, 0.3}, {"impact ratio", f.ImpactRatio, 2.0 / 3},
	} {
		if !c.got.Defined || math.Abs(c.got.Value-c.want) > 1e-12 {
			t.Errorf("%s: %+v, want %v", c.name, c.got, c.want)
		}
	}
	if f, _ := FairnessOf("age", segments, CutOptions{Task: event.Binary, Positive: "yes"}); f.DemographicParity.Defined || f.DemographicParity.Reason != TooFewGroups {
		t.Errorf("one group: %+v", f.DemographicParity)
	}
	if _, ok := FairnessOf("sex", segments, CutOptions{Task: event.Regression}); ok {
		t.Error("a regression model has no positive outcome")
	}
}
