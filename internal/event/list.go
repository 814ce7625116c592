package event

import (
	"slices"

	"github.com/zeebo/xxh3"
)

// List is a column of lists of items, by the hashes of their ids. A null is no
// list, which is not the same as an empty one.
type List struct {
	Offsets []uint32  // one more than rows
	Items   []uint64  // HashItem of each
	Gains   []float64 // one an item: how much it was wanted; nil where all are 1
	Valid   []byte    // bitmap as that of Num; nil when no row is null
}

// The bounds of a row's lists, which the door holds senders to.
const (
	// MaxItems is how many places of a ranking are kept; nobody looks further.
	MaxItems = 100
	// MaxRelevant is how many relevant items a query may have.
	MaxRelevant = 1000
)

// HashItem stands for an item's id.
func HashItem(id []byte) uint64 { return xxh3.Hash(id) }

// Present tells whether any row could have a list.
func (l *List) Present() bool { return len(l.Offsets) > 0 }

// At is row i's items and their gains, which the caller must not change; ok is
// false when it has no list. No gains are ones.
func (l *List) At(i int) (items []uint64, gains []float64, ok bool) {
	if len(l.Offsets) == 0 || l.Valid != nil && l.Valid[i>>3]&(1<<(i&7)) == 0 {
		return nil, nil, false
	}
	from, to := l.Offsets[i], l.Offsets[i+1]
	if l.Gains != nil {
		gains = l.Gains[from:to]
	}
	return l.Items[from:to], gains, true
}

// Put makes a list the one of a row of a column under construction, whose rows
// between are null; rows ascend.
func (l *List) Put(row int, items []uint64, gains []float64) {
	l.Pad(row)
	if gains == nil && l.Gains != nil {
		gains = slices.Repeat([]float64{1}, len(items))
	}
	if gains != nil && l.Gains == nil {
		l.Gains = slices.Repeat([]float64{1}, len(l.Items))
	}
	l.Items, l.Gains = append(l.Items, items...), append(l.Gains, gains...)
	l.grow()
	if l.Valid != nil {
		l.Valid[row>>3] |= 1 << (row & 7)
	}
}

// Pad makes the rows up to n null.
func (l *List) Pad(n int) {
	for have := max(0, len(l.Offsets)-1); have < n; have++ {
		if l.Valid == nil {
			l.Valid = make([]byte, (have+7)/8)
			for i := range have {
				l.Valid[i>>3] |= 1 << (i & 7)
			}
		}
		l.grow()
	}
}

// grow adds a row that ends where the items do.
func (l *List) grow() {
	if len(l.Offsets) == 0 {
		l.Offsets = append(l.Offsets, 0)
	}
	l.Offsets = append(l.Offsets, uint32(len(l.Items)))
	if rows := len(l.Offsets) - 1; l.Valid != nil && len(l.Valid) < (rows+7)/8 {
		l.Valid = append(l.Valid, 0)
	}
}

// Truncate forgets the rows from n on of a column under construction.
func (l *List) Truncate(n int) {
	if len(l.Offsets) <= n+1 {
		return
	}
	l.Offsets = l.Offsets[:n+1]
	l.Items = l.Items[:l.Offsets[n]]
	if l.Gains != nil {
		l.Gains = l.Gains[:l.Offsets[n]]
	}
	if l.Valid != nil {
		l.Valid = l.Valid[:(n+7)/8]
		if n&7 != 0 {
			l.Valid[n>>3] &= 1<<(n&7) - 1
		}
	}
}

// Column is the finished column of n rows; absent when no row has a list.
func (l *List) Column(n int) List {
	any := false
	for i := range max(0, len(l.Offsets)-1) {
		_, _, ok := l.At(i)
		any = any || ok
	}
	if !any {
		return List{}
	}
	l.Pad(n)
	return *l
}

// Take is the column's given rows.
func (l *List) Take(rows []int32) List {
	var out List
	if !l.Present() {
		return out
	}
	for i, r := range rows {
		if items, gains, ok := l.At(int(r)); ok {
			out.Put(i, items, gains)
		}
	}
	out.Pad(len(rows))
	return out
}

// list is a decoded column: offsets, items with their gains behind, bitmap.
func (c *column) list(rows int) (List, error) {
	offsets, err := typed[uint32](c.buffers[0], rows+1)
	if err != nil {
		return List{}, err
	}
	n := int(offsets[rows])
	if err := checkOffsets(offsets, len(c.buffers[1])/8); err != nil {
		return List{}, err
	}
	if offsets[0] != 0 {
		return List{}, malformed("the first list begins at %d", offsets[0])
	}
	l := List{Offsets: offsets}
	items := c.buffers[1]
	if len(items) != 8*n {
		if len(items) != 16*n {
			return List{}, malformed("%d bytes for %d items", len(items), n)
		}
		if l.Gains, err = typed[float64](items[8*n:], n); err != nil {
			return List{}, err
		}
	}
	if l.Items, err = typed[uint64](items[:8*n], n); err != nil {
		return List{}, err
	}
	if len(c.buffers[2]) > 0 {
		if len(c.buffers[2]) != (rows+7)/8 {
			return List{}, malformed("bitmap of %d bytes for %d rows", len(c.buffers[2]), rows)
		}
		l.Valid = c.buffers[2]
	}
	return l, nil
}

// listOf adds a column of lists to a part. There are few of them: the rows of a
// part are taken here, not on the way into the frame.
func (p *Part) listOf(r role, l *List) {
	if !l.Present() {
		return
	}
	of := *l
	if p.rows != nil {
		of = l.Take(p.rows)
	}
	items := view(of.Items)
	if of.Gains != nil {
		items = append(slices.Clone(items), view(of.Gains)...)
	}
	p.columns = append(p.columns, source{role: r, buffers: [3]buffer{whole(view(of.Offsets)), whole(items), whole(of.Valid)}})
}
