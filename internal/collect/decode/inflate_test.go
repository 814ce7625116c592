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
			got, err := f.Read(nil, iotest.HalfReader(bytes.NewReader(body)), Body{Encoding: encoding, Limit: int64(len(want))})
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: %v, %d bytes", encoding, err, len(got))
			}
			_, err = f.Read(nil, bytes.NewReader(body), Body{Encoding: encoding, Limit: int64(len(want)) - 1})
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
		got, err := f.Read(nil, bytes.NewReader(bomb), Body{Encoding: encoding, Limit: 1 << 20})
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
			if got, err := f.Read(nil, bytes.NewReader(whole[:cut]), Body{Encoding: encoding, Limit: 1 << 20}); err == nil && len(got) == 7000 || err == nil && cut > 0 {
				t.Fatalf("%s cut at %d was taken", encoding, cut)
			}
		}
	}
	if _, err := f.Read(nil, strings.NewReader("x"), Body{Encoding: "br", Limit: 10}); !errors.Is(err, ErrEncoding) {
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := f.Read(nil, iotest.ErrReader(broken), Body{Encoding: "gzip", Limit: 10}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestMemoryFollowsWhatCame: what a sender announces costs nothing, and what
// came is asked for before it is kept.
func TestMemoryFollowsWhatCame(t *testing.T) {
	var f Inflater
	var asked []int64
	b := Body{Limit: 64 << 20, Size: 64 << 20, Room: func(n int64) error { asked = append(asked, n); return nil }}
	got, err := f.Read(nil, bytes.NewReader(make([]byte, 10_000)), b)
	if err != nil || len(got) != 10_000 || cap(got) > 64<<10 || len(asked) != 2 || asked[1] != int64(cap(got)) {
		t.Errorf("%v, %d bytes of %d, asked for %d", err, len(got), cap(got), asked)
	}
	for _, encoding := range []string{"", "gzip", "zstd"} {
		body := make([]byte, 10<<20)
		if encoding != "" {
			body = packed(t, encoding, body)
		}
		b := Body{Encoding: encoding, Limit: 64 << 20, Room: func(n int64) error {
			if n > 1<<20 {
				return &RetryError{Class: ErrFull}
			}
			return nil
		}}
		got, err := f.Read(nil, bytes.NewReader(body), b)
		var inflate *InflateError
		if !errors.Is(err, ErrFull) || errors.As(err, &inflate) || cap(got) > 1<<20 {
			t.Errorf("%q: %v with %d bytes", encoding, err, cap(got))
		}
	}
}
