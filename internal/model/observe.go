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
	Fields   int // segment fields past the limit
	Segments int // rows whose segment value was folded into OtherSegment, in each field
	Versions int // rows whose version was folded into OtherSegment
}

// Observe registers what the batch shows, and completes the batch: task,
// positive class, the prediction in the form that the task needs, grid centres,
// segments. What it learnt is on disk when it returns.
//
// Labels may come before their predictions, so they register a model too; but
// such a model takes no place among MaxModels (see Config.MaxLabelsOnly).
func (r *Registry) Observe(b *event.Batch) (Dropped, error) {
	e, err := r.lock(b.Model, b.Kind == event.Labels)
	if err != nil {
		return Dropped{}, err
	}
	d, err := r.observe(e, b)
	if err != nil {
		r.forgetUnsaved(e)
	}
	return d, err
}

// observe unlocks the entry, which it is given locked.
func (r *Registry) observe(e *entry, b *event.Batch) (d Dropped, err error) {
	defer e.mu.Unlock()
	b.Model = e.model.Name // not a view of what was received: it becomes the label of metrics
	if e.model.LabelsOnly && !e.labelsOnly.Load() {
		e.model.LabelsOnly, e.dirty = false, true
	}
	e.observeTask(b)
	e.complete(b)
	if b.Kind != event.Labels {
		d.Features = e.observeFeatures(b, &r.cfg)
		e.observePredicted(b, &r.cfg)
		d.Versions = e.observeVersions(b, &r.cfg)
		e.observeSegments(b, &r.cfg, &d)
		e.observeTime(b, &r.cfg)
		e.observeReference(b, &r.cfg)
	}
	if e.dirty {
		return d, r.save(e)
	}
	return d, nil
}

// observePredicted gives the predictions of a regression a grid, as a feature
// has one.
func (e *entry) observePredicted(b *event.Batch, cfg *Config) {
	if b.Task == event.Regression && b.PredValue.Present() {
		e.stampGrid(&e.model.Predicted, &b.PredValue, b, cfg)
	}
}

// stampGrid completes a column with its grid, which its first values fix.
func (e *entry) stampGrid(f *Feature, n *event.Num, b *event.Batch, cfg *Config) {
	if f.Epoch == 0 {
		e.huntCentre(f, n, b.Kind == event.Reference, cfg)
	}
	n.Epoch, n.Centre, n.Others = f.Epoch, f.Centre, f.Others
}

func (e *entry) observeFeatures(b *event.Batch, cfg *Config) (dropped int) {
	none := len(b.Nums)+len(b.Cats) == 0
	var nulls []string // columns that say nothing of their kind
	keep := b.Nums[:0:len(b.Nums)]
	for i := range b.Nums {
		if allNull(&b.Nums[i]) {
			nulls = append(nulls, b.Nums[i].Name)
			continue
		}
		name, ok := e.featureName(b.Nums[i].Name, Numeric, func(name string) bool {
			return slices.ContainsFunc(b.Nums, func(n event.Num) bool { return n.Name == name })
		})
		var f *Feature
		if ok {
			f = e.feature(featureKey{name, Numeric}, cfg)
		}
		if f == nil {
			dropped++
			continue
		}
		b.Nums[i].Name = name
		e.stampGrid(f, &b.Nums[i], b, cfg)
		keep = append(keep, b.Nums[i])
	}
	b.Nums = keep
	cats := b.Cats[:0:len(b.Cats)]
	for i := range b.Cats {
		name, ok := e.featureName(b.Cats[i].Name, Categorical, func(name string) bool {
			return slices.ContainsFunc(b.Cats, func(d event.Dict) bool { return d.Name == name })
		})
		if !ok || e.feature(featureKey{name, Categorical}, cfg) == nil {
			dropped++
			continue
		}
		b.Cats[i].Name = name
		cats = append(cats, b.Cats[i])
	}
	b.Cats = cats
	e.listAbsent(b, none)
	return dropped + e.listNulls(b, nulls, cfg)
}

// listNulls names the features of which nothing but nulls was ever seen. They
// are not registered, for nobody knows what they are, and count as missing.
func (e *entry) listNulls(b *event.Batch, names []string, cfg *Config) (dropped int) {
	for _, name := range names {
		name = clean(name)
		_, num := e.features[featureKey{name, Numeric}]
		_, cat := e.features[featureKey{name, Categorical}]
		if num || cat {
			continue // listAbsent has named it
		}
		if !e.nulls[name] {
			if len(e.model.Features)+len(e.nulls) >= cfg.MaxFeatures {
				dropped++
				continue
			}
			if e.nulls == nil {
				e.nulls = map[string]bool{}
			}
			e.nulls[strings.Clone(name)] = true
		}
		b.Nums = append(b.Nums, event.Num{Name: name})
	}
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
			b.Nums = append(b.Nums, event.Num{Name: f.Name, Epoch: f.Epoch, Centre: f.Centre, Others: f.Others})
		default:
			b.Cats = append(b.Cats, event.Dict{Name: f.Name})
		}
		here[f.Name] = true
	}
}

// featureName is the name under which a column is known. A name that had to be
// cleaned and then is another column's is not ok.
func (e *entry) featureName(name string, kind FeatureKind, taken func(string) bool) (string, bool) {
	if _, known := e.features[featureKey{name, kind}]; known {
		return name, true
	}
	c := clean(name)
	return c, c == name || !taken(c)
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

// observeTime keeps the earliest prediction's time, from which the model's first
// day is counted. One late row must not move it years back: only rows of the
// present count, and imported history, which may move it back on purpose.
func (e *entry) observeTime(b *event.Batch, cfg *Config) {
	if b.Kind != event.Predictions {
		return
	}
	oldest, first := int64(math.MinInt64), int64(math.MaxInt64)
	if b.Flags&event.Imported == 0 {
		oldest = b.Arrived - cfg.LateAfter.Milliseconds()
	}
	for _, t := range b.Time {
		if t >= oldest && t < first {
			first = t
		}
	}
	if m := &e.model; first != math.MaxInt64 && (m.FirstEvent == 0 || first < m.FirstEvent) {
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
	return fmt.Sprintf("past the limits: %d feature columns, %d segment fields, segment values of %d rows, versions of %d rows", d.Features, d.Fields, d.Segments, d.Versions)
}
