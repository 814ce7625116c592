package notify

import (
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/config"
	amcommoncfg "github.com/prometheus/alertmanager/config/common"
	amnotify "github.com/prometheus/alertmanager/notify"
	commoncfg "github.com/prometheus/common/config"
	"gopkg.in/yaml.v3"
)

// secrets are texts that must not appear in errors, logs and records.
type secrets []string

// add takes a secret and the forms in which it may come back. Very short ones
// would only tear holes into every text.
func (s *secrets) add(v string) {
	if len(v) < 4 {
		return
	}
	*s = append(*s, v)
	if u, err := url.Parse(v); err == nil && u.Host != "" {
		s.add(u.RequestURI())
		if p, ok := u.User.Password(); ok {
			s.add(p)
		}
	} else if esc := url.QueryEscape(v); esc != v {
		*s = append(*s, esc)
	}
}

// longest first, so that no part of a secret stays behind.
func (s secrets) sorted() secrets {
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(s)
}

// clean returns an error without the secrets. Only Alertmanager's reason, by
// which failures are counted, is kept of the error's structure: what is
// wrapped could be unwrapped and printed.
func (s secrets) clean(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "<secret>")
	}
	plain := errors.New(text)
	var reason *amnotify.ErrorWithReason
	if errors.As(err, &reason) {
		return amnotify.NewErrorWithReason(reason.Reason, plain)
	}
	return plain
}

// secretsOf gathers every value of a secret type in a configuration.
func secretsOf(conf *config.Config) secrets {
	var out secrets
	collect(reflect.ValueOf(conf), &out, 0)
	return out.sorted()
}

func collect(v reflect.Value, out *secrets, depth int) {
	if depth > 20 || !v.IsValid() {
		return
	}
	if v.CanInterface() {
		switch s := v.Interface().(type) {
		case commoncfg.Secret:
			out.add(string(s))
			return
		case amcommoncfg.SecretTemplateURL:
			out.add(string(s))
			return
		case config.SecretTemplateURL:
			out.add(string(s))
			return
		case amcommoncfg.SecretURL:
			if s.URL != nil {
				out.add(s.URL.String())
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		collect(v.Elem(), out, depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collect(v.Field(i), out, depth+1)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			collect(v.Index(i), out, depth+1)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			collect(v.MapIndex(k), out, depth+1)
		}
	}
}

var secretKey = regexp.MustCompile(`(?i)(password|secret|token|credentials|key|url)$`)

// secretsOfText gathers what looks like a secret in a document that could not
// be read as a configuration.
func secretsOfText(text string) secrets {
	var out secrets
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		for _, line := range strings.Split(text, "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && secretKey.MatchString(strings.TrimSpace(name)) {
				out.add(strings.Trim(strings.TrimSpace(value), `"'`))
			}
		}
		return out.sorted()
	}
	walk(&root, &out, 0)
	return out.sorted()
}

func walk(n *yaml.Node, out *secrets, depth int) {
	if depth > 100 {
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && c.Kind == yaml.ScalarNode && secretKey.MatchString(n.Content[i-1].Value) {
			out.add(c.Value)
		}
		walk(c, out, depth+1)
	}
}
