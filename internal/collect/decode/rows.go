package decode

import (
	"fmt"
	"math"
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

	message, attrs        textCol
	level, service, model catCol

	hasID, hasLabel bool
	report
}

// report gathers what the answer tells.
type report struct {
	rejected []Rejection
	count    int
	by       map[string]int
	index    []int32
	dropped  bool
	warnings []Warning
	warned   map[[2]string]int // index into warnings by code and field
}

func (r *report) reject(row int, field, code, reason string) {
	if r.by == nil {
		r.by = map[string]int{}
	}
	r.by[code]++
	if r.count++; r.count <= MaxListed {
		r.rejected = append(r.rejected, Rejection{Row: row, Field: clip(field), Code: code, Reason: reason})
	}
}

// clip keeps what a sender wrote from filling an answer.
func clip(s string) string {
	if len(s) <= 256 {
		return s
	}
	return string(truncate([]byte(s), 256)) + "…"
}

func (r *report) warn(field, code, reason string) {
	key := [2]string{code, field}
	i, ok := r.warned[key]
	if !ok {
		if len(r.warnings) >= MaxListed {
			key, field, reason = [2]string{code, ""}, "", "more fields"
			if i, ok = r.warned[key]; ok {
				r.warnings[i].Count++
				return
			}
		}
		if r.warned == nil {
			r.warned = map[[2]string]int{}
		}
		i = len(r.warnings)
		r.warned[key] = i
		r.warnings = append(r.warnings, Warning{Field: clip(field), Code: code, Reason: reason})
	}
	r.warnings[i].Count++
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
	field := g.role.String() + "s"
	switch {
	case len(name) == 0:
		b.fault(field, CodeMissing, "a name is empty")
		return -1
	case len(name) > b.o.Limits.Name:
		b.fault(field, CodeTooLong, fmt.Sprintf("a name is longer than %d bytes", b.o.Limits.Name))
		return -1
	case len(g.slots) >= g.limit:
		b.fault(field, CodeTooMany, fmt.Sprintf("more than %d names in one request", g.limit))
		return -1
	}
	if g.byName == nil {
		g.byName = map[string]int{}
	}
	s := slot{name: string(name)}
	if plain(name) {
		s.key = `"` + s.name + `":`
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
	b.addGroups(out)
	for _, c := range []struct {
		name string
		col  *catCol
	}{{"level", &b.level}, {"service", &b.service}, {"model", &b.model}} {
		if d := c.col.column(c.name, n); d.Present() {
			out.Cats = append(out.Cats, d)
		}
	}
	return b.report.result(out, b.seq)
}

func (r *report) result(b *event.Batch, rows int) *Result {
	res := &Result{Batch: b, Rows: rows, Accepted: b.Rows, Rejected: r.rejected, RejectedCount: r.count, RejectedBy: r.by, Warnings: r.warnings}
	if r.count > 0 {
		res.RowIndex = r.index
	}
	return res
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

// The setters of the row in hand, for the formats that come row by row.

func (b *rows) setID(s []byte) {
	if len(s) == 0 {
		return
	}
	if len(s) > b.o.Limits.IDBytes {
		b.fault("id", CodeTooLong, fmt.Sprintf("longer than %d bytes", b.o.Limits.IDBytes))
		return
	}
	b.hasID = true
	b.id.put(b.n, s)
}

func (b *rows) setTime(ms int64, err error) {
	if err != nil {
		b.fault("time", CodeTime, err.Error())
		return
	}
	b.at = ms
}

// setName puts a short string: a version, a segment, a level.
func (b *rows) setName(c *catCol, field string, s []byte) {
	if len(s) == 0 {
		return
	}
	if len(s) > b.o.Limits.String {
		b.fault(field, CodeTooLong, fmt.Sprintf("longer than %d bytes", b.o.Limits.String))
		return
	}
	c.put(b.n, s)
}

// setError puts what failed; too long a text is cut, since the row matters more.
func (b *rows) setError(s []byte) {
	if len(s) == 0 {
		return
	}
	if limit := b.o.Limits.String; len(s) > limit {
		s = truncate(s, limit)
		b.warn("error", CodeTruncated, fmt.Sprintf("cut to %d bytes", limit))
	}
	b.said = true
	b.failed.put(b.n, s)
}

// truncate cuts at a rune's border.
func truncate(s []byte, limit int) []byte {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// setScore puts a probability.
func (b *rows) setScore(c *numCol, field string, v float64) {
	if !(v >= 0 && v <= 1) {
		b.fault(field, CodeRange, "a score is a probability from 0 to 1")
		return
	}
	b.said = true
	c.put(b.n, v)
}

func (b *rows) setLatency(v float64) {
	if !(v >= 0) || math.IsInf(v, 0) {
		b.fault("latency_ms", CodeRange, "a latency is a number of milliseconds from 0")
		return
	}
	b.said = true
	b.latency.put(b.n, v)
}

func (b *rows) setScalarNum(c *scalarCol, field string, v float64) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		b.fault(field, CodeRange, "not a finite number")
		return
	}
	c.putNum(b.n, v)
	b.scalarSet(c)
}

func (b *rows) setScalarText(c *scalarCol, field string, s []byte) {
	if len(s) == 0 {
		return
	}
	if len(s) > b.o.Limits.String {
		b.fault(field, CodeTooLong, fmt.Sprintf("longer than %d bytes", b.o.Limits.String))
		return
	}
	c.putString(b.n, s)
	b.scalarSet(c)
}

func (b *rows) scalarSet(c *scalarCol) {
	b.said = true
	b.hasLabel = b.hasLabel || c == &b.label
}
