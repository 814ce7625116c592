package join

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/leewayhq/leeway/internal/event"
)

// slotBytes is the unit of the files; an entry takes one slot, one more with
// segments, and with extra bytes as many as these need.
const slotBytes = 48

// mapStep is by how much the mapping of a file grows at least.
const mapStep = 1 << 20

// flushBytes is how much waits in memory to be written: few enough bytes that
// they are still near the core when they are.
const flushBytes = 256 << 10

// bucket is one file: what is written is read through a mapping, what is not
// yet written lies in tail.
type bucket struct {
	name    string
	file    *os.File
	start   int64
	base    uint64 // number of the first slot
	written uint64 // slots in the file
	synced  uint64 // of these, slots that are durable
	open    int64
	mapped  []byte
	tail    []byte
	fresh   bool // the folder does not know the file durably yet
}

func openBucket(name string, st BucketState) (*bucket, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	b := &bucket{name: name, file: f, start: st.Start, base: st.Base, written: st.Slots, synced: st.Slots, open: st.Open, fresh: st.Slots == 0}
	info, err := f.Stat()
	want := int64(st.Slots) * slotBytes
	if err == nil && info.Size() < want {
		err = fmt.Errorf("%w: %s has %d bytes, %d were committed", ErrDamaged, name, info.Size(), want)
	}
	if err == nil {
		err = f.Truncate(want)
	}
	if err == nil {
		err = b.remap()
	}
	if err == nil {
		err = b.verify()
	}
	if err != nil {
		b.close()
		return nil, fmt.Errorf("join: %w", err)
	}
	return b, nil
}

