package model

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/leewayhq/leeway/internal/event"
)

func labelsFor(name string) *event.Batch {
	return batch(1, func(b *event.Batch) { b.Model, b.Kind, b.Label = name, event.Labels, classes("1") })
}

func TestReadersDoNotWaitForWriters(t *testing.T) {
	r := open(t, t.TempDir())
	r.Observe(batch(1, func(b *event.Batch) { b.Version = classes("a") }))
	e, err := r.lock("m", false)
	if err != nil {
		t.Fatal(err)
	}
	defer e.mu.Unlock()
	read := make(chan Model, 2)
	go func() {
		m, _ := r.Get("m")
		read <- m
		read <- r.List()[0]
	}()
	for range 2 {
		select {
		case m := <-read:
			if len(m.Versions) != 1 {
				t.Fatalf("%+v", m)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a reader waits for the lock of an entry")
		}
	}
}

func TestWhatWasReadDoesNotChange(t *testing.T) {
	r := open(t, t.TempDir())
	send := func(version string) {
		r.Observe(batch(1, func(b *event.Batch) {
			b.Version = classes(version)
			b.Nums = []event.Num{{Name: "x", Values: []float64{1}}}
		}))
	}
	send("a")
	m, _ := r.Get("m")
	before := fmt.Sprint(m)
	send("b")
	r.Observe(batch(2000, func(b *event.Batch) { b.Nums = []event.Num{{Name: "x", Values: make([]float64, 2000)}} })) // fixes the centre
	kind := []Feature{{Name: "x", Kind: Categorical}}
	if _, err := r.Declare("m", Declaration{Features: kind}); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprint(m); after != before {
		t.Fatalf("was %s, became %s", before, after)
	}
	if now, _ := r.Get("m"); len(now.Versions) != 2 || now.Features[0].Kind != Categorical || now.Features[1].Epoch != 1 {
		t.Fatalf("%+v", now)
	}
}

func TestLabelsAloneTakeNoModelsPlace(t *testing.T) {
	dir, now := t.TempDir(), time.UnixMilli(1700000000000)
	config := Config{Dir: dir, MaxModels: 1, MaxLabelsOnly: 3, Now: func() time.Time { return now }}
	r, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	early := labelsFor("l0")
	for i, b := range []*event.Batch{early, labelsFor("l1"), labelsFor("l2")} {
		if _, err := r.Observe(b); err != nil {
			t.Fatal(i, err)
		}
		now = now.Add(time.Minute)
	}
	if r, err = Open(config); err != nil { // they and their kind survive a restart
		t.Fatal(err)
	}
	if _, err := r.Observe(labelsFor("l3")); !errors.Is(err, ErrLimit) {
		t.Fatal("a fourth one:", err)
	}
	first := batch(1, func(b *event.Batch) { b.Model, b.Pred = "l0", classes("1") })
	if _, err := r.Observe(first); err != nil {
		t.Fatal(err)
	}
	if first.Generation != early.Generation || first.Generation == 0 {
		t.Fatal("the labels that came first would not join")
	}
	if _, err := r.Observe(batch(1, func(b *event.Batch) { b.Model = "l1" })); !errors.Is(err, ErrLimit) {
		t.Fatal("a second real model:", err)
	}
	if r, err = Open(config); err != nil {
		t.Fatal(err)
	}
	if m, _ := r.Get("l0"); m.LabelsOnly {
		t.Fatal("known by labels only")
	}
	now = now.Add(25 * time.Hour)
	for _, name := range []string{"l3", "l4"} { // the free place, then that of l1
		if _, err := r.Observe(labelsFor(name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Get("l1"); !errors.Is(err, ErrNotFound) || len(r.List()) != 4 {
		t.Fatal(err, r.List())
	}
	if _, err := os.Stat(filepath.Join(dir, "l1.json")); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// broken makes saving fail until it is mended, for root too.
func broken(t *testing.T, dir string) (mend func()) {
	t.Helper()
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailedUpdateChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models")
	r := open(t, dir)
	old, wrong, bad := "old", "new", 2.0
	r.Declare("m", Declaration{Title: &old})
	mend := broken(t, dir)
	if _, err := r.Declare("m", Declaration{Title: &wrong}); err == nil {
		t.Fatal("saved where nothing can be")
	}
	if _, err := r.Declare("unsaved", Declaration{}); err == nil {
		t.Fatal("saved where nothing can be")
	}
	mend()
	if _, err := r.Declare("invalid", Declaration{Threshold: &bad}); err == nil {
		t.Fatal("threshold 2")
	}
	if l := r.List(); len(l) != 1 || l[0].Title != old {
		t.Fatalf("%+v", l)
	}
	r.Observe(batch(1, func(b *event.Batch) { b.Version = classes("a") })) // writes the model again
	if m, _ := open(t, dir).Get("m"); m.Title != old || len(m.Versions) != 1 {
		t.Fatalf("%+v", m)
	}
}

// A batch may have found the model when it is deleted, and lock it after.
func TestDeletedModelStaysDeleted(t *testing.T) {
	r := open(t, t.TempDir())
	r.Declare("m", Declaration{})
	e, _ := r.lock("m", false)
	sent := make(chan error)
	go func() {
		_, err := r.Observe(batch(1, func(b *event.Batch) { b.Version = classes("a") }))
		sent <- err
	}()
	stacks := make([]byte, 1<<16)
	deadline := time.Now().Add(10 * time.Second)
	for !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("[sync.Mutex.Lock]")) {
		if time.Now().After(deadline) {
			t.Fatal("the batch does not wait for the model")
		}
		runtime.Gosched()
	}
	r.mu.Lock() // what Delete does once it has this lock
	err := r.removeLocked(e)
	r.mu.Unlock()
	e.mu.Unlock()
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatal(err)
	}
	if m, err := r.Get("m"); err != nil || len(m.Versions) != 1 {
		t.Fatalf("a file that nothing is registered for was written: %v %+v", err, m)
	}
	if err := r.Delete("m"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.file("m")); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestBatchesCarryTheRegistrysOwnName(t *testing.T) {
	r := open(t, t.TempDir())
	r.Declare("m", Declaration{})
	own, _ := r.Get("m")
	b := batch(1, func(b *event.Batch) { b.Model = strings.Clone("m") })
	if _, err := r.Observe(b); err != nil || unsafe.StringData(b.Model) != unsafe.StringData(own.Name) {
		t.Fatal("the name is still the sender's memory", err)
	}
}
