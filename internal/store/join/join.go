// Package join keeps, for every id of the last horizon, what the id's label
// needs when it comes: the window, version and segments of the prediction, and
// what was predicted. It is the hot path of label joining.
//
// Entries are appended to files, one a bucket of arrival time (a thirtieth of
// the horizon), and found by an index in memory of 8 bytes a slot. A changed
// entry (a label arrived, a label was corrected) is appended anew and the index
// points to it; nothing is rewritten in place. A bucket expires by dropping its
// file. The format is in docs/formats/join.md.
//
// A Store belongs to one goroutine. Its files are primary data: Sync makes the
// tails durable and returns the State that the caller must commit together with
// the queue offset; Open cuts the files back to the committed State, so what a
// crash left behind it never happened.
package join

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"time"

	"github.com/leewayhq/leeway/internal/event"
)

// ErrDamaged is the class of errors about files that lack what was committed.
var ErrDamaged = errors.New("join store is damaged")

// Flags of an entry.
type Flags uint8

// What an entry holds.
const (
	HasRow      Flags = 1 << iota // a prediction (or a row of features) was seen
	HasPred                       // it predicted something
	HasScore                      // Score is set, of a classification
	HasLabel                      // a label was seen
	LabelNumber                   // Label is the bits of a float64, not a class
	hasSegments                   // a slot of segments follows
	hasExtra                      // slots of extra bytes follow
)

// Entry is what is kept of one id.
type Entry struct {
	Hash event.Hash
	// Value is the score of a classification, or the predicted value.
	Value float64
	// Label is a class (as named in the caller's names) or the bits of a value.
	Label uint64
	// Class is the predicted class, of a classification.
	Class  uint32
	Window uint32 // minute since 1970 of the prediction
	Meta   uint32 // the caller's name of (model, version, task)
	Flags  Flags
	// Segments are the caller's names of the segments; at most MaxSegments.
	Segments []uint32
	// Extra is bytes of the caller's; at most MaxExtra. Most tasks have none.
	Extra []byte
}

// MaxSegments is how many segments of one prediction its label is counted in.
const MaxSegments = 11

// MaxExtra is how many extra bytes of an entry are kept.
const MaxExtra = 32 << 10

// Config says where and for how long. Zero values mean the defaults.
type Config struct {
	Dir     string
	Horizon time.Duration // 30 days
	// MaxSlots bounds the entries; above it the oldest bucket goes before its
	// time. A slot takes 48 bytes of disk and about 13 of memory. 0 is no bound.
	MaxSlots uint64
	// BucketSlots ends a bucket early, so that there is always an old one to
	// give up: a sixteenth of MaxSlots, at most 4 Mi.
	BucketSlots uint64
}

func (c *Config) setDefaults() {
	if c.Horizon <= 0 {
		c.Horizon = 30 * 24 * time.Hour
	}
	if c.BucketSlots == 0 {
		c.BucketSlots = 4 << 20
		if c.MaxSlots > 0 {
			c.BucketSlots = min(c.BucketSlots, max(1, c.MaxSlots/16))
		}
	}
}

// Store is the pending entries of one partition.
type Store struct {
	cfg     Config
	index   index
	buckets []*bucket // oldest first; the last is written to
	dropped []string  // files to remove once the state without them is committed
	clock   int64     // the latest arrival that is believed, unix ms; 0 before the first
	jumped  int64     // where arrivals went on after a jump that is not believed yet; 0 is nowhere
	// last is where the last Find ended: the Put of the same id begins there.
	last struct {
		hash  event.Hash
		place place
		valid bool
	}
	found  int    // by Find since the last Warm
	warmth uint64 // keeps the loads of Warm alive
}

// State is what is committed: the buckets and how far each is valid.
type State struct {
	Buckets []BucketState `json:"buckets"`
	Clock   int64         `json:"clock,omitempty"`  // see Arrive
	Jumped  int64         `json:"jumped,omitempty"` // see Arrive
}

