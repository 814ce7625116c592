package measure

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/leewayhq/leeway/internal/profile"
)

// The batches of the detection goals: 3,000 rows of production against 6,000 of
// reference, in 7 numeric and 7 categorical columns.
const (
	batchRows, batchReference  = 3000, 6000
	batchNumbers, batchStrings = 7, 7
)

type batchMaker struct{ rng *rand.Rand }

// numbers are normal, log-normal, uniform, whole or heavy in turn; shift is in
// standard deviations, for the normal ones.
func (b batchMaker) numbers(kind, n int, shift float64) *profile.Feature {
	v := make([]float64, n)
	for i := range v {
		switch kind % 5 {
		case 0:
			v[i] = b.rng.NormFloat64() + shift
		case 1:
			v[i] = math.Exp(b.rng.NormFloat64())
		case 2:
			v[i] = b.rng.Float64()
		case 3:
			v[i] = float64(b.rng.IntN(30))
		case 4:
			v[i] = math.Pow(b.rng.Float64(), -1/1.5)
		}
	}
	return foldNumbers(v, 0, profile.MergeExact).Features["f"]
}

// strings have 2 to 20 categories whose shares fall by the square; a share of
// the rows is replaced by a category that the reference never has.
func (b batchMaker) strings(kind, n int, contaminated float64) *profile.Feature {
	counts := map[string]int64{}
	k := 2 + 3*kind
	for range n {
		u := b.rng.Float64()
		name := strconv.Itoa(int(float64(k) * u * u))
		if contaminated > 0 && b.rng.Float64() < contaminated {
			name = "never seen"
		}
		counts[name]++
	}
	return stringsOf(counts)
}

func (b batchMaker) batch(n int) map[string]*profile.Feature {
	f := map[string]*profile.Feature{}
	for i := range batchNumbers {
		f["n"+strconv.Itoa(i)] = b.numbers(i, n, 0)
	}
	for i := range batchStrings {
		f["s"+strconv.Itoa(i)] = b.strings(i, n, 0)
	}
	return f
}

// reported is what a person is told of: a column that moved, or categories that
// are new and no accident.
func reported(f *FeatureDrift) bool {
	return f.UnseenSignificant || f.Grade == Shifted || f.Grade == Drifted
}

// Of 300 batches with 1 % of a never-seen category in one column, at least
// 95 % are reported, and of the 13 clean columns of each at most 2 %.
func TestContaminationIsDetected(t *testing.T) {
	const simulations = 300
	maker := batchMaker{rand.New(rand.NewPCG(11, 12))}
	ref := with(maker.batch(batchReference))
	var found, drifted, alarms, clean int
	for i := range simulations {
		cur := maker.batch(batchRows)
		dirty := "s" + strconv.Itoa(i%batchStrings)
		cur[dirty] = maker.strings(i%batchStrings, batchRows, 0.01)
		for _, f := range Drift(with(cur), ref, DriftOptions{}) {
			switch {
			case f.Name != dirty:
				clean++
				if reported(&f) {
					alarms++
				}
			case reported(&f):
				found++
				if f.Drifted {
					drifted++
				}
			}
		}
	}
	t.Logf("%d batches: %.1f %% of contaminations reported (%d as drifted), %.2f %% of %d clean columns", simulations,
		100*float64(found)/simulations, drifted, 100*float64(alarms)/float64(clean), clean)
	if found < simulations*95/100 {
		t.Errorf("%d of %d contaminations reported", found, simulations)
	}
	if float64(alarms) > 0.02*float64(clean) {
		t.Errorf("%d of %d clean columns reported", alarms, clean)
	}
}

// Of 100 batches in which a normal column moved by 0.2 standard deviations at
// least 90 % are shifted or more, and by 0.5 at least 90 % drifted.
func TestShiftsAreGraded(t *testing.T) {
	const simulations = 100
	for _, c := range []struct {
		shift float64
		want  func(f *FeatureDrift) bool
	}{
		{0.2, func(f *FeatureDrift) bool { return f.Grade == Shifted || f.Grade == Drifted }},
		{0.5, func(f *FeatureDrift) bool { return f.Grade == Drifted }},
	} {
		maker := batchMaker{rand.New(rand.NewPCG(13, 14))}
		ref, cur := maker.batch(batchReference), maker.batch(batchRows)
		good := 0
		for range simulations {
			ref["n0"] = maker.numbers(0, batchReference, 0)
			cur["n0"] = maker.numbers(0, batchRows, c.shift)
			for _, f := range Drift(with(cur), with(ref), DriftOptions{}) {
				if f.Name == "n0" && c.want(&f) {
					good++
				}
			}
		}
		t.Logf("%v sd: %.1f %% of %d", c.shift, 100*float64(good)/simulations, simulations)
		if good < simulations*90/100 {
			t.Errorf("%v sd: %d of %d", c.shift, good, simulations)
		}
	}
}
