package profile

import "math"

// Latency is a column of response times in milliseconds on a grid of relative
// width 1/128.
type Latency struct {
	N        int64
	Invalid  int64   // negative, NaN or infinite; in no other field
	Sum      float64 // ms
	Min, Max float64 // ms
	cells    []cell
}

// Merge adds o to l; there is no exact form, so limit does not matter.
func (l *Latency) Merge(o *Latency, limit int) {}

// Mean is NaN when there is none.
func (l *Latency) Mean() float64 { return math.NaN() }

// Quantile has a relative error of at most 0.8 %. NaN when there is none.
func (l *Latency) Quantile(q float64) float64 { return math.NaN() }

// Cells calls fn for each interval (lo, hi] that holds values, ascending.
func (l *Latency) Cells(fn func(lo, hi float64, count int64)) {}
