package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"
)

// pages serves the built web UI: files with a hash in their name for ever,
// index.html for every path that is no file. The variants .br and .gz that the
// build wrote are served to those who take them.
type pages struct {
	cfg   *Config
	files fs.FS
	// index.html, cut where the block of facts stands; nil without a build.
	before, after []byte
}

var factsBlock = regexp.MustCompile(`(?s)(<script[^>]*\bid="leeway-bootstrap"[^>]*>)(.*?)(</script>)`)

// newPages reads index.html and makes its relative addresses absolute, so that
// it can answer for any path.
func newPages(cfg *Config) (*pages, error) {
	p := &pages{cfg: cfg, files: cfg.UI}
	if cfg.UI == nil {
		return p, nil
	}
	index, err := fs.ReadFile(cfg.UI, "index.html")
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the web pages: %w", err)
	}
	index = bytes.ReplaceAll(index, []byte(`="./`), []byte(`="`+cfg.PathPrefix+`/`))
	at := factsBlock.FindSubmatchIndex(index)
	if at == nil {
		return nil, errors.New(`the web pages: index.html has no block with the id "leeway-bootstrap"`)
	}
	p.before, p.after = index[:at[4]], index[at[5]:]
	return p, nil
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isRead(r) {
		w.Header().Set("Allow", "GET, HEAD")
		writePlain(w, http.StatusMethodNotAllowed, "only GET is served here\n")
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name != "" && name != "index.html" && p.serveFile(w, r, name) {
		return
	}
	if strings.HasPrefix(name, "assets/") {
		writePlain(w, http.StatusNotFound, "there is no such file; the page is perhaps of an older version\n")
		return
	}
	p.serveIndex(w, r)
}

func (p *pages) serveIndex(w http.ResponseWriter, r *http.Request) {
	body := []byte(notice)
	if p.before != nil {
		body = bytes.Join([][]byte{p.before, p.facts(), p.after}, nil)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	writeBody(w, r, http.StatusOK, body)
}

// facts is what the pages need before their first request. The encoder
// escapes what could end the block.
func (p *pages) facts() []byte {
	text, _ := json.Marshal(map[string]any{ // strings and booleans always encode
		"basePath": p.cfg.PathPrefix, "version": p.cfg.Version, "build": p.cfg.Build,
		"auth": authMode(p.cfg), "features": p.cfg.features(), "defaultLocale": "en",
	})
	return text
}

func authMode(cfg *Config) string {
	if cfg.Guard.Open() {
		return "open"
	}
	return "token"
}

func (c *Config) features() map[string]bool { return map[string]bool{"inbox": c.InboxEnabled} }

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".json": "application/json", ".txt": "text/plain; charset=utf-8", ".map": "application/json",
	".woff2": "font/woff2", ".png": "image/png", ".ico": "image/x-icon", ".webmanifest": "application/manifest+json",
}

// serveFile tells whether there is such a file.
func (p *pages) serveFile(w http.ResponseWriter, r *http.Request, name string) bool {
	kind := contentTypes[path.Ext(name)]
	if p.files == nil || kind == "" || !fs.ValidPath(name) {
		return false
	}
	h := w.Header()
	for _, v := range []struct{ encoding, ext string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
		if v.encoding != "" && !accepts(r, v.encoding) {
			continue
		}
		body, err := fs.ReadFile(p.files, name+v.ext)
		if err != nil {
			continue
		}
		h.Set("Content-Type", kind)
		h.Set("Vary", "Accept-Encoding")
		h.Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if v.encoding != "" {
			h.Set("Content-Encoding", v.encoding)
		}
		writeFile(w, r, body)
		return true
	}
	return false
}

func writeFile(w http.ResponseWriter, r *http.Request, body []byte) {
	h := w.Header()
	tag := fmt.Sprintf(`"%x"`, xxh3.Hash(body))
	h.Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client went away; nothing to do
	}
}

// notice stands in for the pages where they were not built.
const notice = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Leeway</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40em;margin:12vh auto;padding:0 1.5em;color:#1d2430}code{background:#eef0f3;padding:.1em .35em;border-radius:4px}</style></head>
<body><h1>Leeway is running</h1>
<p>This binary was built without its web pages. With Node.js installed, <code>make build</code> in the source folder
builds the pages and the binary again; <code>npm ci &amp;&amp; npm run build</code> in <code>ui/</code> builds the pages alone.</p>
<p lang="zh-CN">此程序构建时未包含网页。安装 Node.js 后，在源码目录执行 <code>make build</code> 即可重新构建网页与程序。</p>
<p>The API works: <code>GET api/v1/models</code>, <code>GET api/v1/overview</code>, and PromQL under <code>prometheus/api/v1/</code>.</p>
</body></html>
`
