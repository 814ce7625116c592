package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// A chunk of text ends with the row that reaches one of these.
const (
	chunkRows  = 10_000
	chunkBytes = 4 << 20
	// maxRowBytes bounds one row: more is a quote that is never closed.
	maxRowBytes = 16 << 20
)

// byteOrderMark is what some spreadsheets put before UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

// textSource cuts text between rows. Rows of CSV may go over several lines,
// inside quotes.
type textSource struct {
	in     *bufio.Reader
	file   *counted
	closer func()
	quotes bool
	head   []byte // the header, which every chunk begins with
	lines  int    // read so far
	headN  int    // lines of the header
	buf    []byte
	ended  bool
}

func openText(name string, header bool) (*textSource, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	s := &textSource{file: &counted{f: f}, quotes: header}
	r, closer, err := decompress(s.file)
	if err != nil {
		f.Close()
		return nil, err
	}
	s.closer = func() { closer(); f.Close() }
	s.in = bufio.NewReaderSize(r, 256<<10)
	if bom, err := s.in.Peek(len(byteOrderMark)); err == nil && string(bom) == byteOrderMark {
		_, _ = s.in.Discard(len(bom))
	}
	if header {
		if err := s.readHeader(); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *textSource) readHeader() error {
	for len(bytes.TrimSpace(s.head)) == 0 && !s.ended {
		s.head = s.head[:0]
		before := s.lines
		var err error
		if s.head, err = s.row(s.head); err != nil {
			return err
		}
		s.headN = s.lines - before
	}
	if n := len(s.head); n > 0 && s.head[n-1] != '\n' {
		s.head = append(s.head, '\n')
	}
	return nil
}

func (s *textSource) read() int64 { return s.file.n }
func (s *textSource) close()      { s.closer() }

// row appends one row with its newline.
func (s *textSource) row(dst []byte) ([]byte, error) {
	start, first, open := len(dst), s.lines+1, false
	for {
		piece, err := s.in.ReadSlice('\n')
		dst = append(dst, piece...)
		if s.quotes && bytes.Count(piece, []byte{'"'})%2 == 1 {
			open = !open
		}
		switch {
		case err == io.EOF:
			s.ended = true
			if len(piece) > 0 {
				s.lines++
			}
			return dst, nil
		case err != nil && err != bufio.ErrBufferFull:
			return dst, fmt.Errorf("line %d: %w", s.lines+1, err)
		case len(dst)-start > maxRowBytes:
			return dst, fmt.Errorf("line %d: this row has more than %d MiB; is a quote not closed?", first, maxRowBytes>>20)
		case err == nil:
			s.lines++
			if !open {
				return dst, nil
			}
		}
	}
}

func (s *textSource) next() (*chunk, error) {
	c := &chunk{line: s.lines + 1, headLines: s.headN}
	s.buf = append(s.buf[:0], s.head...)
	for rows := 0; rows < chunkRows && len(s.buf)-len(s.head) < chunkBytes && !s.ended; {
		start := len(s.buf)
		var err error
		if s.buf, err = s.row(s.buf); err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(s.buf[start:])) > 0 {
			rows++
		}
	}
	if s.ended && len(bytes.TrimSpace(s.buf[len(s.head):])) == 0 {
		return nil, io.EOF
	}
	c.body = s.buf
	return c, nil
}

// isFlat tells whether the first row of JSON has its features beside its id.
func isFlat(s source, err error) bool {
	if err != nil {
		return false
	}
	defer s.close()
	c, err := s.next()
	if err != nil {
		return false
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(c.body, " \t\r\n"), []byte("\n"))
	var row map[string]json.RawMessage
	if json.Unmarshal(line, &row) != nil {
		return false
	}
	_, nested := row["features"]
	return !nested
}

// arrayFormat is a JSON array of rows, as data frames are saved.
type arrayFormat struct{ linesFormat }

func (arrayFormat) open(name string) (source, error) {
	s, err := openText(name, false)
	if err != nil {
		return nil, err
	}
	a := &arraySource{textSource: s, dec: json.NewDecoder(s.in)}
	if t, err := a.dec.Token(); err != nil || t != json.Delim('[') {
		s.close()
		return nil, fmt.Errorf("an array was expected: %v %v", t, err)
	}
	return a, nil
}

func (f arrayFormat) columns(name string) ([]string, bool, error) {
	s, err := f.open(name)
	return nil, isFlat(s, err), err
}

// arraySource makes lines of the array's members.
type arraySource struct {
	*textSource
	dec *json.Decoder
	row json.RawMessage
}

func (s *arraySource) next() (*chunk, error) {
	out := bytes.NewBuffer(s.buf[:0])
	for rows := 0; rows < chunkRows && out.Len() < chunkBytes && s.dec.More(); rows++ {
		if err := s.dec.Decode(&s.row); err != nil {
			return nil, fmt.Errorf("byte %d: %w", s.dec.InputOffset(), err)
		}
		if err := json.Compact(out, s.row); err != nil {
			return nil, err
		}
		out.WriteByte('\n')
	}
	s.buf = out.Bytes()
	if len(s.buf) > 0 {
		return &chunk{body: s.buf}, nil
	}
	if _, err := s.dec.Token(); err != nil {
		return nil, fmt.Errorf("byte %d: the array is not closed: %w", s.dec.InputOffset(), err)
	}
	return nil, io.EOF
}
