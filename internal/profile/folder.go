package profile

import (
	"math"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// DefaultDense is the usual budget of pooled dense tables, in bytes.
const DefaultDense = 64 << 20

// Folder is one worker's fold of columns into profile deltas. It owns the
// dense tables that its open windows borrow. Not safe for concurrent use.
type Folder struct {
	tables  tables
	scratch *dense
	batch   uint64 // number of the batch that is being folded

	// Memory that is used again, all of it free between calls.
	drained  *drained
	codes    []int64
	buffer   []float64
	up       []float64
	positive []bool
	nearest  [event.MaxCentres][]float64
}

// Window is an open delta of one model, version, segment and minute. It is
// used with the folder that opened it, and not after Close.
type Window struct {
	light   bool
	folder  *Folder
	profile Profile

	latency  *numbers
	classes  *names
	values   []*numbers
	features map[string]*openFeature
	// guess is the features in the order of the last batch's columns, which the
	// next one most often has too.
	guess []*openFeature
}

// openFeature is the open form of a Feature.
type openFeature struct {
	name  string
	rows  int64
	batch uint64     // the last one whose rows were counted
	nums  []*numbers // one for each grid centre, most often one
	cat   *names
}

// NewFolder makes a folder whose dense tables take at most maxDense bytes; 0
// is DefaultDense. One table more is always there.
func NewFolder(maxDense int) *Folder {
	if maxDense <= 0 {
		maxDense = DefaultDense
	}
	return &Folder{tables: tables{left: maxDense}, scratch: new(dense), drained: new(drained)}
}

// Open starts a delta; a light one leaves the features out.
func (f *Folder) Open(light bool) *Window { return &Window{light: light, folder: f} }

// Quality is for the caller to add outcomes to, until Close.
func (w *Window) Quality() *Quality {
	q := w.profile.Quality
	if q == nil {
		q = &Quality{}
		q.Pos.open = &openScores{pool: &w.folder.tables}
		q.Neg.open = &openScores{pool: &w.folder.tables}
		q.Up.open = &openScores{pool: &w.folder.tables}
		w.profile.Quality = q
	}
	return q
}

// Duplicates counts rows that were refused because their id had been seen.
func (w *Window) Duplicates(n int64) { w.profile.Duplicates += n }

// Add folds everything that does not depend on a label. rows are those of the
// batch that belong to the window; nil means all. The window keeps nothing of
// the batch's memory.
func (f *Folder) Add(w *Window, b *event.Batch, rows []int32) {
	n := b.Rows
	if rows != nil {
		n = len(rows)
	}
	if n == 0 {
		return
	}
	f.batch++
	p := &w.profile
	stretchTimes(p, b, rows)
	countRows(p, b, rows, n)
	f.addLatency(w, b, rows)
	if !f.addScoresDecided(p, b, rows) {
		f.addScores(p, b, rows)
		f.addDecided(p, b, rows)
	}
	if b.Pred.Present() {
		w.classes = opened(w.classes)
		w.classes.add(f, &b.Pred, rows)
	}
	if b.PredValue.Present() {
		w.values = f.addNumbers(w.values, &b.PredValue, rows)
	}
	if !w.light {
		f.addFeatures(w, b, rows, int64(n))
	}
}

func opened[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

func stretchTimes(p *Profile, b *event.Batch, rows []int32) {
	p.Arrived = max(p.Arrived, b.Arrived)
	if len(b.Time) == 0 {
		return
	}
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	if rows == nil {
		for _, t := range b.Time {
			least, most = min(least, t), max(most, t)
		}
	}
	for _, r := range rows {
		least, most = min(least, b.Time[r]), max(most, b.Time[r])
	}
	if p.Rows() > 0 {
		least, most = min(least, p.FirstTime), max(most, p.LastTime)
	}
	p.FirstTime, p.LastTime = least, most
}

// countRows tells calls of the model from rows of features alone.
func countRows(p *Profile, b *event.Batch, rows []int32, n int) {
	calls := n
	if !allCalls(b) {
		calls = 0
		eachRow(rows, n, func(i int) {
			if isCall(b, i) {
				calls++
			}
		})
	}
	p.Predictions += int64(calls)
	p.NoPrediction += int64(n - calls)
	if b.Err.Present() {
		eachRow(rows, n, func(i int) {
			if b.Err.Codes[i] >= 0 {
				p.Errors++
			}
		})
	}
}

// allCalls is the quick look: a column of predictions without a null.
func allCalls(b *event.Batch) bool {
	if b.PredValue.Present() && b.PredValue.Valid == nil || b.Score.Present() && b.Score.Valid == nil {
		return true
	}
	var null int32
	for _, code := range b.Pred.Codes {
		null |= code
	}
	return b.Pred.Present() && null >= 0
}

func isCall(b *event.Batch, i int) bool {
	if b.Pred.Present() && b.Pred.Codes[i] >= 0 || b.Err.Present() && b.Err.Codes[i] >= 0 {
		return true
	}
	if _, _, ranked := b.Items.At(i); ranked {
		return true
	}
	return !b.PredValue.Null(i) || !b.Score.Null(i)
}

// eachRow calls fn for the given rows, or for the first n.
func eachRow(rows []int32, n int, fn func(i int)) {
	if rows == nil {
		for i := range n {
			fn(i)
		}
	}
	for _, r := range rows {
		fn(int(r))
	}
}

// addLatency keeps times below zero out of the grid: their place is taken by
// NaN, and both are counted as invalid.
func (f *Folder) addLatency(w *Window, b *event.Batch, rows []int32) {
	values := f.present(&b.Latency, rows)
	if len(values) == 0 {
		return
	}
	if w.latency == nil {
		w.latency = newNumbers(1, 0)
	}
	for i, x := range values {
		if x < 0 {
			values = f.own(values)
			for j := i; j < len(values); j++ {
				if values[j] < 0 {
					values[j] = math.NaN()
				}
			}
			break
		}
	}
	w.latency.add(f, values)
}

// own is values in the folder's buffer, where they may be changed.
func (f *Folder) own(values []float64) []float64 {
	if cap(f.buffer) > 0 && len(values) > 0 && &f.buffer[:1][0] == &values[0] {
		return values
	}
	f.buffer = append(f.buffer[:0], values...)
	return f.buffer
}

func (f *Folder) addScores(p *Profile, b *event.Batch, rows []int32) {
	values := f.present(&b.Score, rows)
	if len(values) == 0 {
		return
	}
	if p.Scores == nil {
		p.Scores = &ScoreSet{open: &openScores{pool: &f.tables}}
	}
	p.Scores.addAll(values)
}

func (f *Folder) addFeatures(w *Window, b *event.Batch, rows []int32, n int64) {
	for i := range b.Nums {
		c := &b.Nums[i]
		o := w.feature(i, c.Name)
		o.countRows(f.batch, n)
		o.nums = f.addNumbers(o.nums, c, rows)
	}
	for i := range b.Cats {
		c := &b.Cats[i]
		o := w.feature(len(b.Nums)+i, c.Name)
		o.countRows(f.batch, n)
		o.cat = opened(o.cat)
		o.cat.add(f, c, rows)
	}
}

// feature is that of the column at a place.
func (w *Window) feature(place int, name string) *openFeature {
	if place < len(w.guess) && w.guess[place].name == name {
		return w.guess[place]
	}
	o := w.features[name]
	if o == nil {
		if w.features == nil {
			w.features = make(map[string]*openFeature)
		}
		o = &openFeature{name: strings.Clone(name)}
		w.features[o.name] = o
	}
	if place < len(w.guess) {
		w.guess[place] = o
	} else {
		w.guess = append(w.guess, o) // places come in order
	}
	return o
}

// countRows counts a batch once, also when the feature has two columns in it.
func (o *openFeature) countRows(batch uint64, n int64) {
	if o.batch != batch {
		o.batch = batch
		o.rows += n
	}
}

// addNumbers adds a column to the one of columns that has its centre.
func (f *Folder) addNumbers(columns []*numbers, c *event.Num, rows []int32) []*numbers {
	values := f.present(c, rows)
	if len(c.Others) > 0 && c.Epoch > 0 {
		return f.addNearest(columns, c, values)
	}
	return f.addAbout(columns, c.Epoch, c.Centre, values)
}

func (f *Folder) addAbout(columns []*numbers, epoch uint32, centre float64, values []float64) []*numbers {
	if len(values) == 0 {
		return columns
	}
	for _, have := range columns {
		if have.epoch == epoch && (have.centre == centre || epoch == 0) {
			have.add(f, values)
			return columns
		}
	}
	add := newNumbers(epoch, centre)
	add.add(f, values)
	return append(columns, add)
}

// Close ends the window and gives its delta; the window must not be used after.
func (f *Folder) Close(w *Window) *Profile {
	p := &w.profile
	if w.latency != nil {
		p.Latency = closeLatency(f, w.latency)
	}
	if p.Scores != nil {
		p.Scores.settle()
		if p.Scores.n > WindowExact {
			p.Scores.toGrid()
		}
	}
	if p.Decided != nil {
		p.Decided.Up.settle()
		p.alignDecided()
	}
	if w.classes != nil {
		p.Classes = w.classes.close()
	}
	p.Values = closeNumbers(f, w.values)
	if p.Quality != nil {
		p.Quality.settle(WindowExact)
	}
	if len(w.features) > 0 {
		p.Features = make(map[string]*Feature, len(w.features))
	}
	for name, o := range w.features {
		p.Features[name] = o.close(f)
	}
	return p
}

func (o *openFeature) close(f *Folder) *Feature {
	out := &Feature{Rows: o.rows, Num: closeNumbers(f, o.nums)}
	if o.cat != nil {
		out.Cat = o.cat.close()
	}
	return out
}

// closeNumbers is nil when there was no value.
func closeNumbers(f *Folder, columns []*numbers) *Numeric {
	if len(columns) == 0 {
		return nil
	}
	x := &Numeric{}
	for _, c := range columns {
		c.close(f, x)
	}
	x.settle(WindowExact)
	return x
}

func closeLatency(f *Folder, c *numbers) *Latency {
	l := &Latency{cells: c.finish(f), N: c.n, Invalid: c.odd.total()}
	if c.n > 0 {
		l.Min, l.Max, l.Sum = c.min, c.max, (c.moments.mean+c.moments.meanLo)*float64(c.n)
	}
	return l
}
