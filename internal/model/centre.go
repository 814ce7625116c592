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
// when told to.
func (e *entry) huntCentre(f *Feature, n *event.Num, now bool, cfg *Config) {
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
	if len(h.values) < centreSample && !(now && len(h.values) > 0) {
		return
	}
	centres := cfg.Centres(h.values)
	f.Centre, f.Others, f.Epoch = centres[0], centres[1:], f.Epoch+1
	delete(e.samples, f.key())
	e.dirty = true
}

func median(values []float64) []float64 {
	slices.Sort(values)
	return []float64{values[len(values)/2]}
}
