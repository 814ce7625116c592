package notify

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/prometheus/alertmanager/template"
)

// texts are the messages: leeway.title, leeway.text and leeway.html in each
// language. A template file of the configuration may define them anew.
//
//go:embed templates/en.tmpl templates/zh.tmpl
var texts embed.FS

// newTemplate joins Alertmanager's templates, ours in one language, and those
// of the configuration, which win.
func newTemplate(files []string, language string, zone *time.Location, external string) (*template.Template, error) {
	funcs := map[string]any{
		"leewayTime": func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05 MST") },
	}
	t, err := template.FromGlobs(nil, func(text *texttemplate.Template, html *htmltemplate.Template) {
		text.Funcs(funcs)
		html.Funcs(funcs)
	})
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	f, err := texts.Open("templates/" + language + ".tmpl")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	defer f.Close()
	if err := t.Parse(f); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	for _, pattern := range files {
		if err := t.FromGlob(pattern); err != nil {
			return nil, fmt.Errorf("templates %s: %w", pattern, err)
		}
	}
	if t.ExternalURL, err = url.Parse(strings.TrimSuffix(external, "/")); err != nil {
		return nil, fmt.Errorf("external URL: %w", err)
	}
	return t, nil
}
