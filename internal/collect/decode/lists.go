package decode

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leewayhq/leeway/internal/event"
)

// itemList is one row's list on its way into a column. What is wrong with it
// stands in code and reason; the first fault is the one told.
type itemList struct {
	role         role
	items        []uint64
	gains        []float64
	longer       bool // there were more places than are kept
	code, reason string
}

func (l *itemList) begin(r role) {
	*l = itemList{role: r, items: l.items[:0], gains: l.gains[:0]}
}

func (l *itemList) fault(code, reason string) {
	if l.code == "" {
		l.code, l.reason = code, reason
	}
}

func (l *itemList) addID(id []byte, gain float64, limit int) {
	switch {
	case len(id) == 0:
		l.fault(CodeMissing, "an item has no id")
	case len(id) > limit:
		l.fault(CodeTooLong, fmt.Sprintf("the id of an item is longer than %d bytes", limit))
	default:
		l.add(event.HashItem(id), gain)
	}
}

// add takes an item in; places past those that are kept are passed over.
func (l *itemList) add(item uint64, gain float64) {
	switch {
	case l.role == roleItems && len(l.items) == event.MaxItems:
		l.longer = true
	case l.role == roleRelevant && !(gain >= 0 && gain <= math.MaxFloat64):
		l.fault(CodeRange, "a relevance is a number from 0")
	case l.role == roleRelevant && len(l.items) == event.MaxRelevant:
		l.fault(CodeTooMany, fmt.Sprintf("more than %d relevant items", event.MaxRelevant))
	default:
		l.items, l.gains = append(l.items, item), append(l.gains, gain)
	}
}

// settle brings the list into its one form: relevant items ascend by hash,
// without those of no relevance, and gains that are all 1 are not written. It
// tells whether nothing is wrong with the list.
func (l *itemList) settle() bool {
	if twice(l.items) {
		l.fault(CodeDuplicate, "an item stands twice in the list")
	}
	if l.role == roleRelevant {
		l.sort()
	}
	if !slices.ContainsFunc(l.gains, func(g float64) bool { return g != 1 }) {
		l.gains = nil
	}
	return l.code == ""
}

func (l *itemList) sort() {
	type wanted struct {
		item uint64
		gain float64
	}
	all := make([]wanted, 0, len(l.items))
	for i, item := range l.items {
		if l.gains[i] > 0 {
			all = append(all, wanted{item, l.gains[i]})
		}
	}
	slices.SortFunc(all, func(a, b wanted) int { return cmp.Compare(a.item, b.item) })
	for i, w := range all {
		l.items[i], l.gains[i] = w.item, w.gain
	}
	l.items, l.gains = l.items[:len(all)], l.gains[:len(all)]
}

func twice(items []uint64) bool {
	sorted := slices.Clone(items)
	slices.Sort(sorted)
	return len(slices.Compact(sorted)) < len(items)
}

const longerReason = "places past 100 are not kept"

// setList puts the list of the row in hand.
func (b *rows) setList() {
	l := &b.list
	if !l.settle() {
		b.fault(l.role.String(), l.code, l.reason)
		return
	}
	if l.longer {
		b.warn(l.role.String(), CodeTruncated, longerReason)
	}
	b.said = true
	if l.role == roleItems {
		b.items.Put(b.n, l.items, l.gains)
		return
	}
	b.hasLabel = true
	b.relevant.Put(b.n, l.items, l.gains)
}

// listAt reads the list at i: ids, or of relevant items an object of gains by id.
func (p *jsonRows) listAt(r role, i int) int {
	p.list.begin(r)
	closing := p.buf[i] + 2 // '{' to '}', '[' to ']'
	if i = p.space(i + 1); p.peek(i) == closing {
		p.setList()
		return i + 1
	}
	for done := false; !done; {
		if closing == '}' {
			i = p.gainAt(i)
		} else {
			i = p.itemAt(i)
		}
		if i < 0 {
			return i
		}
		i, done = p.next(i, closing)
	}
	if i >= 0 {
		p.setList()
	}
	return i
}

func (p *jsonRows) itemAt(i int) int {
	var v value
	if i = p.read(i, &v); i < 0 {
		return i
	}
	if id, ok := v.id(p.text); ok {
		p.list.addID(id, 1, p.o.Limits.IDBytes)
	} else {
		p.list.fault(CodeType, "the id of an item is a string or an integer, this is "+v.kind.String())
	}
	return i
}

