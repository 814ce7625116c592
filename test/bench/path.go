package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leewayhq/leeway/internal/collect"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// site is the path in one process: registry, door, queue, workers, profiles.
type site struct {
	dir   string
	log   *segment.Log
	store *profiles.Store
	proc  *process.Processor
	door  *collect.Door
}

func newSite() (s *site, err error) {
	s = &site{}
	if s.dir, err = os.MkdirTemp("", "leeway-bench-"); err != nil {
		return nil, err
	}
	registry, err := model.Open(model.Config{Dir: filepath.Join(s.dir, "models"), MaxModels: 2000, MaxFeatures: 2000})
	if err != nil {
		return nil, err
	}
	if s.log, err = segment.Open(segment.Config{Dir: filepath.Join(s.dir, "queue")}); err != nil {
		return nil, err
	}
	if s.store, err = profiles.Open(profiles.Config{Dir: filepath.Join(s.dir, "state")}); err != nil {
		return nil, err
	}
	s.proc, err = process.Open(process.Config{Log: s.log, Profiles: s.store, JoinDir: filepath.Join(s.dir, "join")})
	if err != nil {
		return nil, err
	}
	s.proc.Start()
	s.door = collect.New(collect.Config{Log: s.log, Registry: registry})
	return s, nil
}

func (s *site) close() error {
	s.door.Close()
	return errors.Join(s.proc.Close(), s.store.Close(), s.log.Close(), os.RemoveAll(s.dir))
}

