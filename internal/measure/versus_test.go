package measure

import (
	"math"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// binaryRows is a profile of n labelled rows; right of them are right.
func binaryRows(n, right int) *profile.Profile {
	p := &profile.Profile{Predictions: int64(n), Quality: &profile.Quality{}}
	for i := range n {
		o := profile.Outcome{Task: event.Binary, LabelPositive: i%2 == 0, Score: math.NaN()}
		o.PredPositive = o.LabelPositive == (i < right)
		p.Quality.Add(&o, 1)
	}
	return p
}

func differenceOf(t *testing.T, list []QualityDifference, key string) QualityDifference {
	t.Helper()
	for _, d := range list {
		if d.Key == key {
			return d
		}
	}
	t.Fatalf("no metric %s", key)
	return QualityDifference{}
}

func TestTwoVersionsAreCompared(t *testing.T) {
	list := CompareQuality(binaryRows(200, 180), binaryRows(200, 150), event.Binary)
	d := differenceOf(t, list, "accuracy")
	// scipy: 2*norm.sf of the pooled z; Newcombe's interval by hand.
	if d.Method != TestShares || !d.Significant || math.Abs(d.Difference.P-7.890224290256148e-05) > 1e-15 || math.Abs(d.Difference.Value-0.15) > 1e-12 {
		t.Errorf("%+v %+v", d, d.Difference)
	}
	if d.Difference.Low < 0.07 || d.Difference.High > 0.23 || d.Difference.Low > d.Difference.Value {
		t.Errorf("%+v", d.Difference)
	}
	for _, key := range []string{"precision", "recall", "f1_score", "mcc", "balanced_accuracy"} {
		d := differenceOf(t, list, key)
		if d.Difference == nil || !d.Significant || d.Method == "" || !(d.Difference.Low > 0) || d.Difference.P > 0.01 {
			t.Errorf("%s: %+v %+v", key, d, d.Difference)
		}
	}
	if auc := differenceOf(t, list, "auc_roc"); auc.Difference != nil || auc.Significant {
		t.Errorf("an area without scores: %+v", auc)
	}
	for _, d := range CompareQuality(binaryRows(200, 180), binaryRows(200, 180), event.Binary) {
		if d.Significant {
			t.Errorf("%s of the same rows differs: %+v", d.Key, d.Difference)
		}
	}
	for _, d := range CompareQuality(binaryRows(20, 20), binaryRows(20, 5), event.Binary) {
		if d.Method != "" || d.Significant {
			t.Errorf("%s was tested on 20 rows", d.Key)
		}
	}
}

// TestTwoAreasAreCompared holds DeLong's test against numpy: the variance of
// the areas' parts, row by row.
func TestTwoAreasAreCompared(t *testing.T) {
	with := func(shift float64) *profile.Profile {
		p := &profile.Profile{Quality: &profile.Quality{}}
		for k := range 40 {
			p.Quality.Add(&profile.Outcome{Task: event.Binary, LabelPositive: true, PredPositive: true, Score: (float64(7*k%41)/41 + shift) / 2}, 1)
			p.Quality.Add(&profile.Outcome{Task: event.Binary, Score: float64(5*k%43) / 43 / 2}, 1)
		}
		return p
	}
	d := differenceOf(t, CompareQuality(with(0.3), with(0.1), event.Binary), "auc_roc")
	if d.A.Value != 0.766875 || d.B.Value != 0.606875 || d.Method != TestAreas {
		t.Fatalf("%+v", d)
	}
	if x := d.Difference; math.Abs(x.P-0.04998498171676613) > 1e-12 || math.Abs(x.Low-1.0489155450543741e-05) > 1e-12 {
		t.Errorf("%+v", x)
	}
}

// TestFalseFindingsOfVersions wants two versions that are equally good to be
// called different in few of many trials.
func TestFalseFindingsOfVersions(t *testing.T) {
	found := 0
	const trials = 400
	x := uint64(1)
	random := func() float64 { // splitmix64
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return float64((z^z>>31)>>11) / (1 << 53)
	}
	rows := func() *profile.Profile {
		p := &profile.Profile{Predictions: 300, Quality: &profile.Quality{}}
		for range 300 {
			o := profile.Outcome{Task: event.Binary, LabelPositive: random() < 0.4, Score: random()}
			o.PredPositive = o.LabelPositive == (random() < 0.85)
			p.Quality.Add(&o, 1)
		}
		return p
	}
	for range trials {
		for _, d := range CompareQuality(rows(), rows(), event.Binary) {
			if d.Significant {
				found++
				break
			}
		}
	}
	if found > trials/12 {
		t.Errorf("%d of %d pairs of equal versions differ", found, trials)
	}
}
