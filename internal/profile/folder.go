package profile

import "github.com/leewayhq/leeway/internal/event"

// DefaultDense is the usual budget of pooled dense tables, in bytes.
const DefaultDense = 64 << 20

// Folder is one worker's fold of columns into profile deltas. Not safe for
// concurrent use.
type Folder struct{}

// Window is an open delta of one model, version, segment and minute.
type Window struct {
	light   bool
	profile Profile
}

// NewFolder makes a folder whose dense tables take at most maxDense bytes; 0
// is DefaultDense.
func NewFolder(maxDense int) *Folder { return &Folder{} }

// Open starts a delta; a light one leaves the features out.
func (f *Folder) Open(light bool) *Window { return &Window{light: light} }

// Add folds everything that does not depend on a label. rows are those of the
// batch that belong to the window; nil means all. The window keeps nothing of
// the batch's memory.
func (f *Folder) Add(w *Window, b *event.Batch, rows []int32) {}

// Quality is for the caller to add outcomes to, until Close.
func (w *Window) Quality() *Quality {
	if w.profile.Quality == nil {
		w.profile.Quality = &Quality{}
	}
	return w.profile.Quality
}

// Close ends the window and gives its delta; the window must not be used after.
func (f *Folder) Close(w *Window) *Profile { return &w.profile }
