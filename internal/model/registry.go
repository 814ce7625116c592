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
// methods are safe for concurrent use; models do not wait for one another, and
// readers wait for nobody: they get what was last made durable.
package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// Registry is the set of models. Its lock is taken before an entry's.
type Registry struct {
	cfg Config

	mu     sync.RWMutex
	models map[string]*entry
}

type entry struct {
	snapshot   atomic.Pointer[Model] // what readers get; never changed
	labelsOnly atomic.Bool           // changed under the registry's lock

	mu       sync.Mutex
	model    Model
	features map[featureKey]int // index into model.Features
	versions map[string]bool
	segments map[string]map[string]bool // values by field
	nulls    map[string]bool            // features of which only nulls were seen
	samples  map[featureKey]*centreHunt // of features whose centre is not fixed
	dirty    bool
	saved    bool // there is a file
	dead     bool // deleted: whoever waited for the lock looks the name up again
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
	files, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("model registry: %w", err)
	}
	r := &Registry{cfg: cfg, models: map[string]*entry{}}
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".json" || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		file := filepath.Join(cfg.Dir, f.Name())
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("model registry: %w", err)
		}
		var m Model
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("model registry: %s: %w", file, err)
		}
		e := newEntry(m)
		e.saved = true
		r.models[m.Name] = e
	}
	return r, nil
}

func newEntry(m Model) *entry {
	e := &entry{model: m, samples: map[featureKey]*centreHunt{}}
	e.labelsOnly.Store(m.LabelsOnly)
	e.index()
	e.publish()
	return e
}

// index makes the maps that find things in the model.
func (e *entry) index() {
	m := &e.model
	e.features, e.versions, e.segments = map[featureKey]int{}, map[string]bool{}, map[string]map[string]bool{}
	for i := range m.Features {
		e.features[m.Features[i].key()] = i
	}
	for i := range m.Versions {
		e.versions[m.Versions[i].Name] = true
	}
	for _, s := range m.SegmentValues {
		e.indexSegment(s)
	}
}

// publish shows readers a copy of the model.
func (e *entry) publish() {
	m := e.model.clone()
	e.snapshot.Store(&m)
}

// Get is one model as it was last saved. Its slices are shared with other
// readers: they must not be changed.
func (r *Registry) Get(name string) (Model, error) {
	r.mu.RLock()
	e := r.models[name]
	r.mu.RUnlock()
	if e == nil {
		return Model{}, fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return *e.snapshot.Load(), nil
}

// List is every model, by name, in the form of Get.
func (r *Registry) List() []Model {
	r.mu.RLock()
	out := make([]Model, 0, len(r.models))
	for _, e := range r.models {
		out = append(out, *e.snapshot.Load())
	}
	r.mu.RUnlock()
	slices.SortFunc(out, func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// lock finds a model, or registers it, and locks it.
func (r *Registry) lock(name string, labels bool) (*entry, error) {
	for {
		e, err := r.entry(name, labels)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		if !e.dead {
			return e, nil
		}
		e.mu.Unlock()
	}
}

// entry finds a model, or registers it: by labels alone, or for good.
func (r *Registry) entry(name string, labels bool) (*entry, error) {
	r.mu.RLock()
	e := r.models[name]
	r.mu.RUnlock()
	if e != nil && (labels || !e.labelsOnly.Load()) {
		return e, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e = r.models[name]
	if e != nil && (labels || !e.labelsOnly.Load()) {
		return e, nil
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("%w: %q: letters, digits, dots, dashes and underscores, at most 128, and no dot at the front", ErrName, name)
	}
	if err := r.makePlace(name, labels); err != nil {
		return nil, err
	}
	if e != nil {
		e.labelsOnly.Store(false)
		return e, nil
	}
	name = strings.Clone(name)
	e = newEntry(Model{Name: name, Created: r.cfg.Now().UnixMilli(), LabelsOnly: labels})
	e.dirty = true
	r.models[name] = e
	r.cfg.Logger.Info("model registered", "model", name, "labels_only", labels)
	return e, nil
}

// labelsOnlyStay is how long a model that is known by labels alone is safe from
// newer ones.
const labelsOnlyStay = 24 * time.Hour

// makePlace sees that there is a place for one more model. The registry's lock
// is held.
func (r *Registry) makePlace(name string, labels bool) error {
	var oldest *entry
	waiting := 0
	for _, e := range r.models {
		if !e.labelsOnly.Load() {
			continue
		}
		waiting++
		if oldest == nil || e.snapshot.Load().Created < oldest.snapshot.Load().Created {
			oldest = e
		}
	}
	full := len(r.models) - waiting
	switch {
	case !labels && full >= r.cfg.MaxModels:
		return fmt.Errorf("%w: %d models, and %q would be one more; raise ingest.max_models or delete one", ErrLimit, full, name)
	case !labels || waiting < r.cfg.MaxLabelsOnly:
		return nil
	}
	m := oldest.snapshot.Load()
	if r.cfg.Now().Sub(time.UnixMilli(m.Created)) < labelsOnlyStay {
		return fmt.Errorf("%w: %d models are known by labels alone, and %q would be one more; send its predictions first, declare it, or delete one", ErrLimit, waiting, name)
	}
	r.cfg.Logger.Warn("model dropped: only labels came for it, and another needs its place", "model", m.Name, "for", name)
	return r.remove(oldest)
}

// Update changes a model under its lock and writes it; an unknown model is
// registered first. When change or the writing fails, nothing is changed.
func (r *Registry) Update(name string, change func(*Model) error) (Model, error) {
	e, err := r.lock(name, false)
	if err != nil {
		return Model{}, err
	}
	m, err := r.update(e, change)
	if err != nil {
		r.forgetUnsaved(e)
	}
	return m, err
}

// update unlocks the entry, which it is given locked.
func (r *Registry) update(e *entry, change func(*Model) error) (Model, error) {
	defer e.mu.Unlock()
	old := e.model
	m := old.clone()
	if err := change(&m); err != nil {
		return Model{}, err
	}
	m.LabelsOnly = false
	e.model = m
	if err := r.save(e); err != nil {
		e.model = old
		return Model{}, err
	}
	e.index()
	return *e.snapshot.Load(), nil
}

// Delete forgets a model; its data is erased by the stores.
func (r *Registry) Delete(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.models[name]
	if e == nil {
		return fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	return r.remove(e)
}

// remove deletes an entry and its file. The registry's lock is held.
func (r *Registry) remove(e *entry) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return r.removeLocked(e)
}

func (r *Registry) removeLocked(e *entry) error {
	err := os.Remove(r.file(e.model.Name))
	if err == nil {
		err = syncDir(r.cfg.Dir)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("model registry: %w", err)
	}
	e.dead = true
	delete(r.models, e.model.Name)
	return nil
}

// forgetUnsaved takes a model back that was registered for something that then
// failed.
func (r *Registry) forgetUnsaved(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.saved && !e.dead {
		e.dead = true
		delete(r.models, e.model.Name)
	}
}

func (r *Registry) file(name string) string { return filepath.Join(r.cfg.Dir, name+".json") }

// save writes the entry, whose lock is held, and its folder's entry, and shows
// it to readers.
func (r *Registry) save(e *entry) error {
	text, err := json.MarshalIndent(&e.model, "", " ")
	if err == nil {
		err = replaceFile(r.file(e.model.Name), text)
	}
	if err != nil {
		return fmt.Errorf("model registry: saving %q: %w", e.model.Name, err)
	}
	e.dirty, e.saved = false, true
	e.publish()
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
	return syncDir(filepath.Dir(name))
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
