package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Arrow decodes an Arrow IPC stream. Numbers of 64 bits are not copied: the
// batch shares the body's memory.
func Arrow(body []byte, o *Options) (res *Result, err error) {
	if o, err = o.resolve(body); err != nil {
		return nil, err
	}
	defer recovered("Arrow stream", &err)
	if bytes.HasPrefix(body, []byte("ARROW1")) {
		return nil, unreadable("this is an Arrow file, a stream was expected")
	}
	mem := newBoundedMemory(&o.Limits)
	messages := &messageReader{buf: body}
	r, err := ipc.NewReaderFromMessageReader(messages, ipc.WithAllocator(mem))
	if err != nil {
		return nil, streamError(messages, err)
	}
	schema := r.Schema()
	names := make([]string, schema.NumFields())
	lists := make([]bool, len(names))
	for i, f := range schema.Fields() {
		if lists[i] = o.arrowList(f); !lists[i] && !supported(f.Type) {
			return nil, unreadable("column %s is of type %s, which cannot be used; leave it out", clip(f.Name), clip(f.Type.String()))
		}
		names[i] = f.Name
	}
	p, err := o.plan(names, lists...)
	if err != nil {
		return nil, err
	}
	columns := make([]arrowColumn, len(names))
	for r.Next() {
		rec := r.RecordBatch()
		if rec.NumRows() > int64(o.Limits.Rows) {
			return nil, &LimitError{What: "rows in one request", Limit: int64(o.Limits.Rows)}
		}
		for i := range columns {
			a := rec.Column(i)
			if int64(a.Len()) != rec.NumRows() {
				return nil, unreadable("column %s has %d of %d rows", clip(names[i]), a.Len(), rec.NumRows())
			}
			a.Retain() // for as long as the batch lives; the collector frees it
			columns[i].chunks = append(columns[i].chunks, a)
			columns[i].n += a.Len()
		}
		messages.rows += int(rec.NumRows())
		if err := o.shape(messages.rows, len(names)); err != nil {
			return nil, err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, streamError(messages, err)
	}
	return arrowTable(o, p, columns, messages.rows), nil
}

func streamError(m *messageReader, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	return &SyntaxError{Offset: int64(m.last), Reason: fmt.Sprintf("not a readable Arrow stream: the message at byte %d: %v", m.last, err)}
}

func arrowTable(o *Options, p *plan, columns []arrowColumn, rows int) *Result {
	t := newTable(o, rows)
	t.report = p.warnings
	for i := range columns {
		c := &columns[i]
		if p.roles[i] == roleNone {
			continue
		}
		if len(c.chunks) > 0 {
			t.add(p.roles[i], p.names[i], c)
		}
	}
	return t.finish()
}

// recovered turns a panic of a library on bytes it did not expect into an error.
func recovered(what string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	if e, ok := r.(error); ok && errors.Is(e, ErrTooLarge) {
		*err = e
		return
	}
	*err = unreadable("not a readable %s: %v", what, r)
}

// boundedMemory bounds what a body may unfold to at one time.
type boundedMemory struct {
	memory.GoAllocator
	left  atomic.Int64
	limit int64
}

func newBoundedMemory(l *Limits) *boundedMemory {
	m := &boundedMemory{limit: 4 * l.BodyBytes}
	m.left.Store(m.limit)
	return m
}

func (m *boundedMemory) take(n int) {
	if m.left.Add(-int64(n)) < 0 || n < 0 {
		panic(error(&LimitError{What: "bytes after decompression", Limit: m.limit}))
	}
}

// Allocate implements memory.Allocator.
func (m *boundedMemory) Allocate(size int) []byte {
	m.take(size)
	return m.GoAllocator.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (m *boundedMemory) Reallocate(size int, b []byte) []byte {
	m.take(size - min(len(b), size))
	return m.GoAllocator.Reallocate(size, b)
}

// Free implements memory.Allocator.
func (m *boundedMemory) Free(b []byte) { m.left.Add(int64(len(b))) }

// messageReader cuts a stream that is in memory into its messages.
type messageReader struct {
	buf  []byte
	pos  int
	last int // where the message in hand begins
	rows int
}

// Retain implements ipc.MessageReader.
func (*messageReader) Retain() {}

// Release implements ipc.MessageReader.
func (*messageReader) Release() {}

// Message implements ipc.MessageReader.
func (m *messageReader) Message() (*ipc.Message, error) {
	m.last = m.pos
	size, err := m.length()
	if err != nil {
		return nil, err
	}
	if size == ^uint32(0) {
		if size, err = m.length(); err != nil {
			return nil, err
		}
	}
	if size == 0 {
		return nil, io.EOF
	}
	meta, err := m.take(int64(size))
	if err != nil {
		return nil, err
	}
	if err := checkMetadata(meta); err != nil {
		return nil, err
	}
	head := ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(nil))
	body, err := m.take(head.BodyLen())
	if err != nil {
		return nil, err
	}
	return ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(aligned(body))), nil
}

func (m *messageReader) length() (uint32, error) {
	if m.pos == len(m.buf) && m.pos > 0 {
		return 0, nil // a stream may end without its end mark
	}
	b, err := m.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (m *messageReader) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(m.buf)-m.pos) {
		return nil, fmt.Errorf("%d bytes were announced, %d are left", n, len(m.buf)-m.pos)
	}
	m.pos += int(n)
	return m.buf[m.pos-int(n) : m.pos : m.pos], nil
}

// aligned is b where words of 64 bits can be read from it.
func aligned(b []byte) []byte {
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))&7 == 0 {
		return b
	}
	words := make([]uint64, (len(b)+7)/8)
	return append(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:0], b...)
}

func supported(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRUCT, arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW, arrow.MAP,
		arrow.SPARSE_UNION, arrow.DENSE_UNION, arrow.EXTENSION, arrow.RUN_END_ENCODED,
		arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO:
		return false
	case arrow.DICTIONARY:
		return supported(t.(*arrow.DictionaryType).ValueType) && t.(*arrow.DictionaryType).ValueType.ID() != arrow.DICTIONARY
	}
	return true
}
