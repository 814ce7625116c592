package join

import (
	"math/bits"

	"github.com/leewayhq/leeway/internal/event"
)

// The index is 256 open-addressed tables, so that growing one stalls for a
// moment at most. A cell is 24 bits of the hash and the 40-bit number of the
// entry's slot, plus one; 0 is empty. Cells of expired slots are reused.
//
// A cell's home follows from those same 24 bits, so a table grows without a
// look at the entries, in order of its own memory. What is left of the bits to
// tell neighbours apart is 8 with ten million ids: one probe in some hundred
// reads an entry in vain.
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

func (x *index) shard(h event.Hash) *shard { return &x.shards[h.Lo>>56] }

// home is where the search for a tag begins.
func (s *shard) home(tag uint64) int {
	hi, _ := bits.Mul64(tag, uint64(len(s.cells)))
	return int(hi)
}

// place is where a hash stands, or would stand.
type place struct {
	cell  int // -1 in a table without cells
	slot  uint64
	found bool
}

// seek looks for the tag first, then for the hash itself in the entry.
func (x *index) seek(st *Store, h event.Hash) place {
	s := x.shard(h)
	if len(s.cells) == 0 {
		return place{cell: -1}
	}
	tag, first, free := tagOf(h), st.firstSlot(), -1
	for i := s.home(tag); ; {
		c := s.cells[i]
		if c == 0 {
			if free < 0 {
				free = i
			}
			return place{cell: free}
		}
		slot := c&slotMask - 1
		if slot < first {
			if free < 0 {
				free = i
			}
		} else if c&^slotMask == tag && hashOf(st.bucketOf(slot).at(slot)) == h {
			return place{cell: i, slot: slot, found: true}
		}
		if i++; i == len(s.cells) {
			i = 0
		}
	}
}

// set points a hash to a slot; p is what seek gave, with no change since.
func (x *index) set(st *Store, h event.Hash, p place, slot uint64) {
	s := x.shard(h)
	if !p.found && s.used*4 >= len(s.cells)*3 {
		s.grow(st.firstSlot())
		p = x.seek(st, h)
	}
	if s.cells[p.cell] == 0 {
		s.used++
	}
	s.cells[p.cell] = tagOf(h) | (slot + 1)
}

// grow rebuilds the table without the expired cells, larger if the others need it.
func (s *shard) grow(first uint64) {
	live := 0
	for _, c := range s.cells {
		if c != 0 && c&slotMask-1 >= first {
			live++
		}
	}
	old := s.cells
	s.cells, s.used = make([]uint64, max(64, live*2-live/5)), live
	for _, c := range old {
		if c != 0 && c&slotMask-1 >= first {
			s.insert(c)
		}
	}
}

// insert places a cell whose hash is known to be absent.
func (s *shard) insert(cell uint64) {
	i := s.home(cell &^ slotMask)
	for s.cells[i] != 0 {
		if i++; i == len(s.cells) {
			i = 0
		}
	}
	s.cells[i] = cell
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
