package process

import (
	"math"
	"strconv"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/join"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// label is a truth: a class by name, a number, or what was wanted of a ranking.
type label struct {
	bits     uint64
	number   bool
	relevant string // as appendRelevant writes it; empty is none
}

// pendingRow is an entry under construction; its buffers are reused.
type pendingRow struct {
	join.Entry
	segments []uint32
	extra    []byte
}

// fillRow describes row r as the join keeps it, without its hash.
func (w *worker) fillRow(e *pendingRow, g *grouping, r int) {
	b := g.b
	e.segments = g.appendSegments(e.segments[:0], r)
	e.Entry = join.Entry{Flags: join.HasRow, Meta: g.meta(r), Window: minuteOf(b.Time[r]), Segments: e.segments}
	if b.Task == event.Regression {
		if !b.PredValue.Null(r) {
			e.Flags |= join.HasPred
			e.Value = b.PredValue.Values[r]
		}
		return
	}
	if b.Task == event.Ranking {
		if items, _, ok := b.Items.At(r); ok {
			e.Flags |= join.HasPred
			e.extra = appendRanking(e.extra[:0], items)
			e.Extra = e.extra
		}
		return
	}
	if b.Pred.Present() && b.Pred.Codes[r] >= 0 {
		e.Flags |= join.HasPred
		e.Class = g.classes[b.Pred.Codes[r]]
	}
	if !b.Score.Null(r) {
		e.Flags |= join.HasScore
		e.Value = b.Score.Values[r]
	}
	if g.scores != nil {
		e.extra = g.appendScores(e.extra[:0], r)
		e.Extra = e.extra
	}
}

// joinPredictions looks every id up: a second prediction of an id is a
// duplicate, a label that came first is counted now. It returns the rows that
// are to be folded; nil is all.
func (w *worker) joinPredictions(g *grouping) (rows []int32, err error) {
	b := g.b
	labels := w.labelColumn(b)
	if !b.HasIDs() {
		w.sample.offerAll(b)
		if !labels.present() {
			return nil, nil
		}
	}
	ids := w.lookup(b)
	var e pendingRow
	var found join.Entry
	duplicates := 0
	for r := range b.Rows {
		hash, named := ids.at(r)
		var early bool
		if named {
			if early = w.join.Find(hash, &found); early && found.Flags&join.HasRow != 0 {
				if duplicates == 0 {
					rows = firstRows(r)
				}
				duplicates++
				w.window(windowKey{set: profiles.ByPrediction, meta: g.meta(r), minute: minuteOf(b.Time[r])}).Duplicates(1)
				continue
			}
		}
		if duplicates > 0 {
			rows = append(rows, int32(r))
		}
		w.fillRow(&e, g, r)
		e.Hash = hash
		l, ok := labels.at(r)
		if early {
			l, ok = w.storedLabel(&found), true
		}
		if ok {
			w.setLabel(&e.Entry, l)
			w.countLabel(&e.Entry, l, b, w.isLive(b, r))
		}
		if named {
			w.sample.offer(r, hash.Lo)
			if err := w.join.Put(&e.Entry, b.Arrived); err != nil {
				return nil, err
			}
		}
	}
	w.metrics.count(b.Model, "duplicate", duplicates)
	return rows, nil
}

func firstRows(n int) []int32 {
	rows := make([]int32, n, n+16)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// foldLabels joins rows of labels.
func (w *worker) foldLabels(b *event.Batch) error {
	labels := w.labelColumn(b)
	if !b.HasIDs() || !labels.present() {
		w.metrics.count(b.Model, "label_without_id", b.Rows)
		return nil
	}
	ids := w.lookup(b)
	var e join.Entry
	joined, early, corrected, same, empty := 0, 0, 0, 0, 0
	for r := range b.Rows {
		hash, named := ids.at(r)
		l, ok := labels.at(r)
		if !ok || !named {
			empty++
			continue
		}
		if !w.join.Find(hash, &e) {
			e = join.Entry{Hash: hash, Segments: e.Segments[:0], Extra: e.Extra[:0]}
		}
		old := w.storedLabel(&e)
		switch {
		case e.Flags&join.HasLabel != 0 && old == l:
			same++
			continue
		case e.Flags&join.HasRow == 0:
			early++
		case e.Flags&join.HasLabel != 0:
			w.correctLabel(&e, old, l)
			corrected++
		default:
			w.countLabel(&e, l, b, b.Flags&event.Imported == 0)
			joined++
		}
		w.setLabel(&e, l)
		if err := w.join.Put(&e, b.Arrived); err != nil {
			return err
		}
	}
	w.metrics.count(b.Model, "label_joined", joined)
	w.metrics.count(b.Model, "label_early", early)
	w.metrics.count(b.Model, "label_corrected", corrected)
	w.metrics.count(b.Model, "label_repeated", same)
	w.metrics.count(b.Model, "label_without_id", empty)
	return nil
}

func (w *worker) setLabel(e *join.Entry, l label) {
	e.Label = l.bits
	e.Flags |= join.HasLabel
	e.Flags &^= join.LabelNumber
	if l.number {
		e.Flags |= join.LabelNumber
	}
	if len(e.Extra) > 0 || l.relevant != "" {
		e.Extra = withRelevant(e.Extra, l.relevant)
	}
}

func (w *worker) storedLabel(e *join.Entry) label {
	l := label{bits: e.Label, number: e.Flags&join.LabelNumber != 0}
	if len(e.Extra) > 0 && e.Extra[0] == extraRanking {
		_, relevant := rankingOf(e.Extra)
		l.relevant = string(relevant)
	}
	return l
}

// countLabel counts a joined label by the prediction's time and, if it is live
// and not history, by the time of evaluation, in all rows and in the segments.
func (w *worker) countLabel(e *join.Entry, l label, b *event.Batch, live bool) {
	w.settleLabel(e, l, at{profiles.ByPrediction, e.Window}, 1)
	w.noteImported(b, e.Window)
	if live {
		w.settleLabel(e, l, at{profiles.ByEvaluation, minuteOf(b.Arrived)}, 1)
	}
}

// correctLabel takes the first label's contribution back and adds the second.
func (w *worker) correctLabel(e *join.Entry, old, new label) {
	w.settleLabel(e, old, at{profiles.ByPrediction, e.Window}, -1)
	w.settleLabel(e, new, at{profiles.ByPrediction, e.Window}, 1)
}

// at is a window of a set.
type at struct {
	set    profiles.Set
	minute uint32
}

// settleLabel adds an outcome to one window and to those of the row's
// segments; sign -1 takes it back.
func (w *worker) settleLabel(e *join.Entry, l label, where at, sign int64) {
	if e.Flags&join.HasPred == 0 {
		w.metrics.count(w.names.meta(e.Meta).Model, "label_without_prediction", 1)
		return
	}
	k := windowKey{set: where.set, meta: e.Meta, minute: where.minute}
	m := w.names.meta(e.Meta)
	if m.Task == event.Ranking && l.relevant != "" {
		w.settleQuery(e, l, k, sign)
		return
	}
	var o profile.Outcome
	w.outcome(&o, e, l, m)
	w.window(k).Quality().Add(&o, sign)
	for _, s := range e.Segments {
		k.segment = s + 1
		w.window(k).Quality().Add(&o, sign)
	}
}

// outcome puts a prediction and its label side by side. A label that does not
// fit the task of its prediction, as when the task was declared in between, is
// only counted.
func (w *worker) outcome(o *profile.Outcome, e *join.Entry, l label, m *meta) {
	*o = profile.Outcome{Task: m.Task, Score: math.NaN()}
	if l.relevant != "" || m.Task == event.Ranking {
		o.Task = event.Unknown
		return
	}
	if m.Task == event.Regression {
		o.PredValue, o.LabelValue = e.Value, w.labelNumber(l)
		return
	}
	if e.Flags&join.HasScore != 0 {
		o.Score = e.Value
	}
	if m.Task == event.Binary {
		o.PredPositive, o.LabelPositive = w.isPositive(e.Class, m), w.isPositive(w.labelClass(l), m)
		return
	}
	o.Pred, o.Label = w.names.list[e.Class], w.names.list[w.labelClass(l)]
	w.classScores(o, e.Extra)
}

func (w *worker) labelNumber(l label) float64 {
	if l.number {
		return math.Float64frombits(l.bits)
	}
	v, err := strconv.ParseFloat(w.names.list[l.bits], 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// lookup is the ids of a batch on their way through the join: some are hashed
// and looked for ahead, so that one does not wait for the memory of the other.
type lookup struct {
	b      *event.Batch
	join   *join.Store
	seed   uint64
	hashes []event.Hash // of the rows from first on
	first  int
}

// lookupRows is how many ids are looked for at once.
const lookupRows = 64

func (w *worker) lookup(b *event.Batch) lookup {
	return lookup{b: b, join: w.join, seed: b.Seed(), hashes: w.hashes[:0]}
}

// at is the hash of a row's id; named is false when it has none. Rows are asked
// for in order.
func (l *lookup) at(r int) (h event.Hash, named bool) {
	if !l.b.HasIDs() {
		return event.Hash{}, false
	}
	if r >= l.first+len(l.hashes) {
		l.first, l.hashes = r, l.hashes[:0]
		for i := r; i < min(r+lookupRows, l.b.Rows); i++ {
			l.hashes = append(l.hashes, event.HashID(l.seed, l.b.ID.At(i)))
		}
		if l.b.Rows > 1 {
			l.join.Warm(l.hashes)
		}
	}
	return l.hashes[r-l.first], l.b.ID.Offsets[r] < l.b.ID.Offsets[r+1]
}

// isPositive tells whether a class is the positive one of a binary model.
func (w *worker) isPositive(class uint32, m *meta) bool {
	if class == m.positive {
		return true
	}
	is, known := m.classes[class]
	if !known {
		is = event.SameClass(w.names.list[class], m.Positive)
		m.classes[class] = is
	}
	return is
}

func (w *worker) labelClass(l label) uint32 {
	if l.number {
		return w.names.id(strconv.FormatFloat(math.Float64frombits(l.bits), 'g', -1, 64))
	}
	return uint32(l.bits)
}

// labels is the label column of a batch in whichever form it came.
type labels struct {
	class    *event.Dict
	value    *event.Num
	relevant *event.List
	ids      []uint32 // names of the classes
}

func (w *worker) labelColumn(b *event.Batch) labels {
	l := labels{class: &b.Label, value: &b.LabelValue, relevant: &b.Relevant}
	for _, v := range b.Label.Values {
		l.ids = append(l.ids, w.names.id(v))
	}
	return l
}

func (l *labels) present() bool {
	return l.class.Present() || l.value.Present() || l.relevant.Present()
}

func (l *labels) at(row int) (label, bool) {
	if l.class.Present() {
		if code := l.class.Codes[row]; code >= 0 {
			return label{bits: uint64(l.ids[code])}, true
		}
	}
	if !l.value.Null(row) {
		return label{bits: math.Float64bits(l.value.Values[row]), number: true}, true
	}
	if items, gains, ok := l.relevant.At(row); ok {
		return label{relevant: relevantOf(items, gains)}, true
	}
	return label{}, false
}
