package estimate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// profileOf is rows as the path keeps them, in parts that are merged.
func profileOf(rows []Row, parts, limit int) *profile.Profile {
	whole := &profile.Profile{}
	for part := range parts {
		p := &profile.Profile{Quality: &profile.Quality{}, Scores: &profile.ScoreSet{}, Decided: &profile.Decided{}}
		for i := part; i < len(rows); i += parts {
			r := rows[i]
			p.Predictions++
			p.Scores.Add(r.Score, 1)
			p.Decided.N++
			if r.Predicted {
				p.Decided.Up.Add(r.Score, 1)
			}
			p.Quality.Add(&profile.Outcome{Task: event.Binary, Score: r.Score, PredPositive: r.Predicted, LabelPositive: r.Actual}, 1)
		}
		whole.Merge(p, limit)
	}
	return whole
}

func mustLearnProfile(t testing.TB, p *profile.Profile) *Reference {
	t.Helper()
	r, reason := FromProfile(p)
	if reason != "" {
		t.Fatal(reason)
	}
	return r
}

// furthest is the largest difference of two estimates over all metrics.
func furthest(t testing.TB, a, b Result) (worst float64) {
	t.Helper()
	for _, m := range a.Metrics {
		o, _ := b.Get(m.Key)
		if m.Defined != o.Defined {
			t.Errorf("%s: %+v and %+v", m.Key, m.Value, o.Value)
		}
		worst = max(worst, math.Abs(m.Value.Value-o.Value.Value))
	}
	return worst
}

// California's scores have two decimals and so a cell each: through profiles,
// kept or on the grid, every month is that of the rows.
func TestCaliforniaThroughProfiles(t *testing.T) {
	reference, production := california(t)
	exact := mustLearn(t, all(reference))
	for _, how := range []struct {
		name         string
		parts, limit int
	}{{"kept", 40, profile.MergeExact}, {"grid", 7, profile.WindowExact}} {
		ref := mustLearnProfile(t, profileOf(all(reference), how.parts, how.limit))
		if ref.Calibrated != exact.Calibrated || ref.Rows != exact.Rows {
			t.Fatalf("%s: calibrated %v on %d rows, by rows %v on %d", how.name, ref.Calibrated, ref.Rows, exact.Calibrated, exact.Rows)
		}
		for _, m := range slices.Concat(reference, production) {
			want := exact.Estimate(decided(m.rows))
			for _, window := range []int{1, 50} { // on the grid and, in parts, kept
				got := ref.OfProfile(profileOf(m.rows, window, profile.MergeExact))
				if d := furthest(t, got, want); !(d < 1e-9) {
					t.Errorf("%s: %s is %g from that of the rows", how.name, m.name, d)
				}
			}
			for _, m := range want.Metrics {
				within(t, how.name+" error of "+m.Key, ref.SamplingError(m.Key, 500), exact.SamplingError(m.Key, 500), 1e-9)
			}
		}
	}
}

// shape draws rows whose scores lie anywhere.
type shape struct {
	name string
	draw func(r *rand.Rand) (score, truth float64) // truth: how probable a positive is
	cut  float64
}

var shapes = []shape{
	{"uniform, squeezed", func(r *rand.Rand) (float64, float64) { s := r.Float64(); return s, 0.2 + 0.6*s }, 0.5},
	{"calibrated", func(r *rand.Rand) (float64, float64) { s := r.Float64(); return s, s }, 0.3},
	{"rare", func(r *rand.Rand) (float64, float64) {
		s := sigmoid(-5 + 1.5*r.NormFloat64())
		return s, min(1, 2*s)
	}, 0.05},
	{"common", func(r *rand.Rand) (float64, float64) {
		s := sigmoid(4 + 2*r.NormFloat64())
		return s, math.Sqrt(s)
	}, 0.9},
	{"two humps", func(r *rand.Rand) (float64, float64) {
		s := sigmoid(-3 + 0.5*r.NormFloat64())
		if r.IntN(3) == 0 {
			s = sigmoid(3 + 0.5*r.NormFloat64())
		}
		return s, s * s
	}, 0.5},
	{"a narrow band", func(r *rand.Rand) (float64, float64) { s := 0.7 + 0.05*r.Float64(); return s, (s - 0.6) * 5 }, 0.72},
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func (s *shape) rows(n int, seed uint64) (rows []Row) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		score, truth := s.draw(r)
		// The decision is not quite a threshold.
		rows = append(rows, Row{Score: score, Predicted: score+0.02*r.NormFloat64() > s.cut, Actual: r.Float64() < truth})
	}
	return rows
}

