package model

import (
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// centreSample is how many values fix the centre of a feature's grid.
const centreSample = 1000

// centreHunt keeps the first values of a feature. A restart begins it anew,
// which costs nothing but a later centre.
type centreHunt struct{ values []float64 }

// huntCentre fixes the centre of f once enough values were seen, or at once
// from reference rows.
func (e *entry) huntCentre(f *Feature, n *event.Num, reference bool) {
	h := e.samples[f.key()]
	if h == nil {
		h = &centreHunt{}
		e.samples[f.key()] = h
	}
	for i, v := range n.Values {
		if len(h.values) == 4*centreSample {
			break
		}
		if !n.Null(i) && !math.IsNaN(v) && !math.IsInf(v, 0) {
			h.values = append(h.values, v)
		}
	}
	if len(h.values) < centreSample && !(reference && len(h.values) > 0) {
		return
	}
	f.Centre, f.Epoch = centreOf(h.values), f.Epoch+1
	delete(e.samples, f.key())
	e.dirty = true
}

// centreOf is the median, or 0 for data of one sign that spans orders of
// magnitude: there a grid around 0 has the same relative precision everywhere.
func centreOf(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	median, low, high := values[n/2], values[n/100], values[n-1-n/100]
	if (low > 0 && high > 100*low) || (high < 0 && low < 100*high) {
		return 0
	}
	return median
}
