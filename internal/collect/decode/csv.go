package decode

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unsafe"
)

// CSV decodes comma-separated values with a header (RFC 4180). A column is of
// numbers when each of its cells that is not empty is one; it is of strings
// otherwise.
func CSV(body []byte, o *Options) (*Result, error) {
	o, err := o.resolve(body)
	if err != nil {
		return nil, err
	}
	if len(body) >= math.MaxUint32 {
		return nil, &LimitError{What: "bytes of CSV", Limit: math.MaxUint32}
	}
	s := &csvScanner{buf: bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))}
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	p, err := o.plan(header)
	if err != nil {
		return nil, err
	}
	if err := s.rows(o, len(header)); err != nil {
		return nil, err
	}
	t := newTable(o, s.n)
	t.report = p.warnings
	for _, row := range s.uneven {
		t.bad(row, "", CodeFields, "not as many fields as the header has")
	}
	for i, r := range p.roles {
		if r != roleNone {
			t.add(r, p.names[i], &csvColumn{s: s, at: i, class: r == rolePrediction || r == roleLabel})
		}
	}
	return t.finish(), nil
}

// cell is where a field stands in the body.
type cell struct {
	start uint32
	size  uint32 // the top bit says that quotes are doubled in it
}

const escaped = 1 << 31

// csvScanner cuts the body into cells.
type csvScanner struct {
	buf    []byte
	pos    int
	width  int
	n      int    // rows
	cells  []cell // row after row, width each
	uneven []int  // rows of another width; their cells are empty
	out    []byte
}

func (s *csvScanner) header() ([]string, error) {
	s.skipBlank()
	if s.pos >= len(s.buf) {
		return nil, syntaxAt(s.buf, s.pos, "a header row was expected")
	}
	if err := s.record(1 << 16); err != nil {
		return nil, err
	}
	names := make([]string, len(s.cells))
	for i, c := range s.cells {
		names[i] = strings.ToValidUTF8(string(s.bytes(c)), "\ufffd")
	}
	s.cells = s.cells[:0]
	s.width = len(names)
	return names, nil
}

func (s *csvScanner) rows(o *Options, width int) error {
	for s.skipBlank(); s.pos < len(s.buf); s.skipBlank() {
		before := len(s.cells)
		if err := s.record(width + 1); err != nil {
			return err
		}
		if len(s.cells)-before != width {
			s.uneven = append(s.uneven, s.n)
			s.cells = s.cells[:before]
			for range width {
				s.cells = append(s.cells, cell{})
			}
		}
		if s.n++; s.n == 1 {
			s.foresee(before, o.Limits.Cells)
		}
		if err := o.shape(s.n, width); err != nil {
			return err
		}
	}
	return nil
}

// foresee makes room for the rows to come, by the first one's size.
func (s *csvScanner) foresee(before, limit int) {
	last := s.cells[len(s.cells)-1]
	rowBytes := max(int(last.start+last.size&^escaped)-int(s.cells[before].start), s.width)
	want := len(s.buf) / (rowBytes + 1) * s.width
	s.cells = append(make([]cell, 0, min(want, limit)+2*s.width), s.cells...)
}

func (s *csvScanner) skipBlank() {
	for s.pos < len(s.buf) {
		switch {
		case s.buf[s.pos] == '\n':
			s.pos++
		case s.buf[s.pos] == '\r' && (s.pos+1 == len(s.buf) || s.buf[s.pos+1] == '\n'):
			s.pos++
		default:
			return
		}
	}
}

// record reads one row and adds at most limit cells; the cells past that only
// move the position.
func (s *csvScanner) record(limit int) error {
	for count := 0; ; count++ {
		c, err := s.field()
		if err != nil {
			return err
		}
		if count < limit {
			s.cells = append(s.cells, c)
		}
		if s.pos >= len(s.buf) {
			return nil
		}
		s.pos++
		if s.buf[s.pos-1] == '\n' {
			return nil
		}
		if s.pos == len(s.buf) { // a comma ends the body: one more, empty
			if count+1 < limit {
				s.cells = append(s.cells, cell{start: uint32(s.pos)})
			}
			return nil
		}
	}
}

// field reads one field and stops at its comma, its newline or the end.
func (s *csvScanner) field() (cell, error) {
	if s.pos < len(s.buf) && s.buf[s.pos] == '"' {
		return s.quoted()
	}
	start := s.pos
	end := s.stop(start)
	if end < len(s.buf) && s.buf[end] == '"' {
		return cell{}, syntaxAt(s.buf, end, "a quote inside a field that does not begin with one")
	}
	s.pos = end
	if (end == len(s.buf) || s.buf[end] == '\n') && end > start && s.buf[end-1] == '\r' {
		end--
	}
	return cell{uint32(start), uint32(end - start)}, nil
}

// stop is the next comma, newline or quote.
func (s *csvScanner) stop(i int) int {
	for ; i+8 <= len(s.buf); i += 8 {
		w := binary.LittleEndian.Uint64(s.buf[i:])
		a, b, c := w^(ones*','), w^(ones*'\n'), w^(ones*'"')
		if hit := ((a-ones)&^a | (b-ones)&^b | (c-ones)&^c) & high; hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
	}
	for ; i < len(s.buf); i++ {
		if c := s.buf[i]; c == ',' || c == '\n' || c == '"' {
			return i
		}
	}
	return i
}

