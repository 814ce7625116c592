package detector

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func mustNew(t testing.TB, name string, o Options) *Detector {
	t.Helper()
	d, err := New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// twoSided is two_sided where there is such a parameter.
func twoSided(r *Row) map[string]float64 {
	if r.Has("two_sided") {
		return map[string]float64{"two_sided": 1}
	}
	return nil
}

func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Table() {
		if seen[r.Name] || r.Title.En == "" || r.Title.Zh == "" || r.Help.En == "" || r.Help.Zh == "" || r.Source == "" {
			t.Errorf("row %q is not complete or not alone", r.Name)
		}
		seen[r.Name] = true
		for _, p := range r.Params {
			if p.Help.En == "" || p.Help.Zh == "" || p.Default < p.Min || p.Default > p.Max {
				t.Errorf("%s: parameter %+v", r.Name, p)
			}
		}
		mustNew(t, r.Name, Options{})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, err := range map[string]error{
		`"sesame" is not known`:     tryNew("sesame", Options{}),
		`no parameter "x"`:          tryNew("adwin", set(map[string]float64{"x": 1})),
		"not within":                tryNew("adwin", set(map[string]float64{"delta": 2})),
		"NaN is not within":         tryNew("adwin", set(map[string]float64{"delta": math.NaN()})),
		"not a whole number":        tryNew("adwin", set(map[string]float64{"clock": 1.5})),
		"more than half":            tryNew("kswin", set(map[string]float64{"stat_size": 60})),
		"below beta":                tryNew("eddm", set(map[string]float64{"alpha": 0.5})),
		"is below drift_confidence": tryNew("hddm_w", set(map[string]float64{"drift_confidence": 0.1})),
		"standardise by":            tryNew("adwin", Options{Standardise: 1}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func tryNew(name string, o Options) error {
	_, err := New(name, o)
	return err
}

func TestConstantStreamNeverFires(t *testing.T) {
	for _, r := range Table() {
		for _, x := range []float64{0, 1, 0.1, -5.3, 1e9, -1e300, 1e-300} {
			if !r.Kind.allows(x) {
				continue
			}
			for _, warm := range []int{0, 30} {
				d := mustNew(t, r.Name, Options{Params: twoSided(&r), Standardise: warm})
				for i := range 5000 {
					if s := d.Update(x); s != Stable {
						t.Fatalf("%s: %s at %d of a stream of %v (standardised by %d)", r.Name, s, i, x, warm)
					}
				}
			}
		}
	}
}

func TestWhatIsNoValueIsPassedOver(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, r := range Table() {
		clean, dirty := mustNew(t, r.Name, Options{}), mustNew(t, r.Name, Options{})
		skipped := int64(0)
		for i := range 3000 {
			x := float64(rng.IntN(2))
			if i > 1500 {
				x = 1
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0.5, -3} {
				if rng.IntN(10) == 0 && !r.Kind.allows(bad) {
					skipped++
					if s := dirty.Update(bad); s != Stable {
						t.Errorf("%s: %s after %v", r.Name, s, bad)
					}
				}
			}
			if a, b := clean.Update(x), dirty.Update(x); a != b {
				t.Fatalf("%s: %s and %s at %d", r.Name, a, b, i)
			}
		}
		if dirty.Seen() != 3000 || dirty.Skipped() != skipped || skipped == 0 {
			t.Errorf("%s: seen %d, skipped %d of %d", r.Name, dirty.Seen(), dirty.Skipped(), skipped)
		}
	}
}

func TestResetBeginsAnew(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	xs := make([]float64, 4000)
	for i := range xs {
		xs[i] = float64(rng.IntN(2))
		if i/500%2 == 1 && rng.IntN(3) > 0 {
			xs[i] = 1
		}
	}
	for _, r := range Table() {
		for _, warm := range []int{0, 50} {
			d := mustNew(t, r.Name, Options{Standardise: warm, Params: twoSided(&r)})
			first, _ := indices(d, xs)
			d.Reset()
			if again, _ := indices(d, xs); !slices.Equal(first, again) {
				t.Errorf("%s: %v, and after a reset %v", r.Name, first, again)
			}
		}
	}
}

// noise is a stationary stream that suits the kind.
func noise(k Kind, rng *rand.Rand) float64 {
	switch {
	case k == Values:
		return rng.NormFloat64()
	case rng.Float64() < 0.2:
		return 1
	}
	return 0
}

// measured is, for each row, how often it fires in 100,000 stationary values,
// and how many values after a change it fires (the median of 21 streams),
// with its defaults and both sides watched: a normal stream that moves by two
// deviations, or errors that go from 20 % to 50 %. docs/detectors.md shows it.
func measured() map[string][2]int {
	return map[string][2]int{
		"adwin":                    {0, 23},
		"page_hinkley":             {54, 18},
		"cusum":                    {68, 18},
		"geometric_moving_average": {0, 72},
		"kswin":                    {122, 14},
		"bocd":                     {247, 3},
		"ddm":                      {0, 101},
		"eddm":                     {10, 20},
		"hddm_a":                   {0, 44},
		"hddm_w":                   {14, 36},
		"adwin@river-0.13":         {0, 55},
		"page_hinkley@river-0.26":  {60, 18},
		"page_hinkley@frouros":     {12, 27},
		"eddm@river-0.13":          {38, 23},
	}
}

// about allows for another machine's rounding.
func about(got, want int) bool { return got >= want-want/5-3 && got <= want+want/5+3 }

func TestFalseAlarmsOnNoise(t *testing.T) {
	for _, r := range Table() {
		rng := rand.New(rand.NewPCG(5, 6))
		d := mustNew(t, r.Name, Options{Params: twoSided(&r)})
		fired := 0
		for range 100_000 {
			if d.Update(noise(r.Kind, rng)) == Drift {
				fired++
			}
		}
		if want := measured()[r.Name][0]; !about(fired, want) {
			t.Errorf("%s: %d false alarms in 100,000 values, %d are known", r.Name, fired, want)
		}
	}
}

// TestChangesAreFound wants a change of two deviations, or of 20 % errors to
// 50 %, to be found soon, and a fall where falls are watched.
func TestChangesAreFound(t *testing.T) {
	for _, r := range Table() {
		for _, up := range []bool{true, false} {
			if !up && r.Rises && !r.Has("two_sided") {
				continue
			}
			delay := delayOf(t, &r, up)
			want := measured()[r.Name][1]
			if up && !about(delay, want) || delay > 2*want+3 {
				t.Errorf("%s: up %v: found after %d values, %d are known", r.Name, up, delay, want)
			}
		}
	}
}

// delayOf is the median over streams of how many values after the change the
// detector fires.
func delayOf(t *testing.T, r *Row, up bool) int {
	var delays []int
	for seed := range uint64(21) {
		rng := rand.New(rand.NewPCG(7, seed))
		d := mustNew(t, r.Name, Options{Params: twoSided(r)})
		delay := -1
		for i := 0; i < 2000 && delay < 0; i++ {
			x := changed(r.Kind, rng, up, i >= 1000)
			if d.Update(x) == Drift && i >= 1000 {
				delay = i - 1000
			}
		}
		if delay < 0 {
			delay = 1 << 20
		}
		delays = append(delays, delay)
	}
	slices.Sort(delays)
	return delays[len(delays)/2]
}

func changed(k Kind, rng *rand.Rand, up, after bool) float64 {
	if k == Values {
		x := rng.NormFloat64()
		switch {
		case after && up:
			return x + 2
		case after:
			return x - 2
		}
		return x
	}
	p := 0.5
	if after != up {
		p = 0.2
	}
	if rng.Float64() < p {
		return 1
	}
	return 0
}

// TestStandardisedHasNoScale wants the same verdicts whatever the unit.
func TestStandardisedHasNoScale(t *testing.T) {
	for _, r := range Table() {
		if !r.Scaled {
			continue
		}
		var want []int
		for _, scale := range []float64{1, 1e-6, 4096} {
			rng := rand.New(rand.NewPCG(8, 9))
			xs := make([]float64, 3000)
			for i := range xs {
				xs[i] = scale * (100 + changed(Values, rng, i < 2000, i >= 1000 && i < 2000))
			}
			got, _ := indices(mustNew(t, r.Name, Options{Params: twoSided(&r), Standardise: 100}), xs)
			if want == nil {
				want = got
			}
			if len(got) == 0 || !slices.Equal(got, want) {
				t.Errorf("%s: in units of %v: %v, want %v", r.Name, scale, got, want)
			}
		}
	}
}

// TestStandardisedWaitsForAScale wants a step after a constant beginning to be
// found, and a change within the beginning too.
func TestStandardisedWaitsForAScale(t *testing.T) {
	for _, constant := range []int{20, 1000} {
		d := mustNew(t, "page_hinkley", Options{Params: map[string]float64{"two_sided": 1, "threshold": 10}, Standardise: 50})
		found := false
		for i := range 1300 {
			x := 0.9
			if i >= constant {
				x = 0.7 + float64(i%2)/1000
			}
			found = d.Update(x) == Drift || found
		}
		if !found {
			t.Errorf("a step after %d constant values was not found", constant)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	adw, bo, ks := mustNew(t, "adwin", Options{}), mustNew(t, "bocd", set(map[string]float64{"max_runs": 50})), mustNew(t, "kswin", Options{})
	for i := range 300_000 {
		x := rng.NormFloat64()
		adw.Update(x)
		if i < 20_000 {
			bo.Update(x)
			ks.Update(x)
		}
	}
	if n := len(adw.alg.(*adwin).rows); n > 20 {
		t.Errorf("ADWIN has %d sizes of buckets after 300,000 values", n)
	}
	if n := cap(bo.alg.(*bocd).runs); n > 128 {
		t.Errorf("BOCD keeps %d beginnings, 50 are allowed", n)
	}
	if n := cap(ks.alg.(*kswin).ring); n > 200 {
		t.Errorf("KSWIN keeps %d values", n)
	}
}

// TestEqualKS compares with scipy.stats.ks_2samp(method="exact").
func TestEqualKS(t *testing.T) {
	for _, c := range []struct {
		n, h int
		want float64
	}{
		{30, 10, 0.07088798787114439},
		{30, 15, 0.0008995776840176799},
		{100, 25, 0.0037294923618311367},
		{5, 5, 0.007936507936507936},
		{5, 0, 1},
	} {
		if got := equalKS(c.n, c.h); math.Abs(got-c.want) > 1e-12*c.want {
			t.Errorf("equalKS(%d, %d) = %v, want %v", c.n, c.h, got, c.want)
		}
	}
}

// TestBoundedBOCDAgrees wants a bound on the beginnings to move a verdict
// by three values at most: it is the unlikely ones that go.
func TestBoundedBOCDAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 13))
	xs := make([]float64, 2000)
	for i := range xs {
		xs[i] = rng.NormFloat64() + 4*float64(i/500%2)
	}
	all, _ := indices(mustNew(t, "bocd", set(map[string]float64{"max_runs": 5000})), xs)
	few, _ := indices(mustNew(t, "bocd", set(map[string]float64{"max_runs": 100})), xs)
	near := func(a, b int) bool { return max(a-b, b-a) <= 3 }
	if len(all) < 3 || !slices.EqualFunc(all, few, near) {
		t.Errorf("with all beginnings %v, with 100 %v", all, few)
	}
}

func FuzzDetectors(f *testing.F) {
	f.Add(uint8(0), uint8(0), []byte("0123456789abcdef0123456789abcdef"))
	f.Add(uint8(5), uint8(40), binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e308)))
	f.Fuzz(func(t *testing.T, which, warm uint8, raw []byte) {
		rows := Table()
		r := rows[int(which)%len(rows)]
		if warm == 1 {
			warm = 2
		}
		d := mustNew(t, r.Name, Options{Params: twoSided(&r), Standardise: int(warm)})
		var xs []float64
		for ; len(raw) >= 8; raw = raw[8:] {
			xs = append(xs, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
		}
		for range 200 { // the same again and again, so that windows fill
			for _, x := range xs {
				if s := d.Update(x); s > Drift {
					t.Fatalf("state %d", s)
				}
			}
			d.Update(0)
			d.Update(1)
		}
		for range 3000 { // whatever came before, it can still find a change
			d.Update(0)
		}
		_ = indicesOf(d, 3000)
	})
}

// indicesOf feeds ones and counts drifts.
func indicesOf(d *Detector, n int) (fired int) {
	for range n {
		if d.Update(1) == Drift {
			fired++
		}
	}
	return fired
}

func BenchmarkUpdate(b *testing.B) {
	for _, r := range Table() {
		b.Run(r.Name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			d := mustNew(b, r.Name, Options{Params: twoSided(&r)})
			for b.Loop() {
				d.Update(noise(r.Kind, rng))
			}
		})
	}
}
