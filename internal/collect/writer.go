package collect

import (
	"context"
	"sync"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/queue"
)

// shareBytes is up to where frames share a record.
const shareBytes = 256 << 10

// writer collects the frames of one partition. While one record is being made
// durable the next fills up; so a lone request waits for one fsync, and a
// thousand at once share two.
type writer struct {
	log       queue.Log
	partition int
	frames    sync.Pool // *[]byte

	mu      sync.Mutex
	arrived sync.Cond // something in buf, room in buf, or closed
	buf     []byte
	waiting []chan error
	closed  bool
}

func newWriter(log queue.Log, partition int) *writer {
	w := &writer{log: log, partition: partition}
	w.arrived.L = &w.mu
	return w
}

// submit hands over a part of a batch; done gets the result once it is durable or lost.
func (w *writer) submit(ctx context.Context, b *event.Part, done chan error) {
	if size := b.Size(); size >= shareBytes {
		if w.isClosed() {
			done <- queue.ErrClosed
			return
		}
		frame := w.room(size)
		*frame = b.AppendTo((*frame)[:0])
		_, err := w.log.Append(ctx, w.partition, *frame)
		w.frames.Put(frame)
		done <- err
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.buf) > shareBytes && !w.closed {
		w.arrived.Wait()
	}
	if w.closed {
		done <- queue.ErrClosed
		return
	}
	w.buf = b.AppendTo(w.buf)
	w.waiting = append(w.waiting, done)
	w.arrived.Broadcast()
}

func (w *writer) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// room is memory for a large frame. The log does not keep it, so it is used
// again: to clear and to fault in fresh memory costs as much as to fill it.
func (w *writer) room(size int) *[]byte {
	frame, _ := w.frames.Get().(*[]byte)
	if frame == nil || cap(*frame) < size {
		room := make([]byte, 0, size+size/4)
		return &room
	}
	return frame
}

// run writes until the writer is closed and empty.
func (w *writer) run() {
	var spare []byte
	for {
		w.mu.Lock()
		for len(w.waiting) == 0 && !w.closed {
			w.arrived.Wait()
		}
		record, waiting := w.buf, w.waiting
		if len(waiting) == 0 {
			w.mu.Unlock()
			return
		}
		w.buf, w.waiting = spare[:0], nil
		w.arrived.Broadcast()
		w.mu.Unlock()
		_, err := w.log.Append(context.Background(), w.partition, record)
		for _, done := range waiting {
			done <- err
		}
		spare = record
	}
}

func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.arrived.Broadcast()
}