func (s *csvScanner) quoted() (cell, error) {
	start := s.pos + 1
	flag := uint32(0)
	for i := start; ; i++ {
		n := bytes.IndexByte(s.buf[i:], '"')
		if n < 0 {
			return cell{}, syntaxAt(s.buf, s.pos, "a quoted field is not closed")
		}
		i += n
		if i+1 < len(s.buf) && s.buf[i+1] == '"' {
			flag = escaped
			i++
			continue
		}
		if bytes.IndexByte(s.buf[start:i], '\r') >= 0 {
			flag = escaped
		}
		s.pos = i + 1
		rest := s.buf[s.pos:]
		if len(rest) > 0 && rest[0] == '\r' && (len(rest) == 1 || rest[1] == '\n') {
			s.pos++
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0] != ',' && rest[0] != '\n' {
			return cell{}, syntaxAt(s.buf, s.pos, "a comma was expected after the closing quote")
		}
		return cell{uint32(start), uint32(i-start) | flag}, nil
	}
}

// bytes is a cell's text, valid until the next call.
func (s *csvScanner) bytes(c cell) []byte {
	raw := s.buf[c.start : c.start+c.size&^escaped]
	if c.size&escaped == 0 {
		return raw
	}
	s.out = s.out[:0]
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '"':
			i++
			s.out = append(s.out, '"')
		case raw[i] == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
		default:
			s.out = append(s.out, raw[i])
		}
	}
	return s.out
}

// csvColumn is a column of the cells.
type csvColumn struct {
	s     *csvScanner
	at    int
	class bool // write strings that are numbers as classes are written
}

func (c *csvColumn) cell(row int) []byte {
	return c.s.bytes(c.s.cells[row*c.s.width+c.at])
}

func (c *csvColumn) numbers() ([]float64, []byte, bool) {
	var out numCol
	if c.s.n > 0 && !c.firstIsNumber() {
		return nil, nil, false
	}
	out.values = make([]float64, 0, c.s.n)
	for row := range c.s.n {
		s := c.cell(row)
		if isNullNumber(s) {
			continue
		}
		v, ok := cellNumber(s)
		if !ok {
			return nil, nil, false
		}
		out.put(row, v)
	}
	n := out.column("", c.s.n, true)
	return n.Values, n.Valid, true
}

// firstIsNumber spares a column of strings the space for its numbers.
func (c *csvColumn) firstIsNumber() bool {
	for row := range c.s.n {
		if s := c.cell(row); !isNullNumber(s) {
			_, ok := cellNumber(s)
			return ok
		}
	}
	return true
}

// isNullNumber tells the ways in which a number is absent.
func isNullNumber(s []byte) bool {
	switch len(s) {
	case 0:
		return true
	case 2:
		return string(s) == "NA"
	case 3:
		return string(s) == "NaN" || string(s) == "nan" || string(s) == "N/A"
	case 4:
		return string(s) == "null" || string(s) == "NULL" || string(s) == "None"
	}
	return false
}

// cellNumber reads a number as spreadsheets and data frames write them.
func cellNumber(s []byte) (float64, bool) {
	if v, end := number(s, 0); end == len(s) {
		return v, true
	}
	c := s[0]
	if c == '+' || c == '-' {
		if len(s) == 1 {
			return 0, false
		}
		c = s[1]
	}
	if bytes.ContainsAny(s, "xXpP_") || c-'0' > 9 && c != '.' && c|0x20 != 'i' {
		return 0, false
	}
	v, err := strconv.ParseFloat(unsafe.String(&s[0], len(s)), 64)
	return v, err == nil
}

func (c *csvColumn) text(fn func(int, []byte)) {
	for row := range c.s.n {
		if s := c.cell(row); len(s) > 0 {
			fn(row, s)
		}
	}
}

func (c *csvColumn) codes() ([]int32, []string) {
	var d dict
	codes := make([]int32, c.s.n)
	var buf []byte
	for row := range codes {
		s := c.cell(row)
		if len(s) == 0 {
			codes[row] = -1
			continue
		}
		if v, ok := cellNumber(s); c.class && ok {
			buf = appendNumber(buf[:0], v)
			s = buf
		}
		codes[row] = d.code(s)
	}
	if allBooleans(d.values) {
		for row, code := range codes {
			if code >= 0 {
				codes[row] = int32(d.values[code][0]&2) >> 1 // t and T have bit 1 clear, f and F set
			}
		}
		return codes, []string{"true", "false"}
	}
	return codes, d.values
}

// allBooleans tells whether every value is true or false in the writing of some
// language.
func allBooleans(values []string) bool {
	for _, v := range values {
		switch v {
		case "true", "false", "True", "False", "TRUE", "FALSE":
		default:
			return false
		}
	}
	return len(values) > 0
}

func (c *csvColumn) millis(k *clock, fn func(int, int64, error)) {
	for row := range c.s.n {
		if s := c.cell(row); len(s) > 0 {
			ms, err := k.text(s)
			fn(row, ms, err)
		}
	}
}