func (p *jsonRows) gainAt(i int) int {
	id, i := p.key(i)
	if i < 0 {
		return i
	}
	l := &p.list
	before := len(l.items)
	l.addID(id, 1, p.o.Limits.IDBytes) // the key's bytes are gone after the next string
	var v value
	if i = p.read(i, &v); i < 0 {
		return i
	}
	switch {
	case v.kind != isNumber:
		l.fault(CodeType, "a relevance is a number, this is "+v.kind.String())
	case len(l.items) > before:
		item := l.items[before]
		l.items, l.gains = l.items[:before], l.gains[:before]
		l.add(item, v.num)
	}
	return i
}

// setLists puts a column of lists, which put gives row by row, into a table.
func (t *table) setLists(r role, each func(l *itemList, row int) (ok bool)) {
	var col event.List
	var l itemList
	for row := range t.n {
		l.begin(r)
		if !each(&l, row) {
			continue
		}
		if !l.settle() {
			t.bad(row, r.String(), l.code, l.reason)
			continue
		}
		if l.longer {
			t.warn(r.String(), CodeTruncated, longerReason)
		}
		col.Put(row, l.items, l.gains)
	}
	if col = col.Column(t.n); r == roleItems {
		t.b.Items = col
	} else {
		t.b.Relevant = col
	}
}

// frameLists takes the lists of a frame, which hold hashes already.
func (t *table) frameLists(r role, in *event.List) {
	if !in.Present() {
		return
	}
	t.setLists(r, func(l *itemList, row int) bool {
		items, gains, ok := in.At(row)
		for i, item := range items {
			gain := 1.0
			if gains != nil && r == roleRelevant {
				gain = gains[i]
			}
			l.add(item, gain)
		}
		return ok
	})
}

// arrowList tells whether a column of a stream is a list of items: of ids, or of
// relevant items a map of id to gain.
func (o *Options) arrowList(f arrow.Field) bool {
	r := o.listRole(f.Name)
	switch t := f.Type.(type) {
	case *arrow.MapType:
		return r == roleRelevant && supported(t.KeyType()) && supported(t.ItemType())
	case *arrow.ListType:
		return r != roleNone && supported(t.Elem())
	case *arrow.LargeListType:
		return r != roleNone && supported(t.Elem())
	case *arrow.FixedSizeListType:
		return r != roleNone && supported(t.Elem())
	}
	return false
}

// lists reads a column of lists from its chunks, in the order of rows.
func (c *arrowColumn) lists(t *table, r role) {
	chunk, first := 0, 0
	var read func(l *itemList, i int)
	t.setLists(r, func(l *itemList, row int) bool {
		for row >= first+c.chunks[chunk].Len() {
			first += c.chunks[chunk].Len()
			chunk, read = chunk+1, nil
		}
		a := c.chunks[chunk]
		if a.IsNull(row - first) {
			return false
		}
		if read == nil {
			read = listReader(a.(array.ListLike), t.o.Limits.IDBytes)
		}
		read(l, row-first)
		return true
	})
}

func listReader(a array.ListLike, limit int) func(l *itemList, i int) {
	ids, gains := a.ListValues(), arrow.Array(nil)
	if m, ok := a.(*array.Map); ok {
		ids, gains = m.Keys(), m.Items()
	}
	gainAt := gainReader(gains)
	write := writer(ids)
	var buf []byte
	return func(l *itemList, i int) {
		from, to := a.ValueOffsets(i)
		if from < 0 || to < from || to > int64(ids.Len()) {
			l.fault(CodeSyntax, "the list ends outside its column")
			return
		}
		for j := from; j < to && !l.longer && l.code == ""; j++ {
			if buf = buf[:0]; !ids.IsNull(int(j)) {
				buf = write(buf, int(j))
			}
			l.addID(buf, gainAt(int(j)), limit)
		}
	}
}

// gainReader reads the values of a map; what is no number is no gain.
func gainReader(a arrow.Array) func(i int) float64 {
	if a == nil {
		return func(int) float64 { return 1 }
	}
	var out numCol
	if !appendNumbers(&out, 0, a) {
		return func(int) float64 { return math.NaN() }
	}
	return func(i int) float64 {
		if out.null(i) {
			return math.NaN()
		}
		return out.values[i]
	}
}
