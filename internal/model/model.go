package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// FeatureKind is how a feature is summarised.
type FeatureKind string

// The kinds of features. A feature that arrives as numbers and as strings has
// an entry for each; the one with the lower index came first and is the
// declared one, values of the other are type errors.
const (
	Numeric     FeatureKind = "numeric"
	Categorical FeatureKind = "categorical"
)

// Feature is one input of a model.
type Feature struct {
	Name      string      `json:"name"`
	Kind      FeatureKind `json:"kind"`
	FirstSeen int64       `json:"first_seen"` // unix ms
	Epoch     uint32      `json:"epoch,omitempty"`
	Centre    float64     `json:"centre,omitempty"`
	Others    []float64   `json:"other_centres,omitempty"` // ascending, above Centre; not to be changed
}

func (f *Feature) key() featureKey { return featureKey{f.Name, f.Kind} }

// Version is one that was seen serving.
type Version struct {
	Name      string `json:"name"`
	FirstSeen int64  `json:"first_seen"` // unix ms of the event
}

// Task is event.Task as JSON text.
type Task event.Task

func (t Task) String() string { return event.Task(t).String() }

// MarshalJSON writes the task's name.
func (t Task) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads the task's name.
func (t *Task) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("task: %w", err)
	}
	parsed, err := event.ParseTask(s)
	*t = Task(parsed)
	return err
}

// Model is what is known of one model.
type Model struct {
	Name      string    `json:"name"`
	Title     string    `json:"title,omitempty"`
	Created   int64     `json:"created"` // unix ms
	Task      Task      `json:"task"`
	Declared  bool      `json:"declared,omitempty"` // the task was declared, not inferred
	Positive  string    `json:"positive_class,omitempty"`
	Negative  string    `json:"negative_class,omitempty"` // of a binary model, as seen
	Threshold float64   `json:"threshold,omitempty"`      // of the score, where no prediction is sent; 0 means 0.5
	Features  []Feature `json:"features,omitempty"`
	Versions  []Version `json:"versions,omitempty"`
	// Segments are the declared fields to cut by: a segment field or a
	// feature each, or two of them as "a,b". Empty means every
	// segment field that is sent.
	Segments      []string `json:"segments,omitempty"`
	SegmentValues []string `json:"segment_values,omitempty"` // "field=value", as seen; the value past the limit is OtherSegment
	// Importances is how much the model looks at each feature, in any unit, where
	// somebody said so.
	Importances map[string]float64 `json:"importances,omitempty"`
	Predicted   Feature            `json:"predicted,omitzero"` // the grid of a regression's predictions; it has no name
	Reference   Reference          `json:"reference"`
	FirstEvent  int64              `json:"first_event,omitempty"` // unix ms of the earliest prediction that was not late; imported history may move it back
	LabelsOnly  bool               `json:"labels_only,omitempty"` // neither predictions nor a declaration came yet
}

// FeatureKinds maps each feature's name to the kind it is judged by.
func (m *Model) FeatureKinds() map[string]FeatureKind {
	kinds := make(map[string]FeatureKind, len(m.Features))
	for i := range m.Features {
		if _, ok := kinds[m.Features[i].Name]; !ok {
			kinds[m.Features[i].Name] = m.Features[i].Kind
		}
	}
	return kinds
}

func (m *Model) threshold() float64 {
	if m.Threshold == 0 {
		return 0.5
	}
	return m.Threshold
}

func (m *Model) clone() Model {
	c := *m
	c.Features, c.Versions = slices.Clone(m.Features), slices.Clone(m.Versions)
	c.Segments, c.SegmentValues = slices.Clone(m.Segments), slices.Clone(m.SegmentValues)
	c.Importances = maps.Clone(m.Importances)
	return c
}

// Declaration is what a person says of a model; nil fields stay as they are.
type Declaration struct {
	Title     *string   `json:"title,omitempty"`
	Task      *Task     `json:"task,omitempty"`
	Positive  *string   `json:"positive_class,omitempty"`
	Threshold *float64  `json:"threshold,omitempty"`
	Segments  *[]string `json:"segments,omitempty"`
	Features  []Feature `json:"features,omitempty"`
	// Importances replaces what was said before, all of it.
	Importances map[string]float64 `json:"importances,omitempty"`
	// Reference is a name that ParseReference reads; empty means that none is
	// chosen.
	Reference *string `json:"reference,omitempty"`
}

// Declare applies a declaration. A binary model whose positive class is not
// declared learns it from its first predictions.
func (r *Registry) Declare(name string, d Declaration) (Model, error) {
	return r.Update(name, func(m *Model) error {
		if d.Threshold != nil && !(*d.Threshold > 0 && *d.Threshold < 1) {
			return fmt.Errorf("threshold %v is not between 0 and 1", *d.Threshold)
		}
		set(&m.Title, d.Title)
		m.setPositive(d.Positive)
		set(&m.Threshold, d.Threshold)
		set(&m.Segments, d.Segments)
		if d.Segments != nil && len(m.Segments) > r.cfg.MaxSegmentFields {
			return fmt.Errorf("%d segment fields, at most %d are allowed", len(m.Segments), r.cfg.MaxSegmentFields)
		}
		if d.Task != nil {
			m.Task, m.Declared = *d.Task, true
		}
		if err := declareImportances(m, d.Importances, r.cfg.MaxFeatures); err != nil {
			return err
		}
		if err := m.declareReference(d.Reference, r.cfg.Now()); err != nil {
			return err
		}
		return declareFeatures(m, d.Features, &r.cfg)
	})
}

func declareImportances(m *Model, of map[string]float64, most int) error {
	if len(of) > most {
		return fmt.Errorf("importances of %d features, at most %d are allowed", len(of), most)
	}
	for name, w := range of {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("the importance of %q is %v, not a number of 0 or more", name, w)
		}
	}
	if of != nil {
		m.Importances = maps.Clone(of)
	}
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// setPositive also exchanges the classes where the other one was taken for it.
func (m *Model) setPositive(p *string) {
	if p != nil && *p == m.Negative {
		m.Negative = m.Positive
	}
	set(&m.Positive, p)
}

// declareFeatures puts declared kinds in front, where they are judged by.
func declareFeatures(m *Model, features []Feature, cfg *Config) error {
	for _, f := range features {
		if f.Kind != Numeric && f.Kind != Categorical {
			return fmt.Errorf("feature %q: kind %q is not numeric or categorical", f.Name, f.Kind)
		}
		i := slices.IndexFunc(m.Features, func(g Feature) bool { return g.key() == f.key() })
		if i < 0 {
			m.Features = slices.Insert(m.Features, 0, Feature{Name: f.Name, Kind: f.Kind, FirstSeen: cfg.Now().UnixMilli()})
			continue
		}
		found := m.Features[i]
		m.Features = slices.Insert(slices.Delete(m.Features, i, i+1), 0, found)
	}
	if len(features) > 0 && len(m.Features) > cfg.MaxFeatures {
		return fmt.Errorf("%d features, at most %d are allowed", len(m.Features), cfg.MaxFeatures)
	}
	return nil
}
