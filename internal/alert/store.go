package alert

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	disk "github.com/leewayhq/leeway/internal/store"
)

// The keys of the database. Values are one byte of version and JSON;
// docs/formats/rules.md describes them.
const (
	prefixRule    = 'r' // r<name>                  Rule
	prefixAlert   = 'a' // a<ref>\0<fingerprint>    storedAlert
	prefixHistory = 'h' // h<ms, 8><id, 8>          Transition
	prefixMeta    = 'm' // mheartbeat, mhistory     see below

	formatVersion = 1
)

// storedAlert is an alert on disk.
type storedAlert struct {
	Ref string `json:"ref"`
	Alert
}

// meta counts the history: the last id given out and the rows kept.
type meta struct {
	LastID uint64 `json:"last_id"`
	Rows   int    `json:"rows"`
}

// store keeps rules, alerts and history. Everything but the heartbeat is
// fsynced before the call returns.
type store struct {
	cfg Config
	db  *pebble.DB

	mu      sync.Mutex
	meta    meta
	beatAt  time.Time
	trimmed time.Time
}

func openStore(cfg Config) (*store, error) {
	cache := pebble.NewCache(4 << 20)
	defer cache.Unref()
	db, err := pebble.Open(cfg.Dir, &pebble.Options{
		FS: cfg.FS, Cache: cache, MemTableSize: 4 << 20, FormatMajorVersion: pebble.FormatNewest,
		Logger: disk.Log{Logger: cfg.Logger, Dir: cfg.Dir, Fatal: cfg.Fatal},
	})
	if err != nil {
		return nil, fmt.Errorf("alert: open store %s: %w", cfg.Dir, err)
	}
	s := &store{cfg: cfg, db: db}
	if err := s.get(metaKey("history"), &s.meta); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *store) close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("alert: close store: %w", err)
	}
	return nil
}

func metaKey(name string) []byte { return append([]byte{prefixMeta}, name...) }
func ruleKey(name string) []byte { return append([]byte{prefixRule}, name...) }

func historyKey(ms int64, id uint64) []byte {
	k := append(make([]byte, 0, 17), prefixHistory)
	k = binary.BigEndian.AppendUint64(k, uint64(max(ms, 0)))
	return binary.BigEndian.AppendUint64(k, id)
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("alert: encode: %w", err)
	}
	return append([]byte{formatVersion}, b...), nil
}

func decode(b []byte, v any) error {
	if len(b) == 0 || b[0] != formatVersion {
		return fmt.Errorf("alert: a stored value has a format that this version does not know")
	}
	if err := json.Unmarshal(b[1:], v); err != nil {
		return fmt.Errorf("alert: decode: %w", err)
	}
	return nil
}

// get leaves v as it is when there is no such key.
func (s *store) get(key []byte, v any) error {
	b, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("alert: read %q: %w", key, err)
	}
	defer closer.Close()
	return decode(b, v)
}

// each calls f for every value under a prefix until it says stop.
func (s *store) each(lower, upper []byte, backward bool, f func(value []byte) (more bool, err error)) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("alert: read store: %w", err)
	}
	move, ok := it.Next, it.First
	if backward {
		move, ok = it.Prev, it.Last
	}
	for valid := ok(); valid; valid = move() {
		more, err := f(it.Value())
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	return it.Close()
}

func under(prefix byte) (lower, upper []byte) { return []byte{prefix}, []byte{prefix + 1} }

func (s *store) rules() ([]Rule, error) {
	var out []Rule
	lower, upper := under(prefixRule)
	err := s.each(lower, upper, false, func(b []byte) (bool, error) {
		var r Rule
		err := decode(b, &r)
		out = append(out, r)
		return true, err
	})
	return out, err
}

func (s *store) alerts() ([]storedAlert, error) {
	var out []storedAlert
	lower, upper := under(prefixAlert)
	err := s.each(lower, upper, false, func(b []byte) (bool, error) {
		var a storedAlert
		err := decode(b, &a)
		out = append(out, a)
		return true, err
	})
	return out, err
}

func (s *store) putRule(r Rule) error {
	b, err := encode(r)
	if err != nil {
		return err
	}
	if err := s.db.Set(ruleKey(r.Name), b, pebble.Sync); err != nil {
		return fmt.Errorf("alert: store rule %q: %w", r.Name, err)
	}
	return nil
}

func (s *store) deleteRule(name string) error {
	if err := s.db.Delete(ruleKey(name), pebble.Sync); err != nil {
		return fmt.Errorf("alert: delete rule %q: %w", name, err)
	}
	return nil
}

// commit writes a change with one fsync and gives its transitions their ids.
func (s *store) commit(c *change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	for key, en := range c.alerts {
		k := append([]byte{prefixAlert}, key...)
		if en == nil {
			if err := b.Delete(k, nil); err != nil {
				return err
			}
			continue
		}
		v, err := encode(storedAlert{Ref: en.ref, Alert: en.Alert})
		if err != nil {
			return err
		}
		if err := b.Set(k, v, nil); err != nil {
			return err
		}
	}
	next := s.meta
	for _, m := range c.moves {
		if m.transition.ID == 0 {
			s.meta.LastID++ // given out once, even when this commit fails
			next.LastID = s.meta.LastID
			m.transition.ID = next.LastID
		}
		v, err := encode(m.transition)
		if err != nil {
			return err
		}
		if err := b.Set(historyKey(m.transition.Time, m.transition.ID), v, nil); err != nil {
			return err
		}
		next.Rows++
	}
	if err := setMeta(b, next); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("alert: commit: %w", err)
	}
	s.meta = next
	return nil
}

func setMeta(b *pebble.Batch, m meta) error {
	v, err := encode(m)
	if err != nil {
		return err
	}
	return b.Set(metaKey("history"), v, nil)
}

// beat notes that the process lives, so that the next one knows how long
// nobody looked. Without fsync: a kill -9 keeps it, and after a power cut it
// is only older.
func (s *store) beat(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.beatAt) < 5*time.Second {
		return
	}
	s.beatAt = now
	v := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	_ = s.db.Set(metaKey("heartbeat"), v, pebble.NoSync)
}

func (s *store) heartbeat() (int64, error) {
	b, closer, err := s.db.Get(metaKey("heartbeat"))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("alert: read heartbeat: %w", err)
	}
	defer closer.Close()
	if len(b) != 8 {
		return 0, nil
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
