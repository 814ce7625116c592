package demo

import (
	"math"
	"reflect"
	"testing"
	"time"
)

// counts are the outcome of asking a version n times.
type counts struct{ right, tp, fp, fn, n float64 }

func (c counts) accuracy() float64  { return c.right / c.n }
func (c counts) precision() float64 { return c.tp / (c.tp + c.fp) }
func (c counts) recall() float64    { return c.tp / (c.tp + c.fn) }

func asked(s *subject, v version, n int, drift float64) (c counts) {
	r := stream(99, 4)
	for range n {
		x := s.draw(r, drift)
		said := v.predict(x.features).Prediction
		c.n++
		c.right += indicator(said == x.truth)
		c.tp += indicator(said == s.positive && x.truth == s.positive)
		c.fp += indicator(said == s.positive && x.truth != s.positive)
		c.fn += indicator(said != s.positive && x.truth == s.positive)
	}
	return c
}

// The default rules are quiet while the demo is healthy, with room for small
// samples, and are not while it drifts.
func TestQualityHealthyAndDrifted(t *testing.T) {
	all := subjects(7420)
	credit := all[0]
	for _, v := range []version{credit.old, credit.new} {
		c := asked(credit, v, 5000, 0)
		t.Logf("%s: accuracy %.3f, precision %.3f, recall %.3f, positive %.3f", v.name, c.accuracy(), c.precision(), c.recall(), (c.tp+c.fn)/c.n)
		if c.accuracy() < 0.945 || c.precision() < 0.92 || c.recall() < 0.92 {
			t.Errorf("%s is not well: %+v", v.name, c)
		}
	}
	c := asked(credit, credit.new, 5000, 1)
	t.Logf("drifted: accuracy %.3f, precision %.3f, recall %.3f", c.accuracy(), c.precision(), c.recall())
	if c.accuracy() > 0.83 || c.precision() > 0.80 {
		t.Errorf("drift does not show: %+v", c)
	}
	router := all[2]
	for _, v := range []version{router.old, router.new} {
		if c := asked(router, v, 5000, 1); c.accuracy() < 0.95 {
			t.Errorf("%s %s: accuracy %.3f", router.name, v.name, c.accuracy())
		}
	}
	delivery, r, miss := all[1], stream(99, 5), 0.0
	for range 2000 {
		x := delivery.draw(r, 1)
		miss += math.Abs(delivery.new.predict(x.features).Prediction.(float64)-x.truth.(float64)) / 2000
	}
	if miss > 2.5 {
		t.Errorf("delivery time is off by %.2f minutes", miss)
	}
}

// What drifts is what the page is to show: numbers, a category never seen
// before, missing values.
func TestWhatDrifts(t *testing.T) {
	seen := func(drift float64) (income float64, channels map[any]int, missing float64) {
		r := stream(1, 1)
		channels = map[any]int{}
		for range 4000 {
			x := drawApplicant(r, drift)
			income += x.features["income"].(float64) / 4000
			channels[x.features["channel"]]++
			missing += indicator(x.features["employment_years"] == nil) / 4000
			if len(x.features) != len(creditNumbers)+len(creditCategories) {
				t.Fatal(x.features)
			}
		}
		return income, channels, missing
	}
	before, known, few := seen(0)
	after, more, many := seen(1)
	if known["partner"] != 0 || more["partner"] < 1500 || after > 0.7*before || few > 0.03 || many < 0.2 {
		t.Fatal(before, known, few, after, more, many)
	}
}

func TestOneSeedOneWorld(t *testing.T) {
	a, b, c := subjects(5), subjects(5), subjects(6)
	for i := range a {
		r1, r2, r3 := stream(5, 9), stream(5, 9), stream(6, 9)
		for range 100 {
			x, y, z := a[i].draw(r1, 0.5), b[i].draw(r2, 0.5), c[i].draw(r3, 0.5)
			if !reflect.DeepEqual(x, y) || !reflect.DeepEqual(a[i].new.predict(x.features), b[i].new.predict(y.features)) {
				t.Fatal(a[i].name, "differs")
			}
			if reflect.DeepEqual(x, z) {
				t.Fatal(a[i].name, "does not depend on the seed")
			}
		}
	}
}

func TestStory(t *testing.T) {
	var o Options
	o.setDefaults()
	for at, want := range map[time.Duration]float64{
		0: 0, 59 * time.Second: 0, 75 * time.Second: 0.5, 2 * time.Minute: 1, 10 * time.Minute: 1,
		11 * time.Minute: 0, 20 * time.Minute: 0, 22 * time.Minute: 1, 31 * time.Minute: 0,
	} {
		if got := o.Story.drift(at); math.Abs(got-want) > 1e-9 {
			t.Errorf("after %v: %v, want %v", at, got, want)
		}
	}
}
