package profiles

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
)

// spaceSample begins the keys of row samples: level, set, model length and
// model, and the time as windows have it.
const spaceSample = 's'

const days level = 'd'

// SampleDelta is what a step adds to the row sample of a model's hour.
type SampleDelta struct {
	Set    Set // ByPrediction or ByReference
	Model  string
	Start  int64 // unix ms within the hour
	Sample *profile.Sample
}

func samplePrefix(l level, set Set, model string) []byte {
	return append([]byte{spaceSample, byte(l), byte(set), byte(len(model))}, model...)
}

func sampleKey(l level, set Set, model string, start int64) []byte {
	width := hourMS
	if l == days {
		width = dayMS
	}
	return appendMinute(samplePrefix(l, set, model), floorDiv(start, width)*width)
}

// sampleStart is the time at the end of a key.
func sampleStart(key []byte) int64 {
	return (int64(binary.BigEndian.Uint32(key[len(key)-4:])) - 1<<31) * minuteMS
}

func fillSamples(batch *pebble.Batch, deltas []SampleDelta) error {
	var value []byte
	for i := range deltas {
		d := &deltas[i]
		value = profile.AppendSample(value[:0], d.Sample)
		if err := batch.Merge(sampleKey(hours, d.Set, d.Model, d.Start), value, nil); err != nil {
			return err
		}
	}
	return nil
}

// sampleMerger adds samples up: an hour of a small model is thousands of deltas
// of a few rows.
type sampleMerger struct{ sum profile.SampleSum }

func (m *sampleMerger) MergeNewer(value []byte) error { return m.add(value) }
func (m *sampleMerger) MergeOlder(value []byte) error { return m.add(value) }

func (m *sampleMerger) add(value []byte) error {
	s, err := profile.DecodeSample(value)
	if err == nil {
		m.sum.Add(s)
	}
	return err
}

func (m *sampleMerger) Finish(bool) ([]byte, io.Closer, error) {
	return profile.AppendSample(nil, m.sum.Total()), nil, nil
}

// Samples calls fn for each stored sample of the query's set and model that has
// to do with its time, whatever the version and segment: whole hours or, of old rows, whole days of UTC; the days first.
func (s *Store) Samples(ctx context.Context, q Query, fn func(start int64, sample *profile.Sample) error) error {
	for _, l := range []level{days, hours} {
		prefix, width := samplePrefix(l, q.Set, q.Model), hourMS
		if l == days {
			width = dayMS
		}
		err := s.scan(prefix, func(key, value []byte) error {
			at := sampleStart(key)
			if len(key) != len(prefix)+4 || at+width <= q.From || at >= q.To {
				return ctx.Err()
			}
			sample, err := profile.DecodeSample(value)
			if err != nil {
				return fmt.Errorf("profiles: sample of %s: %w", q.Model, err)
			}
			return fn(at, sample)
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Sample is the sample of all rows of a range; without rows it is empty.
func (s *Store) Sample(ctx context.Context, q Query) (*profile.Sample, error) {
	var sum profile.SampleSum
	err := s.Samples(ctx, q, func(_ int64, sample *profile.Sample) error {
		sum.Add(sample)
		return nil
	})
	return sum.Total(), err
}

// ReferenceSamples are the chunks of the row sample of a model's reference. A
// reference that is another version has none: versions are not sampled apart.
func (s *Store) ReferenceSamples(ctx context.Context, name string, source model.Reference) (chunks []*profile.Sample, err error) {
	q := Query{Set: ByPrediction, Model: name, From: source.From, To: source.To}
	switch source.Source {
	case model.ReferenceNone, model.ReferenceVersion:
		return nil, nil
	case model.ReferenceImport:
		q.Set, q.From, q.To = ByReference, math.MinInt64/2, math.MaxInt64/2
	}
	err = s.Samples(ctx, q, func(_ int64, sample *profile.Sample) error {
		chunks = append(chunks, sample)
		return nil
	})
	return chunks, err
}

// KeepSamples moves a model's hours that begin before daysFrom into days, and
// deletes what begins before oldest.
func (s *Store) KeepSamples(model string, daysFrom, oldest int64) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	batch := s.db.NewBatch()
	defer batch.Close()
	for _, set := range []Set{ByPrediction, ByReference} {
		for _, l := range []level{hours, days} {
			err := s.scan(samplePrefix(l, set, model), func(key, value []byte) error {
				at := sampleStart(key)
				switch {
				case at < oldest && set != ByReference:
				case l == hours && at < daysFrom:
					if err := batch.Merge(sampleKey(days, set, model, at), value, nil); err != nil {
						return err
					}
				default:
					return nil
				}
				return batch.Delete(key, nil)
			})
			if err != nil {
				return fmt.Errorf("profiles: keeping samples of %s: %w", model, err)
			}
		}
	}
	if batch.Empty() {
		return nil
	}
	return batch.Commit(pebble.Sync)
}

func eraseSamples(batch *pebble.Batch, set Set, model string) error {
	for _, l := range []level{hours, days} {
		prefix := samplePrefix(l, set, model)
		if err := batch.DeleteRange(prefix, after(prefix), nil); err != nil {
			return err
		}
	}
	return nil
}
