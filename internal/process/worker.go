package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/store/join"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// worker folds one partition. All but progress is for its own goroutine.
type worker struct {
	cfg       *Config
	metrics   *metrics
	partition int

	join   *join.Store
	names  *names
	folder *profile.Folder
	sample *sampler
	step   step
	hashes []event.Hash   // memory that lookups use in turn
	next   queue.Offset   // of the first record that is not folded into step
	poison map[place]bool // frames that broke the fold

	// Scratch of an outcome: names and scores of classes, and a query.
	scoredNames  []string
	scoredValues []float64
	query        profile.Query
	placed       []bool

	byCode    [][]int32 // scratch of foldSegment
	usedCodes []int32

	mu        sync.Mutex
	committed queue.Offset
	stuck     error
}

// step is what was folded since the last commit.
type step struct {
	windows map[windowKey]*profile.Window
	recent  [16]struct { // windows that were asked for lately
		key    windowKey
		window *profile.Window
	}
	batches  []profiles.BatchID
	seen     map[string]bool // batch ids of this step
	bytes    int
	imported map[string]Span
	closed   []profiles.Delta
	hasLogs  bool
	samples  bool // there were some
	newNames int  // names before the step
}

// place is a frame of a record.
type place struct {
	offset queue.Offset
	frame  int // wholeRecord where its frames cannot be told apart
}

const wholeRecord = -1

// windowKey is a profiles.Key in numbers.
type windowKey struct {
	set     profiles.Set
	meta    uint32 // name of model, version and task
	segment uint32 // name of the segment, plus one; 0 is all rows
	minute  uint32
}

func newWorker(cfg *Config, m *metrics, partition int) *worker {
	return &worker{cfg: cfg, metrics: m, partition: partition, poison: map[place]bool{}, hashes: make([]event.Hash, 0, lookupRows)}
}

// recover goes back to the committed state, at start and after a failure.
func (w *worker) recover() error {
	state, err := w.cfg.Profiles.State(w.partition)
	if err != nil {
		return err
	}
	known, err := w.cfg.Profiles.Names(w.partition)
	if err != nil {
		return err
	}
	var extent join.State
	if len(state.Join) > 0 {
		if err := json.Unmarshal(state.Join, &extent); err != nil {
			return fmt.Errorf("process: join state of partition %d: %w", w.partition, err)
		}
	}
	if err := w.close(); err != nil {
		return err
	}
	w.join, err = join.Open(join.Config{Dir: w.cfg.joinDir(w.partition), Horizon: w.cfg.Horizon, MaxSlots: w.cfg.joinSlots()}, extent)
	if err != nil {
		return err
	}
	if w.cfg.Logs != nil {
		w.cfg.Logs.Rewind(w.partition)
	}
	w.names = newNames(known)
	w.folder, w.sample = profile.NewFolder(0), newSampler()
	w.next = queue.Offset(state.Next)
	w.beginStep()
	w.setProgress(w.next, nil)
	return nil
}

func (w *worker) beginStep() {
	w.step = step{windows: map[windowKey]*profile.Window{}, seen: map[string]bool{}, newNames: len(w.names.list)}
}

func (w *worker) close() error {
	if w.join == nil {
		return nil
	}
	j := w.join
	w.join = nil
	return j.Close()
}

func (w *worker) progress() (queue.Offset, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.committed, w.stuck
}

func (w *worker) setProgress(next queue.Offset, stuck error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.committed, w.stuck = next, stuck
}

// run takes steps until the context ends. A failed step is undone and tried
// again, so that a full disk or a damaged record stops this partition, visibly,
// and nothing else.
func (w *worker) run(ctx context.Context) {
	for wait := time.Duration(0); ctx.Err() == nil; {
		err := w.takeStep(ctx)
		if err == nil || ctx.Err() != nil {
			wait = 0
			continue
		}
		w.metrics.failures.Inc()
		w.cfg.Logger.Error("a processing step failed and will be tried again", "partition", w.partition, "offset", w.next, "err", err)
		w.setProgress(w.committedOffset(), err)
		wait = min(max(2*wait, 100*time.Millisecond), 5*time.Second)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		if err := w.recover(); err != nil {
			w.setProgress(w.committedOffset(), err)
			w.cfg.Logger.Error("going back to the committed state failed", "partition", w.partition, "err", err)
		}
	}
}

func (w *worker) committedOffset() queue.Offset {
	next, _ := w.progress()
	return next
}

