package segment

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/leewayhq/leeway/internal/queue"
)

// damage is a stretch of a segment file that cannot be read.
type damage struct {
	from, to int64  // positions: the first unreadable entry, the next readable one
	at       int64  // the byte at which it was noticed
	reason   string //
	records  int64  // lost data entries; -1 where it cannot be told
}

// damageAt measures the damage that err reports for the entry at pos. Where the
// header is intact the next entry's place follows from it, and one record is
// lost. Else the next intact header ends the damage, and the sequence numbers
// on both sides tell what was between.
func (r *reader) damageAt(pos int64, seq *uint64, err error) (damage, error) {
	bad := &badBytes{pos, "unreadable"}
	errors.As(err, &bad)
	d := damage{from: pos, to: r.limit, at: bad.pos, reason: bad.reason, records: -1}
	if _, end, err := r.entry(pos); err == nil {
		if _, _, err := r.entry(end); err == nil || end == r.limit {
			d.to, d.records = end, 1
			return d, nil
		}
	}
	next, at, ok, err := r.find(pos + 1)
	if err != nil || !ok {
		return d, err
	}
	d.to = at
	if seq != nil && next.seq >= *seq {
		d.records = int64(next.seq - *seq)
		if next.kind == kindData {
			d.records--
		}
	}
	return d, nil
}

// contents is what a scan found in a segment file.
type contents struct {
	end     int64        // the log goes up to here
	last    queue.Offset // of the last data entry; 0 if there is none
	seq     uint64
	closed  int64 // when it was closed or last written, unix ms
	entries int
	damaged []damage // below end: what was durable once and is not readable now
	torn    int64    // bytes above end, of writes that had not finished
}

// scan reads the whole file and decides where the log ends. Each entry says how
// far the file was durable when it was written. Damage below the highest such
// place is corruption. Damage above it is a write that a crash cut off: the log
// ends there, and what may lie behind was never acknowledged either.
func (r *reader) scan() (contents, error) {
	var (
		c      contents
		synced int64
		before []contents // c as it was at each damage
		found  []damage
	)
	for pos := int64(0); pos < r.limit && !r.trailer(pos); {
		h, end, err := r.entry(pos)
		if err == nil {
			synced = max(synced, h.synced)
			err = r.verify(pos, h)
		}
		switch {
		case err == nil:
			c.add(h, end)
			pos = end
		case !isBad(err):
			return c, err
		default:
			seq := c.seq
			d, err := r.damageAt(pos, &seq, err)
			if err != nil {
				return c, err
			}
			found, before = append(found, d), append(before, c)
			pos = d.to
		}
	}
	for i, d := range found {
		if d.from >= synced {
			c, found = before[i], found[:i]
			c.torn = r.limit - c.end
			break
		}
	}
	c.damaged = found
	return c, nil
}

func (c *contents) add(h header, end int64) {
	c.end, c.seq, c.closed = end, h.seq, h.arrived
	c.entries++
	if h.kind == kindData {
		c.last = h.offset
	}
}

// orderlyEnd looks for the entry that an orderly close leaves at the end of the
// file. It counts only if all before it was durable when it was written.
func (r *reader) orderlyEnd() (c contents, ok bool) {
	const reach = 512 // header, body, trailer and the padding of a block, with room to spare
	for pos := max(0, r.limit-reach); pos < r.limit; pos++ {
		h, at, found, err := r.find(pos)
		if err != nil || !found {
			return c, false
		}
		end := entryEnd(at, h.length)
		var last [endSize]byte
		if h.kind == kindEnd && h.length == endSize && end+trailerSize == r.limit &&
			h.synced == at && r.body(at, h, last[:]) == nil {
			return contents{end: end, last: queue.Offset(binary.LittleEndian.Uint64(last[:])),
				seq: h.seq, closed: h.arrived}, true
		}
		pos = at
	}
	return c, false
}

// startEntry is what the first entry of a segment tells of itself and of the
// segment before.
type startEntry struct {
	ok       bool
	producer uint64
	created  int64        // unix ms
	prevEnd  int64        // how far the segment before goes
	prevLast queue.Offset // last data offset in all segments before; 0 if there is none
	seq      uint64
	end      int64 // where the entry after this one begins
}

func (r *reader) startEntry() (startEntry, error) {
	h, end, err := r.entry(0)
	var b [startSize]byte
	if err == nil && (h.kind != kindStart || h.length != startSize) {
		err = &badBytes{0, "the segment does not begin with a start entry"}
	}
	if err == nil {
		err = r.body(0, h, b[:])
	}
	if isBad(err) {
		return startEntry{}, nil
	} else if err != nil {
		return startEntry{}, err
	}
	return startEntry{
		ok: true, producer: h.producer, created: h.arrived, seq: h.seq, end: end,
		prevEnd:  int64(binary.LittleEndian.Uint64(b[:])),
		prevLast: queue.Offset(binary.LittleEndian.Uint64(b[8:])),
	}, nil
}

// openReader opens a segment file for reading up to its present length.
func openReader(fs vfs.FS, path string, partition uint16, number uint32) (*reader, vfs.File, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open segment: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("size of segment %s: %w", path, err), f.Close())
	}
	return &reader{f: f, segment: number, partition: partition, limit: info.Size()}, f, nil
}
