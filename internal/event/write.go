package event

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"
)

// Part is some rows of a batch, or all of them, on their way into a frame. The
// columns are taken into the frame straight from the batch, which must not
// change before AppendTo.
type Part struct {
	Rows    int
	batch   *Batch
	rows    []int32 // nil is all
	columns []source
	size    int
}

// source is a column as it is written.
type source struct {
	role    role
	name    string
	epoch   uint32
	centre  float64
	buffers [3]buffer
}

// buffer is what one buffer of a column is made from.
type buffer struct {
	bytes []byte
	how   how
	size  int   // in the frame
	text  *Text // of textEnds and textBytes
}

// how the rows of a part are taken from a buffer.
type how uint8

const (
	asIs how = iota
	words8
	words4
	textEnds
	textBytes
)

func (b *Batch) part(rows []int32) *Part {
	p := &Part{Rows: b.Rows, batch: b, rows: rows}
	if rows != nil {
		p.Rows = len(rows)
	}
	p.columns = make([]source, 0, 10+len(b.Nums)+len(b.Cats))
	p.list()
	p.size = fixedBytes + nameSize(b.Model) + nameSize(b.Positive) + nameSize(b.BatchID)
	for i := range p.columns {
		p.size += 2 + nameSize(p.columns[i].name) + 24
	}
	for i := range p.columns {
		for j := range p.columns[i].buffers {
			p.size = pad8(p.size) + p.columns[i].buffers[j].size
		}
	}
	p.size = pad8(p.size)
	return p
}

// list lists the present columns in the order of their roles.
func (p *Part) list() {
	b := p.batch
	p.text(roleID, &b.ID)
	if len(b.Time) > 0 {
		p.columns = append(p.columns, source{role: roleTime, buffers: [3]buffer{p.words(view(b.Time), words8)}})
	}
	p.dict(roleVersion, &b.Version)
	p.dict(rolePred, &b.Pred)
	p.num(rolePredValue, &b.PredValue)
	p.dict(roleLabel, &b.Label)
	p.num(roleLabelValue, &b.LabelValue)
	p.num(roleScore, &b.Score)
	for i := range b.Scores {
		p.num(roleScores, &b.Scores[i])
	}
	p.num(roleLatency, &b.Latency)
	p.dict(roleErr, &b.Err)
	for i := range b.Segments {
		p.dict(roleSegment, &b.Segments[i])
	}
	for i := range b.Nums {
		p.num(roleNum, &b.Nums[i])
	}
	for i := range b.Cats {
		p.dict(roleCat, &b.Cats[i])
	}
	p.text(roleMessage, &b.Message)
	p.text(roleAttrs, &b.Attrs)
	p.listPoints(&b.Points)
	p.listOf(roleItems, &b.Items)
	p.listOf(roleRelevant, &b.Relevant)
}

// words is a column of words of one size.
func (p *Part) words(b []byte, h how) buffer {
	switch {
	case p.rows == nil || len(b) == 0:
		return whole(b)
	case h == words8:
		return buffer{bytes: b, how: h, size: 8 * p.Rows}
	}
	return buffer{bytes: b, how: h, size: 4 * p.Rows}
}

func whole(b []byte) buffer { return buffer{bytes: b, size: len(b)} }

func (p *Part) text(r role, t *Text) {
	if len(t.Offsets) == 0 {
		return
	}
	ends, data := whole(view(t.Offsets)), whole(t.Data)
	if p.rows != nil {
		size := 0
		for _, row := range p.rows {
			size += int(t.Offsets[row+1] - t.Offsets[row])
		}
		ends = buffer{how: textEnds, text: t, size: 4 * (p.Rows + 1)}
		data = buffer{how: textBytes, text: t, size: size}
	}
	p.columns = append(p.columns, source{role: r, buffers: [3]buffer{ends, data}})
}

func (p *Part) num(r role, n *Num) {
	if !n.Present() && n.Name == "" {
		return
	}
	valid := n.Valid
	if p.rows != nil {
		valid = n.takeValid(p.rows)
	}
	p.columns = append(p.columns, source{role: r, name: n.Name, epoch: n.Epoch, centre: n.Centre,
		buffers: [3]buffer{p.words(view(n.Values), words8), whole(valid), whole(view(n.Others))}})
}

