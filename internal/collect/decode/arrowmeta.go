package decode

import (
	"encoding/binary"
	"errors"
)

// The Arrow library believes the lengths that a message's metadata (a
// FlatBuffer) announces and allocates by them, and an allocation that large
// ends the process without a panic to catch. So each message is walked first:
// every table, vector and string must lie inside the metadata, and since they
// may be shared, what is reached is counted, not only what is stored.
// The layout is that of Message.fbs and Schema.fbs of Arrow's format 1.5.

var errMetadata = errors.New("its metadata points outside itself, or holds too much")

// metadata walks one message.
type metadata struct {
	buf   []byte
	nodes int // tables that may still be visited
	chars int // bytes of strings that may still be read
}

const (
	maxNodes      = 16 << 10
	maxFieldDepth = 4
	elemOffset    = 4
	elemLong      = 8
	elemPair      = 16 // FieldNode and Buffer: two longs
)

// checkMetadata tells whether the library may read a message's metadata.
func checkMetadata(buf []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errMetadata // an index outside the metadata
		}
	}()
	m := &metadata{buf: buf, nodes: maxNodes, chars: len(buf) + 64<<10}
	m.message(m.follow(0))
	return nil
}

// reject ends the walk.
func (m *metadata) reject() { panic(errMetadata) }

func (m *metadata) u16(i int) int { return int(binary.LittleEndian.Uint16(m.buf[i:])) }
func (m *metadata) u32(i int) int { return int(binary.LittleEndian.Uint32(m.buf[i:])) }

// follow is where the offset at i points.
func (m *metadata) follow(i int) int { return i + m.u32(i) }

// field is where field n of the table at t stands, or 0 when it is absent.
func (m *metadata) field(t, n int) int {
	vtable := t - int(int32(m.u32(t)))
	slot := 4 + 2*n
	if slot >= m.u16(vtable) { // as the library compares, odd sizes and all
		return 0
	}
	o := m.u16(vtable + slot)
	if o == 0 {
		return 0
	}
	_ = m.buf[t+o]
	return t + o
}

// table is the table that field n of the one at t points to, or 0.
func (m *metadata) table(t, n int) int {
	at := m.field(t, n)
	if at == 0 {
		return 0
	}
	if m.nodes--; m.nodes < 0 {
		m.reject()
	}
	return m.follow(at)
}

// vector is the first element and the length of field n's vector.
func (m *metadata) vector(t, n, elem int) (first, length int) {
	at := m.field(t, n)
	if at == 0 {
		return 0, 0
	}
	v := m.follow(at)
	length, first = m.u32(v), v+4
	if length > (len(m.buf)-first)/elem {
		m.reject()
	}
	return first, length
}

// tables calls fn for each table of field n's vector.
func (m *metadata) tables(t, n int, fn func(int)) {
	first, length := m.vector(t, n, elemOffset)
	if m.nodes -= length; m.nodes < 0 {
		m.reject()
	}
	for i := range length {
		fn(m.follow(first + i*elemOffset))
	}
}

func (m *metadata) text(t, n int) {
	_, length := m.vector(t, n, 1)
	if m.chars -= length; m.chars < 0 {
		m.reject()
	}
}

func (m *metadata) keyValues(t, n int) {
	m.tables(t, n, func(kv int) {
		m.text(kv, 0)
		m.text(kv, 1)
	})
}

func (m *metadata) message(t int) {
	m.keyValues(t, 4)
	kind, header := 0, m.table(t, 2)
	if at := m.field(t, 1); at > 0 {
		kind = int(m.buf[at])
	}
	if header == 0 {
		m.reject()
	}
	switch kind {
	case 1:
		m.schema(header)
	case 2:
		if data := m.table(header, 1); data > 0 {
			m.recordBatch(data)
		}
	case 3:
		m.recordBatch(header)
	default:
		m.reject()
	}
}

func (m *metadata) schema(t int) {
	m.tables(t, 1, func(f int) { m.schemaField(f, 0) })
	m.keyValues(t, 2)
	m.vector(t, 3, elemLong)
}

func (m *metadata) schemaField(t, depth int) {
	if depth > maxFieldDepth {
		m.reject()
	}
	m.text(t, 0)
	if typ := m.table(t, 3); typ > 0 {
		if at := m.field(t, 2); at > 0 && m.buf[at] == unionType {
			m.vector(typ, 1, elemOffset)
		}
		if at := m.field(t, 2); at > 0 && m.buf[at] == timestampType {
			m.text(typ, 1)
		}
	}
	if d := m.table(t, 4); d > 0 {
		m.table(d, 1)
	}
	m.tables(t, 5, func(f int) { m.schemaField(f, depth+1) })
	m.keyValues(t, 6)
}

const (
	timestampType = 10
	unionType     = 14
)

func (m *metadata) recordBatch(t int) {
	m.vector(t, 1, elemPair)
	m.vector(t, 2, elemPair)
	m.table(t, 3)
	m.vector(t, 4, elemLong)
}
