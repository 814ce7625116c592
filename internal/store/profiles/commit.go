package profiles

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/leewayhq/leeway/internal/profile"
)

// Delta is what a step adds to one window: a profile or, of steps with very
// many windows, its bytes.
type Delta struct {
	Key     Key
	Profile *profile.Profile
	Encoded []byte
}

// BatchID is a client's batch that the step folded.
type BatchID struct {
	ID    string
	Until int64 // remembered until then, unix ms; 0 is for ever
}

// Step is all that one partition's processor makes visible at once.
type Step struct {
	Partition int
	State     State
	Deltas    []Delta
	Samples   []SampleDelta
	Batches   []BatchID
	// Names are new ones, of which the first has the number FirstName.
	FirstName int
	Names     []string
}

// Commit makes a step durable and visible, atomically.
func (s *Store) Commit(step *Step) error {
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := fill(batch, step); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	s.moving.RLock()
	defer s.moving.RUnlock()
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("profiles: committing a step of partition %d: %w", step.Partition, err)
	}
	return nil
}

func fill(batch *pebble.Batch, step *Step) error {
	var key, value []byte
	for i := range step.Deltas {
		d := &step.Deltas[i]
		key = d.Key.append(key[:0], minutes)
		if d.Encoded == nil {
			value = d.Profile.AppendTo(value[:0])
		} else {
			value = append(value[:0], d.Encoded...)
		}
		if err := batch.Merge(key, value, nil); err != nil {
			return err
		}
	}
	if err := fillSamples(batch, step.Samples); err != nil {
		return err
	}
	for _, b := range step.Batches {
		key = append(partitionKey(spaceBatch, step.Partition), b.ID...)
		if err := batch.Set(key, binary.LittleEndian.AppendUint64(nil, uint64(b.Until)), nil); err != nil {
			return err
		}
	}
	for i, name := range step.Names {
		key = binary.BigEndian.AppendUint32(partitionKey(spaceName, step.Partition), uint32(step.FirstName+i))
		if err := batch.Set(key, []byte(name), nil); err != nil {
			return err
		}
	}
	value = binary.LittleEndian.AppendUint64(value[:0], step.State.Next)
	return batch.Set(partitionKey(spaceOffset, step.Partition), append(value, step.State.Join...), nil)
}

// merger lets Pebble add profiles and samples up. Its name is part of the format.
var merger = &pebble.Merger{
	Name: "leeway.profile.v1",
	Merge: func(key, value []byte) (pebble.ValueMerger, error) {
		if len(key) > 0 && key[0] == spaceSample {
			m := &sampleMerger{}
			return m, m.add(value)
		}
		return &valueMerger{first: append([]byte(nil), value...)}, nil
	},
}

// valueMerger keeps a lone value as bytes and decodes only when a second comes.
type valueMerger struct {
	first []byte
	sum   *profile.Profile
}

func (m *valueMerger) MergeNewer(value []byte) error { return m.add(value) }
func (m *valueMerger) MergeOlder(value []byte) error { return m.add(value) }

func (m *valueMerger) add(value []byte) (err error) {
	if m.sum == nil {
		if m.sum, err = profile.Decode(m.first); err != nil {
			return err
		}
	}
	p, err := profile.Decode(value)
	if err != nil {
		return err
	}
	m.sum.Merge(p, profile.WindowExact)
	return nil
}

func (m *valueMerger) Finish(bool) ([]byte, io.Closer, error) {
	if m.sum == nil {
		return m.first, nil, nil
	}
	return m.sum.AppendTo(nil), nil, nil
}

// Rollup moves minute windows that begin before cutoff (unix ms) into their
// hours, up to limit of them, and tells how many it moved.
func (s *Store) Rollup(set Set, cutoff int64, limit int) (moved int, err error) {
	prefix := []byte{byte(set), byte(minutes)}
	var old [][]byte
	err = s.scan(prefix, func(key, _ []byte) error {
		k, _, err := parseKey(key)
		if err != nil {
			return err
		}
		if k.Start < cutoff {
			old = append(old, append([]byte(nil), key...))
		}
		if len(old) == limit {
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return 0, err
	}
	for len(old) > 0 {
		n := min(len(old), 256) // so that commits wait for some milliseconds only
		if err := s.move(old[:n]); err != nil {
			return moved, err
		}
		moved, old = moved+n, old[n:]
	}
	return moved, nil
}

var errStop = errors.New("stop")

func (s *Store) move(keys [][]byte) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	batch := s.db.NewBatch()
	defer batch.Close()
	for _, key := range keys {
		k, _, err := parseKey(key)
		if err != nil {
			return err
		}
		value, closer, err := s.db.Get(key)
		if err != nil {
			return fmt.Errorf("profiles: rolling up: %w", err)
		}
		k.Start = floorDiv(k.Start, hourMS) * hourMS
		err = errors.Join(batch.Merge(k.append(nil, hours), value, nil), batch.Delete(key, nil), closer.Close())
		if err != nil {
			return fmt.Errorf("profiles: rolling up: %w", err)
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("profiles: rolling up: %w", err)
	}
	return nil
}

// Expire deletes a model's windows of a set that begin before cutoff.
func (s *Store) Expire(set Set, model string, cutoff int64) (n int, err error) {
	batch := s.db.NewBatch()
	defer batch.Close()
	for _, l := range []level{minutes, hours} {
		err := s.scan(appendPrefix(nil, set, l, model), func(key, _ []byte) error {
			k, _, err := parseKey(key)
			if err == nil && k.Start < cutoff {
				n++
				err = batch.Delete(key, nil)
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return n, batch.Commit(pebble.Sync)
}

// Erase deletes every window and sample of a model in a set.
func (s *Store) Erase(set Set, model string) error {
	batch := s.db.NewBatch()
	defer batch.Close()
	for _, l := range []level{minutes, hours} {
		prefix := appendPrefix(nil, set, l, model)
		if err := batch.DeleteRange(prefix, after(prefix), nil); err != nil {
			return fmt.Errorf("profiles: %w", err)
		}
	}
	if err := eraseSamples(batch, set, model); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	return batch.Commit(pebble.Sync)
}
