package profile

import (
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

// Each benchmark that has a floor measures it in the same run and prints the
// ratio to it, since times alone do not compare between machines.

const benchRows = 10_000

var sink float64

func plainSum(values []float64) (s float64) {
	for _, x := range values {
		s += x
	}
	return s
}

func unrolledSum(v []float64) float64 {
	var a, b, c, d, e, f, g, h float64
	for ; len(v) >= 8; v = v[8:] {
		a, b, c, d = a+v[0], b+v[1], c+v[2], d+v[3]
		e, f, g, h = e+v[4], f+v[5], g+v[6], h+v[7]
	}
	return a + b + c + d + e + f + g + h
}

// perUnit is how many ns of CPU fn takes for each of units, in the best of many
// short rounds: what the code costs when nobody else is on the machine.
func perUnit(units int, fn func(i int)) float64 {
	best, n := math.Inf(1), 1
	for round := 0; round < 25; {
		start := cpuTime()
		for i := range n {
			fn(i)
		}
		took := cpuTime() - start
		if took < time.Millisecond {
			n *= 2
			continue
		}
		best = min(best, float64(took.Nanoseconds())/float64(n)/float64(units))
		round++
	}
	return best
}

func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// best runs fn for the benchmark and returns perUnit of it.
func best(b *testing.B, units int, fn func(i int)) float64 {
	i := 0
	for b.Loop() {
		fn(i)
		i++
	}
	return perUnit(units, fn)
}

func floors(columns [][]float64) (plain, unrolled, copied float64) {
	to := make([]float64, benchRows)
	plain = perUnit(benchRows, func(i int) { sink += plainSum(columns[i%len(columns)]) })
	unrolled = perUnit(benchRows, func(i int) { sink += unrolledSum(columns[i%len(columns)]) })
	copied = perUnit(benchRows, func(i int) { copy(to, columns[i%len(columns)]) })
	return plain, unrolled, copied
}

func benchColumns(s shape) [][]float64 {
	columns := make([][]float64, 16)
	for i := range columns {
		columns[i] = s.draw(benchRows, uint64(i))
	}
	return columns
}

func BenchmarkNumericColumn(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) { benchNumeric(b, benchColumns(s), s.origin(), nil) })
	}
	for _, every := range []int{1000, 20, 2} {
		valid := make([]byte, benchRows/8)
		r := random(1)
		for i := range valid {
			for bit := range 8 {
				if r.IntN(every) != 0 {
					valid[i] |= 1 << bit
				}
			}
		}
		b.Run(fmt.Sprint("normal, one null in ", every), func(b *testing.B) { benchNumeric(b, benchColumns(shapes[0]), 0, valid) })
	}
	withNaN := benchColumns(shapes[0])
	for _, c := range withNaN {
		for i := 0; i < len(c); i += 20 {
			c[i] = math.NaN()
		}
	}
	b.Run("normal, one NaN in 20", func(b *testing.B) { benchNumeric(b, withNaN, 0, nil) })
}

func benchNumeric(b *testing.B, columns [][]float64, centre float64, valid []byte) {
	plain, unrolled, copied := floors(columns)
	f := NewFolder(0)
	open := make([]*numbers, len(columns))
	batches := make([]event.Num, len(columns))
	for i := range columns {
		open[i] = newNumbers(1, centre)
		batches[i] = event.Num{Values: columns[i], Valid: valid}
	}
	each := best(b, benchRows, func(i int) { open[i&15].add(f, f.present(&batches[i&15], nil)) })
	b.ReportMetric(each, "ns/value")
	b.ReportMetric(each/plain, "x-plain-sum")
	b.ReportMetric(each/unrolled, "x-unrolled-sum")
	b.ReportMetric(each/copied, "x-memcpy")
}

// benchBatch has 16 numbers, 4 strings and, when whole is set, a score, a
// class and a latency.
func benchBatch(seed uint64, rows int, whole bool) *event.Batch {
	r := random(seed)
	b := &event.Batch{Rows: rows, Time: make([]int64, rows)}
	for i := range b.Time {
		b.Time[i] = 1e12 + int64(i)
	}
	for i := range 16 {
		values := shapes[i%4].draw(rows, seed+uint64(i))
		b.Nums = append(b.Nums, event.Num{Name: fmt.Sprint("n", i), Epoch: 1, Centre: shapes[i%4].centre, Values: values})
	}
	for i := range 4 {
		d := event.Dict{Name: fmt.Sprint("c", i), Codes: make([]int32, rows)}
		for v := range 20 {
			d.Values = append(d.Values, fmt.Sprint("category ", v))
		}
		for j := range d.Codes {
			d.Codes[j] = int32(min(r.ExpFloat64()*4, 19))
		}
		b.Cats = append(b.Cats, d)
	}
	if !whole {
		return b
	}
	b.Task, b.Positive = event.Binary, "yes"
	b.Pred = event.Dict{Codes: make([]int32, rows), Values: []string{"no", "yes"}}
	b.Score, b.Latency = event.Num{Values: make([]float64, rows)}, event.Num{Values: make([]float64, rows)}
	for i := range rows {
		b.Score.Values[i] = 1 / (1 + math.Exp(-r.NormFloat64()*2))
		b.Pred.Codes[i] = int32(math.Round(b.Score.Values[i]))
		b.Latency.Values[i] = r.ExpFloat64() * 20
	}
	return b
}

