package decode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
)

// lines are rows of 16 numbers and 4 strings beside id, time, prediction and
// score: about 525 bytes a row with 6 digits, 700 with 17.
func lines(n, digits int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	countries := []string{"DE", "FR", "CN", "US", "GB", "BR"}
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, `{"id":"%016x","time":"2026-05-01T10:%02d:%02d.%03dZ","prediction":%d,"score":%.4f,"features":{`, r.Uint64(), i/60%60, i%60, i%1000, i%2, r.Float64())
		for j := range 16 {
			b = fmt.Appendf(b, `"feature_%02d":`, j)
			b = strconv.AppendFloat(b, r.NormFloat64()*math.Pow10(j%5), 'g', digits, 64)
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"country":"%s","channel":"web-%d","device":"device-%03d","segment":"s%d"}}`+"\n", countries[r.IntN(6)], r.IntN(4), r.IntN(300), r.IntN(10))
	}
	return b
}

func benchmarkNDJSON(b *testing.B, digits int) {
	const n = 10000
	body := lines(n, digits)
	o := &Options{Kind: event.Predictions, Model: "m", Now: 1777640000000}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := NDJSON(body, o)
		if err != nil || r.Accepted != n {
			b.Fatal(err, r.Rejected[:1])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}

func BenchmarkNDJSON(b *testing.B)         { benchmarkNDJSON(b, 6) }
func BenchmarkNDJSON17Digits(b *testing.B) { benchmarkNDJSON(b, 17) }

// BenchmarkJSONOne is a request of one row.
func BenchmarkJSONOne(b *testing.B) {
	body := lines(1, 6)
	o := &Options{Kind: event.Predictions, Model: "m", Now: 1777640000000}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := JSON(body, o); err != nil || r.Accepted != 1 {
			b.Fatal(err)
		}
	}
}
