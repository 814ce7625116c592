package dashboard

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/profile/datasketches"
)

// bytesAnswer is an answer that is not JSON.
type bytesAnswer []byte

// The usual sizes of the sketches' own libraries.
const (
	usualK        = 200
	usualLogSlots = 12
)

// getSketch gives one feature of a range as a sketch of Apache DataSketches.
func (s *Server) getSketch(r *http.Request) (any, error) {
	_, _, cur, err := s.features(r)
	if err != nil {
		return nil, err
	}
	name := r.URL.Query().Get("feature")
	var f *profile.Feature
	if cur != nil {
		f = cur.Features[name]
	}
	if f == nil {
		return nil, access.Problem{
			Status: http.StatusNotFound, Code: "no_such_feature", Params: map[string]any{"feature": name},
			Detail: "no rows of this range have the feature",
		}
	}
	b, err := sketchOf(f, r)
	if errors.Is(err, datasketches.ErrNotComplete) {
		return nil, access.Problem{
			Status: http.StatusConflict, Code: "not_complete", Params: map[string]any{"limit": profile.MaxCategories},
			Detail: "the feature has more different strings than are kept by name, so there is no sketch of all",
		}
	}
	return bytesAnswer(b), err
}

func sketchOf(f *profile.Feature, r *http.Request) ([]byte, error) {
	kind := r.URL.Query().Get("kind")
	if kind == "frequent_items" {
		return datasketches.FrequentItems(f.Cat)
	}
	name, size := "k", usualK
	if kind == "hll" {
		name, size = "log_slots", usualLogSlots
	}
	text := r.URL.Query().Get(name)
	if text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			return nil, badParam(name, text, "a number")
		}
	}
	switch kind {
	case "kll":
		if b, err := datasketches.KLL(f.Num, size); err == nil {
			return b, nil
		}
		return nil, badParam(name, text, "from 8 to 65535")
	case "hll":
		b, err := datasketches.HLL(f.Cat, size)
		if err != nil && !errors.Is(err, datasketches.ErrNotComplete) {
			err = badParam(name, text, "from 7 to 21")
		}
		return b, err
	}
	return nil, badParam("kind", kind, "one of kll, hll, frequent_items")
}
