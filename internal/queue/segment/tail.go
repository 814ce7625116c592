package segment

import (
	"sync"

	"github.com/leewayhq/leeway/internal/queue"
)

// tail is the newest records of a partition in memory. Whoever reads on at the
// end of the log, as the consumer does but for a moment, gets them without the
// disk. It holds an unbroken row of records, from low on, and each becomes
// visible when the segment says that it is durable. Records leave it when a
// reader asks for what comes after them; what does not fit is read from the
// file, as is all that was there before Open.
type tail struct {
	max int // bytes

	mu      sync.Mutex
	records []kept
	bytes   int
	low     queue.Offset // every data record at or above is in records, unless broken
	broken  bool         // a record after the last of records is not there
}

// kept is a record that may not be durable yet.
type kept struct {
	queue.Record
	segment *segment
	end     int64 // where the entry ends in its segment
}

// keptBytes is about what a record takes beside its data.
const keptBytes = 128

func (k *kept) size() int { return len(k.Data) + keptBytes }

// copy is the tail's own copy of data, or nil if it has no room. It is made
// before the partition is locked.
func (t *tail) copy(data []byte) []byte {
	t.mu.Lock()
	fits := t.bytes+len(data)+keptBytes <= t.max && (!t.broken || len(t.records) == 0)
	t.mu.Unlock()
	if !fits || len(data) == 0 {
		return nil
	}
	return append([]byte(nil), data...) // which does not clear the memory first
}

// add takes the next record that was written; without data it is not kept. The
// caller holds the partition's mutex, so that records come in order.
func (t *tail) add(k kept) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken && len(t.records) == 0 && k.Data != nil {
		t.low, t.broken = k.Offset, false
	}
	if t.broken || k.Data == nil || t.bytes+k.size() > t.max {
		t.broken = true
		return
	}
	t.records = append(t.records, k)
	t.bytes += k.size()
}

// read returns the durable records from an offset on, and lets those before it
// go. It knows nothing (false) of what was or has to be read from the disk.
func (t *tail) read(from queue.Offset, maxBytes int) (records []queue.Record, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from < t.low || t.low == 0 {
		return nil, false
	}
	t.drop(from)
	b := batch{max: maxBytes}
	for i := range t.records {
		k := &t.records[i]
		if k.end > k.segment.durable.Load() || b.full(len(k.Data)) {
			return b.records, true
		}
		b.records = append(b.records, k.Record)
		b.bytes += len(k.Data)
	}
	return b.records, len(b.records) > 0 || !t.broken
}

// release lets the records below an offset go.
func (t *tail) release(below queue.Offset) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(below)
}

func (t *tail) drop(below queue.Offset) {
	n := 0
	for n < len(t.records) && t.records[n].Offset < below {
		t.bytes -= t.records[n].size()
		n++
	}
	left := copy(t.records, t.records[n:])
	clear(t.records[left:])
	t.records = t.records[:left]
	t.low = max(t.low, below)
}

func (t *tail) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes
}
