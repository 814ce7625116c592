package measure

import (
	"math"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/profile"
)

// tallyOutcomes is the plain form: a confusion and counts by ascending score.
func tallyOutcomes(rows []outcome) (counts, []Scored) {
	var c counts
	by := map[float64]*Scored{}
	for _, r := range rows {
		s := by[r.score]
		if s == nil {
			s = &Scored{Score: r.score}
			by[r.score] = s
		}
		if r.actual {
			s.Pos++
		} else {
			s.Neg++
		}
		switch {
		case r.predicted && r.actual:
			c.tp++
		case r.predicted:
			c.fp++
		case r.actual:
			c.fn++
		default:
			c.tn++
		}
	}
	cells := make([]Scored, 0, len(by))
	for _, s := range by {
		cells = append(cells, *s)
	}
	slices.SortFunc(cells, func(a, b Scored) int {
		if a.Score < b.Score {
			return -1
		}
		return 1
	})
	return c, cells
}

func TestCaliforniaOnPlainSlices(t *testing.T) {
	for name, b := range blocks(t) {
		c, cells := tallyOutcomes(b.rows)
		if c != (counts{b.want.TP, b.want.FP, b.want.FN, b.want.TN}) || c.n() != b.want.N {
			t.Errorf("%s: %+v, want %+v", name, c, b.want)
		}
		want := b.want.byKey()
		for _, m := range c.metrics(NoLabels, 0) {
			if w, ok := want[m.Key]; ok {
				b.want.check(t, name, m, w)
			}
		}
		area, _ := AUC(cells)
		near(t, name+" auc", area.Value, b.want.ROCAUC, 1e-12)
		ap, _ := AveragePrecision(cells)
		near(t, name+" ap", ap, b.want.AP, 1e-12)
	}
}

// fold adds outcomes to a profile, in parts that are merged.
func fold(rows []outcome, parts, limit int) *profile.Profile {
	whole := &profile.Profile{}
	for part := range parts {
		p := &profile.Profile{Quality: &profile.Quality{}}
		for i := part; i < len(rows); i += parts {
			r := rows[i]
			p.Predictions++
			p.Quality.Add(&profile.Outcome{
				Task: event.Binary, PredPositive: r.predicted, LabelPositive: r.actual, Score: r.score,
			}, 1)
		}
		whole.Merge(p, limit)
	}
	return whole
}

// Through profiles the numbers are the same, in one part or many, kept or on
// the grid: the scores have two decimals, and each has a cell of its own.
func TestCaliforniaThroughProfiles(t *testing.T) {
	for name, b := range blocks(t) {
		for _, how := range []struct{ parts, limit int }{{1, profile.WindowExact}, {60, profile.MergeExact}, {7, profile.WindowExact}} {
			r := Quality(fold(b.rows, how.parts, how.limit), event.Binary)
			for key, want := range b.want.byKey() {
				v, ok := r.Get(key)
				if !ok {
					t.Fatalf("%s: no %s", name, key)
				}
				b.want.check(t, name, Metric{key, v}, want)
			}
			if r.Labels != b.want.N || r.Coverage.Value != 1 {
				t.Errorf("%s: %d labels, coverage %v", name, r.Labels, r.Coverage.Value)
			}
			if auc, _ := r.Get("auc_roc"); !auc.HasInterval || auc.Low >= auc.Value || auc.High <= auc.Value || auc.N != b.want.N {
				t.Errorf("%s: auc %+v", name, auc)
			} else if how.limit == profile.MergeExact && auc.Bound != 0 {
				t.Errorf("%s: an exact auc has the bound %v", name, auc.Bound)
			}
		}
	}
}

