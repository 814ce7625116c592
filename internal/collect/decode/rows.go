package decode

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/event"
)

// rows builds one batch a row at a time: values are put at row n, and end
// either keeps that row or forgets it.
type rows struct {
	o    *Options
	n    int // rows kept; the number of the row in hand
	seq  int // rows seen before the one in hand
	bad  bool
	said bool // the row in hand has said anything
	wide bool // it has touched a group

	clock   clock
	at      int64 // the time of the row in hand
	times   []int64
	id      textCol
	version catCol
	pred    scalarCol
	label   scalarCol
	score   numCol
	latency numCol
	failed  catCol

	features group
	classes  group
	segments group

	items, relevant event.List
	list            itemList // of the row in hand

	message, attrs        textCol
	level, service, model catCol

	hasID, hasLabel bool
	report
}

// slot is one named column of a group. A name whose values are numbers in some
// rows and strings in others has both.
type slot struct {
	name string
	key  string // "name": as JSON writes it, or empty when it would need escapes
	seen int    // the row that last had it, plus 1
	num  numCol
	cat  catCol
}

// group is the members of one nested object.
type group struct {
	role   role
	limit  int
	slots  []slot
	byName map[string]int
	order  []int32 // of the last row's members
	kept   int     // slots that rows before the one in hand have made
}

func newRows(o *Options) *rows {
	b := &rows{o: o, clock: clock{zone: o.Zone}}
	b.features = group{role: roleFeature, limit: o.Limits.Features}
	b.classes = group{role: roleClass, limit: o.Limits.Classes}
	b.segments = group{role: roleSegment, limit: o.Limits.Segments}
	b.begin()
	return b
}

func (b *rows) begin() {
	b.bad, b.said, b.wide, b.at = false, false, false, b.o.DefaultTime
	b.hasID, b.hasLabel = false, false
	b.features.kept, b.classes.kept, b.segments.kept = len(b.features.slots), len(b.classes.slots), len(b.segments.slots)
}

// fault rejects the row in hand. The first fault of a row is the one told.
func (b *rows) fault(field, code, reason string) {
	if !b.bad {
		b.bad = true
		b.reject(b.seq, field, code, reason)
	}
}

// slot finds or makes the column of a name; -1 says that there may be no more.
func (b *rows) slot(g *group, name []byte) int {
	if i, ok := g.byName[string(name)]; ok {
		return i
	}
	if !isClean(name) {
		return b.slot(g, cleanBytes(name))
	}
	field := func() string { return g.role.String() + "s" }
	switch {
	case len(name) == 0:
		b.fault(field(), CodeMissing, "a name is empty")
		return -1
	case len(name) > b.o.Limits.Name:
		b.fault(field(), CodeTooLong, fmt.Sprintf("a name is longer than %d bytes", b.o.Limits.Name))
		return -1
	case len(g.slots) >= g.limit:
		b.fault(field(), CodeTooMany, fmt.Sprintf("more than %d names in one request", g.limit))
		return -1
	}
	if g.byName == nil {
		g.byName = make(map[string]int, 32)
		g.slots = make([]slot, 0, 24)
	}
	var s slot
	if plain(name) {
		s.key = `"` + string(name) + `":`
		s.name = s.key[1 : len(s.key)-2]
	} else {
		s.name = string(name)
	}
	i := len(g.slots)
	g.slots = append(g.slots, s)
	g.byName[s.name] = i
	return i
}

// plain tells whether JSON writes the name as it stands.
func plain(name []byte) bool {
	return utf8.Valid(name) && !slices.ContainsFunc(name, func(c byte) bool { return c < ' ' || c == '"' || c == '\\' })
}

// end keeps or forgets the row in hand.
func (b *rows) end() error {
	if !b.bad {
		b.check()
	}
	b.seq++
	if b.bad {
		b.rollback()
	} else {
		b.times = append(b.times, b.at)
		if b.dropped {
			b.index = append(b.index, int32(b.seq-1))
		}
		b.n++
	}
	b.begin()
	return b.bounds()
}

func (b *rows) bounds() error {
	l := &b.o.Limits
	if b.seq > l.Rows {
		return &LimitError{What: "rows in one request", Limit: int64(l.Rows)}
	}
	if (b.n+1)*(len(b.features.slots)+len(b.classes.slots)+len(b.segments.slots)) > l.Cells {
		return &LimitError{What: "cells (rows x columns) in one request", Limit: int64(l.Cells)}
	}
	return nil
}

// check holds the row in hand against what its kind must have.
func (b *rows) check() {
	switch {
	case b.o.Kind == event.Labels && !b.hasID:
		b.fault("id", CodeMissing, "a label needs the id of its prediction")
	case b.o.Kind == event.Labels && !b.hasLabel:
		b.fault("label", CodeMissing, "a label row needs a label")
	case !b.said:
		b.fault("", CodeEmpty, "the row says nothing")
	default:
		b.checkTime(b.at)
	}
}

