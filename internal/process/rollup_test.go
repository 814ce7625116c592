package process

import (
	"sync"
	"testing"

	"github.com/leewayhq/leeway/internal/store/profiles"
)

// Windows move into hours while they are still being written to.
func TestRollupBesideCommitsLosesNothing(t *testing.T) {
	s := newSite(t, 2)
	stop := make(chan struct{})
	var moving sync.WaitGroup
	moved := 0
	moving.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, err := s.store.Rollup(profiles.ByPrediction, start+1<<40, 64)
			if err != nil {
				t.Error(err)
				return
			}
			moved += n
		}
	})
	const n = 3000
	for from := 0; from < n; from += 50 {
		s.put(rows(from, from+50))
		s.put(labelRows(upTo(n)[from:from+50], truth))
	}
	s.wait()
	close(stop)
	moving.Wait()
	if moved == 0 {
		t.Fatal("nothing was moved")
	}
	check(t, s.merged(profiles.ByPrediction, ""), n, want(n, truth, every))
}

// A correction reaches a window that was rolled up before a restart.
func TestCorrectionAfterRestartAndRollup(t *testing.T) {
	s := newSite(t, 2)
	s.put(rows(0, 200))
	s.put(labelRows(upTo(200), func(int) string { return "1" }))
	s.wait()
	if _, err := s.store.Rollup(profiles.ByPrediction, start+1<<40, 1<<20); err != nil {
		t.Fatal(err)
	}
	s.close()
	s.open()
	s.put(labelRows(upTo(200), truth))
	check(t, s.merged(profiles.ByPrediction, ""), 200, want(200, truth, every))
}
