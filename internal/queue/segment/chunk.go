package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"
)

// Chunk types of pebble's write-ahead log with sync offsets.
const (
	chunkFull   = 9
	chunkFirst  = 10
	chunkMiddle = 11
	chunkLast   = 12
)

// badBytes says that what is in the file is not what was written. Any other
// error of a reader is the disk's.
type badBytes struct {
	pos    int64
	reason string
}

func (e *badBytes) Error() string { return fmt.Sprintf("byte %d: %s", e.pos, e.reason) }

func isBad(err error) bool {
	var bad *badBytes
	return errors.As(err, &bad)
}

const windowSize = 256 << 10

// reader reads the entries of one segment file and believes nothing. It is our
// own, not pebble's record.Reader: that one takes a log number with a flipped
// lowest bit for the end of the file, stops for good at the first damage, and
// judges torn tails by a sync offset that counts only part of what was synced.
// A test holds that pebble reads the same bytes.
//
// A reader belongs to one goroutine at a time.
type reader struct {
	f         io.ReaderAt
	segment   uint32
	partition uint16
	producer  uint64 // of the segment; 0 as long as it is not known
	limit     int64  // nothing at or above is looked at

	buf   []byte // what is in memory of the file
	start int64  // the position of buf[0]
	head  [headerSize]byte
}

// view returns the n bytes at pos, which stay valid until the next call.
func (r *reader) view(pos int64, n int) ([]byte, error) {
	if pos+int64(n) > r.limit {
		return nil, &badBytes{pos, "the file ends in the middle of an entry"}
	}
	if pos < r.start || pos+int64(n) > r.start+int64(len(r.buf)) {
		if err := r.fill(pos); err != nil {
			return nil, err
		}
		if len(r.buf) < n {
			return nil, &badBytes{pos, "the file is shorter than it was"}
		}
	}
	i := pos - r.start
	return r.buf[i : i+int64(n)], nil
}

func (r *reader) fill(pos int64) error {
	if r.buf == nil {
		r.buf = make([]byte, 0, windowSize)
	}
	want := min(int64(cap(r.buf)), r.limit-pos)
	n, err := r.f.ReadAt(r.buf[:want], pos)
	r.buf, r.start = r.buf[:n], pos
	if err != nil && err != io.EOF {
		return fmt.Errorf("read at byte %d: %w", pos, err)
	}
	return nil
}

// record calls use with each piece of the record of exactly size bytes that
// begins at pos. The layout follows from pos and size, so each chunk is checked
// for its place, its kind and its length as well as for its checksum.
func (r *reader) record(pos, size int64, use func([]byte)) error {
	for first := true; ; first = false {
		pos = alignChunk(pos)
		n := min(size, blockSize-pos%blockSize-chunkHeader)
		last := n == size
		piece, err := r.chunk(pos, int(n), chunkType(first, last))
		if err != nil {
			return err
		}
		use(piece)
		pos, size = pos+chunkHeader+n, size-n
		if last {
			return nil
		}
	}
}

func chunkType(first, last bool) byte {
	switch {
	case first && last:
		return chunkFull
	case first:
		return chunkFirst
	case last:
		return chunkLast
	}
	return chunkMiddle
}

func (r *reader) chunk(pos int64, n int, want byte) ([]byte, error) {
	b, err := r.view(pos, chunkHeader+n)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	switch {
	case b[6] != want:
		return nil, &badBytes{pos, fmt.Sprintf("chunk is of type %d, not %d", b[6], want)}
	case int(le.Uint16(b[4:])) != n:
		return nil, &badBytes{pos, fmt.Sprintf("chunk says it has %d bytes, not %d", le.Uint16(b[4:]), n)}
	case le.Uint32(b[7:]) != r.segment:
		return nil, &badBytes{pos, fmt.Sprintf("chunk belongs to segment %d", le.Uint32(b[7:]))}
	case chunkSum(b[6:]) != le.Uint32(b):
		return nil, &badBytes{pos, "chunk fails its checksum"}
	}
	return b[chunkHeader:], nil
}

// chunkSum is the rotated CRC-32C of the LevelDB family.
func chunkSum(b []byte) uint32 {
	c := castagnoli(b)
	return (c>>15 | c<<17) + 0xa282ead8
}

// entry reads the header of the entry at pos and says where the next begins.
// The entry lies wholly below the limit; its body is not looked at.
func (r *reader) entry(pos int64) (header, int64, error) {
	n := 0
	err := r.record(pos, headerSize, func(b []byte) { n += copy(r.head[n:], b) })
	if err != nil {
		return header{}, 0, err
	}
	h, err := decodeHeader(&r.head)
	switch {
	case err != nil:
		return h, 0, &badBytes{pos, err.Error()}
	case h.offset != offsetAt(r.segment, pos) || h.partition != r.partition:
		return h, 0, &badBytes{pos, fmt.Sprintf("entry says it is offset %d of partition %d", h.offset, h.partition)}
	case r.producer != 0 && h.producer != r.producer:
		return h, 0, &badBytes{pos, "entry is of another producer"}
	}
	end := entryEnd(pos, h.length)
	if end > r.limit {
		return h, 0, &badBytes{pos, "the file ends in the middle of an entry"}
	}
	return h, end, nil
}

// body copies the data of the entry at pos into dst, which has its length.
func (r *reader) body(pos int64, h header, dst []byte) error {
	n := 0
	err := r.record(recordEnd(pos, headerSize), bodySize(h.length), func(b []byte) { n += copy(dst[n:], b) })
	if err == nil && sumOf(dst) != h.dataSum {
		err = &badBytes{pos, "data fails its checksum"}
	}
	return err
}

// verify checks the body of the entry at pos without keeping it.
func (r *reader) verify(pos int64, h header) error {
	sum, left := xxh3.New(), int(h.length)
	err := r.record(recordEnd(pos, headerSize), bodySize(h.length), func(b []byte) {
		b = b[:min(left, len(b))]
		_, _ = sum.Write(b) // which never fails
		left -= len(b)
	})
	if err == nil && uint32(sum.Sum64()) != h.dataSum {
		err = &badBytes{pos, "data fails its checksum"}
	}
	return err
}

// find searches byte by byte for the next entry with an intact header at or
// after pos. Data that imitates an entry is not taken for one: it would have to
// know its own place and the producer's random number.
func (r *reader) find(pos int64) (h header, at int64, ok bool, err error) {
	mark := binary.LittleEndian.AppendUint32(nil, r.segment)
	const markAt = 7 // of the log number in a chunk
	for pos+chunkHeader <= r.limit {
		if _, err := r.view(pos, chunkHeader); isBad(err) {
			return h, 0, false, nil
		} else if err != nil {
			return h, 0, false, err
		}
		w := r.buf[pos-r.start:]
		i := bytes.Index(w[markAt:], mark)
		if i < 0 {
			pos += int64(len(w) - markAt - len(mark) + 1)
			continue
		}
		pos += int64(i)
		h, _, err := r.entry(pos)
		if err == nil {
			return h, pos, true, nil
		}
		if !isBad(err) {
			return h, 0, false, err
		}
		pos++
	}
	return h, 0, false, nil
}

// trailer says whether pebble's mark of a clean close is all that is left.
func (r *reader) trailer(pos int64) bool {
	if r.limit-pos != trailerSize {
		return false
	}
	b, err := r.view(pos, trailerSize)
	return err == nil && binary.LittleEndian.Uint32(b[7:]) == r.segment+1
}
