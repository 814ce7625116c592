package decode

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func packed(t *testing.T, encoding string, s []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if encoding == "zstd" {
		w, _ = zstd.NewWriter(&out)
	}
	if _, err := w.Write(s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestInflate(t *testing.T) {
	var f Inflater
	want := bytes.Repeat([]byte("leeway "), 10000)
	for range 3 { // the decompressors are used again
		for _, encoding := range []string{"", "gzip", "zstd"} {
			body := want
			if encoding != "" {
				body = packed(t, encoding, want)
			}
			got, err := f.Read(nil, iotest.HalfReader(bytes.NewReader(body)), encoding, int64(len(want)))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: %v, %d bytes", encoding, err, len(got))
			}
			_, err = f.Read(nil, bytes.NewReader(body), encoding, int64(len(want))-1)
			var limit *LimitError
			if !errors.As(err, &limit) || limit.Limit != int64(len(want))-1 || encoding != "" && limit.What != afterwards {
				t.Fatalf("%s: %v", encoding, err)
			}
		}
	}
}

func TestInflateBombs(t *testing.T) {
	var f Inflater
	for _, encoding := range []string{"gzip", "zstd"} {
		bomb := packed(t, encoding, make([]byte, 100<<20))
		got, err := f.Read(nil, bytes.NewReader(bomb), encoding, 1<<20)
		if !errors.Is(err, ErrTooLarge) || cap(got) > 16<<20 {
			t.Errorf("%s of %d bytes: %v, %d bytes of memory", encoding, len(bomb), err, cap(got))
		}
	}
}

func TestInflateDamaged(t *testing.T) {
	var f Inflater
	for _, encoding := range []string{"gzip", "zstd"} {
		whole := packed(t, encoding, []byte(strings.Repeat("leeway ", 1000)))
		for cut := range len(whole) {
			if got, err := f.Read(nil, bytes.NewReader(whole[:cut]), encoding, 1<<20); err == nil && len(got) == 7000 || err == nil && cut > 0 {
				t.Fatalf("%s cut at %d was taken", encoding, cut)
			}
		}
	}
	if _, err := f.Read(nil, strings.NewReader("x"), "br", 10); !errors.Is(err, ErrEncoding) {
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := f.Read(nil, iotest.ErrReader(broken), "gzip", 10); !errors.Is(err, broken) {
		t.Error(err)
	}
}