// DeLong's interval against the definition: the variance of the placement values.
func TestAUCInterval(t *testing.T) {
	pos := []float64{0.9, 0.8, 0.8, 0.4, 0.6}
	neg := []float64{0.1, 0.8, 0.3, 0.4}
	psi := func(x, y float64) float64 {
		switch {
		case x > y:
			return 1
		case x == y:
			return 0.5
		}
		return 0
	}
	variance := func(v []float64) float64 {
		mean, sum := 0.0, 0.0
		for _, x := range v {
			mean += x / float64(len(v))
		}
		for _, x := range v {
			sum += (x - mean) * (x - mean)
		}
		return sum / float64(len(v)-1) / float64(len(v))
	}
	v10, v01 := make([]float64, len(pos)), make([]float64, len(neg))
	auc := 0.0
	by := map[float64]Scored{}
	for i, x := range pos {
		for j, y := range neg {
			v10[i] += psi(x, y) / float64(len(neg))
			v01[j] += psi(x, y) / float64(len(pos))
			auc += psi(x, y) / float64(len(pos)*len(neg))
		}
	}
	for _, x := range pos {
		s := by[x]
		by[x] = Scored{x, s.Pos + 1, s.Neg}
	}
	for _, y := range neg {
		s := by[y]
		by[y] = Scored{y, s.Pos, s.Neg + 1}
	}
	var cells []Scored
	for _, s := range by {
		cells = append(cells, s)
	}
	slices.SortFunc(cells, func(a, b Scored) int { return int(math.Copysign(1, a.Score-b.Score)) })
	area, ok := AUC(cells)
	half := z95 * math.Sqrt(variance(v10)+variance(v01))
	if !ok || !area.HasInterval {
		t.Fatal("no interval")
	}
	near(t, "auc", area.Value, auc, 1e-14)
	near(t, "low", area.Low, auc-half, 1e-12)
	near(t, "high", area.High, math.Min(1, auc+half), 1e-12)
}

// scipy 1.17.1: binomtest(k, n).proportion_ci(method="wilson").
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int64
		low, high float64
	}{
		{5, 10, 0.236593090512564, 0.763406909487436},
		{0, 10, 0, 0.277532799862889},
		{10, 10, 0.722467200137111, 1},
		{1836, 1878, 0.96990929664595027, 0.98341224465129484},
	} {
		low, high := Wilson(c.k, c.n)
		if math.Abs(low-c.low) > 1e-9 || math.Abs(high-c.high) > 1e-9 {
			t.Errorf("%d of %d: %.15g to %.15g, want %v to %v", c.k, c.n, low, high, c.low, c.high)
		}
	}
	if low, high := Wilson(0, 0); low != 0 || high != 1 {
		t.Error("nothing is known without trials")
	}
}

func TestUndefinedIsNotZero(t *testing.T) {
	for _, c := range []struct {
		name string
		c    counts
		want map[string]string // reason by key; all others are defined
	}{
		{"empty", counts{}, map[string]string{"accuracy": NoLabels, "precision": NoLabels, "recall": NoLabels,
			"f1_score": NoLabels, "specificity": NoLabels, "balanced_accuracy": NoLabels, "mcc": NoLabels}},
		{"no positives", counts{fp: 3, tn: 7}, map[string]string{"recall": NoPositives, "f1_score": NoPositives,
			"balanced_accuracy": OneClass, "mcc": OneClass}},
		{"none predicted", counts{fn: 3, tn: 7}, map[string]string{"precision": NoPredictedPositives, "mcc": OneClass}},
		{"no negatives", counts{tp: 3, fn: 7}, map[string]string{"specificity": NoNegatives, "balanced_accuracy": OneClass, "mcc": OneClass}},
		{"all", counts{1, 2, 3, 4}, nil},
	} {
		for _, m := range c.c.metrics(NoLabels, 0) {
			reason, bad := c.want[m.Key]
			if m.Defined == bad || m.Reason != reason {
				t.Errorf("%s: %s is %+v, want reason %q", c.name, m.Key, m.Value, reason)
			}
			if m.HasInterval && !(m.Low <= m.Value.Value && m.Value.Value <= m.High) {
				t.Errorf("%s: %s is outside its interval: %+v", c.name, m.Key, m.Value)
			}
		}
	}
	if _, ok := AUC([]Scored{{0.5, 3, 0}}); ok {
		t.Error("an AUC of one class")
	}
	if _, ok := AveragePrecision([]Scored{{0.5, 0, 3}}); ok {
		t.Error("an average precision without positives")
	}
}

