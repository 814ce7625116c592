package decode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ErrEncoding is the class of a Content-Encoding that is not known.
var ErrEncoding = errors.New("unknown encoding")

// Encodings are the names that Inflater.Read knows.
var Encodings = []string{"identity", "gzip", "zstd"}

// Inflater reads bodies, compressed or not. It keeps decompressors for reuse
// and may be used by many at once. The zero value is ready.
type Inflater struct {
	gzips sync.Pool // *gzip.Reader
	zstds sync.Pool // *zstd.Decoder
}

// Read appends the whole of r to dst, undoing the encoding. More than limit
// bytes, as they come or after decompression, are a LimitError.
func (f *Inflater) Read(dst []byte, r io.Reader, encoding string, limit int64) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return readAllTo(dst, r, limit, "bytes of body")
	case "gzip":
		return f.gzip(dst, r, limit)
	case "zstd":
		return f.zstd(dst, r, limit)
	}
	return dst, fmt.Errorf("%w %q, known are %s", ErrEncoding, clip(encoding), strings.Join(Encodings, ", "))
}

const afterwards = "bytes after decompression"

func (f *Inflater) gzip(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	z, _ := f.gzips.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer f.gzips.Put(z)
	if err := z.Reset(r); err != nil {
		return dst, inflateError("gzip", err)
	}
	dst, err := readAllTo(dst, z, limit, afterwards)
	return dst, inflateError("gzip", err)
}

// maxWindow is the memory that a zstd frame may ask for; level 19 uses 8 MiB.
const maxWindow = 8 << 20

func (f *Inflater) zstd(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	z, _ := f.zstds.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
			return dst, fmt.Errorf("zstd: %w", err)
		}
	}
	defer func() {
		_ = z.Reset(nil) // lets go of r
		f.zstds.Put(z)
	}()
	if err := z.Reset(r); err != nil {
		return dst, inflateError("zstd", err)
	}
	dst, err := readAllTo(dst, z, limit, afterwards)
	return dst, inflateError("zstd", err)
}

// inflateError tells a damaged body from a reader that failed by itself.
func inflateError(encoding string, err error) error {
	switch {
	case err == nil, isLimit(err):
		return err
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, zstd.ErrCRCMismatch), errors.Is(err, zstd.ErrReservedBlockType),
		errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrBlockTooSmall), errors.Is(err, zstd.ErrUnexpectedBlockSize):
		return unreadable("the body is not readable %s: %v", encoding, err)
	}
	return &InflateError{Encoding: encoding, Err: err}
}

// InflateError is a body that could not be decompressed, or whose reader
// failed meanwhile.
type InflateError struct {
	Encoding string
	Err      error
}

func (e *InflateError) Error() string {
	return fmt.Sprintf("the body is not readable %s: %v", e.Encoding, e.Err)
}

func (e *InflateError) Unwrap() error { return e.Err }

func readAllTo(dst []byte, r io.Reader, limit int64, what string) ([]byte, error) {
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, make([]byte, max(4096, min(cap(dst), 16<<20)))...)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if int64(len(dst)-start) > limit {
			return dst, &LimitError{What: what, Limit: limit}
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// Compressed tells a compressed body by its first bytes: senders that forget
// the header are told so instead of being told of a syntax error.
func Compressed(body []byte) string {
	switch {
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(body, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	}
	return ""
}
