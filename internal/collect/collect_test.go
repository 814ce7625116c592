package collect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

const now = int64(1_777_636_800_000) // 2026-05-01T12:00:00Z

// batch is n predictions of ids prefix-0 on.
func batch(name, prefix string, n int) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: name}, Rows: n}
	b.Pred = event.Dict{Values: []string{"0", "1"}}
	for i := range n {
		b.ID.Append(fmt.Sprintf("%s-%d", prefix, i))
		b.Time = append(b.Time, now)
		b.Pred.Codes = append(b.Pred.Codes, int32(i%2))
	}
	return b
}

func openLog(t *testing.T, cfg segment.Config) *segment.Log {
	t.Helper()
	cfg.Dir = "queue"
	if cfg.FS == nil {
		cfg.FS = vfs.NewCrashableMem()
	}
	l, err := segment.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func openDoor(t *testing.T, log queue.Log, change func(*Config)) *Door {
	t.Helper()
	cfg := Config{Log: log, Now: func() time.Time { return time.UnixMilli(now) }}
	if change != nil {
		change(&cfg)
	}
	if cfg.Registry == nil {
		cfg.Registry = registry(t, 0)
	}
	d := New(cfg)
	t.Cleanup(d.Close)
	return d
}

func registry(t *testing.T, most int) *model.Registry {
	t.Helper()
	r, err := model.Open(model.Config{Dir: t.TempDir(), MaxModels: most, Now: func() time.Time { return time.UnixMilli(now) }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stored reads back the ids in the log and counts its records.
func stored(t *testing.T, log queue.Log) (ids map[string]int, records int) {
	t.Helper()
	ids = map[string]int{}
	for p := range log.Partitions() {
		_, end, err := log.Bounds(p)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is waited for
		for from := queue.Offset(0); from < end; {
			list, err := log.Read(ctx, p, from, 1<<20)
			if errors.Is(err, context.Canceled) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				records, from = records+1, r.Offset+1
				err := event.Frames(r.Data, func(frame []byte) error {
					b, err := event.Decode(frame)
					if err != nil {
						return err
					}
					for i := range b.Rows {
						ids[string(b.ID.At(i))]++
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return ids, records
}

// The power goes while many send: whatever was answered is on the disk that is
// left, small frames that share a record and large ones alike.
func TestAnsweredIsDurable(t *testing.T) {
	disk := vfs.NewCrashableMem()
	d := openDoor(t, openLog(t, segment.Config{FS: disk, Partitions: 2}), nil)
	var mu sync.Mutex
	var answered []string
	enough, done := make(chan struct{}), make(chan struct{})
	var sending sync.WaitGroup
	for w := range 16 {
		sending.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				prefix, n := fmt.Sprintf("%d-%d", w, i), 3
				if w == 0 {
					n = 30_000 // a record of its own in each partition
				}
				if err := d.Put(t.Context(), batch("m", prefix, n)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for r := range n {
					answered = append(answered, fmt.Sprintf("%s-%d", prefix, r))
				}
				if mu.Unlock(); w == 0 && i == 2 {
					close(enough)
				}
			}
		})
	}
	<-enough
	mu.Lock()
	promised := append([]string(nil), answered...)
	mu.Unlock()
	left := disk.CrashClone(vfs.CrashCloneCfg{}) // keeps only what was synced
	close(done)
	sending.Wait()
	ids, _ := stored(t, openLog(t, segment.Config{FS: left}))
	for _, id := range promised {
		if ids[id] != 1 {
			t.Fatalf("%s was answered and is there %d times; %d rows were promised, %d are there", id, ids[id], len(promised), len(ids))
		}
	}
}

// gated holds back a log's appends, as a slow disk does.
type gated struct {
	queue.Log
	entered chan struct{}
	open    chan struct{}
}

func (g *gated) Append(ctx context.Context, partition int, data []byte) (queue.Offset, error) {
	g.entered <- struct{}{}
	<-g.open
	return g.Log.Append(ctx, partition, data)
}

func (w *writer) queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// While one record is on its way to the disk the next gathers: a hundred wait
// for one more fsync, and nobody is answered before it.
func TestSmallFramesShareARecord(t *testing.T) {
	log := &gated{openLog(t, segment.Config{Partitions: 1}), make(chan struct{}, 2), make(chan struct{})}
	d := openDoor(t, log, nil)
	const n = 100
	answers := make(chan error, n+1)
	put := func(prefix string) { answers <- d.Put(t.Context(), batch("m", prefix, 1)) }
	go put("first")
	<-log.entered
	for i := range n {
		go put(fmt.Sprint(i))
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); d.writers[0].queued() < n; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d of %d wait", d.writers[0].queued(), n)
		}
	}
	if len(answers) != 0 {
		t.Fatalf("%d were answered before anything was durable", len(answers))
	}
	close(log.open)
	for range n + 1 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if ids, records := stored(t, log); len(ids) != n+1 || records != 2 {
		t.Errorf("%d rows in %d records, wanted %d in 2", len(ids), records, n+1)
	}
	if got := testutil.ToFloat64(d.metrics.accepted.WithLabelValues("m", "predictions")); got != n+1 {
		t.Errorf("%v rows counted", got)
	}
}

func (d *Door) refusedRows(reason string) float64 {
	return testutil.ToFloat64(d.metrics.refused.WithLabelValues(reason))
}

func TestClassesOfRefusal(t *testing.T) {
	log := openLog(t, segment.Config{Partitions: 1, SegmentBytes: 64 << 10, MaxRecordBytes: 64 << 10, MaxBytes: 256 << 10})
	d := openDoor(t, log, func(c *Config) { c.Registry = registry(t, 1) })
	put := func(b *event.Batch) error { return d.Put(t.Context(), b) }

	if err := put(batch("m", "large", 5000)); !errors.Is(err, decode.ErrTooLarge) || !errors.Is(err, queue.ErrTooLarge) {
		t.Errorf("a record over the limit: %v", err)
	}
	if err := put(batch("m", "small", 10)); err != nil {
		t.Error(err)
	}
	if err := put(batch("another", "a", 7)); !errors.Is(err, model.ErrLimit) {
		t.Errorf("a model too many: %v", err)
	}
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = put(batch("m", fmt.Sprint("fill-", i), 500))
	}
	var retry *decode.RetryError
	if !errors.Is(err, decode.ErrFull) || !errors.Is(err, queue.ErrFull) || !errors.As(err, &retry) || retry.After <= 0 {
		t.Fatalf("a full log: %v", err)
	}
	for reason, want := range map[string]float64{"too_large": 5000, "model_limit": 7, "full": 500, "error": 0} {
		if got := d.refusedRows(reason); got != want {
			t.Errorf("%v rows refused as %s, wanted %v", got, reason, want)
		}
	}
	_, end, err := log.Bounds(0)
	if err == nil {
		err = log.Trim(0, end) // all is processed
	}
	if err == nil {
		err = put(batch("m", "after", 500))
	}
	if err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := put(batch("m", "", 0)); err != nil {
		t.Errorf("no rows: %v", err)
	}
}

func TestRateOfAModel(t *testing.T) {
	clock := time.UnixMilli(now)
	d := openDoor(t, openLog(t, segment.Config{Partitions: 1}), func(c *Config) {
		c.RateLimit, c.Now = 10, func() time.Time { return clock }
	})
	put := func(model, prefix string, n int) error { return d.Put(t.Context(), batch(model, prefix, n)) }
	if err := put("m", "burst", 100); err != nil {
		t.Fatalf("ten seconds at once: %v", err)
	}
	err := put("m", "over", 5)
	var retry *decode.RetryError
	if !errors.Is(err, decode.ErrTooFast) || !errors.As(err, &retry) || retry.After != 500*time.Millisecond {
		t.Fatalf("over the rate: %v, %+v", err, retry)
	}
	if got := d.refusedRows("too_fast"); got != 5 {
		t.Errorf("%v rows counted", got)
	}
	if err := put("other", "a", 100); err != nil {
		t.Errorf("another model pays for it: %v", err)
	}
	clock = clock.Add(retry.After)
	if err := put("m", "over", 5); err != nil {
		t.Errorf("after the wait that was named: %v", err)
	}
	if err := put("m", "huge", 1000); !errors.Is(err, decode.ErrTooFast) {
		t.Errorf("more than a bucket, on an empty one: %v", err)
	}
	clock = clock.Add(10 * time.Second)
	if err := put("m", "huge", 1000); err != nil {
		t.Errorf("more than a bucket, on a full one: %v", err)
	}
}

func TestLowDisk(t *testing.T) {
	clock := time.UnixMilli(now)
	log := openLog(t, segment.Config{Partitions: 1})
	d := openDoor(t, log, func(c *Config) {
		c.DataDir, c.MinFree, c.MinFreeShare = t.TempDir(), 1<<62, 1
		c.Now = func() time.Time { return clock }
	})
	for range 2 { // the second is answered from memory
		err := d.Put(t.Context(), batch("m", "a", 1))
		var retry *decode.RetryError
		if !errors.Is(err, decode.ErrFull) || !errors.As(err, &retry) || !strings.Contains(err.Error(), "kept in reserve") {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if ids, _ := stored(t, log); len(ids) != 0 || d.refusedRows("full") != 2 {
		t.Errorf("%v, %v refused", ids, d.refusedRows("full"))
	}
	if list := d.cfg.Registry.List(); len(list) != 0 {
		t.Errorf("a refused batch registered %v", list)
	}
	d.cfg.MinFree = 1
	clock = clock.Add(time.Second)
	if err := d.Put(t.Context(), batch("m", "a", 1)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// Each Put beside Close is durable or says that it is not.
func TestCloseUnderLoad(t *testing.T) {
	log := openLog(t, segment.Config{Partitions: 2})
	d := openDoor(t, log, nil)
	var mu sync.Mutex
	answered := map[string]bool{}
	var sending sync.WaitGroup
	enough := make(chan struct{})
	for w := range 16 {
		sending.Go(func() {
			for i := 0; ; i++ {
				prefix := fmt.Sprintf("%d-%d", w, i)
				err := d.Put(t.Context(), batch("m", prefix, 4))
				if err != nil {
					if !errors.Is(err, decode.ErrFull) || !errors.Is(err, queue.ErrClosed) {
						t.Errorf("refused as %v", err)
					}
					return
				}
				mu.Lock()
				for r := range 4 {
					answered[fmt.Sprintf("%s-%d", prefix, r)] = true
				}
				if len(answered) == 800 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	d.Close()
	sending.Wait()
	ids, _ := stored(t, log)
	for id := range answered {
		if ids[id] != 1 {
			t.Fatalf("%s was answered and is there %d times", id, ids[id])
		}
	}
	d.Close() // twice is harmless
}
