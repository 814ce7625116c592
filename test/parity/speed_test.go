// Package parity compares Leeway with the tools that people know; README.md
// tells how. Its benchmarks take rows that speed_rows.py wrote to the folder
// LEEWAY_ROWS and are of no use without them.
package parity

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
)

// batchOf reads one part of the rows, as the door would have made it: centres
// are stamped, columns of numbers may have NaN.
func batchOf(b *testing.B, part string) *event.Batch {
	b.Helper()
	folder := filepath.Join(os.Getenv("LEEWAY_ROWS"), part)
	if os.Getenv("LEEWAY_ROWS") == "" {
		b.Skip("LEEWAY_ROWS names no folder of rows; run test/parity/speed.sh")
	}
	var columns []struct {
		Name   string
		Values []string
	}
	if err := json.Unmarshal(read(b, filepath.Join(folder, "columns.json")), &columns); err != nil {
		b.Fatal(err)
	}
	batch := &event.Batch{}
	for _, c := range columns {
		bytes := read(b, filepath.Join(folder, c.Name))
		if c.Values != nil {
			batch.Cats = append(batch.Cats, event.Dict{Name: c.Name, Values: c.Values, Codes: codesOf(bytes)})
			continue
		}
		values := numbersOf(bytes)
		batch.Rows = len(values)
		batch.Nums = append(batch.Nums, event.Num{Name: c.Name, Values: values, Epoch: 1, Centre: profile.ChooseCentre(values[:1000])})
	}
	return batch
}

func read(b *testing.B, path string) []byte {
	b.Helper()
	bytes, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

func numbersOf(b []byte) []float64 {
	out := make([]float64, len(b)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out
}

func codesOf(b []byte) []int32 {
	out := make([]int32, len(b)/4)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func profileOf(f *profile.Folder, batch *event.Batch) *profile.Profile {
	w := f.Open(false)
	f.Add(w, batch, nil)
	return f.Close(w)
}

// BenchmarkProfile is what whylogs calls to log a data frame.
func BenchmarkProfile(b *testing.B) {
	batch := batchOf(b, "current")
	f := profile.NewFolder(0)
	for b.Loop() {
		if p := profileOf(f, batch); len(p.Features) != len(batch.Nums)+len(batch.Cats) {
			b.Fatalf("%d features", len(p.Features))
		}
	}
}

// BenchmarkDrift is what Evidently calls a data drift report: from the rows of
// both sides to the verdict of each column.
func BenchmarkDrift(b *testing.B) {
	current, reference := batchOf(b, "current"), batchOf(b, "reference")
	for i := range current.Nums { // a model has one centre for a column
		current.Nums[i].Centre = reference.Nums[i].Centre
	}
	f := profile.NewFolder(0)
	for b.Loop() {
		list := measure.Drift(profileOf(f, current), profileOf(f, reference), measure.DriftOptions{})
		if len(list) != len(current.Nums)+len(current.Cats) {
			b.Fatalf("%d features", len(list))
		}
	}
}
