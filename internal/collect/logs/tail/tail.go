// Package tail follows log files by pattern, and sends each line once.
//
// One goroutine, Run's, looks at all files every quarter of a second. It takes
// whole lines from where each file stands, up to a bound for all of them
// together: a round. Before a round goes to the door its id and the ranges of
// its files are on disk; after it their positions move. So a start after a
// crash sends the same bytes under the same batch id, which counts once. The
// file of positions is docs/formats/logs.md.
//
// A file is known by device, inode and its first bytes, not by its name: one
// that was renamed is read to its end; one that was truncated, or whose
// beginning changed, begins anew. A line without its end waits for it, until
// the file is renamed or removed.
package tail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
)

// Tail follows files.
type Tail struct {
	cfg     Config
	sink    *logs.Sink
	metrics *metrics
	sets    []*set
	files   map[identity]*file
	order   []*file // by first sight; rounds begin at next
	next    int
	kept    *positions
	buf     []byte
	known   map[string]bool // patterns that the file of positions knew
	scanned bool
	dirty   bool // positions moved since they were saved
}

// set is one entry of the configuration.
type set struct {
	FileConfig
	parser *logs.Parser
}

// identity tells a file from others while it exists.
type identity struct {
	Dev, Ino uint64
}

// file is one that is followed.
type file struct {
	id    identity
	path  string
	set   *set
	f     *os.File
	print print
	pos   int64 // all before it was taken
	skip  bool  // pos is inside a line that was cut: it ends at the next line end
	size  int64 // when last looked at
	grown time.Time
	gone  bool // no pattern leads to it any more
}

