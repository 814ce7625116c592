package notify

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/silence/silencepb"
	"google.golang.org/protobuf/encoding/protodelim"

	disk "github.com/leewayhq/leeway/internal/store"
)

// The keys of the database. docs/formats/notifications.md describes them.
const (
	prefixSilence = 's' // s<id>                                  a MeshSilence, with its length before it
	prefixNflog   = 'n' // n<group key>\0<receiver>\0<kind>\0<nr> a MeshEntry, with its length before it
	prefixInbox   = 'i' // i<id, 8>                               Message, JSON
	prefixRecord  = 'r' // r<id, 8>                               Record, JSON
)

var errClosed = errors.New("notify: closed")

// store keeps silences, the notification log, the inbox and the records.
// Alertmanager's own snapshots are simply its entries one after another, so
// each entry is a value here, and all of them together are what it reads.
type store struct {
	log *slog.Logger
	met *metrics

	mu sync.RWMutex // held for reading while db is used: senders outlive the dispatcher
	db *pebble.DB   // nil when closed
}

func openStore(cfg Config, met *metrics) (*store, error) {
	cache := pebble.NewCache(4 << 20)
	defer cache.Unref()
	db, err := pebble.Open(cfg.Dir, &pebble.Options{
		FS: cfg.FS, Cache: cache, MemTableSize: 4 << 20, FormatMajorVersion: pebble.FormatNewest,
		Logger: disk.Log{Logger: cfg.Logger, Dir: cfg.Dir, Fatal: cfg.Fatal},
	})
	if err != nil {
		return nil, fmt.Errorf("notify: open store %s: %w", cfg.Dir, err)
	}
	s := &store{log: cfg.Logger, met: met, db: db}
	if err := s.sweep(time.Now()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	if err != nil {
		return fmt.Errorf("notify: close store: %w", err)
	}
	return nil
}

func (s *store) use(f func(db *pebble.DB) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return errClosed
	}
	return f(s.db)
}

// set writes, and counts what goes wrong where nobody can be told.
func (s *store) set(key, value []byte, opts *pebble.WriteOptions) error {
	err := s.use(func(db *pebble.DB) error { return db.Set(key, value, opts) })
	if err != nil && !errors.Is(err, errClosed) {
		s.met.storeErrors.Inc()
		s.log.Error("notification state not written", "err", err)
	}
	return err
}

// putSilence is called by Alertmanager under its lock with every changed
// silence, before the request is answered; it returns after the fsync.
func (s *store) putSilence(b []byte) {
	var e silencepb.MeshSilence
	if err := protodelim.UnmarshalFrom(bytes.NewReader(b), &e); err != nil || e.Silence == nil {
		s.met.storeErrors.Inc()
		s.log.Error("silence not understood", "err", err)
		return
	}
	_ = s.set(append([]byte{prefixSilence}, e.Silence.Id...), b, pebble.Sync)
}

// putNflog is called under the lock of the log, so it does not wait for the
// disk; durableLog does, together with all who wait then.
func (s *store) putNflog(b []byte) {
	var e nflogpb.MeshEntry
	if err := protodelim.UnmarshalFrom(bytes.NewReader(b), &e); err != nil || e.Entry == nil || e.Entry.Receiver == nil {
		s.met.storeErrors.Inc()
		s.log.Error("entry of the notification log not understood", "err", err)
		return
	}
	r := e.Entry.Receiver
	key := fmt.Appendf([]byte{prefixNflog}, "%s\x00%s\x00%s\x00%d", e.Entry.GroupKey, r.GroupName, r.Integration, r.Idx)
	_ = s.set(key, b, pebble.NoSync)
}

// sync waits until all that was written before is on the disk.
func (s *store) sync() error {
	return s.use(func(db *pebble.DB) error { return db.LogData(nil, pebble.Sync) })
}

// durableLog is the notification log whose Log returns after the fsync.
type durableLog struct {
	inner *nflog.Log
	store *store
}

func (d durableLog) Query(params ...nflog.QueryParam) ([]*nflogpb.Entry, error) {
	return d.inner.Query(params...)
}

func (d durableLog) Log(r *nflogpb.Receiver, group string, firing, resolved []uint64, data *nflog.Store, expiry time.Duration) error {
	if err := d.inner.Log(r, group, firing, resolved, data, expiry); err != nil {
		return err
	}
	return d.store.sync()
}