func (p *Part) dict(r role, d *Dict) {
	if !d.Present() && d.Name == "" {
		return
	}
	codes, values := p.words(view(d.Codes), words4), d.Values
	if p.rows != nil && d.muchLarger(p.Rows) {
		taken := d.Take(p.rows)
		codes, values = whole(view(taken.Codes)), taken.Values
	}
	offsets, data := packStrings(values)
	p.columns = append(p.columns, source{role: r, name: d.Name, buffers: [3]buffer{codes, whole(view(offsets)), whole(data)}})
}

func packStrings(values []string) (offsets []uint32, data []byte) {
	size := 0
	for _, v := range values {
		size += len(v)
	}
	offsets, data = make([]uint32, 1, len(values)+1), make([]byte, 0, size)
	for _, v := range values {
		data = append(data, v...)
		offsets = append(offsets, uint32(len(data)))
	}
	return offsets, data
}

func pad8(n int) int { return (n + 7) &^ 7 }

// Size is how many bytes the part takes in the queue.
func (p *Part) Size() int { return p.size }

// AppendTo appends the batch's frame to dst, whose length must be a multiple
// of 8; the frame's length is one too, so frames can stand one after another.
func (b *Batch) AppendTo(dst []byte) []byte { return b.part(nil).AppendTo(dst) }

// AppendTo appends the part's frame to dst, as that of a batch.
func (p *Part) AppendTo(dst []byte) []byte {
	start, b := len(dst), p.batch
	dst = slices.Grow(dst, p.size)
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, magic)
	dst = le.AppendUint32(dst, uint32(p.Rows))
	dst = le.AppendUint64(dst, uint64(p.size))
	dst = le.AppendUint64(dst, uint64(b.Arrived))
	dst = le.AppendUint32(dst, uint32(b.Flags))
	dst = le.AppendUint16(dst, uint16(len(p.columns)))
	dst = append(dst, byte(b.Kind), byte(b.Task))
	dst = le.AppendUint64(dst, b.Generation)
	for _, s := range []string{b.Model, b.Positive, b.BatchID} {
		dst = appendName(dst, s)
	}
	for i := range p.columns {
		c := &p.columns[i]
		dst = append(dst, byte(c.role), 0)
		dst = appendName(dst, c.name)
		dst = le.AppendUint32(dst, c.epoch)
		dst = le.AppendUint64(dst, math.Float64bits(c.centre))
		for j := range c.buffers {
			dst = le.AppendUint32(dst, uint32(c.buffers[j].size))
		}
	}
	for i := range p.columns {
		for j := range p.columns[i].buffers {
			dst = padTo8(dst, start)
			dst = p.columns[i].buffers[j].appendTo(dst, p.rows)
		}
	}
	return padTo8(dst, start)
}

func padTo8(dst []byte, start int) []byte {
	for (len(dst)-start)&7 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

func appendName(dst []byte, s string) []byte {
	if len(s) > maxNameSize {
		s = s[:maxNameSize]
	}
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func nameSize(s string) int { return 2 + min(len(s), maxNameSize) }

func (u *buffer) appendTo(dst []byte, rows []int32) []byte {
	at := len(dst)
	switch u.how {
	case words8:
		dst = dst[:at+u.size]
		gather(words[uint64](dst[at:]), words[uint64](u.bytes), rows)
	case words4:
		dst = dst[:at+u.size]
		gather(words[uint32](dst[at:]), words[uint32](u.bytes), rows)
	case textEnds:
		dst = dst[:at+u.size]
		u.text.ends(words[uint32](dst[at:]), rows)
	case textBytes:
		dst = u.text.appendRows(dst, rows)
	default:
		dst = append(dst, u.bytes...)
	}
	return dst
}

// words is b, which begins at a multiple of the word's size, as words.
func words[T any](b []byte) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// gather takes the given rows.
func gather[T any](to, from []T, rows []int32) {
	to = to[:len(rows)]
	for i, r := range rows {
		to[i] = from[r]
	}
}

// ends are the offsets of a text of the given rows alone.
func (t *Text) ends(to []uint32, rows []int32) {
	end := uint32(0)
	to[0] = 0
	to = to[1:][:len(rows)]
	for i, r := range rows {
		end += t.Offsets[r+1] - t.Offsets[r]
		to[i] = end
	}
}

func (t *Text) appendRows(dst []byte, rows []int32) []byte {
	for _, r := range rows {
		dst = append(dst, t.Data[t.Offsets[r]:t.Offsets[r+1]]...)
	}
	return dst
}
