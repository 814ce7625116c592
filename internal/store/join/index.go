package join

import (
	"math/bits"

	"github.com/leewayhq/leeway/internal/event"
)

// The index is 256 open-addressed tables, so that growing one stalls for a
// moment at most. A cell is 24 bits of the hash and the 40-bit number of the
// entry's slot, plus one; 0 is empty. Cells of expired slots are reused.
//
// A table is made of lines of the processor's cache. A cell's home is a line,
// which follows from those same 24 bits; the search looks at a whole line at
// once, without a branch that could be guessed wrong, and goes on to the next
// line only if this one is full. So nearly every search costs one wait for
// memory. A table grows without a look at the entries, in order of its own
// memory. What is left of the bits to tell cells of a line apart is 11 with ten
// million ids: one search in some hundreds reads an entry in vain.
const (
	shardCount = 256
	tagShift   = 40
	slotMask   = 1<<tagShift - 1
	lineCells  = 8
)

type index struct {
	shards [shardCount]shard
	filled []uint8 // scratch of grow
}

// line is filled from its front: cells that never held anything are its last.
type line [lineCells]uint64

type shard struct {
	lines []line
	used  int // cells that are not empty, expired ones included
}

func tagOf(h event.Hash) uint64 { return h.Hi &^ slotMask }

func (x *index) shard(h event.Hash) *shard { return &x.shards[h.Lo>>56] }

// home is the line where the search for a tag begins.
func (s *shard) home(tag uint64) int {
	hi, _ := bits.Mul64(tag, uint64(len(s.lines)))
	return int(hi)
}

// look gives the cells of a line that have the tag and live, and those that are
// empty or expired, as bits. Slots below first are expired.
func (l *line) look(tag, first uint64) (match, free uint64) {
	free = gone(l[0], first) | gone(l[1], first)<<1 | gone(l[2], first)<<2 | gone(l[3], first)<<3 |
		gone(l[4], first)<<4 | gone(l[5], first)<<5 | gone(l[6], first)<<6 | gone(l[7], first)<<7
	match = tagged(l[0], tag) | tagged(l[1], tag)<<1 | tagged(l[2], tag)<<2 | tagged(l[3], tag)<<3 |
		tagged(l[4], tag)<<4 | tagged(l[5], tag)<<5 | tagged(l[6], tag)<<6 | tagged(l[7], tag)<<7
	return match &^ free, free
}

// gone is 1 for a cell that is empty or whose slot is below first.
func gone(c, first uint64) uint64 { return (c&slotMask - first - 1) >> 63 }

// tagged is 1 for a cell with the tag.
func tagged(c, tag uint64) uint64 { return ((c^tag)>>tagShift - 1) >> 63 }

// place is where a hash stands, or would stand.
type place struct {
	cell  int // -1 in a table without cells
	slot  uint64
	found bool
}

// seek looks for the tag first, then for the hash itself in the entry.
func (x *index) seek(st *Store, h event.Hash) place {
	s := x.shard(h)
	if len(s.lines) == 0 {
		return place{cell: -1}
	}
	tag, first, cell := tagOf(h), st.firstSlot(), -1
	for i := s.home(tag); ; {
		l := &s.lines[i]
		match, free := l.look(tag, first)
		for ; match != 0; match &= match - 1 {
			at := bits.TrailingZeros64(match) & (lineCells - 1)
			if slot := l[at]&slotMask - 1; hashOf(st.bucketOf(slot).at(slot)) == h {
				return place{cell: i*lineCells + at, slot: slot, found: true}
			}
		}
		if cell < 0 && free != 0 {
			cell = i*lineCells + bits.TrailingZeros64(free)
		}
		if l[lineCells-1] == 0 {
			return place{cell: cell}
		}
		if i++; i == len(s.lines) {
			i = 0
		}
	}
}

// set points a hash to a slot; p is what seek gave, with no change since.
func (x *index) set(st *Store, h event.Hash, p place, slot uint64) {
	s := x.shard(h)
	if !p.found && s.used*10 >= len(s.lines)*lineCells*8 {
		x.grow(s, st.firstSlot())
		p = x.seek(st, h)
	}
	c := &s.lines[p.cell/lineCells][p.cell%lineCells]
	if *c == 0 {
		s.used++
	}
	*c = tagOf(h) | (slot + 1)
}

// grow rebuilds the table without the expired cells, larger if the others need
// it: two cells of five are in use then. Cells keep their order but for those of
// neighbouring lines, so both tables are gone through from front to back.
func (x *index) grow(s *shard, first uint64) {
	live := 0
	for i := range s.lines {
		for _, c := range s.lines[i] {
			live += int(1 - gone(c, first))
		}
	}
	old := s.lines
	s.lines, s.used = make([]line, max(8, live*5/(2*lineCells)+1)), live
	if cap(x.filled) < len(s.lines) {
		x.filled = make([]uint8, 2*len(s.lines))
	}
	filled := x.filled[:len(s.lines)]
	clear(filled)
	for i := range old {
		for _, c := range old[i] {
			if c == 0 {
				break
			}
			if gone(c, first) == 0 {
				s.insert(c, filled)
			}
		}
	}
}

// insert places a cell whose hash is known to be absent; filled is how many
// cells of each line are taken.
func (s *shard) insert(cell uint64, filled []uint8) {
	i := s.home(cell &^ slotMask)
	for filled[i] == lineCells {
		if i++; i == len(filled) {
			i = 0
		}
	}
	s.lines[i][filled[i]&(lineCells-1)] = cell
	filled[i]++
}

func (x *index) entries() (n int) {
	for i := range x.shards {
		n += x.shards[i].used
	}
	return n
}

func (x *index) bytes() (n int) {
	for i := range x.shards {
		n += lineCells * 8 * cap(x.shards[i].lines)
	}
	return n
}
