package event

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func sample(rows int) *Batch {
	b := &Batch{Header: Header{Kind: Predictions, Task: Binary, Model: "fraud", Positive: "1", BatchID: "b1", Generation: 77, Arrived: 1700000000123, Flags: Imported}, Rows: rows}
	b.Time = make([]int64, rows)
	amount := Num{Name: "amount", Epoch: 1, Centre: 12.5, Values: make([]float64, rows)}
	b.Score = Num{Values: make([]float64, rows)}
	b.Pred = Dict{Values: []string{"0", "1"}, Codes: make([]int32, rows)}
	country := Dict{Name: "country", Values: []string{"DE", "", "中国"}, Codes: make([]int32, rows)}
	for i := range rows {
		b.ID.Append(fmt.Sprintf("id-%d", i))
		b.Time[i] = int64(1700000000000 + i)
		amount.Values[i] = float64(i) / 3
		b.Score.Values[i] = math.Mod(float64(i)*0.37, 1)
		b.Pred.Codes[i] = int32(i % 2)
		country.Codes[i] = int32(i%4) - 1
	}
	for i := 0; i < rows; i += 5 {
		amount.SetNull(i)
	}
	for i := range rows {
		switch i % 3 {
		case 0:
			b.Items.Put(i, []uint64{uint64(i), HashItem([]byte("b"))}, nil)
			b.Relevant.Put(i, nil, nil)
		case 2:
			b.Relevant.Put(i, []uint64{uint64(i)}, []float64{float64(i) / 2})
		}
	}
	b.Items.Pad(rows)
	b.Relevant.Pad(rows)
	b.Nums = []Num{amount, {Name: "absent", Epoch: 2, Centre: -1}}
	b.Cats = []Dict{country, {Name: "absent too"}}
	return b
}

func TestRoundTrip(t *testing.T) {
	for _, rows := range []int{1, 7, 8, 9, 1000} {
		want := sample(rows)
		frame := want.AppendTo(nil)
		got, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("rows %d: got\n%+v\nwanted\n%+v", rows, got, want)
		}
	}
}

func TestFramesStandOneAfterAnother(t *testing.T) {
	record := sample(3).AppendTo(nil)
	record = sample(5).AppendTo(record)
	var rows []int
	err := Frames(record, func(frame []byte) error {
		b, err := Decode(frame)
		if err == nil {
			rows = append(rows, b.Rows)
		}
		return err
	})
	if err != nil || !reflect.DeepEqual(rows, []int{3, 5}) {
		t.Fatal(rows, err)
	}
}

func TestDecodeMisaligned(t *testing.T) {
	frame := sample(9).AppendTo(nil)
	moved := append(make([]byte, 1, len(frame)+1), frame...)[1:]
	if got, err := Decode(moved); err != nil || got.Nums[0].Values[8] != 8.0/3 {
		t.Fatal(got, err)
	}
}

func TestSplitKeepsEachRowOnceInItsIDsPartition(t *testing.T) {
	b := sample(1000)
	seen := map[string]float64{}
	for p, piece := range b.Split(4) {
		part := decoded(t, piece)
		for i := range part.Rows {
			id := part.ID.At(i)
			if got := HashID(b.Seed(), id).Partition(4); got != p {
				t.Fatalf("row %s of partition %d stands in %d", id, got, p)
			}
			if part.Nums[0].Null(i) != (part.Time[i]%1700000000000%5 == 0) {
				t.Fatalf("row %s: nulls moved", id)
			}
			seen[string(id)] = part.Nums[0].Values[i]
		}
	}
	if len(seen) != 1000 || seen["id-7"] != 7.0/3 {
		t.Fatal(len(seen), seen["id-7"])
	}
}

