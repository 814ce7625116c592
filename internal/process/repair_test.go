package process

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/join"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

func TestADamagedJoinFileIsCut(t *testing.T) {
	s := newSite(t, 1)
	s.put(rows(0, 100))
	s.wait()
	s.put(rows(100, 200))
	s.wait()
	s.proc.Close()
	files, err := filepath.Glob(filepath.Join(s.dir, "join", "000", "*.join"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(files[0], info.Size()/2); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Log: s.log, Profiles: s.store, JoinDir: filepath.Join(s.dir, "join")}
	if _, err := Open(cfg); !errors.Is(err, join.ErrDamaged) {
		t.Fatal("the damage was not seen:", err)
	}
	lost, err := CutJoin(s.store, cfg.JoinDir, 0)
	if err != nil || len(lost) != 1 {
		t.Fatal(lost, err)
	}
	if _, err := CutJoin(s.store, cfg.JoinDir, 0); !errors.Is(err, ErrWhole) {
		t.Fatal("what can be read was given up:", err)
	}
	s.start()
	s.put(labelRows(upTo(200), truth))
	p := s.merged(profiles.ByPrediction, "")
	if p.Predictions != 200 || p.Quality == nil || p.Quality.Labels < 90 || p.Quality.Labels > 110 {
		t.Fatalf("%d predictions, %+v", p.Predictions, p.Quality)
	}
}

func TestAStateOlderThanTheQueueGoesForward(t *testing.T) {
	s := newSite(t, 1)
	s.put(rows(0, 10))
	s.wait()
	if _, _, err := Forward(s.log, s.store, 0); !errors.Is(err, ErrWhole) {
		t.Fatal("what can be read was given up:", err)
	}
	s.proc.Close()
	newer, err := segment.Open(segment.Config{Dir: t.TempDir(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer newer.Close()
	state, err := s.store.State(0)
	if err != nil {
		t.Fatal(err)
	}
	to, err := newer.Advance(0, queue.Offset(state.Next)+1<<40) // its beginning is gone
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := newer.Bounds(0); first <= queue.Offset(state.Next) {
		t.Fatal("the queue has all:", first)
	}
	s.log.Close()
	s.log = newer
	from, at, err := Forward(s.log, s.store, 0)
	if err != nil || uint64(from) != state.Next || at > to {
		t.Fatal(from, at, err)
	}
	s.start()
	s.put(rows(10, 20))
	if p := s.merged(profiles.ByPrediction, ""); p.Predictions != 20 {
		t.Fatal(p.Predictions)
	}
}

// With the loss accepted, a queue that was emptied goes on above what was
// committed, so that nobody sees an offset twice.
func TestAnEmptiedQueueGoesOnAboveTheState(t *testing.T) {
	s := newSite(t, 1)
	s.put(rows(0, 10))
	s.wait()
	s.proc.Close()
	before, err := s.store.State(0)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := segment.Open(segment.Config{Dir: t.TempDir(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.log.Close()
	s.log = empty
	s.proc, err = Open(Config{Log: s.log, Profiles: s.store, JoinDir: filepath.Join(s.dir, "join"), StepTime: 5 * time.Millisecond, AcceptLoss: empty.Advance})
	if err != nil {
		t.Fatal(err)
	}
	s.proc.Start()
	s.put(rows(10, 20))
	if p := s.merged(profiles.ByPrediction, ""); p.Predictions != 20 {
		t.Fatal(p.Predictions)
	}
	after, err := s.store.State(0)
	if err != nil || after.Next <= before.Next {
		t.Fatal("offsets went back:", before.Next, after.Next, err)
	}
}
