package ui

import (
	"io/fs"
	"strings"
	"testing"
)

// The server fills this block and makes these addresses absolute; a build
// that lost either would serve a page that cannot start.
func TestBuiltPageHasWhatTheServerFills(t *testing.T) {
	if !Built() {
		t.Skip("dist/ holds no build: npm ci && npm run build")
	}
	page, err := fs.ReadFile(FS(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<script type="application/json" id="leeway-bootstrap">{"basePath":""}</script>`,
		`src="./assets/`,
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("index.html lacks %s", want)
		}
	}
}

func TestEveryTextFileIsCompressed(t *testing.T) {
	if !Built() {
		t.Skip("dist/ holds no build: npm ci && npm run build")
	}
	err := fs.WalkDir(FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, ext := range []string{".html", ".js", ".css", ".svg"} {
			if !strings.HasSuffix(path, ext) {
				continue
			}
			for _, packed := range []string{".br", ".gz"} {
				if _, err := fs.Stat(FS(), path+packed); err != nil {
					t.Errorf("%s has no %s", path, packed)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