// takeStep folds what comes within the step's time and size, and commits it.
func (w *worker) takeStep(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // of the commit; foldRecord has its own
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if w.join == nil {
		if err := w.recover(); err != nil {
			return err
		}
	}
	records, err := w.read(ctx, w.cfg.StepTime)
	if errors.Is(err, errNothing) {
		w.setProgress(w.next, nil)
		records, err = w.cfg.Log.Read(ctx, w.partition, w.next, w.cfg.StepBytes)
	}
	if err != nil {
		return err
	}
	until := time.Now().Add(w.cfg.StepTime)
	for err == nil {
		if err := w.foldRecords(ctx, records); err != nil {
			return err
		}
		left := time.Until(until)
		if left <= 0 || w.step.bytes >= w.cfg.StepBytes {
			break
		}
		records, err = w.read(ctx, left)
	}
	if err != nil && !errors.Is(err, errNothing) && ctx.Err() == nil {
		w.cfg.Logger.Warn("reading on in a step failed", "partition", w.partition, "err", err)
	}
	return w.commit(ctx)
}

// errNothing says that nothing came in time.
var errNothing = errors.New("nothing to read")

// read waits for records for a while. Offsets are not dense: when nothing came,
// the next offset is moved up to the end that the log had before, so that one
// can tell a worker that has read everything.
func (w *worker) read(ctx context.Context, wait time.Duration) ([]queue.Record, error) {
	_, end, err := w.cfg.Log.Bounds(w.partition)
	if err != nil {
		return nil, err
	}
	until, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	records, err := w.cfg.Log.Read(until, w.partition, w.next, max(1, w.cfg.StepBytes-w.step.bytes))
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		w.next = max(w.next, end)
		return nil, errNothing
	}
	return records, err
}

func (w *worker) foldRecords(ctx context.Context, records []queue.Record) error {
	for i := range records {
		r := &records[i]
		if err := w.foldRecord(ctx, r); err != nil {
			return fmt.Errorf("record %d: %w", r.Offset, err)
		}
		w.next = r.Offset + 1
		w.step.bytes += len(r.Data)
		w.metrics.records.Inc()
		w.metrics.bytes.Add(float64(len(r.Data)))
	}
	return nil
}

// foldRecord folds the frames of one record. A frame that panics or that cannot
// be decoded is marked, so that after the step was undone it is skipped, and
// the others, who share the record, go on.
func (w *worker) foldRecord(ctx context.Context, r *queue.Record) (err error) {
	at := place{r.Offset, wholeRecord}
	defer func() {
		if p := recover(); p != nil {
			w.poison[at] = true
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		} else if errors.Is(err, event.ErrMalformed) {
			w.poison[at] = true // the checksum is right, so no later try helps
		}
	}()
	if w.skips(at) {
		return nil
	}
	var lines []*event.Batch // of the whole record: the archive knows them by its offset
	err = event.Frames(r.Data, func(frame []byte) error {
		at.frame++
		if w.skips(at) {
			return nil
		}
		b, err := event.Decode(frame)
		if err != nil {
			return err
		}
		switch b.Kind {
		case event.Logs:
		case event.Samples:
			return w.foldSamples(ctx, b)
		default:
			return w.foldBatch(b)
		}
		if repeated, err := w.repeated(b); err != nil || repeated {
			return err
		}
		lines = append(lines, b)
		return nil
	})
	if err == nil && len(lines) > 0 {
		at.frame = wholeRecord
		err = w.foldLogs(ctx, r.Offset, lines)
	}
	return err
}

// skips tells whether a frame is marked, and says so.
func (w *worker) skips(at place) bool {
	if !w.poison[at] {
		return false
	}
	w.metrics.skipped.Inc()
	w.cfg.Logger.Error("rows that broke the fold are skipped", "partition", w.partition, "offset", at.offset, "frame", at.frame)
	return true
}

func (w *worker) foldBatch(b *event.Batch) error {
	w.join.Arrive(b.Arrived)
	repeated, err := w.repeated(b)
	if err != nil || repeated {
		return err
	}
	switch b.Kind {
	case event.Predictions:
		return w.foldPredictions(b)
	case event.Labels:
		return w.foldLabels(b)
	case event.Reference:
		return w.foldReference(b)
	}
	w.metrics.count(b.Model, "unknown_kind", b.Rows)
	return nil
}

// repeated tells whether the batch is the retry of one that was folded.
func (w *worker) repeated(b *event.Batch) (bool, error) {
	if b.BatchID == "" {
		return false, nil
	}
	id := strconv.FormatUint(b.Seed(), 36) + string('0'+rune(b.Kind)) + b.BatchID
	seen := w.step.seen[id]
	if !seen {
		var err error
		if seen, err = w.cfg.Profiles.SeenBatch(w.partition, id); err != nil {
			return false, err
		}
	}
	if seen {
		w.metrics.count(b.Model, "repeated_batch", b.Rows)
		return true, nil
	}
	w.step.seen[id] = true
	until := b.Arrived + w.cfg.BatchMemory.Milliseconds()
	if b.Flags&event.KeepBatchID != 0 {
		until = 0
	}
	w.step.batches = append(w.step.batches, profiles.BatchID{ID: id, Until: until})
	return false, nil
}

