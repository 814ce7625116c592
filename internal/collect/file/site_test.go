package file

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/collect/rest"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// site is the real path of the data behind a real listener.
type site struct {
	*httptest.Server
	t        *testing.T
	store    *profiles.Store
	registry *model.Registry
	// before may answer a request itself (true) or look at it.
	before func(w http.ResponseWriter, r *http.Request) bool
	after  func(r *http.Request)
	posts  int
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir, s := t.TempDir(), &site{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log, err := segment.Open(segment.Config{Dir: filepath.Join(dir, "queue"), Partitions: 2})
	must(err)
	s.store, err = profiles.Open(profiles.Config{Dir: filepath.Join(dir, "state")})
	must(err)
	proc, err := process.Open(process.Config{Log: log, Profiles: s.store, JoinDir: filepath.Join(dir, "join"), StepTime: 5 * time.Millisecond})
	must(err)
	proc.Start()
	s.registry, err = model.Open(model.Config{Dir: filepath.Join(dir, "models")})
	must(err)
	door := collect.New(collect.Config{Log: log, Registry: s.registry})
	handler, err := rest.New(rest.Config{Put: door.Put})
	must(err)
	mux := http.NewServeMux()
	handler.Routes(mux)
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		var st status
		for _, p := range proc.Status() {
			st.Partitions = append(st.Partitions, struct {
				Next uint64 `json:"next"`
				End  uint64 `json:"end"`
			}{uint64(p.Next), uint64(p.End)})
		}
		_ = json.NewEncoder(w).Encode(st)
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			s.posts++ // one request at a time is the importer's promise
		}
		if s.before != nil && s.before(w, r) {
			return
		}
		mux.ServeHTTP(w, r)
		if s.after != nil {
			s.after(r)
		}
	}))
	t.Cleanup(func() {
		s.Close()
		door.Close()
		proc.Close()
		s.store.Close()
		log.Close()
	})
	return s
}

// options are those of an import into the site.
func (s *site) options(kind, file string, roles ...string) Options {
	m := map[string]string{}
	for i := 0; i < len(roles); i += 2 {
		m[roles[i]] = roles[i+1]
	}
	return Options{Server: s.URL, Model: "m", Kind: kind, File: file, Map: m}
}

func (s *site) load(o Options) Summary {
	s.t.Helper()
	sum, err := Import(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	if !sum.Settled {
		s.t.Fatalf("the numbers may lag: %+v", sum)
	}
	return sum
}

func (s *site) merged(set profiles.Set) *profile.Profile {
	s.t.Helper()
	p, err := s.store.Merged(context.Background(), profiles.Query{Set: set, Model: "m"})
	if err != nil {
		s.t.Fatal(err)
	}
	if p == nil {
		p = &profile.Profile{}
	}
	return p
}
