package join

import (
	"math/bits"

	"github.com/leewayhq/leeway/internal/event"
)

// The index is 256 open-addressed tables, so that growing one stalls for a few
// milliseconds at most. A cell is 24 bits of the hash and the 40-bit number of
// the entry's slot, plus one; 0 is empty. Cells of expired slots are reused.
const (
	shardCount = 256
	tagShift   = 40
	slotMask   = 1<<tagShift - 1
)

type index struct{ shards [shardCount]shard }

type shard struct {
	cells []uint64
	used  int // cells that are not empty, expired ones included
}

func tagOf(h event.Hash) uint64 { return h.Hi &^ slotMask }

func (s *shard) home(h event.Hash) int {
	hi, _ := bits.Mul64(h.Lo<<8, uint64(len(s.cells)))
	return int(hi)
}

// find is the slot of a hash: the tag first, then the hash itself in the entry.
func (x *index) find(st *Store, h event.Hash) (uint64, bool) {
	s := &x.shards[h.Lo>>56]
	if len(s.cells) == 0 {
		return 0, false
	}
	tag, first := tagOf(h), st.firstSlot()
	for i := s.home(h); ; {
		c := s.cells[i]
		if c == 0 {
			return 0, false
		}
		if c&^slotMask == tag {
			slot := c&slotMask - 1
			if slot >= first && hashOf(st.bucketOf(slot).at(slot)) == h {
				return slot, true
			}
		}
		if i++; i == len(s.cells) {
			i = 0
		}
	}
}

// put points the hash to a slot.
func (x *index) put(st *Store, h event.Hash, slot uint64) {
	s := &x.shards[h.Lo>>56]
	if s.used*4 >= len(s.cells)*3 {
		s.grow(st)
	}
	s.place(st, h, slot)
}

func (s *shard) place(st *Store, h event.Hash, slot uint64) {
	tag, first := tagOf(h), st.firstSlot()
	cell, reuse := tag|(slot+1), -1
	for i := s.home(h); ; {
		c := s.cells[i]
		if c == 0 {
			if reuse >= 0 {
				i = reuse
			} else {
				s.used++
			}
			s.cells[i] = cell
			return
		}
		old := c&slotMask - 1
		if old < first {
			if reuse < 0 {
				reuse = i
			}
		} else if c&^slotMask == tag && hashOf(st.bucketOf(old).at(old)) == h {
			s.cells[i] = cell
			return
		}
		if i++; i == len(s.cells) {
			i = 0
		}
	}
}

// grow rebuilds the table without the expired cells, larger if the others need
// it. The hashes are read back from the entries.
func (s *shard) grow(st *Store) {
	first, live := st.firstSlot(), 0
	for _, c := range s.cells {
		if c != 0 && c&slotMask-1 >= first {
			live++
		}
	}
	old := s.cells
	s.cells, s.used = make([]uint64, max(64, live*2-live/5)), 0
	for _, c := range old {
		if c == 0 || c&slotMask-1 < first {
			continue
		}
		slot := c&slotMask - 1
		s.insert(hashOf(st.bucketOf(slot).at(slot)), c)
	}
}

// insert places a cell whose hash is known to be absent.
func (s *shard) insert(h event.Hash, cell uint64) {
	i := s.home(h)
	for s.cells[i] != 0 {
		if i++; i == len(s.cells) {
			i = 0
		}
	}
	s.cells[i] = cell
	s.used++
}

func (x *index) entries() (n int) {
	for i := range x.shards {
		n += x.shards[i].used
	}
	return n
}

func (x *index) bytes() (n int) {
	for i := range x.shards {
		n += 8 * cap(x.shards[i].cells)
	}
	return n
}