// each calls f for every key below a prefix.
func (s *store) each(prefix byte, f func(key, value []byte) error) error {
	return s.use(func(db *pebble.DB) error {
		it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
		if err != nil {
			return err
		}
		for ok := it.First(); ok; ok = it.Next() {
			if err := f(it.Key(), it.Value()); err != nil {
				return errors.Join(err, it.Close())
			}
		}
		return it.Close()
	})
}

// snapshot is all entries of one kind, as Alertmanager reads them.
func (s *store) snapshot(prefix byte) (io.Reader, error) {
	var all bytes.Buffer
	err := s.each(prefix, func(_, v []byte) error {
		_, err := all.Write(v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("notify: read store: %w", err)
	}
	return &all, nil
}

// sweep removes entries that Alertmanager has forgotten: it deletes by their
// time of expiry and tells nobody.
func (s *store) sweep(now time.Time) error {
	var gone [][]byte
	collect := func(expires func(v []byte) (time.Time, error)) func(k, v []byte) error {
		return func(k, v []byte) error {
			at, err := expires(v)
			if err != nil {
				return fmt.Errorf("notify: %q is damaged: %w", k, err)
			}
			if at.Before(now) {
				gone = append(gone, slices.Clone(k))
			}
			return nil
		}
	}
	err := s.each(prefixSilence, collect(func(v []byte) (time.Time, error) {
		var e silencepb.MeshSilence
		err := protodelim.UnmarshalFrom(bytes.NewReader(v), &e)
		return e.ExpiresAt.AsTime(), err
	}))
	if err != nil {
		return err
	}
	err = s.each(prefixNflog, collect(func(v []byte) (time.Time, error) {
		var e nflogpb.MeshEntry
		err := protodelim.UnmarshalFrom(bytes.NewReader(v), &e)
		return e.ExpiresAt.AsTime(), err
	}))
	if err != nil {
		return err
	}
	return s.use(func(db *pebble.DB) error {
		for _, k := range gone {
			if err := db.Delete(k, pebble.NoSync); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) sweepUntil(stop <-chan struct{}) {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			if err := s.sweep(now); err != nil {
				s.log.Error("notification state not swept", "err", err)
			}
		}
	}
}

// kept is a bounded list on disk and in memory, the oldest first.
type kept[T any] struct {
	store  *store
	prefix byte
	max    int

	mu   sync.Mutex
	next uint64
	ids  []uint64
	list []T
}

func openKept[T any](s *store, prefix byte, max int) (*kept[T], error) {
	k := &kept[T]{store: s, prefix: prefix, max: max, next: 1}
	err := s.each(prefix, func(key, value []byte) error {
		if len(key) != 9 {
			return fmt.Errorf("notify: key %q is damaged", key)
		}
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			return fmt.Errorf("notify: %q is damaged: %w", key, err)
		}
		id := binary.BigEndian.Uint64(key[1:])
		k.ids, k.list, k.next = append(k.ids, id), append(k.list, v), id+1
		return nil
	})
	return k, err
}

func (k *kept[T]) key(id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{k.prefix}, id)
}

// take gives out the next id.
func (k *kept[T]) take() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next++
	return k.next - 1
}

// put writes a value under an id that take gave; a second put replaces it.
func (k *kept[T]) put(id uint64, v T, opts *pebble.WriteOptions) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("notify: encode: %w", err)
	}
	k.mu.Lock()
	i, found := slices.BinarySearch(k.ids, id)
	if found {
		k.list[i] = v
	} else {
		k.ids, k.list = slices.Insert(k.ids, i, id), slices.Insert(k.list, i, v)
	}
	var drop []uint64
	if extra := len(k.ids) - k.max; extra > 0 {
		drop = slices.Clone(k.ids[:extra])
		k.ids, k.list = slices.Delete(k.ids, 0, extra), slices.Delete(k.list, 0, extra)
	}
	k.mu.Unlock()
	for _, id := range drop {
		_ = k.store.use(func(db *pebble.DB) error { return db.Delete(k.key(id), pebble.NoSync) })
	}
	return k.store.set(k.key(id), b, opts)
}

// newest lists up to n values, the newest first.
func (k *kept[T]) newest(n int) []T {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n <= 0 || n > len(k.list) {
		n = len(k.list)
	}
	out := slices.Clone(k.list[len(k.list)-n:])
	slices.Reverse(out)
	return out
}
