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

// sampler picks the rows of each model's hour that have the least hash. What it
// remembers of earlier steps only spares work: a row too many is left out when
// samples are merged.
type sampler struct {
	hours map[sampleKey]*sampledHour
	step  map[sampleKey]*profile.Sample

	// The picks of the batch under way.
	limit  uint64
	rows   []int32
	hashes []uint64
}

// knownHours bounds what is remembered of earlier steps, 32 KB each.
const knownHours = 1024

func newSampler() *sampler {
	return &sampler{hours: map[sampleKey]*sampledHour{}, step: map[sampleKey]*profile.Sample{}}
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
	if least/hourMS == most/hourMS {
		s.limit = s.belowOf(sampleKey{set, b.Model, least / hourMS})
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
	of := map[int64]int{}
	for i := range groups {
		n := len(groups[i].rows)
		if groups[i].rows == nil {
			n = b.Rows
		}
		of[int64(groups[i].minute)/60] += n
	}
	picks := map[int64][]int{}
	for i, r := range s.rows {
		hour := max(b.Time[r], 0) / hourMS
		picks[hour] = append(picks[hour], i)
	}
	for hour, n := range of {
		s.add(sampleKey{set, b.Model, hour}, b, picks[hour], n)
	}
}

func (s *sampler) add(k sampleKey, b *event.Batch, picks []int, of int) {
	sample := s.step[k]
	if sample == nil {
		sample = &profile.Sample{}
		s.step[k] = sample
	}
	hour := s.hour(k)
	rows, hashes := make([]int32, 0, len(picks)), make([]uint64, 0, len(picks))
	for _, i := range picks {
		if s.hashes[i] < hour.below {
			rows, hashes = append(rows, s.rows[i]), append(hashes, s.hashes[i])
			hour.add(s.hashes[i])
		}
	}
	if len(rows) == 0 {
		sample.Of += int64(of)
		return
	}
	sample.Add(b, rows, hashes, of)
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
		out = append(out, profiles.SampleDelta{Set: k.set, Model: k.model, Start: k.hour * hourMS, Sample: sample})
	}
	clear(s.step)
	return out
}