// put sends the batches from some goroutines at once.
func (s *site) put(batches []*event.Batch, senders int) error {
	var wg sync.WaitGroup
	errs := make([]error, senders)
	for i := range senders {
		wg.Go(func() {
			for k := i; k < len(batches) && errs[i] == nil; k += senders {
				errs[i] = s.door.Put(context.Background(), batches[k])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// settle returns when all that was put is committed.
func (s *site) settle() error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; <-tick.C {
		behind := false
		for _, st := range s.proc.Status() {
			if st.Err != nil {
				return st.Err
			}
			behind = behind || st.Next < st.End
		}
		if !behind {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still behind: %+v", s.proc.Status())
		}
	}
}

// load is a stream that is sent through a path.
type load struct {
	shape    shape
	batches  int
	models   int
	senders  int
	ownTimes bool // each row in a window of its own
	noIDs    bool
	// ownWindow gives each batch a window of its own, past the hour that the
	// rule series are made of.
	ownWindow bool
}

// make draws the batches of a load from the given number on.
func (l *load) make(from int) []*event.Batch {
	templates := make([]*event.Batch, 4)
	for i := range templates {
		templates[i] = template(l.shape, uint64(i))
	}
	out := make([]*event.Batch, l.batches)
	ms := now()
	for place := range out {
		i := from + place
		b := renamed(templates[i%len(templates)], i*l.shape.rows, ms)
		if l.models > 1 {
			b.Model = "model-" + strconv.Itoa(i%l.models)
		}
		if l.ownTimes {
			for j := range b.Time {
				b.Time[j] -= int64(i*l.shape.rows+j) % 50_000 * 60_000
			}
		}
		if l.ownWindow {
			for j := range b.Time {
				b.Time[j] -= int64(120+i/max(1, l.models)) * 60_000
			}
		}
		if l.noIDs {
			b.ID = event.Text{}
		}
		out[place] = b
	}
	return out
}

// warmRows is how many rows a path has seen before it is measured, where that
// does not take long: the first of an hour are sampled, later ones hardly ever.
const warmRows = 500_000

// through measures a load from the door to the commit.
func through(l load) (cost, error) {
	s, err := newSite()
	if err != nil {
		return cost{}, err
	}
	// What is learnt once (models, features) is not what a row costs.
	warm := l
	warm.batches = max(2, l.models)
	if warm.shape.rows = min(l.shape.rows, 1000); l.models <= 1 && !l.ownTimes && !l.ownWindow {
		warm.batches = min(max(l.batches, 500), warmRows/warm.shape.rows)
	}
	if err := errors.Join(s.put(warm.make(1<<30), 4), s.settle()); err != nil {
		return cost{}, err
	}
	c, err := s.chunks(l)
	return c, errors.Join(err, s.close())
}

// chunkRows bounds what the benchmark itself keeps in memory, so that the
// garbage collector's work is that of the path.
const chunkRows = 200_000

// chunks sends a load piece by piece and counts only the sending.
func (s *site) chunks(l load) (total cost, err error) {
	all := l.batches
	for done := 0; done < all && err == nil; done += l.batches {
		l.batches = min(all-done, max(1, chunkRows/l.shape.rows))
		batches := l.make(done)
		var c cost
		c, err = once(1, func() error { return errors.Join(s.put(batches, l.senders), s.settle()) })
		total.cpu, total.wall = total.cpu+c.cpu, total.wall+c.wall
	}
	return total.scale(1 / float64(all*l.shape.rows)), err
}

// paths measures the whole path without the network.
func paths(r *report) error {
	ten := twenty(batchRows)
	ten.segments, ten.values = 1, 10
	tenFields := twenty(batchRows)
	tenFields.segments, tenFields.values = 10, 2
	for _, c := range []struct {
		name string
		load load
		goal float64
	}{
		{"20 features, batches of 10,000", load{shape: twenty(batchRows), batches: r.scale(200), senders: 4}, 333},
		{"the same without ids", load{shape: twenty(batchRows), batches: r.scale(200), senders: 4, noIDs: true}, 0},
		{"a segment field of ten values", load{shape: ten, batches: r.scale(100), senders: 4}, 0},
		{"ten segment fields of two values", load{shape: tenFields, batches: r.scale(100), senders: 4}, 0},
		{"batches of 100", load{shape: twenty(100), batches: r.scale(4000), senders: 64}, 0},
		{"batches of 10", load{shape: twenty(10), batches: r.scale(20_000), senders: 64}, 0},
		{"batches of 1", load{shape: twenty(1), batches: r.scale(40_000), senders: 256}, 0},
		{"windows of one row, batches of 10,000", load{shape: twenty(batchRows), batches: r.scale(4), senders: 4, ownTimes: true}, 0},
	} {
		if !strings.Contains(c.name, r.match) {
			continue
		}
		cost, err := through(c.load)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		l := r.cost("door, fsynced queue, join, fold, commit: "+c.name, "row", cost)
		if c.goal > 0 {
			l.atMost(c.goal, "3 M rows/s through HTTP")
		}
	}
	return nil
}

// pathLabels measures labels that come while ten million predictions wait.
func pathLabels(r *report) error {
	s, err := newSite()
	if err != nil {
		return err
	}
	pending, n := r.scale(tenMillion), r.scale(1_000_000)
	bare := template(shape{rows: batchRows}, 1)
	put, err := once(pending, func() error {
		for first := 0; first < pending; first += 10 * batchRows {
			var batches []*event.Batch
			for i := first; i < min(pending, first+10*batchRows); i += batchRows {
				batches = append(batches, renamed(bare, i, now()))
			}
			if err := s.put(batches, 2); err != nil {
				return err
			}
		}
		return s.settle()
	})
	if err != nil {
		return err
	}
	r.cost(fmt.Sprintf("%d M predictions without features, their making included", pending/1e6), "row", put)
	var batches []*event.Batch
	for i := 0; i < n; i += batchRows {
		batches = append(batches, labelsOf(i*7, batchRows, now()))
	}
	c, err := once(n, func() error { return errors.Join(s.put(batches, 4), s.settle()) })
	if err != nil {
		return err
	}
	r.cost(fmt.Sprintf("labels to %d M pending, door to commit", pending/1e6), "label", c).atMost(333, "3 M/s")
	return s.close()
}

// manyModels: the cost of a row must not depend on how many models there are.
// Windows hold as many rows whatever the number of models: it is the size of
// windows that costs.
func manyModels(r *report) error {
	first := 0.0
	for _, n := range []int{1, 100, 1000} {
		c, err := through(load{shape: twenty(1000), batches: r.scale(2000), models: n, senders: 8, ownWindow: true})
		if err != nil {
			return err
		}
		if n == 1 {
			first = c.cpu
		}
		l := r.cost(fmt.Sprintf("%d models, windows of 1,000 rows", n), "row", c).over(first, "one model")
		if n > 1 {
			l.goal("flat (1.5 x)", c.cpu <= 1.5*first)
		}
	}
	return nil
}

// manyFeatures: the cost of a row must grow with the features and no faster.
func manyFeatures(r *report) error {
	first := 0.0
	for _, n := range []int{10, 100, 1000} {
		rows := 1000
		c, err := through(load{shape: shape{rows: rows, nums: n * 4 / 5, cats: n / 5}, batches: r.scale(200_000 / n), senders: 4})
		if err != nil {
			return err
		}
		each := c.scale(1 / float64(n))
		if n == 10 {
			first = each.cpu
		}
		l := r.cost(fmt.Sprintf("%d features, batches of 1,000 rows", n), "value", each).over(first, "ten features")
		if n > 10 {
			l.goal("linear (1.2 x)", each.cpu <= 1.2*first)
		}
	}
	return nil
}