func (b *rows) checkTime(at int64) {
	if code, reason := b.o.timeFault(at); code != "" {
		b.fault("time", code, reason)
	}
}

func (o *Options) timeFault(at int64) (code, reason string) {
	if at > o.Now+o.FutureLimit.Milliseconds() {
		return CodeFuture, fmt.Sprintf("more than %v ahead of the server's clock", o.FutureLimit)
	}
	if o.Kind != event.Reference && at < o.Now-o.PastLimit.Milliseconds() {
		return CodePast, fmt.Sprintf("more than %.0f days ago", o.PastLimit.Hours()/24)
	}
	return "", ""
}

// rollback takes back what the row in hand has put.
func (b *rows) rollback() {
	if !b.dropped {
		b.dropped = true
		b.index = make([]int32, b.n)
		for i := range b.index {
			b.index[i] = int32(i)
		}
	}
	b.id.truncate(b.n)
	b.message.truncate(b.n)
	b.attrs.truncate(b.n)
	b.pred.truncate(b.n)
	b.label.truncate(b.n)
	b.items.Truncate(b.n)
	b.relevant.Truncate(b.n)
	b.score.truncate(b.n)
	b.latency.truncate(b.n)
	for _, c := range []*catCol{&b.version, &b.failed, &b.level, &b.service, &b.model} {
		c.truncate(b.n)
	}
	for _, g := range []*group{&b.features, &b.classes, &b.segments} {
		g.rollback(b.n, b.wide)
	}
}

// rollback takes back the values of the row in hand, and the names that it
// brought, so that they do not count against the limit.
func (g *group) rollback(n int, wide bool) {
	if len(g.slots) > g.kept {
		for _, s := range g.slots[g.kept:] {
			delete(g.byName, s.name)
		}
		clear(g.slots[g.kept:])
		g.slots = g.slots[:g.kept]
		g.order = slices.DeleteFunc(g.order, func(k int32) bool { return int(k) >= g.kept })
	}
	if !wide {
		return
	}
	for i := range g.slots {
		g.slots[i].num.truncate(n)
		g.slots[i].cat.truncate(n)
	}
}

// batch is the finished batch and its report.
func (b *rows) result() *Result {
	n := b.n
	out := &event.Batch{Header: event.Header{Kind: b.o.Kind, Model: b.o.Model}, Rows: n, Time: b.times}
	out.ID, out.Message, out.Attrs = b.id.column(n), b.message.column(n), b.attrs.column(n)
	out.Version, out.Err = b.version.column("", n), b.failed.column("", n)
	out.Pred, out.PredValue = b.pred.columns(n)
	out.Label, out.LabelValue = b.label.columns(n)
	out.Score, out.Latency = b.score.column("", n, false), b.latency.column("", n, false)
	out.Items, out.Relevant = b.items.Column(n), b.relevant.Column(n)
	b.addGroups(out)
	for _, c := range []struct {
		name string
		col  *catCol
	}{{"level", &b.level}, {"service", &b.service}, {"model", &b.model}} {
		if d := c.col.column(c.name, n); d.Present() {
			out.Cats = append(out.Cats, d)
		}
	}
	if b.dropped {
		compactAll(out)
	}
	return b.report.result(out, b.seq)
}

// addGroups adds the named columns, by name: the same rows give the same batch
// whatever the order of their keys.
func (b *rows) addGroups(out *event.Batch) {
	for _, s := range b.classes.sorted() {
		if c := s.num.column(s.name, b.n, false); c.Present() {
			out.Scores = append(out.Scores, c)
		}
	}
	for _, s := range b.segments.sorted() {
		if c := s.cat.column(s.name, b.n); c.Present() {
			out.Segments = append(out.Segments, c)
		}
	}
	for _, s := range b.features.sorted() {
		cat := s.cat.column(s.name, b.n)
		if cat.Present() {
			out.Cats = append(out.Cats, cat)
		}
		if num := s.num.column(s.name, b.n, !cat.Present()); num.Present() {
			out.Nums = append(out.Nums, num)
		}
	}
}

func (g *group) sorted() []*slot {
	out := make([]*slot, len(g.slots))
	for i := range g.slots {
		out[i] = &g.slots[i]
	}
	slices.SortFunc(out, func(a, b *slot) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return out
}

// enter says that the row in hand has the slot, and rejects a second time.
func (b *rows) enter(s *slot) bool {
	row := b.seq + 1
	if s.seen == row {
		b.fault(s.name, CodeDuplicate, "named twice in one row")
		return false
	}
	s.seen, b.wide = row, true
	return true
}
