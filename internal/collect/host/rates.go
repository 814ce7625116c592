package host

import (
	"maps"
	"slices"
	"time"
)

// meter turns counters into rates. Each counter is compared with itself: one
// that came, went or was reset has no rate, rather than all that it ever
// counted.
type meter struct {
	last, now map[string]float64
	at        time.Time
	seconds   float64 // since the reading before
}

// begin starts a reading.
func (m *meter) begin(now time.Time) {
	m.seconds, m.at = now.Sub(m.at).Seconds(), now
	m.last, m.now = m.now, make(map[string]float64, len(m.now))
}

// grown is by how much a counter grew since the reading before.
func (m *meter) grown(id string, count float64) (float64, bool) {
	m.now[id] = count
	before, known := m.last[id]
	return count - before, known && count >= before && m.seconds > 0
}

// rate is grown a second.
func (m *meter) rate(id string, count float64) (float64, bool) {
	grown, ok := m.grown(id, count)
	return grown / m.seconds, ok
}

// addRate appends a counter's rate, times scale, if there is one.
func (m *meter) addRate(out []value, v value, scale float64) []value {
	if rate, ok := m.rate(v.id(), v.value); ok {
		v.value = rate * scale
		out = append(out, v)
	}
	return out
}

// places bounds the label sets of a sensor. What has a place keeps it as long
// as it is there, so that series do not come and go with the order of a list.
type places struct {
	most    int
	taken   map[string]bool
	without int // that found none in the last round
}

// seat says who of those present has a place. The order of present decides
// between newcomers.
func (p *places) seat(present []string) map[string]bool {
	seated := make(map[string]bool, min(len(present), p.most))
	for _, name := range present {
		if p.taken[name] {
			seated[name] = true
		}
	}
	for _, name := range present {
		if len(seated) < p.most {
			seated[name] = true
		}
	}
	p.taken, p.without = seated, len(present)-len(seated)
	return seated
}

// seatAll is seat for the keys of a map, newcomers by name; it removes those
// without a place.
func seatAll[T any](p *places, all map[string]T) []string {
	names := slices.Sorted(maps.Keys(all))
	seated := p.seat(names)
	return slices.DeleteFunc(names, func(name string) bool {
		if !seated[name] {
			delete(all, name)
		}
		return !seated[name]
	})
}
