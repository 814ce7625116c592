package decode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON text. Its methods take a position and return the one
// after what they read; a negative one says that why and errAt are set.
type scanner struct {
	buf     []byte
	lines   bool // a newline ends the text (NDJSON)
	scratch []byte
	errAt   int
	why     string
}

// maxDepth bounds the nesting of values that are skipped.
const maxDepth = 64

func (p *scanner) fail(at int, why string) int {
	p.errAt, p.why = min(at, len(p.buf)), why
	if at >= len(p.buf) {
		p.why = "the text ends here; " + why
	}
	return -1
}

// peek is the byte at i, or 0 at the end.
func (p *scanner) peek(i int) byte {
	if uint(i) < uint(len(p.buf)) {
		return p.buf[i]
	}
	return 0
}

// space skips white space; a newline is none in NDJSON.
func (p *scanner) space(i int) int {
	for ; i < len(p.buf); i++ {
		switch p.buf[i] {
		case ' ', '\t', '\r':
		case '\n':
			if p.lines {
				return i
			}
		default:
			return i
		}
	}
	return i
}

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// str reads the string whose quote is at i. The bytes are valid until the next
// str.
func (p *scanner) str(i int) ([]byte, int) {
	b, start := p.buf, i+1
	other := uint64(0)
	for i = start; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i : i+8])
		q, s := w^(ones*'"'), w^(ones*'\\')
		// The first high bit is right; later ones may come from borrows.
		hit := ((q-ones)&^q | (s-ones)&^s | (w-ones*' ')&^w) & high
		if hit == 0 {
			other |= w
			continue
		}
		n := bits.TrailingZeros64(hit)
		other |= w & (1<<n - 1)
		i += n >> 3
		if b[i] == '"' && other&high == 0 {
			return b[start:i], i + 1
		}
		break
	}
	return p.slowStr(start, i)
}

// slowStr goes on at i: the rest of a string with escapes, with bytes outside
// ASCII, or near the end of the text.
func (p *scanner) slowStr(start, i int) ([]byte, int) {
	for ; i < len(p.buf); i++ {
		switch c := p.buf[i]; {
		case c == '"':
			if s := p.buf[start:i]; utf8.Valid(s) {
				return s, i + 1
			}
			return p.unescape(start)
		case c == '\\':
			return p.unescape(start)
		case c < ' ':
			return nil, p.fail(i, "a control character in a string must be escaped")
		}
	}
	return nil, p.fail(i, "a string is not closed")
}

// unescape reads a string into scratch. Bytes that are no UTF-8 become U+FFFD.
func (p *scanner) unescape(i int) ([]byte, int) {
	out := p.scratch[:0]
	for i < len(p.buf) {
		c := p.buf[i]
		switch {
		case c == '"':
			p.scratch = out
			return out, i + 1
		case c == '\\':
			if out, i = p.escape(out, i+1); i < 0 {
				return nil, i
			}
		case c < ' ':
			return nil, p.fail(i, "a control character in a string must be escaped")
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, n := utf8.DecodeRune(p.buf[i:])
			out = utf8.AppendRune(out, r)
			i += n
		}
	}
	return nil, p.fail(i, "a string is not closed")
}

func (p *scanner) escape(out []byte, i int) ([]byte, int) {
	switch c := p.peek(i); c {
	case '"', '\\', '/':
		return append(out, c), i + 1
	case 'b':
		return append(out, '\b'), i + 1
	case 'f':
		return append(out, '\f'), i + 1
	case 'n':
		return append(out, '\n'), i + 1
	case 'r':
		return append(out, '\r'), i + 1
	case 't':
		return append(out, '\t'), i + 1
	case 'u':
		r := p.hex4(i + 1)
		if r < 0 {
			return nil, p.fail(i, "\\u wants four hexadecimal digits")
		}
		i += 5
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if p.peek(i) == '\\' && p.peek(i+1) == 'u' {
				pair = utf16.DecodeRune(r, p.hex4(i+2))
			}
			if r = pair; r != utf8.RuneError {
				i += 6
			}
		}
		return utf8.AppendRune(out, r), i
	}
	return nil, p.fail(i, "an escape that JSON does not know")
}

