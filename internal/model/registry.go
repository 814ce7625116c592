// Package model is the registry: which models there are, what they are asked
// to do, which versions and features they have.
//
// The door shows every batch to Observe before it is made durable. Observe
// learns what is new (a model, a version, a feature, the centre of a feature's
// grid), writes that to disk, and only then stamps it into the batch, so a
// record in the queue never depends on knowledge that a crash could lose, and
// the fold needs no registry at all.
//
// Each model is one JSON file, replaced as a whole (write, fsync, rename). All
// methods are safe for concurrent use; models do not wait for one another.
package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrNotFound is the class of errors about a model that was never seen.
var ErrNotFound = errors.New("no such model")

// ErrName is the class of errors about names that no model may have.
var ErrName = errors.New("not a name for a model")

// validName keeps names usable as file names and in addresses.
var validName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)

// ErrLimit is the class of errors about a full registry.
var ErrLimit = errors.New("registry limit reached")

// Config is what the registry needs; zero values mean the defaults.
type Config struct {
	Dir         string
	MaxModels   int // 1,000
	MaxFeatures int // 1,000 a model
	MaxSegments int // 100 values a model
	MaxVersions int // 1,000 a model
	// Centre chooses the centre of a feature's grid from its first values, which
	// it may sort; the median when nil.
	Centre func([]float64) float64
	Logger *slog.Logger
	Now    func() time.Time
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		v   *int
		def int
	}{{&c.MaxModels, 1000}, {&c.MaxFeatures, 1000}, {&c.MaxSegments, 100}, {&c.MaxVersions, 1000}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Centre == nil {
		c.Centre = median
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Registry is the set of models.
type Registry struct {
	cfg Config

	mu     sync.RWMutex
	models map[string]*entry
}

type entry struct {
	mu       sync.Mutex
	model    Model
	features map[featureKey]int // index into model.Features
	versions map[string]int
	segments map[string]bool            // "field=value"
	samples  map[featureKey]*centreHunt // of features whose centre is not fixed
	dirty    bool
}

type featureKey struct {
	name string
	kind FeatureKind
}

// Open reads what is in the directory. A file that cannot be read is an error
// that names it: nothing is registered anew over it in silence.
func Open(cfg Config) (*Registry, error) {
	cfg.setDefaults()
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("model registry: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(cfg.Dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("model registry: %w", err)
	}
	r := &Registry{cfg: cfg, models: map[string]*entry{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("model registry: %w", err)
		}
		var m Model
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("model registry: %s: %w", file, err)
		}
		r.models[m.Name] = newEntry(m)
	}
	return r, nil
}

func newEntry(m Model) *entry {
	e := &entry{model: m, features: map[featureKey]int{}, versions: map[string]int{}, segments: map[string]bool{}, samples: map[featureKey]*centreHunt{}}
	for i := range m.Features {
		e.features[m.Features[i].key()] = i
	}
	for i := range m.Versions {
		e.versions[m.Versions[i].Name] = i
	}
	for _, s := range m.SegmentValues {
		e.segments[s] = true
	}
	return e
}

// Get is a copy of one model.
func (r *Registry) Get(name string) (Model, error) {
	r.mu.RLock()
	e := r.models[name]
	r.mu.RUnlock()
	if e == nil {
		return Model{}, fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.model.clone(), nil
}

// List is a copy of every model, by name.
func (r *Registry) List() []Model {
	r.mu.RLock()
	entries := make([]*entry, 0, len(r.models))
	for _, e := range r.models {
		entries = append(entries, e)
	}
	r.mu.RUnlock()
	out := make([]Model, 0, len(entries))
	for _, e := range entries {
		e.mu.Lock()
		out = append(out, e.model.clone())
		e.mu.Unlock()
	}
	slices.SortFunc(out, func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// entry finds a model, or registers it.
func (r *Registry) entry(name string) (*entry, error) {
	r.mu.RLock()
	e := r.models[name]
	r.mu.RUnlock()
	if e != nil {
		return e, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.models[name]; e != nil {
		return e, nil
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("%w: %q: letters, digits, dots, dashes and underscores, at most 128, and no dot at the front", ErrName, name)
	}
	if len(r.models) >= r.cfg.MaxModels {
		return nil, fmt.Errorf("%w: %d models, and %q would be one more; raise ingest.max_models or delete one", ErrLimit, len(r.models), name)
	}
	name = strings.Clone(name)
	e = newEntry(Model{Name: name, Created: r.cfg.Now().UnixMilli()})
	e.dirty = true
	r.models[name] = e
	r.cfg.Logger.Info("model registered", "model", name)
	return e, nil
}

// Update changes a model under its lock and writes it; an unknown model is
// registered first. When change fails, nothing is changed.
func (r *Registry) Update(name string, change func(*Model) error) (Model, error) {
	e, err := r.entry(name)
	if err != nil {
		return Model{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.model.clone()
	if err := change(&m); err != nil {
		return Model{}, err
	}
	fresh := newEntry(m)
	e.model, e.features, e.versions, e.segments = m, fresh.features, fresh.versions, fresh.segments
	return m.clone(), r.save(e)
}

// Delete forgets a model; its data is erased by the stores.
func (r *Registry) Delete(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.models[name] == nil {
		return fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	if err := os.Remove(r.file(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("model registry: %w", err)
	}
	delete(r.models, name)
	return nil
}

func (r *Registry) file(name string) string { return filepath.Join(r.cfg.Dir, name+".json") }

// save writes the entry, whose lock is held, and its folder's entry.
func (r *Registry) save(e *entry) error {
	text, err := json.MarshalIndent(&e.model, "", " ")
	if err == nil {
		err = replaceFile(r.file(e.model.Name), text)
	}
	if err != nil {
		return fmt.Errorf("model registry: saving %q: %w", e.model.Name, err)
	}
	e.dirty = false
	return nil
}

func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