func (w *worker) foldLogs(ctx context.Context, offset queue.Offset, lines []*event.Batch) error {
	if w.cfg.Logs == nil {
		for _, b := range lines {
			w.metrics.count("", "no_archive", b.Rows)
		}
		return nil
	}
	w.step.hasLogs = true
	return w.cfg.Logs.Append(ctx, w.partition, uint64(offset), lines)
}

// foldSamples hands samples on. They have neither models nor ids: equal ones
// are one to the sink.
func (w *worker) foldSamples(ctx context.Context, b *event.Batch) error {
	if w.cfg.Samples == nil {
		w.metrics.count("", "no_series", b.Rows)
		return nil
	}
	w.step.samples = true
	if err := w.cfg.Samples.Append(ctx, w.partition, b); err != nil {
		return err
	}
	w.metrics.count("", "samples", b.Rows)
	return nil
}

// window finds or opens a window of the step. Labels ask for the windows of
// both clocks and of some segments in turn, so each has a place of its own.
func (w *worker) window(k windowKey) *profile.Window {
	last := &w.step.recent[(uint32(k.set)&1)<<3|(k.segment+k.minute)&7]
	if last.window != nil && last.key == k {
		return last.window
	}
	win := w.step.windows[k]
	if win == nil {
		if len(w.step.windows) >= maxOpen {
			w.closeWindows()
		}
		light := k.segment != 0 || k.set == profiles.ByEvaluation
		win = w.folder.Open(light)
		w.step.windows[k] = win
	}
	last.key, last.window = k, win
	return win
}

// noteImported remembers that history changed the window of a minute.
func (w *worker) noteImported(b *event.Batch, minute uint32) {
	if b.Flags&event.Imported == 0 {
		return
	}
	if w.step.imported == nil {
		w.step.imported = map[string]Span{}
	}
	model := w.names.meta(w.names.metaID(&b.Header, "")).Model // not a view of the record
	w.step.imported[model] = w.step.imported[model].Extend(int64(minute) * minuteMS)
}

// commit makes the step durable and visible, and begins the next.
func (w *worker) commit(ctx context.Context) error {
	start := time.Now()
	if w.step.hasLogs {
		// Not under the context: a stop must not leave lines behind their offset.
		if err := w.cfg.Logs.Flush(context.WithoutCancel(ctx), w.partition); err != nil {
			return err
		}
	}
	if w.step.samples {
		if err := w.cfg.Samples.Flush(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	unlabelled, early := w.join.Expire()
	w.metrics.count("", "label_never_came", int(unlabelled))
	w.metrics.count("", "join_full", int(early))
	extent, err := w.join.Sync()
	if err != nil {
		return err
	}
	joinState, err := json.Marshal(extent)
	if err != nil {
		return err
	}
	st := &profiles.Step{
		Partition: w.partition,
		State:     profiles.State{Next: uint64(w.next), Join: joinState},
		Deltas:    w.deltas(),
		Samples:   w.sample.deltas(),
		Batches:   w.step.batches,
		FirstName: w.step.newNames,
		Names:     w.names.list[w.step.newNames:],
	}
	if err := w.cfg.Profiles.Commit(st); err != nil {
		return err
	}
	update := &Update{Partition: w.partition, Deltas: st.Deltas, Imported: w.step.imported}
	w.metrics.count("", "name_limit", w.names.over)
	w.names.over = 0
	w.beginStep()
	w.setProgress(w.next, nil)
	w.metrics.commit(w.partition, w.join.Stats(), time.Since(start))
	if err := w.join.Done(); err != nil {
		w.cfg.Logger.Warn("removing an expired join file failed", "err", err)
	}
	w.cfg.Published(update)
	return w.cfg.Log.Trim(w.partition, w.next)
}

// maxOpen is how many windows are open at once. A batch can touch many more (a
// row a minute, for months); those are put aside as bytes.
const maxOpen = 4096

// closeWindows puts what is open aside. Windows by evaluation are few, and
// those who publish want them as profiles.
func (w *worker) closeWindows() {
	for k, win := range w.step.windows {
		d := profiles.Delta{Key: w.keyOf(k), Profile: w.folder.Close(win)}
		if k.set != profiles.ByEvaluation {
			d.Encoded, d.Profile = d.Profile.AppendTo(nil), nil
		}
		w.step.closed = append(w.step.closed, d)
	}
	clear(w.step.windows)
	clear(w.step.recent[:])
}

func (w *worker) keyOf(k windowKey) profiles.Key {
	meta := w.names.meta(k.meta)
	key := profiles.Key{Set: k.set, Model: meta.Model, Version: meta.Version, Start: int64(k.minute) * minuteMS}
	if k.segment != 0 {
		key.Segment = w.names.list[k.segment-1]
	}
	return key
}

// deltas closes every window of the step.
func (w *worker) deltas() []profiles.Delta {
	out := w.step.closed
	for k, win := range w.step.windows {
		out = append(out, profiles.Delta{Key: w.keyOf(k), Profile: w.folder.Close(win)})
	}
	return out
}