func (p *scanner) hex4(i int) rune {
	r := rune(0)
	for j := i; j < i+4; j++ {
		c := p.peek(j)
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5 && c >= 'A':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// kind is the kind of a JSON value.
type kind uint8

const (
	isNull kind = iota
	isTrue
	isFalse
	isNumber
	isString
	isObject
	isArray
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a boolean", "a number", "a string", "an object", "an array"}[k]
}

// value is a scalar that was read, or a container that was passed over.
type value struct {
	kind kind
	num  float64
	str  []byte // of a string; valid until the next one is read
	raw  []byte // of a number
}

// text is a scalar as a class or name; ok is false for null and containers.
func (v *value) text(buf []byte) (s []byte, ok bool) {
	switch v.kind {
	case isString:
		return v.str, true
	case isNumber:
		return appendNumber(buf[:0], v.num), true
	case isTrue:
		return append(buf[:0], "true"...), true
	case isFalse:
		return append(buf[:0], "false"...), true
	}
	return nil, false
}

// read reads the value at i, which has no white space before it.
func (p *scanner) read(i int, v *value) int {
	switch c := p.peek(i); c {
	case '"':
		v.kind = isString
		v.str, i = p.str(i)
		return i
	case '{', '[':
		v.kind = isObject
		if c == '[' {
			v.kind = isArray
		}
		return p.skip(i, 1)
	case 't':
		v.kind = isTrue
		return p.word(i, "true")
	case 'f':
		v.kind = isFalse
		return p.word(i, "false")
	case 'n':
		v.kind = isNull
		return p.word(i, "null")
	default:
		if c != '-' && c-'0' > 9 {
			return p.fail(i, "a value was expected")
		}
		f, end := number(p.buf, i)
		if end < 0 {
			return p.fail(i, "this is not a JSON number")
		}
		v.kind, v.num, v.raw = isNumber, f, p.buf[i:end]
		return end
	}
}

func (p *scanner) word(i int, w string) int {
	if i+len(w) > len(p.buf) || string(p.buf[i:i+len(w)]) != w {
		return p.fail(i, "a value was expected")
	}
	return i + len(w)
}

// skip passes over the object or array at i, checking it as it goes.
func (p *scanner) skip(i, depth int) int {
	if depth > maxDepth {
		return p.fail(i, "nested too deeply")
	}
	open := p.buf[i]
	closing := open + 2 // '{' to '}', '[' to ']'
	if i = p.space(i + 1); p.peek(i) == closing {
		return i + 1
	}
	for i >= 0 {
		if open == '{' {
			if _, i = p.key(i); i < 0 {
				return i
			}
		}
		var v value
		if c := p.peek(i); c == '{' || c == '[' {
			i = p.skip(i, depth+1)
		} else {
			i = p.read(i, &v)
		}
		if i < 0 {
			return i
		}
		var done bool
		if i, done = p.next(i, closing); done {
			return i
		}
	}
	return i
}

// key reads a key, its colon and the white space around.
func (p *scanner) key(i int) ([]byte, int) {
	if p.peek(i) != '"' {
		return nil, p.fail(i, "a key in quotes was expected")
	}
	k, i := p.str(i)
	if i < 0 {
		return nil, i
	}
	if p.peek(i) != ':' {
		if i = p.space(i); p.peek(i) != ':' {
			return nil, p.fail(i, "a colon was expected after the key")
		}
	}
	return k, p.space(i + 1)
}

// next passes over the comma after a member; done says that the container was
// closed instead, or that there was neither.
func (p *scanner) next(i int, closing byte) (end int, done bool) {
	c := p.peek(i)
	if c != ',' && c != closing {
		i = p.space(i)
		c = p.peek(i)
	}
	switch c {
	case ',':
		i++
		if p.peek(i) <= ' ' {
			i = p.space(i)
		}
		return i, false
	case closing:
		return i + 1, true
	}
	return p.fail(i, "a comma or "+string(rune(closing))+" was expected"), true
}