// Open reads the positions and sends what a crash may have left in doubt once
// Run begins.
func Open(cfg Config) (*Tail, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sink, err := logs.NewSink(logs.SinkConfig{Source: "file", Put: cfg.Put, Now: cfg.Now, Registerer: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	t := &Tail{cfg: cfg, sink: sink, files: map[identity]*file{}, buf: make([]byte, chunkBytes), known: map[string]bool{}}
	for i := range cfg.Files {
		p, err := logs.NewParser(cfg.Files[i].Parse)
		if err != nil {
			return nil, err
		}
		t.sets = append(t.sets, &set{FileConfig: cfg.Files[i], parser: p})
	}
	if t.kept, err = load(cfg.Dir); err != nil {
		return nil, err
	}
	if t.kept == nil {
		t.kept = &positions{Version: positionsVersion}
	}
	for _, p := range t.kept.Patterns {
		t.known[p] = true
	}
	t.metrics = newMetrics(cfg.Registerer)
	return t, nil
}

// chunkBytes is what is read of a file at a time: more than the longest line
// and the longest joined text, so that each read gets on.
const chunkBytes = 4 * logs.MaxLine

// Run follows until ctx ends. It returns when nothing is under way.
func (t *Tail) Run(ctx context.Context) {
	defer t.close()
	tick := time.NewTicker(t.cfg.Poll)
	defer tick.Stop()
	t.resume(ctx)
	for ctx.Err() == nil {
		t.scan()
		more := t.round(ctx)
		if more {
			continue
		}
		if t.dirty {
			t.save()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (t *Tail) close() {
	if t.dirty {
		t.save()
	}
	for _, f := range t.order {
		_ = f.f.Close() // only read from
	}
}

// resume sends the round that was under way when the process ended.
func (t *Tail) resume(ctx context.Context) {
	t.scan()
	p := t.kept.Pending
	if p == nil {
		return
	}
	r := &round{id: p.ID}
	for _, part := range p.Parts {
		f := t.files[part.identity]
		if f == nil || f.pos != part.From || !f.sameBeginning() {
			t.cfg.Logger.Warn("a log file went away while its lines were in doubt", "path", part.Path)
			t.metrics.lost.Inc()
			continue
		}
		t.read(r, f, part.To)
	}
	t.deliver(ctx, r)
}

// round is what goes to the door at once.
type round struct {
	id    string
	lines []logs.Line
	bytes int
	parts []part
}

// part is the range of one file in a round.
type part struct {
	file *file
	to   int64
	skip bool
}

// round takes lines of the files in turn, and tells whether there may be more.
func (t *Tail) round(ctx context.Context) bool {
	r := &round{id: "file-" + rand.Text()}
	n := len(t.order)
	for i := range n {
		f := t.order[(t.next+i)%n]
		if t.changed(f) {
			t.read(r, f, -1)
		}
		if r.bytes >= roundBytes {
			t.next = (t.next + i + 1) % n
			break
		}
	}
	if len(r.parts) == 0 {
		return false
	}
	if !t.prepare(r) {
		return false // the disk is full or gone: it is tried again
	}
	t.deliver(ctx, r)
	return ctx.Err() == nil
}

// roundBytes is when a round has enough: well below the smallest record.
const roundBytes = 256 << 10

// prepare writes down what the round will send.
func (t *Tail) prepare(r *round) bool {
	p := &pending{ID: r.id}
	for _, x := range r.parts {
		p.Parts = append(p.Parts, pendingPart{identity: x.file.id, Path: x.file.path, From: x.file.pos, To: x.to})
	}
	t.kept.Pending = p
	return t.save()
}

// deliver sends a round and moves the positions. What can never be taken is
// counted and passed over; a stop leaves the round to the next start.
func (t *Tail) deliver(ctx context.Context, r *round) {
	err := t.sink.Deliver(ctx, r.lines, r.id)
	if errors.Is(err, decode.ErrTooLarge) {
		t.cfg.Logger.Error("log lines were passed over", "lines", len(r.lines), "err", err)
		t.sink.Drop("too_large", len(r.lines))
		err = nil
	}
	if err != nil {
		return
	}
	for _, x := range r.parts {
		x.file.pos, x.file.skip = x.to, x.skip
	}
	t.metrics.bytes.Add(float64(r.bytes))
	t.kept.Pending, t.dirty = nil, true
}

// changed tells whether a file may have lines to take, and notices truncation.
func (t *Tail) changed(f *file) bool {
	info, err := f.f.Stat()
	if err != nil {
		return false
	}
	size, now := info.Size(), t.cfg.Now()
	if size < f.pos || !f.sameBeginning() {
		t.cfg.Logger.Info("a log file was truncated and is read from its beginning", "path", f.path)
		t.metrics.truncated.Inc()
		f.pos, f.skip, f.size, f.print = 0, false, 0, print{}
		t.dirty = true
	}
	if size != f.size {
		f.size, f.grown = size, now
	}
	f.print.grow(f.f)
	return f.pos < size
}

// read takes lines of one file, up to an end that is known, or as far as whole
// ones go.
func (t *Tail) read(r *round, f *file, end int64) {
	from := f.pos
	n, err := f.f.ReadAt(t.buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		t.cfg.Logger.Warn("a log file cannot be read", "path", f.path, "err", err)
		return
	}
	b := t.buf[:n]
	if end >= 0 {
		b = b[:max(0, min(int64(n), end-from))]
	}
	c := t.cutter(f, end >= 0, n == len(t.buf))
	c.run(b)
	if c.taken == 0 {
		return
	}
	for _, text := range c.texts {
		r.lines = append(r.lines, t.line(f, text))
	}
	r.bytes += int(c.taken)
	r.parts = append(r.parts, part{f, from + c.taken, c.skip})
}

func (t *Tail) line(f *file, text text) logs.Line {
	l := logs.Line{Service: f.set.Service, Model: f.set.Model, Cut: text.cut}
	for _, key := range slices.Sorted(maps.Keys(f.set.Fields)) {
		l.Set(key, f.set.Fields[key])
	}
	l.Set("file", f.path)
	if !f.set.parser.Parse(text.text, &l) {
		t.metrics.unparsed.Inc()
	}
	return l
}

func identityOf(info os.FileInfo) (identity, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{uint64(st.Dev), st.Ino}, true
}

func (t *Tail) save() bool {
	k := t.kept
	k.Files = k.Files[:0]
	for _, f := range t.order {
		k.Files = append(k.Files, keptFile{identity: f.id, Path: f.path, Position: f.pos, Skip: f.skip, print: f.print})
	}
	k.Patterns = k.Patterns[:0]
	for _, s := range t.sets {
		k.Patterns = append(k.Patterns, s.Paths...)
	}
	if err := k.save(t.cfg.Dir); err != nil {
		t.metrics.failed.Inc()
		t.cfg.Logger.Error("positions of log files were not saved", "err", err)
		return false
	}
	t.dirty = false
	return true
}

// String is for messages.
func (i identity) String() string { return fmt.Sprintf("%d:%d", i.Dev, i.Ino) }

func discard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