// Every key of a result is a row of the catalogue for that task, and the
// catalogue has no quality metric that no result can have.
func TestKeysAreThoseOfTheCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, task := range []event.Task{event.Binary, event.Multiclass, event.Regression, event.Ranking} {
		for _, m := range QualityWith(&profile.Profile{}, task, Options{Beta: 2}).Metrics {
			row, ok := catalogue.Get(m.Key)
			if !ok {
				t.Errorf("%s is not in the catalogue", m.Key)
			}
			if !row.Applies(task) {
				t.Errorf("%s does not apply to %s", m.Key, task)
			}
			if row.NoSeries != OnDemand(m.Key) {
				t.Errorf("%s: the catalogue and OnDemand do not agree on its series", m.Key)
			}
			if m.Defined || m.Reason == "" {
				t.Errorf("%s of an empty profile: %+v", m.Key, m.Value)
			}
			seen[m.Key] = true
		}
	}
	for _, row := range catalogue.All() {
		if row.Group == catalogue.Quality && !seen[row.Key] {
			t.Errorf("no result has %s", row.Key)
		}
	}
	if len(Quality(&profile.Profile{}, event.Unknown).Metrics) != 0 {
		t.Error("a model without a task has quality")
	}
}

// scikit-learn 1.9.1: y_true = a a a b b c c c c, y_pred = a b a b c c c a c;
// precision_score, recall_score and f1_score with average="macro",
// balanced_accuracy_score, matthews_corrcoef.
func TestMulticlass(t *testing.T) {
	q := &profile.Quality{Labels: 9, Correct: 6, Confusion: map[[2]string]int64{
		{"a", "a"}: 2, {"b", "a"}: 1, {"b", "b"}: 1, {"c", "b"}: 1, {"c", "c"}: 3, {"a", "c"}: 1,
	}}
	r := Quality(&profile.Profile{Predictions: 18, Quality: q}, event.Multiclass)
	for key, want := range map[string]float64{
		"accuracy": 2. / 3, "precision": (2./3 + 1./2 + 3./4) / 3, "recall": (2./3 + 1./2 + 3./4) / 3,
		"f1_score": (2./3 + 1./2 + 3./4) / 3, "balanced_accuracy": (2./3 + 1./2 + 3./4) / 3, "mcc": 0.4807692307692308,
	} {
		v, _ := r.Get(key)
		near(t, key, v.Value, want, 1e-12)
	}
	if v, _ := r.Get("auc_roc"); v.Defined || v.Reason != NeedsClassScores {
		t.Errorf("auc_roc: %+v", v)
	}
	if r.Coverage.Value != 0.5 || r.Confusion.Matrix[2][0] != 1 || r.Confusion.Matrix[0][1] != 1 || r.Confusion.Matrix[2][2] != 3 {
		t.Errorf("coverage %v, confusion %+v", r.Coverage, r.Confusion)
	}
	if len(r.Classes) != 3 || r.Classes[0].Support != 3 || r.Classes[0].Predicted != 3 || r.Classes[1].F1.Value != 0.5 {
		t.Errorf("classes %+v", r.Classes)
	}
	q.ConfusionOther = 1
	if v, _ := Quality(&profile.Profile{Quality: q}, event.Multiclass).Get("recall"); v.Defined || v.Reason != TooManyClasses {
		t.Errorf("recall with lost cells: %+v", v)
	}
}

// numpy 2: y = 3, -0.5, 2, 7, 0 and predictions 2.5, 0, 2, 8, 0.5.
func TestRegression(t *testing.T) {
	q := &profile.Quality{}
	for _, o := range [][2]float64{{2.5, 3}, {0, -0.5}, {2, 2}, {8, 7}, {0.5, 0}} {
		q.Add(&profile.Outcome{Task: event.Regression, PredValue: o[0], LabelValue: o[1]}, 1)
	}
	r := Quality(&profile.Profile{Predictions: 5, Quality: q}, event.Regression)
	for key, want := range map[string]float64{
		"mae": 0.5, "me": 0.3, "mse": 0.35, "rmse": math.Sqrt(0.35), "r2": 1 - 1.75/35.8,
		"mape": (0.5/3 + 1 + 0 + 1./7) / 4,
	} {
		v, _ := r.Get(key)
		near(t, key, v.Value, want, 1e-12)
	}
	if v, _ := r.Get("mape"); v.N != 4 {
		t.Errorf("mape rests on %d rows, the fifth has a target of zero", v.N)
	}
	if v, _ := r.Get("mae"); !v.HasInterval || v.Low >= 0.5 || v.High <= 0.5 {
		t.Errorf("mae %+v", v)
	}
}