// What the grid costs: the estimate from profiles is within a seventh of a
// sampling error of that from the same rows, where the scores are spread out.
// Where all lie in a twentieth of their range, in some twenty cells, it is
// within a half.
func TestStreamedEstimateIsNearThatOfTheRows(t *testing.T) {
	for _, s := range shapes {
		limit := 0.15
		if s.name == "a narrow band" {
			limit = 0.6
		}
		var worst float64 // in sampling errors
		for seed := range uint64(3) {
			reference, window := s.rows(20_000, 2*seed), s.rows(12_000, 2*seed+1)
			exact, streamed := mustLearn(t, reference), mustLearnProfile(t, profileOf(reference, 3, profile.WindowExact))
			if exact.Calibrated != streamed.Calibrated {
				t.Errorf("%s: calibrated %v by rows, %v by profile", s.name, exact.Calibrated, streamed.Calibrated)
			}
			for _, n := range []int{200, 12_000} { // kept and on the grid
				want := exact.Estimate(decided(window[:n]))
				got := streamed.OfProfile(profileOf(window[:n], 3, profile.WindowExact))
				for _, m := range want.Metrics {
					v, _ := got.Get(m.Key)
					d := math.Abs(v.Value.Value - m.Value.Value)
					worst = max(worst, d/m.SamplingError)
					if !(d <= limit*m.SamplingError) {
						t.Errorf("%s, %d rows: %s is %v, of the rows %v; a sampling error is %v", s.name, n, m.Key, v.Value.Value, m.Value.Value, m.SamplingError)
					}
					within(t, s.name+" sampling error of "+m.Key, v.SamplingError, m.SamplingError, 0.05*m.SamplingError)
				}
			}
		}
		t.Logf("%s: %.2g of a sampling error", s.name, worst)
	}
}

// On a window whose scores mean what they meant, estimate and outcome agree
// within the noise; where they mean something else, the calibrator is stale.
func TestGapShowsAStaleCalibrator(t *testing.T) {
	sound, stale := shapes[0], shapes[0]
	stale.draw = func(r *rand.Rand) (float64, float64) { s := r.Float64(); return s, 0.5 }
	ref := mustLearnProfile(t, profileOf(sound.rows(20_000, 1), 1, profile.WindowExact))
	for name, rows := range map[string][]Row{"sound": sound.rows(5000, 2), "stale": stale.rows(5000, 2)} {
		p := profileOf(rows, 4, profile.WindowExact)
		res := measure.Quality(p, event.Binary)
		gaps := ref.Gaps(&res, p.Quality)
		if len(gaps) != 6 {
			t.Fatalf("%s: %d gaps", name, len(gaps))
		}
		for _, g := range gaps {
			if name == "sound" && g.Stale() > 0 || g.Noise <= 0 || g.N != 5000 {
				t.Errorf("%s: %+v is %v beyond noise", name, g, g.Stale())
			}
			if name == "stale" && (g.Key == "accuracy" || g.Key == "auc_roc") && !(g.Stale() > 0.05 && g.Value() < -0.1) {
				t.Errorf("%s: %+v is %v beyond noise", name, g, g.Stale())
			}
		}
	}
}

// The labels of the low scores alone: the estimate is of the labelled rows, so
// there is no gap though they are not like the window.
func TestGapIsOfTheLabelledRows(t *testing.T) {
	rows := shapes[0].rows(8000, 3)
	ref := mustLearnProfile(t, profileOf(shapes[0].rows(20_000, 1), 1, profile.WindowExact))
	low := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Score > 0.5 })
	p := profileOf(low, 2, profile.WindowExact)
	res := measure.Quality(p, event.Binary)
	for _, g := range ref.Gaps(&res, p.Quality) {
		if g.Stale() > 0 {
			t.Errorf("%+v", g)
		}
	}
	few := profileOf(low[:MinGap-1], 1, profile.WindowExact)
	res = measure.Quality(few, event.Binary)
	if g := ref.Gaps(&res, few.Quality); g != nil {
		t.Errorf("a gap of %d rows: %v", MinGap-1, g)
	}
}

func TestWithoutDecisionsOnlyRanksAreEstimated(t *testing.T) {
	rows := shapes[0].rows(2000, 4)
	ref := mustLearnProfile(t, profileOf(rows, 1, profile.WindowExact))
	p := profileOf(rows, 1, profile.WindowExact)
	p.Decided.N -= 100
	got := ref.OfProfile(p)
	if m, _ := got.Get("accuracy"); !m.Defined || m.Bound != 0.05 {
		t.Errorf("one in twenty without a decision: %+v", m.Value)
	}
	p.Decided = nil
	got = ref.OfProfile(p)
	for key, reason := range map[string]string{"accuracy": NoDecision, "f1_score": NoDecision, "auc_roc": "", "average_precision": ""} {
		if m, _ := got.Get(key); m.Reason != reason || m.Defined != (reason == "") {
			t.Errorf("%s: %+v", key, m.Value)
		}
	}
	got = ref.OfProfile(&profile.Profile{})
	for _, m := range got.Metrics {
		if m.Defined || m.Reason != measure.NoPredictions {
			t.Errorf("%s of nothing: %+v", m.Key, m.Value)
		}
	}
}

func TestReasonsWithoutAReference(t *testing.T) {
	rows := shapes[0].rows(MinReference-1, 5)
	one := slices.DeleteFunc(shapes[0].rows(500, 5), func(r Row) bool { return r.Actual })
	for want, rows := range map[string][]Row{NoReference: nil, SmallReference: rows, OneClassOnly: one} {
		if r, reason := FromRows(rows); r != nil || reason != want {
			t.Errorf("%s: %s", want, reason)
		}
		if r, reason := FromProfile(profileOf(rows, 1, profile.WindowExact)); r != nil || reason != want {
			t.Errorf("profile, %s: %s", want, reason)
		}
	}
	if _, reason := FromProfile(nil); reason != NoReference {
		t.Error(reason)
	}
}