// BenchmarkProfile folds windows of several batches and closes them; the
// memcpy is of the rows' own bytes.
func BenchmarkProfile(b *testing.B) {
	for _, c := range []struct {
		name          string
		rows, batches int
		whole         bool
	}{
		{"20 features, 10 batches of 10k", 10_000, 10, false},
		{"20 features, score, class, latency, 10 batches of 10k", 10_000, 10, true},
		{"20 features, score, class, latency, 1 batch of 10k", 10_000, 1, true},
		{"20 features, score, class, latency, 1 batch of 1k", 1000, 1, true},
		{"20 features, score, class, latency, 100 batches of 10", 10, 100, true},
		{"20 features, score, class, latency, 1 batch of 1", 1, 1, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			// Two batches in turn, as warm as one that was just decoded.
			batches := []*event.Batch{benchBatch(1, c.rows, c.whole), benchBatch(2, c.rows, c.whole)}
			from, to := make([]byte, 16*8*c.rows), make([]byte, 16*8*c.rows)
			copied := perUnit(c.rows, func(int) { copy(to, from) })
			f := NewFolder(0)
			each := best(b, c.rows*c.batches, func(int) {
				w := f.Open(false)
				for i := range c.batches {
					f.Add(w, batches[i&1], nil)
				}
				f.Close(w)
			})
			b.ReportMetric(each, "ns/row")
			b.ReportMetric(each/copied, "x-memcpy")
		})
	}
}

func BenchmarkSplitOverMinutes(b *testing.B) {
	batch := benchBatch(1, benchRows, true)
	f := NewFolder(0)
	rows := [][]int32{someRows(benchRows, 2, 0), someRows(benchRows, 2, 1)}
	each := best(b, benchRows, func(int) {
		for _, r := range rows {
			w := f.Open(false)
			f.Add(w, batch, r)
			f.Close(w)
		}
	})
	b.ReportMetric(each, "ns/row")
}

func BenchmarkScores(b *testing.B) {
	batch := benchBatch(1, benchRows, true)
	f := NewFolder(0)
	w := f.Open(true)
	b.Run("column", func(b *testing.B) {
		b.ReportMetric(best(b, benchRows, func(int) { f.addScores(&w.profile, batch, nil) }), "ns/value")
	})
	b.Run("column with decisions", func(b *testing.B) {
		w := f.Open(true)
		for range 3 {
			f.addScores(&w.profile, batch, nil)
			f.addDecided(&w.profile, batch, nil)
		}
		b.ReportMetric(best(b, benchRows, func(int) { f.addScoresDecided(&w.profile, batch, nil) }), "ns/value")
	})
	b.Run("outcome", func(b *testing.B) {
		q := w.Quality()
		outcomes := make([]Outcome, benchRows)
		r := random(1)
		for i := range outcomes {
			outcomes[i] = Outcome{Task: event.Binary, Score: batch.Score.Values[i], PredPositive: batch.Pred.Codes[i] == 1, LabelPositive: r.IntN(3) == 0}
		}
		b.ReportMetric(best(b, 1, func(i int) { q.Add(&outcomes[i%benchRows], 1) }), "ns/label")
	})
	b.Run("outcome of a regression", func(b *testing.B) {
		q := w.Quality()
		o := Outcome{Task: event.Regression, PredValue: 1.5, LabelValue: 1.25}
		b.ReportMetric(best(b, 1, func(int) { q.Add(&o, 1) }), "ns/label")
	})
}

func BenchmarkCategories(b *testing.B) {
	for _, size := range []int{2, 20, 1000} {
		b.Run(fmt.Sprint(size, " values"), func(b *testing.B) {
			r := random(1)
			d := event.Dict{Codes: make([]int32, benchRows)}
			for v := range size {
				d.Values = append(d.Values, fmt.Sprint("category ", v))
			}
			for j := range d.Codes {
				d.Codes[j] = int32(r.IntN(size))
			}
			f, c := NewFolder(0), &names{}
			b.ReportMetric(best(b, benchRows, func(int) { c.add(f, &d, nil) }), "ns/value")
		})
	}
}

func BenchmarkMergeAndBytes(b *testing.B) {
	f := NewFolder(0)
	for _, rows := range []int{200, 1000, 10_000, 100_000} {
		w := f.Open(false)
		f.Add(w, benchBatch(1, rows, true), nil)
		p := f.Close(w)
		bytes := p.AppendTo(nil)
		x, all := p.Features["n0"].Num, &Profile{}
		for name, fn := range map[string]func(int){
			"append": func(int) { bytes = p.AppendTo(bytes[:0]) },
			"decode": func(int) {
				if _, err := Decode(bytes); err != nil {
					panic(err)
				}
			},
			"merge": func(int) { all.Merge(p, WindowExact) },
			"pairs": func(int) { Pairs(x, x, func(x float64, _, _ int64) { sink += x }) },
		} {
			b.Run(fmt.Sprint(name, ", ", rows, " rows"), func(b *testing.B) {
				b.ReportMetric(best(b, 1000, fn), "us")
				b.ReportMetric(float64(len(bytes)), "bytes")
			})
		}
	}
}

// TestSize holds what a window may take on disk: 32 KiB with 1,000 rows, and
// not much more where it keeps all values.
func TestSize(t *testing.T) {
	f := NewFolder(0)
	for rows, limit := range map[int]int{256: 36 << 10, 257: 32 << 10, 1000: 32 << 10} {
		w := f.Open(false)
		b := benchBatch(3, rows, true)
		f.Add(w, b, nil)
		for i := range rows {
			w.Quality().Add(&Outcome{Task: event.Binary, Score: b.Score.Values[i], LabelPositive: i%3 == 0}, 1)
		}
		if n := len(f.Close(w).AppendTo(nil)); n > limit {
			t.Errorf("%d rows take %d bytes, above %d", rows, n, limit)
		}
	}
}