// BucketState is one bucket's committed extent.
type BucketState struct {
	Start int64  `json:"start"` // arrival, unix ms, of the bucket's beginning
	Base  uint64 `json:"base"`  // number of its first slot
	Slots uint64 `json:"slots"`
	Open  int64  `json:"open"` // predictions still without a label
}

// Open brings the files to the committed state and reads the ids back.
func Open(cfg Config, state State) (*Store, error) {
	cfg.setDefaults()
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	s := &Store{cfg: cfg, clock: state.Clock, jumped: state.Jumped}
	if n := len(state.Buckets); s.clock == 0 && n > 0 {
		s.clock = state.Buckets[n-1].Start // of a state from before there was a clock
	}
	known := map[string]bool{}
	for _, b := range state.Buckets {
		opened, err := openBucket(s.fileOf(b.Base), b)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.buckets = append(s.buckets, opened)
		known[opened.name] = true
	}
	if err := s.removeUnknown(known); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.fill()
	return s, nil
}

// fill reads the ids of all entries into the index, some at a time.
func (s *Store) fill() {
	hashes, slots := make([]event.Hash, 0, 64), make([]uint64, 0, 64)
	flush := func() {
		s.Warm(hashes)
		for i, h := range hashes {
			s.index.set(s, h, s.index.seek(s, h), slots[i])
		}
		hashes, slots = hashes[:0], slots[:0]
	}
	for _, b := range s.buckets {
		b.eachEntry(func(slot uint64, h event.Hash) {
			if hashes, slots = append(hashes, h), append(slots, slot); len(hashes) == cap(hashes) {
				flush()
			}
		})
	}
	flush()
}

func (s *Store) fileOf(base uint64) string { return bucketFile(s.cfg.Dir, base) }

// bucketFile names a bucket by the number of its first slot.
func bucketFile(dir string, base uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%013d.join", base))
}

// removeUnknown deletes files that no committed state names.
func (s *Store) removeUnknown(known map[string]bool) error {
	files, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*.join"))
	for _, f := range files {
		if !known[f] {
			err = errors.Join(err, os.Remove(f))
		}
	}
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	return nil
}

// Find reads the entry of a hash into e, whose Segments and Extra are reused.
func (s *Store) Find(h event.Hash, e *Entry) bool {
	p := s.index.seek(s, h)
	s.last.hash, s.last.place, s.last.valid = h, p, true
	if p.found {
		s.found++
		s.read(p.slot, e)
	}
	return p.found
}

// Put appends an entry, which replaces the one of the same hash. It is cheaper
// right after a Find of that hash. After an error (the disk is full) the step
// cannot be committed: the store is to be opened again.
func (s *Store) Put(e *Entry, arrived int64) error {
	b, err := s.bucketFor(arrived)
	if err != nil {
		return err
	}
	p := s.last.place
	if !s.last.valid || s.last.hash != e.Hash {
		p = s.index.seek(s, e.Hash)
	}
	s.last.valid = false
	if p.found {
		old := s.bucketOf(p.slot)
		if waits(flagsOf(old.at(p.slot))) {
			old.open--
		}
	}
	slot, err := b.append(e)
	if err != nil {
		return err
	}
	if waits(e.Flags) {
		b.open++
	}
	s.index.set(s, e.Hash, p, slot)
	return nil
}

// Warm is told the hashes that will be looked up next. Memory answers many
// questions at once in the time of one, so it asks for all of them before
// anybody waits for the first; some dozen hashes a call are best. Entries are
// asked for only while most hashes have one, as those of labels do.
func (s *Store) Warm(hashes []event.Hash) {
	sum, first := uint64(0), s.firstSlot()
	for _, h := range hashes {
		if t := s.index.shard(h); len(t.lines) > 0 {
			sum += t.lines[t.home(tagOf(h))][0]
		}
	}
	found := s.found
	s.found = 0
	if 8*found >= len(hashes) {
		for _, h := range hashes {
			sum += uint64(s.candidate(h, first))
		}
	}
	s.warmth += sum
}

