package file

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// chunk is a piece of a file that decodes by itself.
type chunk struct {
	body []byte // until the next call of next
	// line is that of the first row in the file, from 1; headLines are the lines
	// that stand before it in body. Both are 0 where there are no lines.
	line, headLines int
}

// source cuts a file. next ends with io.EOF.
type source interface {
	next() (*chunk, error)
	read() int64 // bytes of the file so far
	close()
}

// format is how a file is read.
type format interface {
	open(name string) (source, error)
	decode(body []byte, o *decode.Options) (*decode.Result, error)
	// columns are the names of the file's columns, nil when only its rows know;
	// flat tells that the features stand beside id and time, not in an object of
	// their own.
	columns(name string) (names []string, flat bool, err error)
}

// sniff tells a file's format by its first bytes, and by its name where these
// leave a doubt.
func sniff(name string) (format, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var head [4]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return nil, err
	}
	if string(head[:n]) == "PAR1" {
		return parquetFormat{}, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r, closer, err := decompress(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer closer()
	text, err := bufio.NewReader(io.LimitReader(r, 64<<10)).Peek(4 << 10)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return textFormat(name, bytes.TrimLeft(bytes.TrimPrefix(text, []byte(byteOrderMark)), " \t\r\n"))
}

func textFormat(name string, text []byte) (format, error) {
	plain := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst"))
	switch {
	case bytes.HasPrefix(text, []byte("PAR1")):
		return nil, fmt.Errorf("%s is a Parquet file inside a compressed one: unpack it first, Parquet is compressed by itself", name)
	case bytes.HasPrefix(text, []byte("ARROW1")):
		return nil, fmt.Errorf("%s is an Arrow file; write it as Parquet", name)
	case bytes.IndexByte(text, 0) >= 0:
		return nil, fmt.Errorf("%s is neither CSV, NDJSON nor Parquet", name)
	case len(text) > 0 && text[0] == '{':
		return linesFormat{}, nil
	case len(text) > 0 && text[0] == '[' && !strings.HasSuffix(plain, ".csv"):
		return arrayFormat{}, nil
	case strings.HasSuffix(plain, "json") || strings.HasSuffix(plain, ".jsonl"):
		return nil, fmt.Errorf("%s begins neither with an object nor with an array", name)
	}
	return csvFormat{}, nil
}

// counted counts what is read from a file.
type counted struct {
	f *os.File
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.f.Read(p)
	c.n += int64(n)
	return n, err
}

// decompress unfolds gzip and zstd, told by their first bytes.
func decompress(r io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReaderSize(r, 256<<10)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, err
		}
		return z, func() {}, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

type csvFormat struct{}

func (csvFormat) open(name string) (source, error) { return openText(name, true) }

func (csvFormat) decode(body []byte, o *decode.Options) (*decode.Result, error) {
	return decode.CSV(body, o)
}

func (csvFormat) columns(name string) ([]string, bool, error) {
	s, err := openText(name, true)
	if err != nil {
		return nil, false, err
	}
	defer s.close()
	r := csv.NewReader(bytes.NewReader(s.head))
	names, err := r.Read()
	if err != nil {
		return nil, false, fmt.Errorf("its header cannot be read: %w", err)
	}
	return names, false, nil
}

type linesFormat struct{}

func (linesFormat) open(name string) (source, error) { return openText(name, false) }

func (linesFormat) decode(body []byte, o *decode.Options) (*decode.Result, error) {
	return decode.NDJSON(body, o)
}

func (linesFormat) columns(name string) ([]string, bool, error) {
	s, err := openText(name, false)
	return nil, isFlat(s, err), err
}
