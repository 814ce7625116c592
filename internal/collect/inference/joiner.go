package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/queue"
)

// joiner reads the log and joins halves. Run's goroutine owns it.
type joiner struct {
	collector *Collector
	next      queue.Offset // to be read
	saved     queue.Offset // everything below has passed the door
	savedAt   time.Time
	waiting   map[string]*waitingHalf
	order     []*waitingHalf // as they were read; those that are done stay until they are first
	bytes     int64
	out       output
}

type waitingHalf struct {
	*Half
	offset queue.Offset
	done   bool
}

// overhead is the memory of a waiting half beside its payload, about.
const overhead = 512

// How the log is read.
const (
	readBytes = 4 << 20
	tick      = 250 * time.Millisecond // between looks at who has waited too long
	saveEvery = time.Second
)

// position is what is kept on disk.
type position struct {
	Next uint64 `json:"next"`
}

func (j *joiner) file() string { return filepath.Join(j.collector.cfg.Dir, "position.json") }

func (j *joiner) open() error {
	j.waiting = map[string]*waitingHalf{}
	j.out.collector = j.collector
	text, err := os.ReadFile(j.file())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var p position
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return fmt.Errorf("inference: %s: %w", j.file(), err)
	}
	j.next, j.saved = queue.Offset(p.Next), queue.Offset(p.Next)
	return nil
}

// Run joins until the context ends. What waits then waits again at the next
// start.
func (c *Collector) Run(ctx context.Context) {
	j := &c.joiner
	for ctx.Err() == nil {
		records, err := j.read(ctx)
		if err != nil {
			j.goOn(ctx, err)
			continue
		}
		for i := range records {
			j.take(&records[i])
		}
		if len(records) == 0 {
			j.expire(c.cfg.Now().UnixMilli())
		}
		if !j.out.flush(ctx) {
			return // what was not put is read again
		}
		j.save(false)
	}
	j.save(true)
}

// read waits for records, but not for longer than a tick.
func (j *joiner) read(ctx context.Context) ([]queue.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, tick)
	defer cancel()
	records, err := j.collector.cfg.Log.Read(ctx, 0, j.next, readBytes)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil, nil
	}
	return records, err
}

// goOn passes over what cannot be read, and says so.
func (j *joiner) goOn(ctx context.Context, err error) {
	c := j.collector
	var trimmed *queue.TrimmedError
	var corrupt *queue.CorruptError
	reason := "error"
	switch {
	case errors.As(err, &trimmed):
		reason, j.next = "trimmed", trimmed.First
	case errors.As(err, &corrupt) && corrupt.To > j.next:
		reason, j.next = "corrupt", corrupt.To
	case errors.Is(err, queue.ErrBeyond):
		if _, end, e := c.cfg.Log.Bounds(0); e == nil {
			reason, j.next = "beyond", end
		}
	}
	c.cfg.Logger.Error("inference events cannot be read", "reason", reason, "next", uint64(j.next), "err", err)
	c.metrics.lost.WithLabelValues(reason).Inc()
	select {
	case <-ctx.Done():
	case <-time.After(tick):
	}
}

// take joins the halves of one record.
func (j *joiner) take(r *queue.Record) {
	c := j.collector
	j.next = r.Offset + 1
	halves, err := parseRecord(r.Data, r.Arrived)
	if err != nil {
		c.metrics.lost.WithLabelValues("record").Inc()
		c.cfg.Logger.Error("a record of inference events cannot be read", "offset", uint64(r.Offset), "err", err)
	}
	j.expire(r.Arrived)
	for _, h := range halves {
		j.join(h, r.Offset)
	}
	for j.bytes > c.cfg.MaxWaiting {
		if !j.first("memory") {
			break
		}
	}
}

func (j *joiner) join(h *Half, at queue.Offset) {
	key := h.key()
	other := j.waiting[key]
	switch {
	case other == nil:
		w := &waitingHalf{Half: h, offset: at}
		j.waiting[key] = w
		j.order = append(j.order, w)
		j.count(h, 1)
	case other.Response == h.Response: // a broker may deliver twice
		j.out.leftOut(h, "repeated", 1)
	default:
		request, response := h, other.Half
		if h.Response {
			request, response = other.Half, h
		}
		j.done(key, other)
		j.out.add(request, response)
	}
}

// count keeps the sum of what waits.
func (j *joiner) count(h *Half, sign int64) {
	j.bytes += sign * int64(len(h.payload)+overhead)
	j.collector.metrics.waiting.Set(float64(len(j.waiting)))
	j.collector.metrics.bytes.Set(float64(j.bytes))
}

func (j *joiner) done(key string, w *waitingHalf) {
	delete(j.waiting, key)
	j.count(w.Half, -1)
	w.done, w.Half = true, nil
}

// expire lets go who has waited too long by this time, unix ms. A clock that
// was set back makes nobody wait for ever.
func (j *joiner) expire(now int64) {
	wait := j.collector.cfg.Wait.Milliseconds()
	for len(j.order) > 0 {
		if w := j.order[0]; !w.done && now-w.arrived < wait && w.arrived-now <= wait {
			return
		}
		j.first("time")
	}
}

// first removes the first in order, and sends it on alone if it waits still.
func (j *joiner) first(reason string) bool {
	if len(j.order) == 0 {
		return false
	}
	w := j.order[0]
	j.order[0] = nil
	j.order = j.order[1:]
	if w.done {
		return true
	}
	h := w.Half
	j.done(h.key(), w)
	j.collector.metrics.alone.WithLabelValues(j.collector.metrics.model(h.Service), halfName(h.Response), reason).Inc()
	if h.Response {
		j.out.add(nil, h)
	} else {
		j.out.add(h, nil)
	}
	return true
}

// save keeps the place of the first half that waits, at most once a second.
// The log may then forget what is below.
func (j *joiner) save(now bool) {
	c := j.collector
	place := j.next
	for len(j.order) > 0 && j.order[0].done {
		j.order = j.order[1:]
	}
	if len(j.order) > 0 {
		place = j.order[0].offset
	}
	if place <= j.saved || !now && time.Since(j.savedAt) < saveEvery {
		return
	}
	j.savedAt = time.Now()
	if err := j.write(place); err != nil {
		c.cfg.Logger.Error("the place of the inference log was not saved", "err", err)
		return
	}
	j.saved = place
	if err := c.cfg.Log.Trim(0, place); err != nil {
		c.cfg.Logger.Warn("the inference log was not trimmed", "err", err)
	}
}

func (j *joiner) write(place queue.Offset) error {
	text, err := json.Marshal(position{uint64(place)})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(j.collector.cfg.Dir, "position")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), j.file())
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// version of a half by its service's annotations.
func (h *Half) annotated(m *Mapping) string {
	if name, ok := strings.CutPrefix(m.Version, "annotation:"); ok {
		return h.Annotations[name]
	}
	return ""
}