// candidate reads a byte of the entry that the index has for a tag.
func (s *Store) candidate(h event.Hash, first uint64) byte {
	t := s.index.shard(h)
	if len(t.lines) == 0 {
		return 0
	}
	l := &t.lines[t.home(tagOf(h))]
	match, _ := l.look(tagOf(h), first)
	if match == 0 {
		return 0
	}
	slot := l[bits.TrailingZeros64(match)&(lineCells-1)]&slotMask - 1
	return s.bucketOf(slot).at(slot)[0]
}

// waits tells whether an entry with these flags is a prediction without a label.
func waits(f Flags) bool { return f&(HasPred|HasLabel) == HasPred }

func (s *Store) bucketFor(arrived int64) (*bucket, error) {
	span := s.span()
	base := uint64(0)
	if n := len(s.buckets); n > 0 {
		last := s.buckets[n-1]
		size := last.end() - last.base
		if size == 0 || (arrived < last.start+span && size < s.cfg.BucketSlots) {
			return last, nil
		}
		base = last.end()
	}
	start := arrived - arrived%span
	b, err := openBucket(s.fileOf(base), BucketState{Start: start, Base: base})
	if err != nil {
		return nil, err
	}
	s.buckets = append(s.buckets, b)
	return b, nil
}

func (s *Store) bucketOf(slot uint64) *bucket {
	for i := len(s.buckets) - 1; i > 0; i-- {
		if slot >= s.buckets[i].base {
			return s.buckets[i]
		}
	}
	return s.buckets[0]
}

func (s *Store) firstSlot() uint64 {
	if len(s.buckets) == 0 {
		return 0
	}
	return s.buckets[0].base
}

func (s *Store) read(slot uint64, e *Entry) { decodeEntry(s.bucketOf(slot).at(slot), e) }

// Expire drops the buckets that are wholly past the horizon, by the arrivals
// that Arrive was told, and tells how many predictions in them never got a
// label; early are those that had to go before their time because there is no
// room. The files go when Done is called after the commit.
func (s *Store) Expire() (unlabelled, early int64) {
	for len(s.buckets) > 1 && s.buckets[0].start+s.span()+s.cfg.Horizon.Milliseconds() < s.clock {
		unlabelled += s.drop()
	}
	for len(s.buckets) > 1 && s.cfg.MaxSlots > 0 && s.buckets[len(s.buckets)-1].end()-s.firstSlot() > s.cfg.MaxSlots {
		early += s.drop()
	}
	return unlabelled, early
}

// drop gives up the oldest bucket and tells how many predictions of it waited.
func (s *Store) drop() int64 {
	b := s.buckets[0]
	b.close()
	s.dropped = append(s.dropped, b.name)
	s.buckets = s.buckets[1:]
	s.last.valid = false
	return b.open
}

// Sync makes everything that was put durable and returns the state to commit.
func (s *Store) Sync() (State, error) {
	st := State{Clock: s.clock, Jumped: s.jumped}
	for _, b := range s.buckets {
		if err := b.sync(); err != nil {
			return State{}, err
		}
		st.Buckets = append(st.Buckets, BucketState{Start: b.start, Base: b.base, Slots: b.end() - b.base, Open: b.open})
	}
	return st, nil
}

// Done removes the files of expired buckets, after the commit of a state
// without them.
func (s *Store) Done() error {
	var err error
	for _, name := range s.dropped {
		err = errors.Join(err, os.Remove(name))
	}
	s.dropped = nil
	return err
}

// Stats is what there is to watch.
type Stats struct {
	Entries     int   // ids in the index
	IndexBytes  int   // memory
	FileBytes   int64 // disk
	Unlabelled  int64 // predictions that wait for a label
	BucketCount int
}

// Stats counts.
func (s *Store) Stats() Stats {
	st := Stats{Entries: s.index.entries(), IndexBytes: s.index.bytes(), BucketCount: len(s.buckets)}
	for _, b := range s.buckets {
		st.FileBytes += int64(b.end()-b.base) * slotBytes
		st.Unlabelled += b.open
	}
	return st
}

// Close releases the files. What was not synced is lost, as it would be in a
// crash; the queue still has it.
func (s *Store) Close() error {
	for _, b := range s.buckets {
		b.close()
	}
	s.buckets = nil
	return nil
}