// remap makes the mapping cover what is written. Pages past the end of the file
// are mapped too, so that it need not be done at each step; they are not read.
func (b *bucket) remap() error {
	need := int(b.written) * slotBytes
	if need <= len(b.mapped) {
		return nil
	}
	if b.mapped != nil {
		if err := unix.Munmap(b.mapped); err != nil {
			return err
		}
		b.mapped = nil
	}
	size := (need + need/2 + mapStep) &^ (mapStep - 1)
	m, err := unix.Mmap(int(b.file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	b.mapped = m
	return err
}

func (b *bucket) end() uint64 { return b.base + b.written + uint64(len(b.tail))/slotBytes }

// at is the bytes from a slot on: two slots where there are two.
func (b *bucket) at(slot uint64) []byte {
	i := slot - b.base
	if i >= b.written {
		return b.tail[(i-b.written)*slotBytes:]
	}
	return b.mapped[i*slotBytes : b.written*slotBytes]
}

// append encodes an entry behind the others and returns its slot.
func (b *bucket) append(e *Entry) (uint64, error) {
	if len(b.tail) >= flushBytes {
		if err := b.flush(); err != nil {
			return 0, err
		}
	}
	slot := b.end()
	if b.tail == nil {
		b.tail = make([]byte, 0, flushBytes+2*slotBytes)
	}
	b.tail = appendEntry(b.tail, e)
	return slot, nil
}

// flush writes the tail.
func (b *bucket) flush() error {
	if len(b.tail) == 0 {
		return nil
	}
	if _, err := b.file.WriteAt(b.tail, int64(b.written)*slotBytes); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	b.written += uint64(len(b.tail)) / slotBytes
	b.tail = b.tail[:0]
	if err := b.remap(); err != nil {
		return fmt.Errorf("join: mapping %s: %w", b.name, err)
	}
	return nil
}

// sync writes what is left and makes all of it durable.
func (b *bucket) sync() error {
	if err := b.flush(); err != nil || b.written == b.synced {
		return err
	}
	if err := unix.Fdatasync(int(b.file.Fd())); err != nil {
		return fmt.Errorf("join: syncing %s: %w", b.name, err)
	}
	if b.fresh {
		if err := syncDir(filepath.Dir(b.name)); err != nil {
			return fmt.Errorf("join: %w", err)
		}
		b.fresh = false
	}
	b.synced = b.written
	return nil
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (b *bucket) close() {
	if b.mapped != nil {
		_ = unix.Munmap(b.mapped)
		b.mapped = nil
	}
	_ = b.file.Close()
}

// eachEntry calls fn for every written entry, in order.
func (b *bucket) eachEntry(fn func(slot uint64, h event.Hash)) {
	for i := uint64(0); i < b.written; i++ {
		s := b.mapped[i*slotBytes:]
		fn(b.base+i, hashOf(s))
		if flagsOf(s)&(hasSegments|hasExtra) != 0 {
			i += more(b.mapped[i*slotBytes : b.written*slotBytes])
		}
	}
}

// verify checks the sum of every slot of a bucket that was just opened.
func (b *bucket) verify() error {
	for i := uint64(0); i < b.written; i++ {
		s := b.mapped[i*slotBytes : (i+1)*slotBytes]
		if binary.LittleEndian.Uint32(s[44:]) != sum(s[:44]) {
			return fmt.Errorf("%w: %s: wrong checksum at byte %d", ErrDamaged, b.name, i*slotBytes)
		}
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// payload is what a slot holds beside its checksum.
const payload = slotBytes - 4

// extraSlots is how many slots n extra bytes take, with their length in front.
func extraSlots(n int) int { return (2 + n + payload - 1) / payload }

// more is how many slots follow the first one of an entry.
func more(s []byte) (n uint64) {
	if flagsOf(s)&hasSegments != 0 {
		n++
	}
	if rest := s[min(uint64(len(s)), (1+n)*slotBytes):]; flagsOf(s)&hasExtra != 0 && len(rest) >= slotBytes {
		n += uint64(extraSlots(int(binary.LittleEndian.Uint16(rest))))
	}
	return n
}

// A slot: hash 16, value 8, label 8, window 4, meta and flags 4, predicted class 4,
// checksum 4. A second slot has up to 11 segments, 4 each, and its own checksum.
// Extra bytes stand behind, their length (2) first, 44 a slot and a checksum.
func appendEntry(dst []byte, e *Entry) []byte {
	le := binary.LittleEndian
	flags, size := e.Flags, slotBytes
	if len(e.Segments) > 0 {
		flags, size = flags|hasSegments, 2*slotBytes
	}
	if len(e.Extra) > 0 {
		flags |= hasExtra
	}
	dst = slices.Grow(dst, size)[:len(dst)+size]
	s := dst[len(dst)-size:]
	le.PutUint64(s[0:], e.Hash.Hi)
	le.PutUint64(s[8:], e.Hash.Lo)
	le.PutUint64(s[16:], math.Float64bits(e.Value))
	le.PutUint64(s[24:], e.Label)
	le.PutUint32(s[32:], e.Window)
	le.PutUint32(s[36:], e.Meta<<8|uint32(flags))
	le.PutUint32(s[40:], e.Class)
	le.PutUint32(s[44:], sum(s[:44]))
	if flags&(hasSegments|hasExtra) == 0 {
		return dst
	}
	if flags&hasSegments != 0 {
		putSegments(s[slotBytes:], e.Segments)
	}
	if flags&hasExtra != 0 {
		dst = appendExtra(dst, e.Extra)
	}
	return dst
}

func putSegments(t []byte, segments []uint32) {
	le := binary.LittleEndian
	clear(t)
	n := min(len(segments), MaxSegments)
	for i, name := range segments[:n] {
		le.PutUint32(t[i*4:], name+1) // 0 ends the list
	}
	le.PutUint32(t[44:], sum(t[:44]))
}

func appendExtra(dst, extra []byte) []byte {
	extra = extra[:min(len(extra), MaxExtra)]
	le := binary.LittleEndian
	var slot [slotBytes]byte
	le.PutUint16(slot[:], uint16(len(extra)))
	for at := 2; at == 2 || len(extra) > 0; at = 0 {
		n := copy(slot[at:payload], extra)
		clear(slot[at+n : payload])
		extra = extra[n:]
		le.PutUint32(slot[payload:], sum(slot[:payload]))
		dst = append(dst, slot[:]...)
	}
	return dst
}

// readExtra appends the extra bytes that begin at a slot.
func readExtra(to, s []byte) []byte {
	left := int(binary.LittleEndian.Uint16(s))
	for at := 2; left > 0 && len(s) >= slotBytes; at = 0 {
		n := min(left, payload-at)
		to = append(to, s[at:at+n]...)
		left -= n
		s = s[slotBytes:]
	}
	return to
}

func hashOf(s []byte) event.Hash {
	return event.Hash{Hi: binary.LittleEndian.Uint64(s), Lo: binary.LittleEndian.Uint64(s[8:])}
}

func flagsOf(s []byte) Flags { return Flags(s[36]) }

func decodeEntry(s []byte, e *Entry) {
	le := binary.LittleEndian
	segments, extra := e.Segments[:0], e.Extra[:0]
	*e = Entry{
		Hash:   hashOf(s),
		Value:  math.Float64frombits(le.Uint64(s[16:])),
		Label:  le.Uint64(s[24:]),
		Window: le.Uint32(s[32:]),
		Meta:   le.Uint32(s[36:]) >> 8,
		Class:  le.Uint32(s[40:]),
		Flags:  flagsOf(s) &^ (hasSegments | hasExtra),
	}
	if flagsOf(s)&hasExtra != 0 {
		at := slotBytes
		if flagsOf(s)&hasSegments != 0 {
			at = 2 * slotBytes
		}
		extra = readExtra(extra, s[at:])
	}
	if flagsOf(s)&hasSegments != 0 {
		for t := s[slotBytes:]; len(segments) < MaxSegments; t = t[4:] {
			name := le.Uint32(t)
			if name == 0 {
				break
			}
			segments = append(slices.Grow(segments, 1), name-1)
		}
	}
	e.Segments, e.Extra = segments, extra
}
