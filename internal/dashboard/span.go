package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// modelName is the rule of the ingest door: a name is part of file names.
var modelName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// modelOf finds the model that the path names.
func (s *Server) modelOf(r *http.Request) (model.Model, error) {
	return s.cfg.Registry.Get(r.PathValue("model"))
}

// span is the range and the cut that a request asks for.
type span struct {
	from, to int64 // unix ms; from <= time < to
	versions []string
	segment  string
}

// spanOf reads from, to, version and segment. What is missing of the range is
// the extent of the model's windows of a set; empty tells that there are none.
func (s *Server) spanOf(r *http.Request, m *model.Model, set profiles.Set) (sp span, empty bool, err error) {
	q := r.URL.Query()
	sp.versions, sp.segment = versionsOf(q), segmentOf(q.Get("segment"))
	if len(sp.versions) > 20 {
		return sp, false, badParam("version", strings.Join(sp.versions, ","), "at most 20 versions")
	}
	hasFrom, hasTo := q.Get("from") != "", q.Get("to") != ""
	if !hasFrom || !hasTo {
		first, last, ok, err := s.cfg.Profiles.Extent(set, m.Name)
		if err != nil {
			return sp, false, err
		}
		if !ok {
			now := s.cfg.Now().UnixMilli()
			first, last, empty = now-dayMS, now, true
		}
		sp.from, sp.to = first, last+minuteMS
		if last%hourMS == 0 {
			sp.to = last + hourMS // perhaps a whole hour
		}
	}
	if err := s.readRange(r, &sp, hasFrom, hasTo); err != nil {
		return sp, false, err
	}
	return sp, empty && !(hasFrom && hasTo), nil
}

// segmentOf takes field=value and field:value.
func segmentOf(text string) string {
	if !strings.Contains(text, "=") {
		return strings.Replace(text, ":", "=", 1)
	}
	return text
}

// versionsOf is the versions that are asked for. An empty one is none: a
// script may leave a parameter empty that it has nothing for.
func versionsOf(q url.Values) []string {
	return slices.DeleteFunc(slices.Clone(q["version"]), func(v string) bool { return v == "" })
}

func (s *Server) readRange(r *http.Request, sp *span, hasFrom, hasTo bool) (err error) {
	c := clock{now: s.cfg.Now(), zone: s.cfg.Zone}
	from, to := r.URL.Query().Get("from"), r.URL.Query().Get("to")
	if hasFrom {
		if sp.from, err = c.parse(from, false); err != nil {
			return badParam("from", from, err.Error())
		}
	}
	if hasTo {
		if sp.to, err = c.parse(to, true); err != nil {
			return badParam("to", to, err.Error())
		}
	}
	if hasFrom && !hasTo {
		sp.to = max(sp.to, sp.from+minuteMS)
	}
	if hasTo && !hasFrom {
		sp.from = min(sp.from, sp.to-minuteMS)
	}
	if sp.to <= sp.from {
		return access.Problem{
			Status: http.StatusBadRequest, Code: "bad_range", Params: map[string]any{"from": sp.from, "to": sp.to},
			Detail: "the range is empty: to must be after from",
		}
	}
	return nil
}

func (sp *span) query(set profiles.Set, name string) profiles.Query {
	return profiles.Query{Set: set, Model: name, Segment: sp.segment, Versions: sp.versions, From: sp.from, To: sp.to}
}

var errTooManyWindows = errors.New("too many windows")

const maxWindows = 10_000

func tooManyWindows() error {
	return access.Problem{
		Status: http.StatusBadRequest, Code: "too_many_windows", Params: map[string]any{"limit": maxWindows},
		Detail: "the range holds more than 10,000 windows of this step; ask for a larger step or a shorter range",
	}
}
