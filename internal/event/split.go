package event

import (
	"github.com/zeebo/xxh3"
)

// Hash is what stands for a row's (model, id): 128 bits, so that two ids never
// meet by accident among billions.
type Hash struct{ Hi, Lo uint64 }

// ModelSeed starts the hashes of one model's ids.
func ModelSeed(model string) uint64 { return xxh3.HashString(model) }

// Seed starts the hashes of the ids of the header's model.
func (h *Header) Seed() uint64 { return ModelSeed(h.Model) ^ h.Generation*0x9e3779b97f4a7c15 }

// HashID is the hash of an id under its model's seed.
func HashID(seed uint64, id []byte) Hash {
	h := xxh3.Hash128Seed(id, seed)
	return Hash{h.Hi, h.Lo}
}

// Partition is where a row with this hash lives among parts: a prediction and
// its label must meet.
func (h Hash) Partition(parts int) int { return int(h.Hi % uint64(parts)) }

// Split cuts the batch so that each row stands in its id's partition. A batch
// without ids goes whole to the partition of its batch id, or of its model and
// time of arrival. Partitions without rows are nil.
func (b *Batch) Split(parts int) []*Part {
	out := make([]*Part, parts)
	if parts > 1 && b.Kind == Samples {
		b.splitRows(out, b.Points.partition(parts))
		return out
	}
	if parts == 1 || !b.HasIDs() {
		out[b.wholePartition(parts)] = b.part(nil)
		return out
	}
	b.splitRows(out, b.rowsOf(parts))
	return out
}

// splitRows makes the parts of the rows of each partition.
func (b *Batch) splitRows(out []*Part, parts [][]int32) {
	for p, rows := range parts {
		switch len(rows) {
		case 0:
		case b.Rows:
			out[p] = b.part(nil)
		default:
			out[p] = b.part(rows)
		}
	}
}

// rowsOf lists the rows of each partition.
func (b *Batch) rowsOf(parts int) [][]int32 {
	rows := make([][]int32, parts)
	for p := range rows {
		rows[p] = make([]int32, 0, b.Rows/parts+b.Rows/(8*parts)+8)
	}
	seed := b.Seed()
	for i := range b.Rows {
		p := HashID(seed, b.ID.At(i)).Partition(parts)
		rows[p] = append(rows[p], int32(i))
	}
	return rows
}

func (b *Batch) wholePartition(parts int) int {
	h := xxh3.HashString(b.Model) + uint64(b.Arrived)
	if b.BatchID != "" {
		h = xxh3.HashString(b.BatchID)
	}
	return int(h % uint64(parts))
}

// Take is a batch of the given rows, in their order.
func (b *Batch) Take(rows []int32) *Batch {
	out := &Batch{Header: b.Header, Rows: len(rows)}
	out.ID, out.Message, out.Attrs = b.ID.take(rows), b.Message.take(rows), b.Attrs.take(rows)
	out.Time = taken(b.Time, rows)
	out.Version, out.Pred, out.Label, out.Err = b.Version.Take(rows), b.Pred.Take(rows), b.Label.Take(rows), b.Err.Take(rows)
	out.PredValue, out.LabelValue = b.PredValue.Take(rows), b.LabelValue.Take(rows)
	out.Score, out.Latency = b.Score.Take(rows), b.Latency.Take(rows)
	out.Scores, out.Nums = takeNums(b.Scores, rows), takeNums(b.Nums, rows)
	out.Items, out.Relevant = b.Items.Take(rows), b.Relevant.Take(rows)
	out.Segments, out.Cats = takeDicts(b.Segments, rows), takeDicts(b.Cats, rows)
	out.Points = b.Points.take(rows)
	return out
}

func taken[T any](from []T, rows []int32) []T {
	if len(from) == 0 {
		return nil
	}
	to := make([]T, len(rows))
	gather(to, from, rows)
	return to
}

func takeNums(from []Num, rows []int32) []Num {
	to := make([]Num, len(from))
	for i := range from {
		to[i] = from[i].Take(rows)
	}
	return to
}

func takeDicts(from []Dict, rows []int32) []Dict {
	to := make([]Dict, len(from))
	for i := range from {
		to[i] = from[i].Take(rows)
	}
	return to
}

// Take is the column's given rows.
func (n *Num) Take(rows []int32) Num {
	return Num{Name: n.Name, Centre: n.Centre, Epoch: n.Epoch, Others: n.Others, Values: taken(n.Values, rows), Valid: n.takeValid(rows)}
}

// takeValid is the bitmap of the given rows, nil when none is null.
func (n *Num) takeValid(rows []int32) []byte {
	if n.Valid == nil {
		return nil
	}
	out := Num{Values: n.Values[:len(rows)]}
	for i, r := range rows {
		if n.Null(int(r)) {
			out.SetNull(i)
		}
	}
	return out.Valid
}

// Take is the column's given rows. The dictionary is shared unless it is much
// larger than what the rows can use.
func (d *Dict) Take(rows []int32) Dict {
	out := Dict{Name: d.Name, Codes: taken(d.Codes, rows), Values: d.Values}
	if d.muchLarger(len(rows)) {
		out.compact()
	}
	return out
}

// muchLarger tells of a dictionary of which so many rows cannot use the half.
func (d *Dict) muchLarger(rows int) bool { return len(d.Values) > 2*rows+16 }

// compact drops the values that no row uses.
func (d *Dict) compact() {
	remap := make(map[int32]int32, len(d.Codes))
	values := make([]string, 0, len(d.Codes))
	for i, code := range d.Codes {
		if code < 0 {
			continue
		}
		to, ok := remap[code]
		if !ok {
			to = int32(len(values))
			remap[code] = to
			values = append(values, d.Values[code])
		}
		d.Codes[i] = to
	}
	d.Values = values
}

func (t *Text) take(rows []int32) Text {
	if len(t.Offsets) == 0 {
		return Text{}
	}
	size := 0
	for _, r := range rows {
		size += int(t.Offsets[r+1] - t.Offsets[r])
	}
	out := Text{Offsets: make([]uint32, len(rows)+1), Data: make([]byte, 0, size)}
	t.ends(out.Offsets, rows)
	out.Data = t.appendRows(out.Data, rows)
	return out
}
