package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// prices is a model that is wrong by a tenth of what it predicts, times worse.
func prices(seed uint64, n int, centre, worse float64) *profile.Profile {
	r := rand.New(rand.NewPCG(seed, 2))
	b := &event.Batch{Rows: n, Time: make([]int64, n), PredValue: event.Num{Values: make([]float64, n)}}
	f := profile.NewFolder(0)
	w := f.Open(true)
	for i := range n {
		p := centre * math.Exp(0.4*r.NormFloat64())
		b.PredValue.Values[i] = p
		w.Quality().Add(&profile.Outcome{Task: event.Regression, PredValue: p, LabelValue: p * (1 + 0.1*worse*r.NormFloat64())}, 1)
	}
	f.Add(w, b, nil)
	return f.Close(w)
}

func TestErrorIsEstimatedByWhatIsPredicted(t *testing.T) {
	ref, reason := LossesFromProfile(prices(1, 50_000, 200_000, 1))
	if reason != "" {
		t.Fatal(reason)
	}
	for centre, tol := range map[float64]float64{200_000: 0.03, 120_000: 0.05, 400_000: 0.05} {
		window := prices(7, 5000, centre, 1)
		realised := measure.Quality(window, event.Regression)
		got := ref.OfProfile(window)
		for _, m := range got.Metrics {
			v, _ := realised.Get(m.Key)
			if m.Key != "mse" { // the square of the other
				within(t, m.Key, m.Value.Value, v.Value, 1.5*tol*v.Value)
			}
		}
		if m := got.Metrics[0]; !m.HasInterval || !(m.Low < m.Value.Value && m.Value.Value < m.High) || got.N != 5000 {
			t.Errorf("%+v", got)
		}
		for _, g := range ref.Gaps(window.Quality) {
			if g.Stale() > 0 || g.N != 5000 {
				t.Errorf("about %v: %+v", centre, g)
			}
		}
	}
	// What it cannot see, the gap shows.
	window := prices(8, 5000, 200_000, 2)
	g := ref.Gaps(window.Quality)[0]
	if !(g.Value() > 0.8*g.Estimated) || !(g.Stale() > 0) {
		t.Errorf("errors twice as large: %+v", g)
	}
	within(t, "estimate of the worse model", ref.OfProfile(window).Metrics[0].Value.Value, g.Estimated, 0.02*g.Estimated)
}

func TestPredictionsBeyondTheReferenceAreTold(t *testing.T) {
	ref, _ := LossesFromProfile(prices(1, 5000, 1000, 1))
	got := ref.OfProfile(prices(2, 1000, 1e6, 1))
	if got.Outside < 0.99 {
		t.Errorf("%v of the predictions are outside", got.Outside)
	}
	if got := ref.OfProfile(&profile.Profile{}); got.N != 0 || got.Metrics[0].Defined || got.Metrics[0].Reason != measure.NoPredictions {
		t.Errorf("of nothing: %+v", got)
	}
	for want, p := range map[string]*profile.Profile{
		NoReference: {}, SmallReference: prices(1, minPool-1, 1000, 1),
	} {
		if l, reason := LossesFromProfile(p); l != nil || reason != want {
			t.Errorf("%s: %s", want, reason)
		}
	}
}

func TestLearnByTask(t *testing.T) {
	numbers, classes := prices(1, 500, 1000, 1), profileOf(shapes[0].rows(500, 1), 1, profile.WindowExact)
	var m Memo
	for task, p := range map[event.Task]*profile.Profile{event.Regression: numbers, event.Binary: classes} {
		e, reason := m.Learn(p, task)
		if e == nil || e.About().Labels != 500 || len(e.OfProfile(p).Metrics) == 0 || len(e.GapsOf(p)) == 0 {
			t.Errorf("%s: %v %s", task, e, reason)
		}
		again, _ := m.Learn(p, task)
		if task == event.Binary && again != e {
			t.Error("learnt again from the same labels")
		}
		if e, reason := m.Learn(&profile.Profile{}, task); e != nil || reason != NoReference {
			t.Errorf("%s of nothing: %v %s", task, e, reason)
		}
	}
	if e, reason := m.Learn(classes, event.Multiclass); e != nil || reason != NotAnEstimate {
		t.Errorf("several classes: %v %s", e, reason)
	}
}
