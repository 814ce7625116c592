package process

import (
	"slices"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/zeebo/xxh3"
)

// sampleKey is an hour of a model.
type sampleKey struct {
	set   profiles.Set
	model string
	hour  int64 // since 1970
}

const hourMS = 60 * minuteMS

// hourOf is the hour of the window that a time falls into.
func hourOf(ms int64) int64 { return int64(minuteOf(ms) / 60) }

// sampler picks the rows of each model's hour that have the least hash. What it
// remembers of earlier steps only spares work: a row too many is left out when
// samples are merged.
type sampler struct {
	hours map[sampleKey]*sampledHour
	step  map[sampleKey]*profile.SampleBuilder

	// The picks of the batch under way.
	limit  uint64
	single bool // all rows are of one hour
	rows   []int32
	hashes []uint64
}

// knownHours bounds what is remembered of earlier steps, 32 KB each.
const knownHours = 1024

func newSampler() *sampler {
	return &sampler{hours: map[sampleKey]*sampledHour{}, step: map[sampleKey]*profile.SampleBuilder{}}
}

// sampledHour is the least hashes of an hour so far, and some more.
type sampledHour struct {
	below  uint64 // from which on no row can come in
	hashes []uint64
}

func (h *sampledHour) add(hash uint64) {
	h.hashes = append(h.hashes, hash)
	if len(h.hashes) == 2*profile.SampleRows {
		slices.Sort(h.hashes)
		h.hashes = h.hashes[:profile.SampleRows]
		h.below = h.hashes[profile.SampleRows-1]
	}
}

// begin prepares for a batch whose rows all belong to a set.
func (s *sampler) begin(set profiles.Set, b *event.Batch) {
	s.rows, s.hashes, s.limit = s.rows[:0], s.hashes[:0], 0
	if len(b.Nums)+len(b.Cats) == 0 || b.Rows == 0 {
		return
	}
	least, most := b.Time[0], b.Time[0]
	for _, t := range b.Time {
		least, most = min(least, t), max(most, t)
	}
	s.limit = ^uint64(0)
	if s.single = hourOf(least) == hourOf(most); s.single {
		s.limit = s.belowOf(sampleKey{set, b.Model, hourOf(least)})
	}
}

func (s *sampler) belowOf(k sampleKey) uint64 {
	if h := s.hours[k]; h != nil {
		return h.below
	}
	return ^uint64(0)
}

// offer is told of each row that counts, in order.
func (s *sampler) offer(row int, hash uint64) {
	if hash < s.limit {
		s.rows = append(s.rows, int32(row))
		s.hashes = append(s.hashes, hash)
	}
}

// offerAll is for rows without ids, which stand in one record wherever it is
// split: their place in it is their name.
func (s *sampler) offerAll(b *event.Batch) {
	seed := b.Seed() ^ uint64(b.Arrived)
	if b.BatchID != "" {
		seed ^= xxh3.HashString(b.BatchID)
	}
	for r := range b.Rows {
		s.offer(r, rowHash(seed, r))
	}
}

// sampleReference picks among rows that are not joined to anything.
func (w *worker) sampleReference(b *event.Batch, groups []group) {
	w.sample.begin(profiles.ByReference, b)
	if b.HasIDs() {
		seed := b.Seed()
		for r := range b.Rows {
			w.sample.offer(r, event.HashID(seed, b.ID.At(r)).Lo)
		}
	} else {
		w.sample.offerAll(b)
	}
	w.sample.end(profiles.ByReference, b, groups)
}

// rowHash is SplitMix64 of a row's number.
func rowHash(seed uint64, row int) uint64 {
	z := seed + (uint64(row)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// end puts the picks into the samples of their hours. groups are all rows of
// the batch that count, by minute.
func (s *sampler) end(set profiles.Set, b *event.Batch, groups []group) {
	if s.limit == 0 {
		return
	}
	if s.single {
		of := 0
		for i := range groups {
			of += groups[i].size(b)
		}
		s.add(sampleKey{set, b.Model, hourOf(b.Time[0])}, b, picked{s.rows, s.hashes, of})
		return
	}
	hours := map[int64]*picked{}
	for i := range groups {
		hour := int64(groups[i].minute / 60)
		if hours[hour] == nil {
			hours[hour] = &picked{}
		}
		hours[hour].of += groups[i].size(b)
	}
	for i, r := range s.rows {
		p := hours[hourOf(b.Time[r])]
		p.rows, p.hashes = append(p.rows, r), append(p.hashes, s.hashes[i])
	}
	for hour, p := range hours {
		s.add(sampleKey{set, b.Model, hour}, b, *p)
	}
}

// picked is rows of one hour, and how many they were picked from.
type picked struct {
	rows   []int32
	hashes []uint64
	of     int
}

func (g *group) size(b *event.Batch) int {
	if g.rows == nil {
		return b.Rows
	}
	return len(g.rows)
}

// add leaves out the rows that cannot come in.
func (s *sampler) add(k sampleKey, b *event.Batch, p picked) {
	sample := s.step[k]
	if sample == nil {
		sample = &profile.SampleBuilder{}
		s.step[k] = sample
	}
	hour := s.hour(k)
	n := 0
	for i, hash := range p.hashes {
		if hash < hour.below {
			p.rows[n], p.hashes[n] = p.rows[i], hash
			hour.add(hash)
			n++
		}
	}
	sample.Add(b, p.rows[:n], p.hashes[:n], p.of)
}

func (s *sampler) hour(k sampleKey) *sampledHour {
	h := s.hours[k]
	if h == nil {
		if len(s.hours) >= knownHours {
			clear(s.hours)
		}
		h = &sampledHour{below: ^uint64(0)}
		s.hours[k] = h
	}
	return h
}

// deltas are the samples of the step, which begins anew.
func (s *sampler) deltas() []profiles.SampleDelta {
	out := make([]profiles.SampleDelta, 0, len(s.step))
	for k, sample := range s.step {
		out = append(out, profiles.SampleDelta{Set: k.set, Model: k.model, Start: k.hour * hourMS, Sample: sample.Sample()})
	}
	clear(s.step)
	return out
}
