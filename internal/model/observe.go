package model

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// Dropped tells what Observe left out of a batch because a limit was reached.
type Dropped struct {
	Features int // columns past the limit
	Segments int // values folded into OtherSegment
	Versions int // rows whose version was past the limit
}

// OtherSegment is the value that stands for all past the limit.
const OtherSegment = "__other__"

// Observe registers what the batch shows, and completes the batch: task,
// positive class, the prediction in the form that the task needs, grid centres,
// segments. What it learnt is on disk when it returns.
func (r *Registry) Observe(b *event.Batch) (Dropped, error) {
	e, err := r.entry(b.Model)
	if err != nil {
		return Dropped{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.observeTask(b)
	e.complete(b)
	var d Dropped
	if b.Kind != event.Labels {
		d.Features = e.observeFeatures(b, &r.cfg)
		d.Versions = e.observeVersions(b, &r.cfg)
		d.Segments = e.observeSegments(b, &r.cfg)
		e.observeTime(b)
		e.observeReference(b, &r.cfg)
	}
	if e.dirty {
		return d, r.save(e)
	}
	return d, nil
}

// observeTask infers the task on first sight. An inferred task can still be
// corrected by what comes later (a regression whose first prediction was 1);
// a declared one cannot.
func (e *entry) observeTask(b *event.Batch) {
	m := &e.model
	if m.Declared || (!b.Pred.Present() && !b.PredValue.Present() && !b.Score.Present() && len(b.Scores) == 0) {
		return
	}
	task := inferTask(b)
	if task == event.Unknown || task == event.Task(m.Task) {
		return
	}
	// Binary is what a narrow first look suggests; the wider answer wins.
	if m.Task != Task(event.Unknown) && m.Task != Task(event.Binary) {
		return
	}
	m.Task, e.dirty = Task(task), true
	if task == event.Binary && m.Positive == "" {
		m.Positive = strings.Clone(inferPositive(b))
	}
}

func inferTask(b *event.Batch) event.Task {
	if len(b.Scores) > 2 {
		return event.Multiclass
	}
	if binaryClasses(&b.Pred) || (!b.Pred.Present() && !b.PredValue.Present() && b.Score.Present()) {
		return event.Binary
	}
	if b.PredValue.Present() && !b.Score.Present() && len(b.Scores) == 0 {
		return event.Regression
	}
	if !b.Pred.Present() {
		return event.Unknown
	}
	used := usedValues(&b.Pred)
	if !b.Score.Present() || len(used) > 2 {
		return event.Multiclass
	}
	if len(used) < 2 && slices.Max(b.Score.Values) < 0.5 {
		return event.Unknown // one word with a low score: the other class is the positive one
	}
	return event.Binary
}

var truths = map[string]string{"0": "1", "1": "1", "false": "true", "true": "true", "False": "True", "True": "True", "no": "yes", "yes": "yes"}

func binaryClasses(d *event.Dict) bool {
	if !d.Present() {
		return false
	}
	used := usedValues(d)
	for _, v := range used {
		if truths[v] == "" || truths[v] != truths[used[0]] {
			return false
		}
	}
	return len(used) > 0
}

func usedValues(d *event.Dict) []string {
	used := make([]bool, len(d.Values))
	for _, code := range d.Codes {
		if code >= 0 {
			used[code] = true
		}
	}
	var out []string
	for i, u := range used {
		if u {
			out = append(out, d.Values[i])
		}
	}
	return out
}

// inferPositive takes the known word of a pair, or the class that goes with
// the high scores.
func inferPositive(b *event.Batch) string {
	used := usedValues(&b.Pred)
	if len(used) == 0 {
		return "1"
	}
	if p := truths[used[0]]; p != "" {
		return p
	}
	best, bestScore := used[0], math.Inf(-1)
	for i := range b.Rows {
		if v, ok := b.Pred.At(i); ok && !b.Score.Null(i) && b.Score.Values[i] > bestScore {
			best, bestScore = v, b.Score.Values[i]
		}
	}
	return best
}

// complete brings the batch into the form that the model's task needs.
func (e *entry) complete(b *event.Batch) {
	m := &e.model
	b.Task, b.Positive, b.Generation = event.Task(m.Task), m.Positive, uint64(m.Created)
	switch b.Task {
	case event.Binary, event.Multiclass:
		if b.Task == event.Binary {
			e.observeNegative(b)
		}
		b.PredValue = event.Num{}
		if b.Label.Present() {
			b.LabelValue = event.Num{}
		}
	case event.Regression:
		b.Pred = event.Dict{}
		if b.LabelValue.Present() {
			b.Label = event.Dict{}
		}
	}
}

// observeNegative learns how a binary model calls its other class, and makes
// the decision where only a score was sent.
func (e *entry) observeNegative(b *event.Batch) {
	m := &e.model
	for _, v := range b.Pred.Values {
		if m.Negative == "" && v != m.Positive {
			m.Negative, e.dirty = strings.Clone(v), true
		}
	}
	if !b.Pred.Present() && b.Score.Present() {
		b.Pred = m.decide(&b.Score)
	}
}

// NegativeClass is how a binary model calls what is not positive.
func (m *Model) NegativeClass() string {
	if m.Negative != "" {
		return m.Negative
	}
	if usual := map[string]string{"1": "0", "true": "false", "True": "False", "yes": "no"}[m.Positive]; usual != "" {
		return usual
	}
	return "not " + m.Positive
}

// decide makes predictions of scores.
func (m *Model) decide(score *event.Num) event.Dict {
	d := event.Dict{Values: []string{m.NegativeClass(), m.Positive}, Codes: make([]int32, len(score.Values))}
	for i, s := range score.Values {
		switch {
		case score.Null(i):
			d.Codes[i] = -1
		case s >= m.threshold():
			d.Codes[i] = 1
		}
	}
	return d
}

func (e *entry) observeFeatures(b *event.Batch, cfg *Config) (dropped int) {
	none := len(b.Nums)+len(b.Cats) == 0
	keep := b.Nums[:0:len(b.Nums)]
	for i := range b.Nums {
		if allNull(&b.Nums[i]) {
			continue // says nothing of its kind; listAbsent names it if it is known
		}
		f := e.feature(featureKey{b.Nums[i].Name, Numeric}, cfg)
		if f == nil {
			dropped++
			continue
		}
		if f.Epoch == 0 {
			e.huntCentre(f, &b.Nums[i], b.Kind == event.Reference, cfg)
		}
		b.Nums[i].Epoch, b.Nums[i].Centre = f.Epoch, f.Centre
		keep = append(keep, b.Nums[i])
	}
	b.Nums = keep
	cats := b.Cats[:0:len(b.Cats)]
	for i := range b.Cats {
		if e.feature(featureKey{b.Cats[i].Name, Categorical}, cfg) == nil {
			dropped++
			continue
		}
		cats = append(cats, b.Cats[i])
	}
	b.Cats = cats
	e.listAbsent(b, none)
	return dropped
}

// allNull tells of a column without a single value.
func allNull(n *event.Num) bool {
	if len(n.Values) > 0 && n.Valid == nil {
		return false
	}
	for i := range n.Values {
		if !n.Null(i) {
			return false
		}
	}
	return true
}

// listAbsent names the known features that the batch lacks, as columns without
// rows: they are missing from these rows, however the sender cut its batches.
// A batch without any feature says nothing about features.
func (e *entry) listAbsent(b *event.Batch, none bool) {
	if none || len(b.Nums)+len(b.Cats) >= len(e.model.Features) {
		return
	}
	here := make(map[string]bool, len(b.Nums)+len(b.Cats))
	for i := range b.Nums {
		here[b.Nums[i].Name] = true
	}
	for i := range b.Cats {
		here[b.Cats[i].Name] = true
	}
	for i := range e.model.Features {
		f := &e.model.Features[i]
		switch {
		case here[f.Name]:
		case f.Kind == Numeric:
			b.Nums = append(b.Nums, event.Num{Name: f.Name, Epoch: f.Epoch, Centre: f.Centre})
		default:
			b.Cats = append(b.Cats, event.Dict{Name: f.Name})
		}
		here[f.Name] = true
	}
}

// feature finds or registers one; nil when the model is full.
func (e *entry) feature(k featureKey, cfg *Config) *Feature {
	if i, ok := e.features[k]; ok {
		return &e.model.Features[i]
	}
	if len(e.model.Features) >= cfg.MaxFeatures {
		return nil
	}
	k.name = strings.Clone(k.name)
	e.features[k] = len(e.model.Features)
	e.model.Features = append(e.model.Features, Feature{Name: k.name, Kind: k.kind, FirstSeen: cfg.Now().UnixMilli()})
	e.dirty = true
	return &e.model.Features[len(e.model.Features)-1]
}

func (e *entry) observeVersions(b *event.Batch, cfg *Config) (dropped int) {
	for code, v := range b.Version.Values {
		if _, ok := e.versions[v]; ok {
			continue
		}
		first := firstUse(b, int32(code))
		if first < 0 {
			continue
		}
		if len(e.model.Versions) >= cfg.MaxVersions {
			b.Version.Values[code] = OtherSegment
			dropped++
			continue
		}
		v = strings.Clone(v)
		e.versions[v] = len(e.model.Versions)
		e.model.Versions = append(e.model.Versions, Version{Name: v, FirstSeen: first})
		e.dirty = true
	}
	return dropped
}

// firstUse is the earliest event time of a version's rows, or -1.
func firstUse(b *event.Batch, code int32) int64 {
	first := int64(-1)
	for i, c := range b.Version.Codes {
		if c == code && (first < 0 || b.Time[i] < first) {
			first = b.Time[i]
		}
	}
	return first
}

// observeSegments keeps the fields that the model is cut by and folds values
// past the limit into one.
func (e *entry) observeSegments(b *event.Batch, cfg *Config) (other int) {
	m := &e.model
	if len(m.Segments) > 0 {
		b.Segments = e.declaredSegments(b)
	}
	for i := range b.Segments {
		d := &b.Segments[i]
		values := slices.Clone(d.Values)
		for code, v := range values {
			key := d.Name + "=" + v
			if e.segments[key] {
				continue
			}
			if len(m.SegmentValues) >= cfg.MaxSegments {
				values[code] = OtherSegment
				other++
				continue
			}
			e.segments[key] = true
			m.SegmentValues = append(m.SegmentValues, key)
			e.dirty = true
		}
		d.Values = values
	}
	return other
}

func (e *entry) declaredSegments(b *event.Batch) []event.Dict {
	var out []event.Dict
	for _, name := range e.model.Segments {
		for _, from := range [][]event.Dict{b.Segments, b.Cats} {
			if i := slices.IndexFunc(from, func(d event.Dict) bool { return d.Name == name }); i >= 0 {
				out = append(out, from[i])
				break
			}
		}
	}
	return out
}

// observeTime keeps the earliest prediction's time, by the minute of a first
// look: the model's first day is counted from it.
func (e *entry) observeTime(b *event.Batch) {
	if b.Kind != event.Predictions || b.Rows == 0 {
		return
	}
	first := slices.Min(b.Time)
	if m := &e.model; m.FirstEvent == 0 || first < m.FirstEvent {
		m.FirstEvent, e.dirty = first, true
	}
}

// observeReference makes the first reference rows the reference, unless
// somebody has chosen another.
func (e *entry) observeReference(b *event.Batch, cfg *Config) {
	if ref := &e.model.Reference; b.Kind == event.Reference && ref.Source == ReferenceNone {
		*ref, e.dirty = Reference{Source: ReferenceImport, Set: cfg.Now().UnixMilli()}, true
	}
}

// String says what was dropped, for a log line.
func (d Dropped) String() string {
	return fmt.Sprintf("%d feature columns, %d segment values, %d versions past the limits", d.Features, d.Segments, d.Versions)
}
