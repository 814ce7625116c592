package process

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	promlabels "github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/event/sample"
	"github.com/leewayhq/leeway/internal/store/series"
)

// failing is a sink whose first syncs fail, as those of a full disk.
type failing struct {
	*series.Sink
	left atomic.Int32
}

func (f *failing) Flush(ctx context.Context) error {
	if f.left.Add(-1) >= 0 {
		return errors.New("no space left")
	}
	return f.Sink.Flush(ctx)
}

func TestSamplesCountOnceThroughFailuresAndReplay(t *testing.T) {
	s := newSite(t, 2)
	store, err := series.Open(series.DefaultConfig(filepath.Join(s.dir, "series")))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sink := &failing{Sink: store.NewSink(2)}
	sink.left.Store(3)
	restart := func() {
		if err := s.proc.Close(); err != nil {
			t.Fatal(err)
		}
		if s.proc, err = Open(Config{Log: s.log, Profiles: s.store, JoinDir: filepath.Join(s.dir, "join"), StepTime: 5 * time.Millisecond, Samples: sink}); err != nil {
			t.Fatal(err)
		}
		s.proc.Start()
	}
	restart()

	now := time.Now().UnixMilli()
	put := func() {
		var b sample.Builder
		for i := range int64(50) {
			for _, host := range []string{"a", "b", "c"} {
				ls := promlabels.FromStrings("__name__", "requests", "host", host)
				b.Float(ls, now-50_000+1000*i, float64(i))
				b.Exemplar(ls, &exemplar.Exemplar{Labels: promlabels.FromStrings("trace_id", "x"), Value: 1, Ts: now - 50_000 + 1000*i})
				if err := b.Histogram(promlabels.FromStrings("__name__", "took", "host", host), now-50_000+1000*i,
					&histogram.FloatHistogram{Count: float64(i), Sum: 1, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{float64(i)}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.put(b.Batch())
	}
	check := func(what string) {
		t.Helper()
		s.waitLong()
		for expr, want := range map[string]float64{
			"sum(count_over_time(requests[5m]))": 150, "sum(sum_over_time(requests[5m]))": 3 * 1225,
			"sum(histogram_count(sum_over_time(took[5m])))": 3 * 1225,
		} {
			v, err := store.Query(t.Context(), expr, time.UnixMilli(now))
			if err != nil || len(v) != 1 || v[0].F != want {
				t.Fatalf("%s: %s is %v, want %v (%v)", what, expr, v, want, err)
			}
		}
	}
	put()
	check("after syncs that failed")
	if sink.left.Load() >= 0 {
		t.Fatal("no sync failed")
	}
	put()
	check("after a replay")
	restart()
	check("after a restart")
	q, err := store.Exemplars().ExemplarQuerier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := q.Select(0, now, []*promlabels.Matcher{promlabels.MustNewMatcher(promlabels.MatchEqual, "__name__", "requests")})
	if err != nil || len(found) != 3 {
		t.Fatalf("exemplars of %d series (%v)", len(found), err)
	}
}

// waitLong is wait for a processor whose steps may fail at first.
func (s *site) waitLong() {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for behind := true; behind; {
		behind = false
		for _, st := range s.proc.Status() {
			behind = behind || st.Next < st.End
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("still behind: %+v", s.proc.Status())
		}
	}
}
