package main

import (
	"bytes"
	"fmt"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// columnsOf are 16 columns of 10,000 values, 1.3 MB: more than fits near the
// core, as in a stream.
func columnsOf() [][]float64 {
	b := template(shape{rows: batchRows, nums: 16}, 1)
	out := make([][]float64, len(b.Nums))
	for i := range b.Nums {
		out[i] = b.Nums[i].Values
	}
	return out
}

// kernels measures the fold of columns against the sum and the copy of them.
func kernels(r *report) error {
	columns := columnsOf()
	to := make([]float64, batchRows)
	sum := func(f func([]float64) float64) probe {
		return probe{batchRows, func(i int) { sink += f(columns[i&15]) }}
	}
	costs := race(
		sum(plainSum), sum(unrolledSum),
		probe{batchRows, func(i int) { copy(to, columns[i&15]) }},
		numericColumn(columns, 0), numericColumn(columns, 20), numericColumn(columns, 2),
	)
	plain, unrolled := costs[0].cpu, costs[1].cpu
	r.cost("floor: sum of a column, one accumulator", "value", costs[0])
	r.cost("floor: sum of a column, eight accumulators", "value", costs[1]).over(plain, "sum")
	r.cost("floor: memcpy of a column", "value", costs[2]).over(plain, "sum")
	r.cost("numeric column: moments, grid", "value", costs[3]).over(plain, "sum").goal("6 x sum", costs[3].cpu <= 6*plain)
	r.cost("numeric column, 5 % null", "value", costs[4]).over(plain, "sum").goal("6 x sum", costs[4].cpu <= 6*plain)
	r.cost("numeric column, 50 % null", "value", costs[5]).over(plain, "sum")
	r.lines[len(r.lines)-3].Ratio += fmt.Sprintf(", %.3g x unrolled", costs[3].cpu/unrolled)
	return profiles20(r)
}

// numericColumn folds batches of 16 columns into a window that stays open; one
// value in every is null, 0 is none.
func numericColumn(columns [][]float64, every int) probe {
	var valid []byte
	if every > 0 {
		valid = make([]byte, (batchRows+7)/8)
		for i := range batchRows {
			if (i*7919)%every != 0 {
				valid[i>>3] |= 1 << (i & 7)
			}
		}
	}
	f := profile.NewFolder(0)
	w := f.Open(false)
	b := &event.Batch{Rows: batchRows}
	for i := range columns {
		b.Nums = append(b.Nums, event.Num{Name: fmt.Sprint("x", i), Epoch: 1, Centre: centres[i%4], Values: columns[i], Valid: valid})
	}
	return probe{batchRows * len(columns), func(int) { f.Add(w, b, nil) }}
}

// profiles20 measures the profile of 20 features of a decoded batch.
func profiles20(r *report) error {
	whole := template(twenty(batchRows), 1)
	features := *whole
	features.Pred, features.Score = event.Dict{}, event.Num{}
	size := rowBytes(whole)
	from, to := make([]byte, size*batchRows), make([]byte, size*batchRows)
	costs := race(
		probe{batchRows, func(int) { copy(to, from) }},
		windowsOf(&features, 10), windowsOf(whole, 10), windowsOf(whole, 1), windowsOf(template(twenty(1000), 1), 1), windowsOf(template(twenty(10), 1), 100), windowsOf(template(twenty(1), 1), 1),
	)
	floor := costs[0].cpu
	r.cost(fmt.Sprintf("floor: memcpy of a row of %d B", size), "row", costs[0])
	const g = "20 ns"
	r.cost("profile of 20 features, window of 10 x 10,000 rows", "row", costs[1]).over(floor, "memcpy").atMost(20, g)
	r.cost("the same with class, score", "row", costs[2]).over(floor, "memcpy").atMost(20, g)
	r.cost("the same, window of 10,000 rows", "row", costs[3]).over(floor, "memcpy")
	r.cost("the same, window of 1,000 rows", "row", costs[4]).over(floor, "memcpy")
	r.cost("the same, window of 100 batches of 10 rows", "row", costs[5]).over(floor, "memcpy")
	r.cost("the same, window of one row", "row", costs[6]).over(floor, "memcpy")
	return nil
}

// windowsOf opens a window, folds the batch into it some times, closes it.
func windowsOf(b *event.Batch, times int) probe {
	f := profile.NewFolder(0)
	return probe{b.Rows * times, func(int) {
		w := f.Open(false)
		for range times {
			f.Add(w, b, nil)
		}
		f.Close(w)
	}}
}

// formats measures what turns bytes into batches and back.
func formats(r *report) error {
	b := renamed(template(twenty(batchRows), 1), 0, now())
	frame := b.AppendTo(nil)
	stream, err := arrowBody(b)
	if err != nil {
		return err
	}
	short, long := jsonLines(b, 6), jsonLines(b, 17)
	to := make([]byte, len(frame))
	opts := &decode.Options{Kind: event.Predictions, Model: "m"}
	var failed error
	decoder := func(fn func([]byte, *decode.Options) (*decode.Result, error), body []byte) probe {
		return probe{batchRows, func(int) {
			if res, err := fn(body, opts); err != nil || res.Accepted != batchRows {
				failed = fmt.Errorf("decoding: %v, %d rows of %d", err, res.Accepted, batchRows)
			}
		}}
	}
	costs := race(
		probe{batchRows, func(int) { copy(to, frame) }},
		probe{batchRows, func(int) { sink += float64(len(b.AppendTo(to[:0]))) }},
		probe{batchRows, func(int) {
			if _, err := event.Decode(frame); err != nil {
				failed = err
			}
		}},
		decoder(decode.Arrow, stream),
		probe{batchRows, func(int) { sink += float64(bytes.Count(short, []byte{'\n'})) }},
		decoder(decode.NDJSON, short),
		decoder(decode.NDJSON, long),
	)
	if failed != nil {
		return failed
	}
	floor, scan := costs[0].cpu, costs[4].cpu
	r.cost(fmt.Sprintf("floor: memcpy of a row of %d B", len(frame)/batchRows), "row", costs[0])
	r.cost("write a frame", "row", costs[1]).over(floor, "memcpy")
	r.cost("read a frame", "row", costs[2]).over(floor, "memcpy")
	r.cost("read an Arrow stream of 10,000 rows", "row", costs[3]).over(floor, "memcpy")
	r.cost(fmt.Sprintf("floor: find the newlines of rows of %d B", len(short)/batchRows), "row", costs[4])
	r.cost("read NDJSON, numbers of 6 digits", "row", costs[5]).over(scan, "newline scan").Ratio += gigabytes(len(short), costs[5])
	r.cost(fmt.Sprintf("read NDJSON, 17 digits, %d B", len(long)/batchRows), "row", costs[6]).Ratio = gigabytes(len(long), costs[6])
	return nil
}

func gigabytes(body int, c cost) string {
	return fmt.Sprintf(", %.2f GB/s", float64(body)/batchRows/c.cpu)
}
