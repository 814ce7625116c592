package multivariate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/profile"
)

// pair makes two correlated columns, one apart from them, and a category.
func pair(rng *rand.Rand, n int, corr float64) *Table {
	a, b, c := make([]float64, n), make([]float64, n), make([]float64, n)
	s := make([]string, n)
	for i := range n {
		x, y := rng.NormFloat64(), rng.NormFloat64()
		a[i], b[i], c[i] = x, corr*x+math.Sqrt(1-corr*corr)*y, rng.NormFloat64()
		s[i] = fmt.Sprint("s", rng.IntN(3))
	}
	return NewTable([]Numbers{{"a", a}, {"b", b}, {"c", c}}, []Strings{{"s", s}})
}

// Every column keeps its distribution; only what a and b do together changes.
func TestJointChangesAreSeen(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	ref, same, broken := pair(rng, 2000, 0.9), pair(rng, 2000, 0.9), pair(rng, 2000, -0.9)

	alike, err := Separate(ref, same)
	if err != nil || alike.Low > 0.5 || math.Abs(alike.AUC-0.5) > 0.05 {
		t.Errorf("alike: %+v, %v", alike, err)
	}
	apart, err := Separate(ref, broken)
	if err != nil || apart.Low < 0.85 || apart.Features[0].Share+apart.Features[1].Share < 0.9 {
		t.Errorf("apart: %+v, %v", apart, err)
	}

	shifts := Correlations(ref, broken)
	if top := shifts[0]; len(shifts) != 3 || top.A != "a" || top.B != "b" || top.P > 1e-10 || math.Abs(top.Change()+1.8) > 0.05 {
		t.Errorf("%+v", shifts)
	}
	for _, s := range Correlations(ref, same) {
		if s.P < 0.001 {
			t.Errorf("no change: %+v", s)
		}
	}

	m, err := FitReconstruction(ref)
	if err != nil {
		t.Fatal(err)
	}
	base := m.Errors(ref)
	if now := Mean(m.Errors(broken), SD(base)); now.Low < Mean(base, SD(base)).High {
		t.Errorf("reconstruction error %+v of the broken, %v of the reference", now, meanOf(base))
	}
}

func TestSeparateNeedsRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	if _, err := Separate(pair(rng, 2000, 0), pair(rng, 50, 0)); err == nil {
		t.Error("50 rows were told apart")
	}
	if _, err := Separate(NewTable(nil, nil), NewTable(nil, nil)); err == nil {
		t.Error("nothing was told apart")
	}
}

// A shift that moves one column moves the area to what theory says: for two
// normals d apart it is Φ(d/√2).
func TestSeparationOfAShift(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	ref, cur := pair(rng, 2000, 0), pair(rng, 2000, 0)
	for i := range cur.Numbers[2].Values {
		cur.Numbers[2].Values[i]++
	}
	got, err := Separate(ref, cur)
	want := math.Erfc(-0.5) / 2 // Φ(1/√2)
	if err != nil || math.Abs(got.AUC-want) > 0.03 || got.Features[0].Name != "c" {
		t.Errorf("%+v (%v), want %v", got, err, want)
	}
}

func TestImportancesOfALinearModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	table := pair(rng, 2000, 0)
	y := make([]float64, 2000)
	for i := range y {
		y[i] = 3*table.Numbers[0].Values[i] - table.Numbers[2].Values[i]
		if table.Strings[0].Values[i] == "s1" {
			y[i] += 2
		}
	}
	y[7] = math.NaN() // no prediction
	list, fit, err := Importances(table, y)
	if err != nil || fit < 0.99 || list[0].Name != "a" {
		t.Fatalf("%+v, fit %v, %v", list, fit, err)
	}
	share := map[string]float64{}
	for _, w := range list {
		share[w.Name] = w.Share
	}
	if r := share["a"] / share["c"]; math.Abs(r-3) > 0.15 || share["b"] > 0.01 || share["s"] < 0.1 {
		t.Errorf("%+v", list)
	}
	if _, _, err := Importances(table, make([]float64, 2000)); err == nil {
		t.Error("a constant prediction was explained")
	}
	if _, _, err := Importances(pair(rng, 20, 0), y[:20]); err == nil {
		t.Error("20 rows are enough")
	}
}

func BenchmarkSeparate(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	ref, cur := pair(rng, 2000, 0.5), pair(rng, 2000, 0.4)
	for b.Loop() {
		if _, err := Separate(ref, cur); err != nil {
			b.Fatal(err)
		}
	}
}

// sampleOf makes a row sample of a table, in the order of its rows.
func sampleOf(t *Table) *profile.Sample {
	s := &profile.Sample{Of: int64(t.Rows()), Predicted: slices.Repeat([]float64{math.NaN()}, t.Rows())}
	for i := range t.Rows() {
		s.Hashes = append(s.Hashes, uint64(i))
	}
	for _, c := range t.Numbers {
		s.Nums = append(s.Nums, profile.SampleNumbers(c))
	}
	for _, c := range t.Strings {
		s.Cats = append(s.Cats, profile.SampleStrings(c))
	}
	return s
}

func TestCompareWithAReferenceInChunks(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	var ref []*profile.Sample
	for i := range 8 {
		s := sampleOf(pair(rng, 250, 0.9))
		for j := range s.Hashes {
			s.Hashes[j] = uint64(8*j + i)
		}
		ref = append(ref, s)
	}
	for _, c := range []struct {
		corr  float64
		drift bool
	}{{0.9, false}, {-0.9, true}} {
		d, err := Compare(ref, sampleOf(pair(rng, 250, c.corr)), true)
		if err != nil || d.RefRows != 2000 || d.Reconstruction.Method != "chunks" {
			t.Fatalf("%+v %v", d, err)
		}
		if r := d.Reconstruction; r.Drifted != c.drift || r.Excess() >= 1 != c.drift || d.Classifier.Drifted() != c.drift || d.Correlations[0].P < 1e-6 != c.drift {
			t.Errorf("correlation %v: %+v, area %v, p %v", c.corr, r, d.Classifier.AUC, d.Correlations[0].P)
		}
	}
	one, err := Compare(ref[:1], ref[1], false)
	if err != nil || one.Reconstruction.Method != "standard_error" || one.Reconstruction.Drifted || one.Classifier != nil {
		t.Errorf("%+v %v", one, err)
	}
	if _, err := Compare(ref, sampleOf(pair(rng, 99, 0)), false); err == nil {
		t.Error("99 rows were compared")
	}
}