func TestUndefinedRegression(t *testing.T) {
	q := &profile.Quality{}
	for range 3 {
		q.Add(&profile.Outcome{Task: event.Regression, PredValue: 1, LabelValue: 0}, 1)
	}
	r := Quality(&profile.Profile{Quality: q}, event.Regression)
	for key, want := range map[string]string{"r2": ConstantLabels, "mape": ZeroTargets} {
		if v, _ := r.Get(key); v.Defined || v.Reason != want {
			t.Errorf("%s: %+v", key, v)
		}
	}
}

// What does not exist says why, in every new metric.
func TestUndefinedScores(t *testing.T) {
	binary := func(outcomes ...profile.Outcome) *profile.Profile {
		q := &profile.Quality{}
		for i := range outcomes {
			outcomes[i].Task = event.Binary
			q.Add(&outcomes[i], 1)
		}
		return &profile.Profile{Quality: q}
	}
	nan := math.NaN()
	at := 0.5
	for _, c := range []struct {
		name string
		p    *profile.Profile
		o    Options
		want map[string]string
	}{
		{"no scores", binary(profile.Outcome{Score: nan}), Options{}, map[string]string{"score_ks": NoScores, "calibration_error": NoScores, "lift_top_decile": NoScores, "log_loss": NoScores}},
		{"one class", binary(profile.Outcome{Score: 0.5}), Options{Beta: 2}, map[string]string{"score_ks": OneClass, "lift_top_decile": NoPositives, "auc_roc": OneClass, "average_precision": NoPositives, "f_beta": NoPositives}},
		{"no scores, at a threshold", binary(profile.Outcome{Score: nan}), Options{Threshold: &at}, map[string]string{"accuracy": NoScores, "recall": NoScores}},
		{"no labels, at a threshold", binary(), Options{Threshold: &at}, map[string]string{"accuracy": NoLabels}},
		{"outside 0..1", binary(profile.Outcome{Score: 3}, profile.Outcome{Score: -3, LabelPositive: true}), Options{}, map[string]string{"calibration_error": NoScores, "brier_score": NoScores, "auc_roc": ""}},
	} {
		r := QualityWith(c.p, event.Binary, c.o)
		for key, reason := range c.want {
			if v, ok := r.Get(key); !ok || v.Reason != reason || v.Defined != (reason == "") {
				t.Errorf("%s: %s is %+v, want the reason %q", c.name, key, v, reason)
			}
		}
	}
	q := &profile.Quality{}
	q.Add(&profile.Outcome{Task: event.Regression, PredValue: -5, LabelValue: -3}, 1)
	r := Quality(&profile.Profile{Quality: q}, event.Regression)
	if v, _ := r.Get("rmsle"); v.Defined || v.Reason != NegativeTargets {
		t.Errorf("rmsle below -1: %+v", v)
	}
	q.Add(&profile.Outcome{Task: event.Regression, PredValue: -5, LabelValue: -3}, -1)
	for _, m := range Quality(&profile.Profile{Quality: q}, event.Regression).Metrics {
		if m.Defined || m.Reason != NoLabels {
			t.Errorf("%s of nothing: %+v", m.Key, m.Value)
		}
	}
	q = &profile.Quality{}
	q.Add(&profile.Outcome{Task: event.Multiclass, Pred: "a", Label: "a", ScoredClasses: []string{"a", "b"}, ClassScores: []float64{0.9, 0.1}}, 1)
	r = Quality(&profile.Profile{Quality: q}, event.Multiclass)
	if v, _ := r.Get("auc_roc"); v.Defined || v.Reason != OneClass {
		t.Errorf("an area of one class: %+v", v)
	}
	if v, _ := r.Get("log_loss"); !v.Defined || math.Abs(v.Value+math.Log(0.9)) > 1e-12 {
		t.Errorf("log loss %+v", v)
	}
}
