package process

import (
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/store/join"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

const minuteMS = 60_000

// minuteOf is the window of a time; times before 1970 fall into the first.
func minuteOf(ms int64) uint32 { return uint32(min(max(ms, 0)/minuteMS, 1<<32-1)) }

// group is the rows of a batch that fall into one window.
type group struct {
	meta   uint32
	minute uint32
	rows   []int32 // nil is all
}

// grouping is a batch with what its rows have in common looked up once.
type grouping struct {
	b        *event.Batch
	metas    []uint32   // by version code, that of no version first
	classes  []uint32   // by code of the prediction
	scores   []scored   // of the classes of a model with several; nil without any
	fields   []int      // of the batch's segments, those that are folded, by name
	segments [][]uint32 // by field and code
}

func (w *worker) grouping(b *event.Batch) *grouping {
	g := &grouping{b: b, metas: make([]uint32, len(b.Version.Values)+1), fields: w.segmentFields(b)}
	for i := range g.metas {
		version := ""
		if i > 0 {
			version = b.Version.Values[i-1]
		}
		g.metas[i] = w.names.metaID(&b.Header, version)
	}
	for _, v := range b.Pred.Values {
		g.classes = append(g.classes, w.names.id(v))
	}
	g.scores = w.scoresOf(b)
	for _, f := range g.fields {
		d := &b.Segments[f]
		ids := make([]uint32, len(d.Values))
		for code, v := range d.Values {
			ids[code] = w.names.id(d.Name + "=" + v)
		}
		g.segments = append(g.segments, ids)
	}
	return g
}

// segmentFields are the first fields by name, as many as the join keeps for the
// label: a prediction is counted in the same segments as its label.
func (w *worker) segmentFields(b *event.Batch) []int {
	fields := make([]int, len(b.Segments))
	for i := range fields {
		fields[i] = i
	}
	slices.SortFunc(fields, func(i, j int) int { return strings.Compare(b.Segments[i].Name, b.Segments[j].Name) })
	if over := len(fields) - join.MaxSegments; over > 0 {
		w.metrics.count(b.Model, "segment_field_limit", over)
		fields = fields[:join.MaxSegments]
	}
	return fields
}

func (g *grouping) meta(row int) uint32 {
	if len(g.b.Version.Codes) == 0 {
		return g.metas[0]
	}
	return g.metas[g.b.Version.Codes[row]+1]
}

// appendSegments lists the names of a row's segments.
func (g *grouping) appendSegments(to []uint32, row int) []uint32 {
	for i := range g.segments {
		if code := g.b.Segments[g.fields[i]].Codes[row]; code >= 0 {
			to = append(to, g.segments[i][code])
		}
	}
	return to
}

// clock says to which minute a row belongs: to that of its time or, without
// times, all to one.
type clock struct {
	times  []int64
	minute uint32
}

func (c clock) at(row int) uint32 {
	if c.times == nil {
		return c.minute
	}
	return minuteOf(c.times[row])
}

// still tells whether all rows belong to one minute.
func (c clock) still() bool {
	if len(c.times) == 0 {
		return true
	}
	least, most := c.times[0], c.times[0]
	for _, t := range c.times {
		least, most = min(least, t), max(most, t)
	}
	return minuteOf(least) == minuteOf(most)
}

// oneVersion tells whether all rows of the batch are of one version.
func (g *grouping) oneVersion() bool {
	codes := g.b.Version.Codes
	differ := int32(0)
	for _, code := range codes {
		differ |= code ^ codes[0]
	}
	return differ == 0
}

// split groups rows (nil is all) by version and by minute.
func (g *grouping) split(rows []int32, c clock) []group {
	n := g.b.Rows
	if rows != nil {
		n = len(rows)
	}
	row := func(i int) int {
		if rows != nil {
			return int(rows[i])
		}
		return i
	}
	if n == 0 {
		return nil
	}
	if g.oneVersion() && c.still() {
		return []group{{meta: g.meta(row(0)), minute: c.at(row(0)), rows: rows}}
	}
	type key struct{ meta, minute uint32 }
	var groups []group
	at := map[key]int{}
	for i := range n {
		r := row(i)
		k := key{g.meta(r), c.at(r)}
		j, ok := at[k]
		if !ok {
			j = len(groups)
			at[k] = j
			groups = append(groups, group{meta: k.meta, minute: k.minute})
		}
		groups[j].rows = append(groups[j].rows, int32(r))
	}
	return groups
}

// foldWindows adds rows to their windows of a set, and to those of their segments.
func (w *worker) foldWindows(set profiles.Set, g *grouping, groups []group) {
	for _, gr := range groups {
		k := windowKey{set: set, meta: gr.meta, minute: gr.minute}
		w.folder.Add(w.window(k), g.b, gr.rows)
		for i := range g.segments {
			w.foldSegment(k, g, i, gr.rows)
		}
	}
}

// foldSegment adds rows to the windows of one segment field. Its cost is that
// of the rows, however large the dictionary is.
func (w *worker) foldSegment(k windowKey, g *grouping, field int, rows []int32) {
	d := &g.b.Segments[g.fields[field]]
	if len(w.byCode) < len(d.Values) {
		w.byCode = append(w.byCode, make([][]int32, len(d.Values)-len(w.byCode))...)
	}
	used := w.usedCodes[:0]
	add := func(r int32) {
		code := d.Codes[r]
		if code < 0 {
			return
		}
		if len(w.byCode[code]) == 0 {
			used = append(used, code)
		}
		w.byCode[code] = append(w.byCode[code], r)
	}
	if rows == nil {
		for r := range int32(g.b.Rows) {
			add(r)
		}
	}
	for _, r := range rows {
		add(r)
	}
	for _, code := range used {
		k.segment = g.segments[field][code] + 1
		w.folder.Add(w.window(k), g.b, w.byCode[code])
		w.byCode[code] = w.byCode[code][:0]
	}
	w.usedCodes = used
}

func (w *worker) foldPredictions(b *event.Batch) error {
	g := w.grouping(b)
	w.sample.begin(profiles.ByPrediction, b)
	rows, err := w.joinPredictions(g)
	if err != nil {
		return err
	}
	groups := g.split(rows, clock{times: b.Time})
	w.foldWindows(profiles.ByPrediction, g, groups)
	w.sample.end(profiles.ByPrediction, b, groups)
	for i := range groups {
		w.noteImported(b, groups[i].minute)
	}
	live := w.liveRows(b, rows)
	if live == nil || len(live) > 0 {
		w.foldWindows(profiles.ByEvaluation, g, g.split(live, clock{minute: minuteOf(b.Arrived)}))
	}
	n := b.Rows
	if rows != nil {
		n = len(rows)
	}
	w.metrics.count(b.Model, "folded", n)
	return nil
}

// liveRows are those that belong to the evaluation clock: nil is all of the
// batch, empty is none.
func (w *worker) liveRows(b *event.Batch, rows []int32) []int32 {
	if b.Flags&event.Imported != 0 {
		return []int32{}
	}
	oldest := w.oldestLive(b)
	all := rows
	if all == nil {
		late := false
		for _, t := range b.Time {
			late = late || t < oldest
		}
		if !late {
			return nil
		}
		all = make([]int32, b.Rows)
		for i := range all {
			all[i] = int32(i)
		}
	}
	live := make([]int32, 0, len(all))
	for _, r := range all {
		if b.Time[r] >= oldest {
			live = append(live, r)
		}
	}
	w.metrics.count(b.Model, "late", len(all)-len(live))
	return live
}

// oldestLive is the event time from which on a row belongs to the present.
func (w *worker) oldestLive(b *event.Batch) int64 {
	return b.Arrived - w.cfg.LateAfter.Milliseconds()
}

func (w *worker) isLive(b *event.Batch, row int) bool {
	return b.Flags&event.Imported == 0 && b.Time[row] >= w.oldestLive(b)
}

// foldReference folds rows of a reference, with their labels if they have any.
// They are not joined to anything.
func (w *worker) foldReference(b *event.Batch) error {
	g := w.grouping(b)
	groups := g.split(nil, clock{times: b.Time})
	w.foldWindows(profiles.ByReference, g, groups)
	w.sampleReference(b, groups)
	l := w.labelColumn(b)
	if l.present() {
		var e pendingRow
		for r := range b.Rows {
			label, ok := l.at(r)
			if !ok {
				continue
			}
			w.fillRow(&e, g, r)
			w.settleLabel(&e.Entry, label, at{profiles.ByReference, e.Window}, 1)
		}
	}
	w.metrics.count(b.Model, "reference", b.Rows)
	return nil
}
