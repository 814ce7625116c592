package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the file, and where.
type Problem struct {
	File    string
	Line    int    // from 1; 0 when it belongs to no line
	Column  int    // from 1, in characters
	Path    string // "rules[2].metric"; empty for a syntax error
	Message string
	Source  string // the line itself
}

// Error gives the place, the message, and the line with a caret below it.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Line > 0 && strings.TrimSpace(p.Source) != "" {
		b.WriteString("\n    " + p.Source + "\n    " + caret(p.Source, p.Column))
	}
	return b.String()
}

// maxShown cuts lines so that a terminal can show them.
const maxShown = 160

// caret puts ^ below the column, as wide as a terminal shows what is before it.
func caret(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case wide(r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String() + "^"
}

// wide reports whether a terminal gives two cells to r: Chinese, Japanese,
// Korean, full-width forms and most emoji.
func wide(r rune) bool {
	return r >= 0x1100 && (r <= 0x115f || (r >= 0x2e80 && r <= 0xa4cf) || (r >= 0xac00 && r <= 0xd7a3) ||
		(r >= 0xf900 && r <= 0xfaff) || (r >= 0xfe30 && r <= 0xfe6f) || (r >= 0xff00 && r <= 0xff60) ||
		(r >= 0xffe0 && r <= 0xffe6) || (r >= 0x1f300 && r <= 0x1faff) || (r >= 0x20000 && r <= 0x3fffd))
}

// Errors are all problems of a file, in the order of its lines.
type Errors []Problem

// Error prints all of them.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there is no problem; e itself never is.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// source is the file that a configuration came from, and where each of its
// values stands.
type source struct {
	file   string
	lines  []string
	places map[string]place // by path
}

type place struct{ line, column int }

func (s *source) problem(path, message string) Problem {
	p := Problem{File: s.file, Path: path, Message: message}
	for at := path; ; {
		if where, ok := s.places[at]; ok {
			p.Line, p.Column, p.Source = where.line, where.column, s.line(where.line)
			return p
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			return p
		}
		at = at[:cut]
	}
}

// secretKeys finds keys whose values must not be shown, in our sections and in
// Alertmanager's. What follows on the line is hidden with the value: where a
// value ends is unknown when the line is broken.
var secretKeys = regexp.MustCompile(`(?i)([\w-]*(?:password|secret|token|url|value|_key)["']?\s*:)\s*\S`)

// Dir is the folder of the file that a configuration came from.
func (c *Config) Dir() string {
	if c.source == nil {
		return "."
	}
	return filepath.Dir(c.source.file)
}

// userInfo is a name and password in an address.
var userInfo = regexp.MustCompile(`://[^/\s"']*@`)

// line gives the source of a line as it may be shown.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	text := userInfo.ReplaceAllString(s.lines[n-1], "://<redacted>@")
	for _, m := range secretKeys.FindAllStringSubmatchIndex(text, -1) {
		if text[m[2]:m[3]] != "external_url:" {
			text = text[:m[3]] + " <redacted>"
			break
		}
	}
	line := []rune(text)
	if len(line) > maxShown {
		line = append(line[:maxShown], '…')
	}
	return string(line)
}

// Problem places what another package found wrong with a value: at the value,
// else at the closest section around it that is written. The path is as in
// Problem.Path.
func (c *Config) Problem(path, message string) Problem {
	if c.source == nil {
		return Problem{File: "configuration", Path: path, Message: message}
	}
	return c.source.problem(path, message)
}
