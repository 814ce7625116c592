package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/zeebo/xxh3"

	"github.com/leewayhq/leeway/internal/queue"
)

// The bytes are described in docs/formats/queue.md.
const (
	formatVersion = 2

	blockSize   = 32 << 10
	chunkHeader = 19 // crc 4, length 2, type 1, log number 4, synced 8
	trailerSize = 11 // what pebble writes behind the last chunk on a clean close

	headerSize = 56
	startSize  = 16 // body of a start entry: end of the segment before, last data offset before
	endSize    = 8  // body of an end entry: last data offset
)

type kind uint8

const (
	kindData  kind = 1
	kindStart kind = 2 // first in every segment
	kindEnd   kind = 3 // last in a segment that was closed in order
)

// header is the first of the two pebble records that make an entry; the body is
// the second. Two records, so that data goes into pebble's blocks without being
// copied together with its header first.
type header struct {
	kind      kind
	partition uint16
	length    uint32 // of the data
	offset    queue.Offset
	producer  uint64
	seq       uint64 // of a data entry; start and end repeat the last one
	arrived   int64
	synced    int64 // everything below this position of the file was durable when the entry was written
	dataSum   uint32
}

// sumOf is the checksum of data. Each chunk has a CRC of its own against flipped
// bits; this one holds the chunks together, and costs a third of a CRC.
func sumOf(b []byte) uint32 { return uint32(xxh3.Hash(b)) }

func castagnoli(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func (h *header) encode(b *[headerSize]byte) {
	le := binary.LittleEndian
	b[0], b[1] = formatVersion, byte(h.kind)
	le.PutUint16(b[2:], h.partition)
	le.PutUint32(b[4:], h.length)
	le.PutUint64(b[8:], uint64(h.offset))
	le.PutUint64(b[16:], h.producer)
	le.PutUint64(b[24:], h.seq)
	le.PutUint64(b[32:], uint64(h.arrived))
	le.PutUint64(b[40:], uint64(h.synced))
	le.PutUint32(b[48:], h.dataSum)
	le.PutUint32(b[52:], castagnoli(b[:52]))
}

func decodeHeader(b *[headerSize]byte) (header, error) {
	le := binary.LittleEndian
	h := header{
		kind: kind(b[1]), partition: le.Uint16(b[2:]), length: le.Uint32(b[4:]),
		offset: queue.Offset(le.Uint64(b[8:])), producer: le.Uint64(b[16:]), seq: le.Uint64(b[24:]),
		arrived: int64(le.Uint64(b[32:])), synced: int64(le.Uint64(b[40:])), dataSum: le.Uint32(b[48:]),
	}
	switch {
	case castagnoli(b[:52]) != le.Uint32(b[52:]):
		return h, fmt.Errorf("entry header fails its checksum")
	case b[0] != formatVersion:
		return h, fmt.Errorf("entry has format version %d, this program knows %d", b[0], formatVersion)
	case h.kind < kindData || h.kind > kindEnd:
		return h, fmt.Errorf("entry is of unknown kind %d", h.kind)
	}
	return h, nil
}

// An offset is the segment's number and the position of the entry in its file,
// so that finding a record takes no index.
func offsetAt(segment uint32, pos int64) queue.Offset {
	return queue.Offset(uint64(segment)<<32 | uint64(pos))
}

func split(o queue.Offset) (segment uint32, pos int64) { return uint32(o >> 32), int64(uint32(o)) }

// bodySize is the length of the body record. No body is as long as a header, so
// that a record of that length is a header wherever a search meets it.
func bodySize(length uint32) int64 {
	if length == headerSize {
		return headerSize + 1
	}
	return int64(length)
}

// entryEnd is where the entry after the one at pos begins.
func entryEnd(pos int64, length uint32) int64 {
	return recordEnd(recordEnd(pos, headerSize), bodySize(length))
}

// recordEnd follows pebble's layout: a chunk never crosses a block, and a block
// with no room for another chunk header is filled with zeros.
func recordEnd(pos, size int64) int64 {
	for {
		pos = alignChunk(pos)
		n := min(size, blockSize-pos%blockSize-chunkHeader)
		last := n == size
		pos, size = pos+chunkHeader+n, size-n
		if last {
			return alignChunk(pos)
		}
	}
}

// alignChunk is the first place at or after pos where a chunk can begin.
func alignChunk(pos int64) int64 {
	if left := blockSize - pos%blockSize; left < chunkHeader {
		return pos + left
	}
	return pos
}
