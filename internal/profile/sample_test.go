package profile

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// sampleBatch has n rows, of which some have no value; the hashes are random
// but for the first two, which are the same row.
func sampleBatch(rng *rand.Rand, n int, wide bool) (*event.Batch, []uint64) {
	b := &event.Batch{Rows: n}
	b.Score = event.Num{Values: make([]float64, n)}
	x := event.Num{Name: "x", Values: make([]float64, n)}
	c := event.Dict{Name: "c", Values: []string{"one", "two", "three"}, Codes: make([]int32, n)}
	hashes := make([]uint64, n)
	for i := range n {
		b.Score.Values[i], x.Values[i] = rng.Float64(), rng.NormFloat64()
		c.Codes[i] = rng.Int32N(4) - 1
		hashes[i] = rng.Uint64()
	}
	x.SetNull(n / 2)
	b.Nums, b.Cats = []event.Num{x}, []event.Dict{c}
	if wide {
		b.Nums = append(b.Nums, event.Num{Name: "late", Values: slices.Clone(x.Values)})
	}
	return b, hashes
}

func allRows(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// drawn is the sample of a whole batch.
func drawn(b *event.Batch, hashes []uint64) *Sample {
	var open SampleBuilder
	open.Add(b, allRows(b.Rows), hashes, b.Rows)
	return open.Sample()
}

// Rows that come one by one, with columns that come and go, make the sample
// that they make at once.
func TestSampleOfRowsOneByOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 9))
	var one, merged = &SampleBuilder{}, &Sample{}
	for i := range 7 {
		b, hashes := sampleBatch(rng, 900, i%3 == 0)
		for r := range b.Rows {
			one.Add(b, []int32{int32(r)}, hashes[r:r+1], 1)
		}
		merged.Merge(drawn(b, hashes))
	}
	if !bytes.Equal(AppendSample(nil, one.Sample()), AppendSample(nil, merged)) {
		t.Error("row by row gives another sample")
	}
}

func TestSampleIsTheLeastOfAllInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	var parts []*Sample
	var all []uint64
	for i := range 9 {
		n := 1 + rng.IntN(1500)
		b, hashes := sampleBatch(rng, n, i%2 == 1)
		parts, all = append(parts, drawn(b, hashes)), append(all, hashes...)
	}
	parts = append(parts, &Sample{}) // an empty one changes nothing
	slices.Sort(all)
	var want []byte
	for range 20 {
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		got := mergeInPairs(rng, parts)
		var sum SampleSum
		for _, p := range parts {
			sum.Add(p.Clone())
		}
		if !bytes.Equal(AppendSample(nil, sum.Total()), AppendSample(nil, got)) {
			t.Fatal("a sum gave another sample")
		}
		if got.Of != int64(len(all)) || got.Rows() != SampleRows || !slices.Equal(got.Hashes, all[:SampleRows]) || got.Below() != all[SampleRows-1] {
			t.Fatalf("%d of %d rows", got.Rows(), got.Of)
		}
		encoded := AppendSample(nil, got)
		if want == nil {
			want = encoded
		}
		if !bytes.Equal(encoded, want) {
			t.Fatal("another order gave another sample")
		}
	}
	back, err := DecodeSample(want)
	if err != nil || !bytes.Equal(AppendSample(nil, back), want) {
		t.Fatal("the bytes do not come back", err)
	}
}

// mergeInPairs merges in a random tree.
func mergeInPairs(rng *rand.Rand, parts []*Sample) *Sample {
	var open []*Sample
	for _, p := range parts {
		s := &Sample{}
		s.Merge(p)
		open = append(open, s)
	}
	for len(open) > 1 {
		i := rng.IntN(len(open) - 1)
		open[i].Merge(open[i+1])
		open = slices.Delete(open, i+1, i+2)
	}
	return open[0]
}

func TestSampleKeepsRowsTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	b, hashes := sampleBatch(rng, 100, false)
	var open SampleBuilder
	open.Add(b, allRows(100), hashes, 100)
	open.Add(b, allRows(100), hashes, 0) // the same rows again
	s := open.Sample()
	if s.Rows() != 100 || s.Below() != math.MaxUint64 {
		t.Fatal(s.Rows())
	}
	for i, h := range s.Hashes {
		r := slices.Index(hashes, h)
		want := b.Nums[0].Values[r]
		if b.Nums[0].Null(r) {
			want = math.NaN()
		}
		name, _ := b.Cats[0].At(r)
		if s.Predicted[i] != b.Score.Values[r] || s.Nums[0].Values[i] != want && want == want || s.Cats[0].Values[i] != name {
			t.Fatalf("row %d", i)
		}
	}
}

func TestSampleBytesAreChecked(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	b, hashes := sampleBatch(rng, 20, true)
	s := drawn(b, hashes)
	good := AppendSample(nil, s)
	for n := range good {
		if _, err := DecodeSample(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read", n, len(good))
		}
	}
	if _, err := DecodeSample(append(good, 0)); err == nil {
		t.Error("a byte after the end was passed over")
	}
	good[0] = 9
	if _, err := DecodeSample(good); err == nil || !bytes.Contains([]byte(err.Error()), []byte("version 9")) {
		t.Error(err)
	}
}

func FuzzDecodeSample(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 9))
	for i := range 4 {
		b, hashes := sampleBatch(rng, 3*i+1, i%2 == 0)
		f.Add(AppendSample(nil, drawn(b, hashes)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSample(data)
		if err != nil {
			return
		}
		again := &Sample{}
		again.Merge(s)
		if !bytes.Equal(AppendSample(nil, again), AppendSample(nil, s)) {
			t.Fatal(fmt.Sprintf("%+v merged into nothing is another", s))
		}
	})
}
