package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// The frame's fixed part. All integers are little-endian.
const (
	magic       = 0x3142574c // "LWB1"
	fixedBytes  = 40
	MaxRows     = 1 << 22
	MaxColumns  = 1<<16 - 1
	maxNameSize = 1<<16 - 1
)

// ErrMalformed is the class of every decoding error.
var ErrMalformed = errors.New("malformed batch")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

type role uint8

const (
	roleID role = 1 + iota
	roleTime
	roleVersion
	rolePred
	rolePredValue
	roleLabel
	roleLabelValue
	roleScore
	roleScores
	roleLatency
	roleErr
	roleSegment
	roleNum
	roleCat
	roleMessage
	roleAttrs
	roleItems
	roleRelevant
)

// column is a column of a frame that is read: up to three buffers.
type column struct {
	role    role
	name    string
	epoch   uint32
	centre  float64
	buffers [3][]byte
}

func view[T any](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// Frames calls fn for each frame of a record.
func Frames(record []byte, fn func(frame []byte) error) error {
	for len(record) > 0 {
		if len(record) < fixedBytes {
			return malformed("%d bytes after the last frame", len(record))
		}
		total := binary.LittleEndian.Uint64(record[8:])
		if total < fixedBytes || total > uint64(len(record)) || total&7 != 0 {
			return malformed("frame of %d bytes in %d", total, len(record))
		}
		if err := fn(record[:total:total]); err != nil {
			return err
		}
		record = record[total:]
	}
	return nil
}

// Decode reads one frame. The batch shares the frame's memory where it is
// aligned. Every length, offset and code is checked; nothing is allocated
// before its bound is.
func Decode(frame []byte) (*Batch, error) {
	if uintptr(unsafe.Pointer(unsafe.SliceData(frame)))&7 != 0 {
		aligned := make([]uint64, (len(frame)+7)/8)
		frame = append(view(aligned)[:0], frame...)
	}
	d := decoder{buf: frame}
	h, rows, ncols, err := d.header()
	if err != nil {
		return nil, err
	}
	b := &Batch{Header: h, Rows: rows}
	cols, err := d.descriptors(ncols)
	if err != nil {
		return nil, err
	}
	for i := range cols {
		if err := b.attach(&cols[i]); err != nil {
			return nil, fmt.Errorf("column %d (%s): %w", i, cols[i].name, err)
		}
	}
	if len(b.Time) != rows {
		return nil, malformed("%d times for %d rows", len(b.Time), rows)
	}
	return b, nil
}

type decoder struct {
	buf []byte
	pos int
}

func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.buf)-d.pos {
		return nil, malformed("%d bytes wanted at %d of %d", n, d.pos, len(d.buf))
	}
	d.pos += n
	return d.buf[d.pos-n : d.pos : d.pos], nil
}

func (d *decoder) name() (string, error) {
	l, err := d.take(2)
	if err != nil {
		return "", err
	}
	s, err := d.take(int(binary.LittleEndian.Uint16(l)))
	if err != nil || len(s) == 0 {
		return "", err
	}
	return unsafe.String(&s[0], len(s)), nil
}

func (d *decoder) header() (h Header, rows, cols int, err error) {
	f, err := d.take(fixedBytes)
	if err != nil {
		return h, 0, 0, err
	}
	le := binary.LittleEndian
	if got := le.Uint32(f); got != magic {
		return h, 0, 0, malformed("magic %#x, wanted %#x: written by another version?", got, magic)
	}
	if total := le.Uint64(f[8:]); total != uint64(len(d.buf)) {
		return h, 0, 0, malformed("frame says %d bytes, has %d", total, len(d.buf))
	}
	rows, cols = int(le.Uint32(f[4:])), int(le.Uint16(f[28:]))
	if rows > MaxRows {
		return h, 0, 0, malformed("%d rows, at most %d allowed", rows, MaxRows)
	}
	h.Arrived, h.Flags = int64(le.Uint64(f[16:])), Flags(le.Uint32(f[24:]))
	h.Kind, h.Task = Kind(f[30]), Task(f[31])
	h.Generation = le.Uint64(f[32:])
	for _, s := range []*string{&h.Model, &h.Positive, &h.BatchID} {
		if *s, err = d.name(); err != nil {
			return h, 0, 0, err
		}
	}
	return h, rows, cols, nil
}

func (d *decoder) descriptors(n int) ([]column, error) {
	if n*22 > len(d.buf) {
		return nil, malformed("%d columns in %d bytes", n, len(d.buf))
	}
	cols := make([]column, n)
	sizes := make([][3]int, n)
	le := binary.LittleEndian
	for i := range cols {
		r, err := d.take(2)
		if err != nil {
			return nil, err
		}
		cols[i].role = role(r[0])
		if cols[i].name, err = d.name(); err != nil {
			return nil, err
		}
		f, err := d.take(24)
		if err != nil {
			return nil, err
		}
		cols[i].epoch, cols[i].centre = le.Uint32(f), math.Float64frombits(le.Uint64(f[4:]))
		sizes[i] = [3]int{int(le.Uint32(f[12:])), int(le.Uint32(f[16:])), int(le.Uint32(f[20:]))}
	}
	for i := range cols {
		for j, size := range sizes[i] {
			if _, err := d.take(pad8(d.pos) - d.pos); err != nil {
				return nil, err
			}
			buf, err := d.take(size)
			if err != nil {
				return nil, err
			}
			cols[i].buffers[j] = buf
		}
	}
	return cols, nil
}
