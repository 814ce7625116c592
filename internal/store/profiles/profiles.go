// Package profiles keeps what every model did, window by window, together with
// the processor's own state, in one Pebble database.
//
// A step of the processor is one Commit: profile deltas, the queue offset that
// they cover, the state of the join and the batch ids that were seen become
// visible together or not at all. Deltas are Pebble merge operands; profiles
// merge associatively, so the database may combine them when it likes, and a
// late label is one more small delta.
//
// Windows are kept by the minute and moved into hours once they are old enough
// (Rollup). An hour and its late minutes are simply added up when they are
// read. The keys are described in docs/formats/state.md.
//
// All methods are safe for concurrent use.
package profiles

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/leewayhq/leeway/internal/store"
)

// Config says where the database is. Zero values mean the defaults.
type Config struct {
	Dir    string
	FS     vfs.FS // the disk
	Logger *slog.Logger
	// Fatal ends the process when the database cannot go on, as store.Log says.
	Fatal func(error)
	// CacheBytes is the block cache, 64 MiB.
	CacheBytes int64
}

// Store is the open database.
type Store struct {
	db *pebble.DB
	// moving is held shared by commits and alone by Rollup, which reads a
	// window and deletes it: no delta may fall in between.
	moving sync.RWMutex
}

// Open opens or creates the database.
func Open(cfg Config) (*Store, error) {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = 64 << 20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cache := pebble.NewCache(cfg.CacheBytes)
	defer cache.Unref()
	opts := &pebble.Options{
		FS:                 cfg.FS,
		Cache:              cache,
		Merger:             merger,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             store.Log{Logger: cfg.Logger, Dir: cfg.Dir, Fatal: cfg.Fatal},
		MemTableSize:       32 << 20,
	}
	opts.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(cfg.Dir, opts)
	if err != nil {
		return nil, fmt.Errorf("profiles: opening %s: %w", cfg.Dir, err)
	}
	return &Store{db: db}, nil
}

// Close flushes and releases the database.
func (s *Store) Close() error { return s.db.Close() }

// The key spaces of the processor's state.
const (
	spaceOffset = 'o'
	spaceBatch  = 'b'
	spaceName   = 'n'
)

func partitionKey(space byte, partition int) []byte {
	return binary.BigEndian.AppendUint16([]byte{space}, uint16(partition))
}

// State is what one partition's processor goes on from.
type State struct {
	Next uint64 // the first queue offset that is not folded yet
	Join []byte // the join's own state
}

// State reads a partition's state; the zero State when there is none.
func (s *Store) State(partition int) (State, error) {
	value, closer, err := s.db.Get(partitionKey(spaceOffset, partition))
	if errors.Is(err, pebble.ErrNotFound) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("profiles: %w", err)
	}
	defer closer.Close()
	if len(value) < 8 {
		return State{}, fmt.Errorf("profiles: state of partition %d has %d bytes", partition, len(value))
	}
	return State{Next: binary.LittleEndian.Uint64(value), Join: append([]byte(nil), value[8:]...)}, nil
}

// SetState replaces a partition's state, for the repair of a stopped server; a
// processor commits its own with what it covers.
func (s *Store) SetState(partition int, st State) error {
	value := append(binary.LittleEndian.AppendUint64(nil, st.Next), st.Join...)
	if err := s.db.Set(partitionKey(spaceOffset, partition), value, pebble.Sync); err != nil {
		return fmt.Errorf("profiles: state of partition %d: %w", partition, err)
	}
	return nil
}

// Names reads a partition's names: what the join's entries call strings by.
func (s *Store) Names(partition int) ([]string, error) {
	var names []string
	err := s.scan(partitionKey(spaceName, partition), func(key, value []byte) error {
		if id := binary.BigEndian.Uint32(key[3:]); int(id) != len(names) {
			return fmt.Errorf("profiles: name %d of partition %d is missing", len(names), partition)
		}
		names = append(names, string(value))
		return nil
	})
	return names, err
}

// SeenBatch tells whether a partition has already folded this batch id.
func (s *Store) SeenBatch(partition int, id string) (bool, error) {
	_, closer, err := s.db.Get(append(partitionKey(spaceBatch, partition), id...))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("profiles: %w", err)
	}
	return true, closer.Close()
}

// ForgetBatches drops the batch ids whose time is over.
func (s *Store) ForgetBatches(now time.Time) error {
	batch := s.db.NewBatch()
	defer batch.Close()
	err := s.scan([]byte{spaceBatch}, func(key, value []byte) error {
		if until := int64(binary.LittleEndian.Uint64(value)); until != 0 && until < now.UnixMilli() {
			return batch.Delete(key, nil)
		}
		return nil
	})
	return errors.Join(err, batch.Commit(pebble.NoSync))
}

// scan calls fn for every key with the prefix, in order.
func (s *Store) scan(prefix []byte, fn func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = fn(it.Key(), value)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

// after is the first key behind all with the prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
