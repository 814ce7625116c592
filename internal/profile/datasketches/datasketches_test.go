package datasketches

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

var update = flag.Bool("update", false, "write the sketches to testdata, for test/parity/datasketches.py to read")

// column is n values that every machine makes alike: squares of a sequence
// without gaps, in no order.
func column(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		x := float64(uint32(i) * 2654435761 >> 8)
		values[i] = x*x - 1e9
	}
	return values
}

func numeric(values []float64) *profile.Numeric {
	f := profile.NewFolder(0)
	w := f.Open(false)
	f.Add(w, &event.Batch{Rows: len(values), Nums: []event.Num{{Name: "x", Values: values, Epoch: 1, Centre: -1e9}}}, nil)
	if x := f.Close(w).Features["x"]; x != nil {
		return x.Num
	}
	return nil
}

func categories(n int) *profile.Categories {
	c := &profile.Categories{Counts: map[string]int64{}}
	for i := range n {
		name := strings.Repeat("长", i%5) + fmt.Sprint("value ", i)
		c.Counts[name] = int64(i*i%97 + 1)
		c.N += c.Counts[name]
	}
	return c
}

// sketches are what the libraries are given to read.
func sketches(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	put := func(name string, b []byte, err error) {
		if err != nil {
			t.Fatal(name, err)
		}
		out[name] = b
	}
	for _, n := range sizes {
		b, err := KLL(numeric(column(n)), 200)
		put(fmt.Sprint("kll.", n), b, err)
	}
	b, err := KLL(numeric(column(100_000)), 4000)
	put("kll.fine", b, err)
	for _, n := range []int{0, 1, 300, 1000} {
		b, err := HLL(categories(n), 12)
		put(fmt.Sprint("hll.", n), b, err)
		b, err = FrequentItems(categories(n))
		put(fmt.Sprint("frequent.", n), b, err)
	}
	return out
}

var sizes = []int{0, 1, 2, 200, 201, 257, 10_000, 100_000, 1_000_003}

// The bytes are those that the library read.
func TestBytesAreThoseThatWereRead(t *testing.T) {
	for name, b := range sketches(t) {
		path := filepath.Join("testdata", name+".hex")
		if *update {
			if err := os.WriteFile(path, []byte(hex.EncodeToString(b)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(b) != strings.TrimSpace(string(want)) {
			t.Errorf("%s: other bytes than the library read; look at both, then run with -update and test/parity/datasketches.py", name)
		}
	}
}

// What the library read out of them, as test/parity/datasketches.py wrote it.
func TestLibraryReadsTheNumbers(t *testing.T) {
	var got struct {
		KLL map[string]struct {
			N         int64
			Min, Max  float64
			Retained  int
			Quantiles []float64
			RankError float64 `json:"rank_error"`
		}
		HLL      map[string]struct{ Estimate, Lower, Upper, Union float64 }
		Frequent map[string]struct {
			Weight float64
			Counts map[string]int64
		}
	}
	text, err := os.ReadFile("../../../test/parity/expected/datasketches.json")
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range sizes {
		k := got.KLL[fmt.Sprint("kll.", n)]
		if k.N != int64(n) {
			t.Errorf("%d values: the library counts %d", n, k.N)
		}
		if n == 0 {
			continue
		}
		values := column(n)
		slices.Sort(values)
		if k.Min != values[0] || k.Max != values[n-1] {
			t.Errorf("%d values: from %v to %v", n, k.Min, k.Max)
		}
		checkQuantiles(t, values, k.Quantiles, k.RankError/2) // better than the sketch would be
	}
	fine := column(100_000)
	slices.Sort(fine)
	checkQuantiles(t, fine, got.KLL["kll.fine"].Quantiles, 0.002)
	for _, n := range []int{0, 1, 300, 1000} {
		h := got.HLL[fmt.Sprint("hll.", n)]
		if !(h.Lower <= float64(n) && float64(n) <= h.Upper) || math.Abs(h.Estimate-float64(n)) > 0.03*float64(n) {
			t.Errorf("%d different strings: %+v", n, h)
		}
		if math.Abs(h.Union-h.Estimate) > 1e-9*h.Estimate { // with the library's sketch of the same strings
			t.Errorf("%d different strings: a union of equal sketches has %v, one has %v", n, h.Union, h.Estimate)
		}
		f, want := got.Frequent[fmt.Sprint("frequent.", n)], categories(n)
		if f.Weight != float64(want.N) || len(f.Counts) != n {
			t.Errorf("%d strings: %v rows, %d strings", n, f.Weight, len(f.Counts))
		}
		for name, count := range want.Counts {
			if f.Counts[name] != count {
				t.Errorf("%s came %d times, want %d", name, f.Counts[name], count)
			}
		}
	}
}

// checkQuantiles holds the quantiles 0, 0.01, … 1 to a rank error.
func checkQuantiles(t *testing.T, sorted, quantiles []float64, allow float64) {
	t.Helper()
	n := float64(len(sorted))
	for i, v := range quantiles {
		lo, _ := slices.BinarySearch(sorted, v)
		hi, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
		q := float64(i) / 100
		if off := max(float64(lo)/n-q, q-float64(hi)/n); off > allow+1/n {
			t.Errorf("%d values: quantile %v is off by %v", len(sorted), q, off)
		}
	}
}

func TestRefusals(t *testing.T) {
	trimmed := categories(10)
	trimmed.Other = 5
	if _, err := HLL(trimmed, 12); !errors.Is(err, ErrNotComplete) {
		t.Error(err)
	}
	if _, err := FrequentItems(trimmed); !errors.Is(err, ErrNotComplete) {
		t.Error(err)
	}
	if _, err := HLL(categories(1), 3); err == nil {
		t.Error("eight slots")
	}
	for _, k := range []int{0, 7, 1 << 16} {
		if _, err := KLL(nil, k); err == nil {
			t.Errorf("k of %d", k)
		}
	}
	if b, err := KLL(nil, 200); err != nil || len(b) != 8 {
		t.Errorf("nothing: % x, %v", b, err)
	}
}
