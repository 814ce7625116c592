package main

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/store/join"
)

const tenMillion = 10_000_000

// joins measures the store of pending predictions alone, with ten million of
// them: what a prediction costs, what a label costs, memory and restart.
func joins(r *report) error {
	dir, err := os.MkdirTemp("", "leeway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pending := r.scale(tenMillion)
	store, err := join.Open(join.Config{Dir: dir}, join.State{})
	if err != nil {
		return err
	}
	hashes := hashesOf(pending)
	arrived := now()
	put, err := once(pending, func() error { return putAll(store, hashes, arrived) })
	if err != nil {
		return err
	}
	r.cost(fmt.Sprintf("put %d M predictions, synced each 100,000", pending/1e6), "row", put)
	memory := float64(store.Stats().IndexBytes) / float64(pending)
	r.value("memory of an entry", bytesText(memory)).goal("20 B", memory <= 20)
	absent := hashesOf(pending + 200_000)[pending:]
	var e join.Entry
	find := race(
		probe{1, func(i int) { store.Find(hashes[i*7919%len(hashes)], &e) }},
		probe{1, func(i int) { store.Find(absent[i%len(absent)], &e) }},
	)
	r.cost("find, hit", "id", find[0])
	r.cost("find, miss", "id", find[1])
	if err := labelSome(r, store, hashes); err != nil {
		return err
	}
	state, err := store.Sync()
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		return err
	}
	return reopen(r, dir, state)
}

func hashesOf(n int) []event.Hash {
	out := make([]event.Hash, n)
	seed := event.ModelSeed("m")
	var id []byte
	for i := range out {
		id = appendID(id[:0], i)
		out[i] = event.HashID(seed, id)
	}
	return out
}

func putAll(store *join.Store, hashes []event.Hash, arrived int64) error {
	e := join.Entry{Flags: join.HasRow | join.HasPred | join.HasScore, Value: 0.25, Window: 28_000_000}
	for i, h := range hashes {
		if i%64 == 0 { // as the workers do
			store.Warm(hashes[i:min(i+64, len(hashes))])
		}
		e.Hash = h
		if err := store.Put(&e, arrived); err != nil {
			return err
		}
		if i%100_000 == 0 {
			if _, err := store.Sync(); err != nil {
				return err
			}
		}
	}
	_, err := store.Sync()
	return err
}

// labelSome finds and rewrites a tenth of the entries, as labels do.
func labelSome(r *report, store *join.Store, hashes []event.Hash) error {
	n := len(hashes) / 10
	some := make([]event.Hash, n)
	for i := range some {
		some[i] = hashes[i*7919%len(hashes)]
	}
	var e join.Entry
	label, err := once(n, func() error {
		for i, h := range some {
			if i%64 == 0 {
				store.Warm(some[i:min(i+64, n)])
			}
			if !store.Find(h, &e) {
				return fmt.Errorf("an entry is missing")
			}
			e.Flags |= join.HasLabel
			e.Label = 1
			if err := store.Put(&e, now()); err != nil {
				return err
			}
		}
		_, err := store.Sync()
		return err
	})
	if err == nil {
		r.cost("label: find and put", "label", label)
	}
	return err
}

// reopen measures a restart. The files are in the page cache, as after a crash
// of the process.
func reopen(r *report, dir string, state join.State) error {
	runtime.GC()
	var store *join.Store
	c, err := once(1, func() (err error) {
		store, err = join.Open(join.Config{Dir: dir}, state)
		return err
	})
	if err != nil {
		return err
	}
	wall := time.Duration(c.wall)
	r.value(fmt.Sprintf("restart with %d M entries", store.Stats().Entries/1e6), wall.Round(10*time.Millisecond).String()).goal("5 s", wall < 5*time.Second)
	return store.Close()
}

func now() int64 { return time.Now().UnixMilli() }
