package lint

import (
	"path"
	"strings"
	"testing"
)

func TestForbidden(t *testing.T) {
	for pair, want := range map[string]bool{ // from -> to: forbidden
		"internal/queue -> internal/event":                 false,
		"internal/queue/segment -> internal/queue":         false,
		"internal/queue -> internal/queue/segment":         true,
		"internal/queue -> internal/store/series":          true,
		"internal/store/series -> internal/store/profiles": true,
		"internal/event -> internal/model":                 true,
		"internal/collect/rest -> internal/collect/decode": false,
		"internal/collect/rest -> internal/access":         false,
		"internal/alert -> internal/notify":                true,
		"internal/dashboard -> ui":                         false,
		"internal/app -> internal/config":                  false,
		"internal/config -> internal/access":               false,
		"internal/config -> internal/app":                  true,
		"cmd/leeway -> internal/app":                       false,
		"internal/app -> cmd/leeway":                       true,
		"internal/event -> internal/helpers":               true,
		"internal/helpers -> internal/event":               true,
		"client -> internal/event":                         false,
		"client -> internal/queue":                         true,
		"internal/demo -> client":                          false,
		"test/crash -> internal/app":                       false,
		"internal/app -> internal/lint":                    true,
		"engine/beam -> internal/process":                  false,
		"engine/beam -> internal/app":                      true,
	} {
		from, to, _ := strings.Cut(pair, " -> ")
		if got := forbidden(Module+"/"+from, Module+"/"+to); (got != "") != want {
			t.Errorf("%s: %q, want forbidden %v", pair, got, want)
		}
	}
}

func TestImportsPointLeft(t *testing.T) {
	for _, f := range tree(t) {
		if f.Test || strings.HasSuffix(path.Base(f.Dir), "test") {
			continue // tests may join what the house keeps apart
		}
		from := path.Join(Module, f.Dir)
		for _, to := range f.Imports() {
			if to != Module && !strings.HasPrefix(to, Module+"/") {
				continue
			}
			if why := forbidden(from, to); why != "" {
				t.Errorf("%s imports %s: %s", f.Path, strings.TrimPrefix(to, Module+"/"), why)
			}
		}
	}
}

func TestSharedPackagesExist(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range tree(t) {
		seen[f.Dir] = true
	}
	for dir := range shared {
		if !seen[dir] {
			t.Errorf("%s is an exception of the order and does not exist: delete the exception", dir)
		}
	}
}
