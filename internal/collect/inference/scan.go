package inference

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// scanner walks over JSON text without building a tree of it: a body of some
// MiB of brackets must not become some GiB of memory. Its methods take the
// place of a value and return the one behind it; after an error they return
// the end of the text, so that walks end by themselves.
type scanner struct {
	buf []byte
	err error
}

// maxDepth bounds the nesting of values.
const maxDepth = 64

func (s *scanner) fail(at int, why string) int {
	if s.err == nil {
		s.err = &decode.SyntaxError{Offset: int64(min(at, len(s.buf))), Reason: fmt.Sprintf("%s at byte %d", why, min(at, len(s.buf)))}
	}
	return len(s.buf)
}

// space is the next place that is no white space.
func (s *scanner) space(i int) int {
	for i < len(s.buf) && (s.buf[i] == ' ' || s.buf[i] == '\n' || s.buf[i] == '\t' || s.buf[i] == '\r') {
		i++
	}
	return i
}

// peek is the first byte of the value at i, or 0 at the end.
func (s *scanner) peek(i int) byte {
	if i = s.space(i); i < len(s.buf) && s.err == nil {
		return s.buf[i]
	}
	return 0
}

// text reads a string.
func (s *scanner) text(i int) (string, int) {
	i = s.space(i)
	end := s.skipText(i)
	if s.err != nil {
		return "", end
	}
	raw := s.buf[i+1 : end-1]
	for _, c := range raw {
		if c == '\\' || c >= 0x80 { // escapes, and bytes that may be no UTF-8
			var out string
			if err := json.Unmarshal(s.buf[i:end], &out); err != nil {
				return "", s.fail(i, "a string cannot be read")
			}
			return out, end
		}
	}
	return string(raw), end
}

func (s *scanner) skipText(i int) int {
	if s.peek(i) != '"' {
		return s.fail(i, "a string is missing")
	}
	for j := i + 1; j < len(s.buf); j++ {
		switch c := s.buf[j]; {
		case c == '"':
			return j + 1
		case c == '\\':
			j++
		case c < ' ':
			return s.fail(j, "a control character stands in a string")
		}
	}
	return s.fail(len(s.buf), "a string does not end")
}

// number reads a number.
func (s *scanner) number(i int) (float64, int) {
	i = s.space(i)
	end := i
	for end < len(s.buf) && numeric(s.buf[end]) {
		end++
	}
	word := s.buf[i:end]
	digits := word
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0]-'0' > 9 {
		return 0, s.fail(i, "a value is missing")
	}
	v, err := strconv.ParseFloat(string(word), 64)
	if err != nil {
		return 0, s.fail(i, "a number cannot be read")
	}
	return v, end
}

func numeric(c byte) bool {
	return c-'0' <= 9 || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// cell reads a scalar; arrays and objects are not cells. NaN and Infinity,
// which Python's json writes, are taken: a model server may send them.
func (s *scanner) cell(i int) (Cell, int) {
	i = s.space(i)
	switch s.peek(i) {
	case '"':
		t, end := s.text(i)
		return Cell{Kind: Text, Text: t}, end
	case 't':
		return Cell{Kind: Text, Text: "true"}, s.word(i, "true")
	case 'f':
		return Cell{Kind: Text, Text: "false"}, s.word(i, "false")
	case 'n':
		return Cell{}, s.word(i, "null")
	case 'N':
		return Cell{}, s.word(i, "NaN")
	case 'I':
		return Cell{}, s.word(i, "Infinity")
	case '-':
		if i+1 < len(s.buf) && s.buf[i+1] == 'I' {
			return Cell{}, s.word(i, "-Infinity")
		}
	}
	v, end := s.number(i)
	return Cell{Kind: Number, Num: v}, end
}

func (s *scanner) word(i int, w string) int {
	if len(s.buf)-i < len(w) || string(s.buf[i:i+len(w)]) != w {
		return s.fail(i, "a value cannot be read")
	}
	return i + len(w)
}

// skip passes over any value.
func (s *scanner) skip(i int) int { return s.skipAt(i, 0) }

func (s *scanner) skipAt(i, depth int) int {
	i = s.space(i)
	switch s.peek(i) {
	case '"':
		return s.skipText(i)
	case '[':
		if depth >= maxDepth {
			return s.fail(i, "values are nested too deep")
		}
		return s.array(i, func(_, at int) int { return s.skipAt(at, depth+1) })
	case '{':
		if depth >= maxDepth {
			return s.fail(i, "values are nested too deep")
		}
		return s.members(i, func(_ int, at int) int { return s.skipAt(at, depth+1) })
	}
	_, end := s.cell(i)
	return end
}

// array calls each with the number and the place of every element; each
// returns the place behind it.
func (s *scanner) array(i int, each func(n, at int) int) int {
	if s.peek(i) != '[' {
		return s.fail(i, "an array is missing")
	}
	i = s.space(s.space(i) + 1)
	if s.peek(i) == ']' {
		return i + 1
	}
	for n := 0; ; n++ {
		i = s.space(each(n, s.space(i)))
		switch c := s.peek(i); {
		case s.err != nil:
			return len(s.buf)
		case c == ']':
			return i + 1
		case c != ',':
			return s.fail(i, "a comma or ] is missing")
		}
		i = s.space(i + 1)
	}
}

// object is array for the members of an object, by name.
func (s *scanner) object(i int, each func(name string, at int) int) int {
	return s.members(i, func(key, at int) int {
		name, _ := s.text(key)
		if s.err != nil {
			return len(s.buf)
		}
		return each(name, at)
	})
}

// members calls each with the places of a member's name and value.
func (s *scanner) members(i int, each func(key, at int) int) int {
	if s.peek(i) != '{' {
		return s.fail(i, "an object is missing")
	}
	i = s.space(s.space(i) + 1)
	if s.peek(i) == '}' {
		return i + 1
	}
	for {
		key := s.space(i)
		i = s.space(s.skipText(key))
		if s.peek(i) != ':' {
			return s.fail(i, "a colon is missing")
		}
		i = s.space(each(key, s.space(i+1)))
		switch c := s.peek(i); {
		case s.err != nil:
			return len(s.buf)
		case c == '}':
			return i + 1
		case c != ',':
			return s.fail(i, "a comma or } is missing")
		}
		i = s.space(i + 1)
	}
}
