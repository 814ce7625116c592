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

// Body says what is known of a body before it is read.
type Body struct {
	Encoding string // one of Encodings, or empty
	// Limit is in bytes, as they come and after decompression.
	Limit int64
	// Size is the length that the sender announced; 0 where none was, or where
	// it is that of compressed bytes. Memory follows what came, not what was
	// announced.
	Size int64
	// Room is asked before the body takes so many bytes of memory in all; its
	// error ends the reading. Nil is all the room there is.
	Room func(bytes int64) error
}

// Read appends the whole of r to dst, undoing the encoding. More bytes than the
// limit are a LimitError.
func (f *Inflater) Read(dst []byte, r io.Reader, b Body) ([]byte, error) {
	switch b.Encoding {
	case "", "identity":
		return b.readAll(dst, r, "bytes of body")
	case "gzip":
		return f.gzip(dst, r, &b)
	case "zstd":
		return f.zstd(dst, r, &b)
	}
	return dst, fmt.Errorf("%w %q, known are %s", ErrEncoding, clip(b.Encoding), strings.Join(Encodings, ", "))
}

const afterwards = "bytes after decompression"

func (f *Inflater) gzip(dst []byte, r io.Reader, b *Body) ([]byte, error) {
	z, _ := f.gzips.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer f.gzips.Put(z)
	if err := z.Reset(r); err != nil {
		return dst, inflateError("gzip", err)
	}
	dst, err := b.readAll(dst, z, afterwards)
	return dst, inflateError("gzip", err)
}

// maxWindow is the memory that a zstd frame may ask for; level 19 uses 8 MiB.
const maxWindow = 8 << 20

func (f *Inflater) zstd(dst []byte, r io.Reader, b *Body) ([]byte, error) {
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
	dst, err := b.readAll(dst, z, afterwards)
	return dst, inflateError("zstd", err)
}

// inflateError tells a damaged body from a reader that failed by itself.
func inflateError(encoding string, err error) error {
	switch {
	case err == nil, isLimit(err), errors.Is(err, ErrFull):
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

// A body's memory grows fourfold from firstPiece, by pieces up to largestPiece.
const (
	firstPiece   = 4 << 10
	largestPiece = 16 << 20
)

func (b *Body) readAll(dst []byte, r io.Reader, what string) ([]byte, error) {
	start, room := len(dst), 0
	for {
		if len(dst)-start == room {
			room = b.next(room)
			if b.Room != nil {
				if err := b.Room(min(int64(room), b.Limit)); err != nil {
					return dst, err
				}
			}
			if more := start + room - cap(dst); more > 0 {
				dst = append(make([]byte, 0, start+room), dst...)
			}
		}
		n, err := r.Read(dst[len(dst) : start+room])
		dst = dst[:len(dst)+n]
		if int64(len(dst)-start) > b.Limit {
			return dst, &LimitError{What: what, Limit: b.Limit}
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// next is the memory that a body gets which has filled what it had: one byte
// more than it may have shows that it has too much.
func (b *Body) next(had int) int {
	n := had + max(firstPiece, min(3*had, largestPiece))
	if int(b.Size) >= had {
		n = min(n, int(b.Size)+1)
	}
	return min(n, int(b.Limit)+1)
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
