package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	// maxFile bounds the file; thousands of rules fit.
	maxFile = 1 << 20
	// maxDepth bounds nesting, which the YAML parser follows by recursion.
	maxDepth = 100
)

// Load reads a file. With problems the configuration is nil. An empty path
// gives the defaults.
func Load(path string) (*Config, Errors) {
	if path == "" {
		return Default(), nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("the file is longer than %s", FormatSize(maxFile))
	}
	var body []byte
	if err == nil {
		body, err = os.ReadFile(path)
	}
	if err != nil {
		var perr *os.PathError
		if errors.As(err, &perr) {
			err = perr.Err
		}
		return nil, Errors{{File: path, Message: err.Error()}}
	}
	return Parse(path, body)
}

// Parse reads the content of a file. The path is for messages, and relative
// paths in the file are relative to its folder.
func Parse(path string, body []byte) (*Config, Errors) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	src := &source{file: path, lines: splitLines(body), places: map[string]place{}}
	root, problem := parseYAML(src, body)
	if problem != nil {
		return nil, Errors{*problem}
	}
	d := &decoder{source: src, dir: filepath.Dir(path), anchors: map[string]ast.Node{}, budget: maxValues}
	c := Default()
	c.source = src
	if root != nil {
		d.collectAnchors(root)
		d.value(root, reflect.ValueOf(c).Elem(), at{})
	}
	d.resolve(reflect.ValueOf(c).Elem(), "")
	c.validate(d)
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	return c, nil
}

func splitLines(body []byte) []string {
	lines := strings.Split(string(body), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\r")
	}
	return lines
}

// parseYAML gives the root of the only document, nil when it is empty.
func parseYAML(src *source, body []byte) (root ast.Node, problem *Problem) {
	whole := func(line, column int, message string) *Problem {
		return &Problem{File: src.file, Line: line, Column: column, Message: message, Source: src.line(line)}
	}
	if line, column, message := unreadable(src.lines); message != "" {
		return nil, whole(line, column, message)
	}
	defer func() {
		if r := recover(); r != nil { // a bug in the parser must not take the server down at a reload
			root, problem = nil, whole(0, 0, "this is not YAML")
		}
	}()
	file, err := parser.ParseBytes(body, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			where := syntax.Token.Position
			return nil, whole(where.Line, where.Column, "this is not YAML: "+syntax.Message)
		}
		return nil, whole(0, 0, "this is not YAML: "+firstLine(err.Error()))
	}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			where := positionOf(doc.Body)
			return nil, whole(where.line, where.column, "a second document begins here; the file is one document")
		}
		root = doc.Body
	}
	return root, nil
}

// unreadable finds what the parser should not see: bytes that are no text, and
// nesting that would exhaust its stack. It counts brackets and indicators
// without looking at quotes, which is enough at these limits.
func unreadable(lines []string) (line, column int, message string) {
	depth := 0
	for i, l := range lines {
		if !utf8.ValidString(l) || strings.ContainsRune(l, 0) {
			return i + 1, 1, "this line is not UTF-8 text"
		}
		indicators := 0
		for j, r := range l {
			switch r {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			case '-', '?', ':':
				indicators++
			case ' ', '\t':
			default:
				indicators = 0
			}
			if depth > maxDepth || (indicators > maxDepth && strings.Count(l[:j], " ") >= maxDepth) {
				return i + 1, utf8.RuneCountInString(l[:j]) + 1, "this is nested too deeply"
			}
		}
		if indent := len(l) - len(strings.TrimLeft(l, " ")); indent > 10*maxDepth {
			return i + 1, 1, "this line is indented too far"
		}
	}
	return 0, 0, ""
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
