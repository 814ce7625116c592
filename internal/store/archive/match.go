package archive

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// matcher tells whether a line is what a query asks for, but for its cursor.
type matcher struct {
	Query
	text   string // folded
	words  []string
	needle string // the word that every line has; empty when there is none
	plain  bool   // needle is ASCII
}

func newMatcher(q Query) matcher {
	m := matcher{Query: q, text: fold(q.Text)}
	if m.text != "" {
		m.words = append(m.words, m.text)
	}
	for _, v := range q.Attrs {
		if standsAsItIs(v) {
			m.words = append(m.words, fold(v))
		}
	}
	for _, w := range m.words {
		if len(w) > len(m.needle) {
			m.needle = w
		}
	}
	m.plain = !strings.ContainsFunc(m.needle, func(r rune) bool { return r >= utf8.RuneSelf })
	return m
}

// standsAsItIs tells whether a value looks the same in every way to write it as
// JSON.
func standsAsItIs(v string) bool {
	return v != "" && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r >= 0x7f || strings.ContainsRune(`"\/<>&{}[]:, `, r) }) &&
		strings.ContainsFunc(v, func(r rune) bool { return r < '0' || r > '9' }) || isID(v)
}

// isID tells digits that no number is written otherwise than: without a sign,
// a point or an exponent, and short.
func isID(v string) bool {
	return v != "" && len(v) < 16 && strings.Trim(v, "0123456789") == ""
}

// holds tells whether a text has the needle.
func (m *matcher) holds(text []byte) bool {
	if len(text) < len(m.needle) && m.plain {
		return false
	}
	if !m.plain || !isASCII(text) {
		return strings.Contains(fold(string(text)), m.needle)
	}
	return containsFolded(text, m.needle)
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (uint64(b[0])|uint64(b[1])|uint64(b[2])|uint64(b[3])|uint64(b[4])|uint64(b[5])|uint64(b[6])|uint64(b[7]))&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// containsFolded looks for an ASCII word in lower case, wherever its first
// letter stands in either case.
func containsFolded(text []byte, word string) bool {
	lower, upper := word[0], word[0]
	if lower >= 'a' && lower <= 'z' {
		upper -= 'a' - 'A'
	}
	last := len(text) - len(word)
	for i := 0; i <= last; {
		n := indexEither(text[i:last+1], lower, upper)
		if n < 0 {
			return false
		}
		if i += n; sameFolded(text[i:i+len(word)], word) {
			return true
		}
		i++
	}
	return false
}

func indexEither(b []byte, lower, upper byte) int {
	i := bytes.IndexByte(b, lower)
	if lower == upper {
		return i
	}
	if i >= 0 {
		b = b[:i]
	}
	if j := bytes.IndexByte(b, upper); j >= 0 {
		return j
	}
	return i
}

func sameFolded(b []byte, word string) bool {
	for i := range len(word) {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

func (m *matcher) match(l *Line) bool {
	switch {
	case l.Time < m.From, m.To != 0 && l.Time >= m.To:
		return false
	case len(m.Levels) > 0 && !slices.Contains(m.Levels, l.Level):
		return false
	case m.Service != "" && m.Service != l.Service, m.Model != "" && m.Model != l.Model:
		return false
	case m.text != "" && !strings.Contains(fold(l.Message), m.text) && !strings.Contains(fold(l.Attrs), m.text):
		return false
	}
	return len(m.Attrs) == 0 || m.hasAttrs(l)
}

func (m *matcher) hasAttrs(l *Line) bool {
	for name, want := range m.Attrs {
		if got, ok := lookUp([]byte(l.Attrs), name); !ok || got != want {
			return false
		}
	}
	return true
}

// lookUp reads a member of a JSON object as text.
func lookUp(object []byte, name string) (string, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return "", false
	}
	if raw, ok := members[name]; ok {
		var text string
		if json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
			return text, true
		}
		return string(raw), true
	}
	for i := range len(name) {
		if raw, ok := members[name[:i]]; ok && name[i] == '.' {
			if text, ok := lookUp(raw, name[i+1:]); ok {
				return text, true
			}
		}
	}
	return "", false
}
