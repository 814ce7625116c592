package access

import "log/slog"

const redacted = "<redacted>"

// Secret is text that must not reach a log, an error or an answer. Every
// printing and encoding path gives <redacted> (or nothing when it is empty);
// only Reveal gives the text.
type Secret string

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text from fmt's %s and %v.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the text from fmt's %#v.
func (s Secret) GoString() string { return `access.Secret("` + s.String() + `")` }

// MarshalText hides the text from encoders that ask for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON hides the text from encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML hides the text from YAML encoders.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue hides the text from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