// decoded is the batch that a part's frame holds; it has the size that was said.
func decoded(t *testing.T, p *Part) *Batch {
	t.Helper()
	frame := p.AppendTo(nil)
	if len(frame) != p.Size() {
		t.Fatalf("a frame of %d bytes, %d were announced", len(frame), p.Size())
	}
	b, err := Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPartsAreWhatTakeGives writes rows of a batch without taking them first:
// columns of every role, nulls in some, a dictionary that is too large for few
// rows, texts of any length.
func TestPartsAreWhatTakeGives(t *testing.T) {
	b := sample(200)
	large := Dict{Name: "large", Codes: make([]int32, b.Rows), Values: make([]string, b.Rows)}
	b.Segments = []Dict{{Name: "segment", Codes: make([]int32, b.Rows), Values: []string{"a", "b"}}}
	for i := range b.Rows {
		large.Codes[i], large.Values[i] = int32(i), fmt.Sprint("value ", i)
		b.Segments[0].Codes[i] = int32(i%3) - 1
		b.Message.Append(strings.Repeat("m", i%40))
	}
	b.Cats = append(b.Cats, large)
	b.Version, b.Err, b.Latency, b.PredValue = b.Pred, b.Segments[0], b.Nums[0], b.Score
	b.Scores, b.Label, b.LabelValue, b.Attrs = []Num{b.Nums[0]}, b.Pred, b.Score, b.ID
	for _, rows := range [][]int32{{0}, {199}, {1, 2, 3}, {5, 10, 15}, {3, 7, 8, 50, 198, 199}, allRows(b.Rows)} {
		want, err := Decode(b.Take(rows).AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded(t, b.part(rows)); !reflect.DeepEqual(got, want) {
			t.Fatalf("rows %v: got\n%+v\nwanted\n%+v", rows, got, want)
		}
	}
}

func allRows(n int) (rows []int32) {
	for i := range n {
		rows = append(rows, int32(i))
	}
	return rows
}

func TestTakeCompactsLargeDictionaries(t *testing.T) {
	d := Dict{Codes: []int32{99, -1, 98}, Values: make([]string, 100)}
	d.Values[99], d.Values[98] = "x", "y"
	got := d.Take([]int32{0, 1, 2})
	if len(got.Values) != 2 {
		t.Fatal(len(got.Values))
	}
	if v, ok := got.At(2); v != "y" || !ok {
		t.Fatal(v)
	}
	if _, ok := got.At(1); ok {
		t.Fatal("null became a value")
	}
	if d.Codes[0] != 99 {
		t.Fatal("the original changed")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample(3).AppendTo(nil))
	f.Add((&Batch{Header: Header{Kind: Logs}, Rows: 1, Time: []int64{1}}).AppendTo(nil))
	f.Fuzz(func(t *testing.T, frame []byte) {
		b, err := Decode(frame)
		if err != nil {
			return
		}
		for i := range b.Rows {
			b.ID.At(i)
			b.Items.At(i)
			b.Relevant.At(i)
			for j := range b.Cats {
				b.Cats[j].At(i)
			}
			for j := range b.Nums {
				b.Nums[j].Null(i)
			}
		}
		for _, p := range b.Split(2) {
			if p == nil {
				continue
			}
			if again := p.AppendTo(nil); len(again) != p.Size() {
				t.Fatalf("%d bytes, %d were announced", len(again), p.Size())
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	batch := sample(10000)
	for range 19 {
		batch.Nums = append(batch.Nums, batch.Nums[0])
	}
	frame := batch.AppendTo(nil)
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		if _, err := Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFurtherCentres(t *testing.T) {
	b := &Batch{Header: Header{Kind: Predictions, Model: "m"}, Rows: 2, Time: []int64{1, 2}}
	b.Nums = []Num{{Name: "x", Epoch: 3, Centre: -1, Others: []float64{5, 1e9}, Values: []float64{1, 2}}, {Name: "gone", Epoch: 1, Others: []float64{1}}}
	got, err := Decode(b.AppendTo(nil))
	if err != nil || !slices.Equal(got.Nums[0].Others, b.Nums[0].Others) || !slices.Equal(got.Nums[1].Others, b.Nums[1].Others) {
		t.Fatalf("%+v (%v)", got, err)
	}
	if part := b.Take([]int32{1}); !slices.Equal(part.Nums[0].Others, b.Nums[0].Others) {
		t.Errorf("a part has centres %v", part.Nums[0].Others)
	}
	for _, bad := range [][]float64{{-1}, {5, 5}, {7, 6}, {math.NaN()}, {math.Inf(1)}, {1, 2, 3, 4, 5, 6, 7, 8}} {
		b.Nums[0].Others = bad
		if _, err := Decode(b.AppendTo(nil)); !errors.Is(err, ErrMalformed) {
			t.Errorf("centres beside -1: %v: %v", bad, err)
		}
	}
}
