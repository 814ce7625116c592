package process

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// site is a queue, a profile store and a processor in one folder.
type site struct {
	t     testing.TB
	dir   string
	parts int
	log   *segment.Log
	store *profiles.Store
	proc  *Processor
}

func newSite(t testing.TB, parts int) *site {
	s := &site{t: t, dir: t.TempDir(), parts: parts}
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *site) open() {
	s.t.Helper()
	var err error
	if s.log, err = segment.Open(segment.Config{Dir: filepath.Join(s.dir, "queue"), Partitions: s.parts}); err != nil {
		s.t.Fatal(err)
	}
	if s.store, err = profiles.Open(profiles.Config{Dir: filepath.Join(s.dir, "state")}); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

func (s *site) start() {
	s.t.Helper()
	var err error
	s.proc, err = Open(Config{Log: s.log, Profiles: s.store, JoinDir: filepath.Join(s.dir, "join"), StepTime: 5 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	s.proc.Start()
}

func (s *site) close() {
	if s.proc != nil {
		s.proc.Close()
		s.store.Close()
		s.log.Close()
		s.proc = nil
	}
}

// put appends a batch to the partitions of its rows.
func (s *site) put(b *event.Batch) {
	s.t.Helper()
	if b.Arrived == 0 {
		b.Arrived = b.Time[0] + 1000
	}
	for p, part := range b.Split(s.parts) {
		if part == nil {
			continue
		}
		if _, err := s.log.Append(context.Background(), p, part.AppendTo(nil)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// wait returns once everything in the log is committed.
func (s *site) wait() {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		behind := false
		for _, st := range s.proc.Status() {
			if st.Err != nil {
				s.t.Fatal(st.Err)
			}
			behind = behind || st.Next < st.End
		}
		if !behind {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("still behind: %+v", s.proc.Status())
		}
	}
}

func (s *site) merged(set profiles.Set, segment string) *profile.Profile {
	s.t.Helper()
	s.wait()
	p, err := s.store.Merged(context.Background(), profiles.Query{Set: set, Model: "m", Segment: segment})
	if err != nil {
		s.t.Fatal(err)
	}
	if p == nil {
		p = &profile.Profile{}
	}
	return p
}

const start = int64(1_700_000_000_000)

// rows makes predictions of ids from to to: the score grows with the id, the
// decision is at 0.5, and truth tells what their labels will be.
func rows(from, to int) *event.Batch {
	n := to - from
	b := &event.Batch{Header: event.Header{Kind: event.Predictions, Task: event.Binary, Model: "m", Positive: "1"}, Rows: n}
	b.Time, b.Score.Values = make([]int64, n), make([]float64, n)
	b.Pred = event.Dict{Codes: make([]int32, n), Values: []string{"0", "1"}}
	x := event.Num{Name: "x", Values: make([]float64, n), Epoch: 1, Centre: 50}
	country := event.Dict{Name: "country", Codes: make([]int32, n), Values: []string{"DE", "FR"}}
	for i := range n {
		k := from + i
		b.ID.Append("id-" + strconv.Itoa(k))
		b.Time[i] = start + int64(k)*1000
		b.Score.Values[i] = float64(k%100) / 100
		if b.Score.Values[i] >= 0.5 {
			b.Pred.Codes[i] = 1
		}
		x.Values[i] = float64(k % 100)
		country.Codes[i] = int32(k % 2)
	}
	b.Nums = []event.Num{x}
	b.Segments = []event.Dict{country}
	return b
}

func truth(k int) string {
	if k%3 == 0 || k%100 >= 70 {
		return "1"
	}
	return "0"
}

func labelRows(ids []int, of func(int) string) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: event.Labels, Task: event.Binary, Model: "m", Positive: "1"}, Rows: len(ids)}
	b.Label = event.Dict{Codes: make([]int32, len(ids)), Values: []string{"0", "1"}}
	for i, k := range ids {
		b.ID.Append("id-" + strconv.Itoa(k))
		b.Time = append(b.Time, start+3600_000)
		if of(k) == "1" {
			b.Label.Codes[i] = 1
		}
	}
	return b
}

func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

// want counts the outcome by hand.
func want(n int, of func(int) string, keep func(int) bool) profile.Quality {
	var q profile.Quality
	for k := range n {
		if !keep(k) {
			continue
		}
		q.Labels++
		pred, pos := k%100 >= 50, of(k) == "1"
		switch {
		case pred && pos:
			q.TP++
		case pred:
			q.FP++
		case pos:
			q.FN++
		default:
			q.TN++
		}
	}
	return q
}

func check(t *testing.T, got *profile.Profile, predictions int, w profile.Quality) {
	t.Helper()
	q := got.Quality
	if q == nil {
		q = &profile.Quality{}
	}
	if got.Predictions != int64(predictions) || q.Labels != w.Labels || q.TP != w.TP || q.FP != w.FP || q.FN != w.FN || q.TN != w.TN {
		t.Fatalf("predictions %d, labels %d, TP %d FP %d FN %d TN %d; wanted %d and %d, %d %d %d %d",
			got.Predictions, q.Labels, q.TP, q.FP, q.FN, q.TN, predictions, w.Labels, w.TP, w.FP, w.FN, w.TN)
	}
}

func every(int) bool { return true }

func TestLabelsMeetPredictionsInEitherOrder(t *testing.T) {
	const n = 1000
	for name, order := range map[string]func(s *site){
		"labels after": func(s *site) {
			s.put(rows(0, n))
			s.put(labelRows(upTo(n), truth))
		},
		"labels before": func(s *site) {
			s.put(labelRows(upTo(n), truth))
			s.put(rows(0, n))
		},
		"one by one, mixed": func(s *site) {
			rnd := rand.New(rand.NewPCG(3, 4))
			for _, k := range rnd.Perm(2 * n) {
				if k < n {
					s.put(rows(k, k+1))
				} else {
					s.put(labelRows([]int{k - n}, truth))
				}
			}
		},
		"twice each": func(s *site) {
			for range 2 {
				s.put(rows(0, n))
				s.put(labelRows(upTo(n), truth))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 2)
			order(s)
			check(t, s.merged(profiles.ByPrediction, ""), n, want(n, truth, every))
			check(t, s.merged(profiles.ByPrediction, "country=FR"), n/2, want(n, truth, func(k int) bool { return k%2 == 1 }))
		})
	}
}

func TestCorrectedLabelLeavesNoTrace(t *testing.T) {
	const n = 300
	wrong := func(k int) string {
		if truth(k) == "1" {
			return "0"
		}
		return "1"
	}
	once, twice := newSite(t, 2), newSite(t, 2)
	once.put(rows(0, n))
	once.put(labelRows(upTo(n), truth))
	twice.put(rows(0, n))
	twice.put(labelRows(upTo(n), wrong))
	twice.wait()
	twice.put(labelRows(upTo(n), truth))
	a, b := once.merged(profiles.ByPrediction, ""), twice.merged(profiles.ByPrediction, "")
	check(t, b, n, want(n, truth, every))
	a.Features, b.Features = nil, nil // their moments are floats, added up in the partitions' order
	if !bytes.Equal(a.AppendTo(nil), b.AppendTo(nil)) {
		t.Fatal("the correction left something behind")
	}
	if e := twice.merged(profiles.ByEvaluation, ""); e.Quality.Labels != n {
		t.Fatal("the evaluation clock was revised:", e.Quality.Labels)
	}
}

func TestRepeatedBatchCountsOnce(t *testing.T) {
	s := newSite(t, 2)
	b := rows(0, 10)
	b.ID = event.Text{}
	b.BatchID = "batch-1"
	for range 3 {
		s.put(b)
		s.wait()
	}
	if p := s.merged(profiles.ByPrediction, ""); p.Predictions != 10 {
		t.Fatal(p.Predictions)
	}
}

func TestLateAndImportedRowsStayOutOfTheEvaluationClock(t *testing.T) {
	s := newSite(t, 1)
	late := rows(0, 10)
	late.Arrived = late.Time[0] + 2*3600_000
	s.put(late)
	imported := rows(10, 20)
	imported.Flags = event.Imported
	s.put(imported)
	live := rows(20, 25)
	s.put(live)
	l := labelRows(upTo(25), truth) // ordinary labels count, however old the prediction
	s.put(l)
	if p := s.merged(profiles.ByPrediction, ""); p.Predictions != 25 {
		t.Fatal(p.Predictions)
	}
	if p := s.merged(profiles.ByEvaluation, ""); p.Predictions != 5 || p.Quality.Labels != 25 {
		t.Fatal(p.Predictions, p.Quality.Labels)
	}
}

// The same records give the same bytes whatever the partitions, batch
// boundaries and restarts; a restart in the middle of a step folds again.
func TestFoldIsDeterministic(t *testing.T) {
	const n = 2000
	var results [][]byte
	for _, parts := range []int{1, 2, 5} {
		for _, chunk := range []int{n, 97} {
			s := newSite(t, parts)
			for from := 0; from < n; from += chunk {
				to := min(n, from+chunk)
				s.put(rows(from, to))
				ids := upTo(n)[from:to]
				s.put(labelRows(ids, truth))
				if from/chunk%5 == 3 {
					s.close() // wherever it is
					s.open()
				}
			}
			p := s.merged(profiles.ByPrediction, "")
			check(t, p, n, want(n, truth, every))
			p.Arrived, p.Features = 0, nil
			results = append(results, p.AppendTo(nil))
		}
	}
	for i := range results {
		if !bytes.Equal(results[0], results[i]) {
			t.Fatalf("run %d differs", i)
		}
	}
}

func TestRegressionAndManyClasses(t *testing.T) {
	s := newSite(t, 2)
	b := rows(0, 4)
	b.Task, b.Pred, b.Score, b.Segments = event.Regression, event.Dict{}, event.Num{}, nil
	b.PredValue = event.Num{Values: []float64{1, 2, 3, 4}}
	s.put(b)
	l := labelRows(upTo(4), truth)
	l.Task, l.Label = event.Regression, event.Dict{}
	l.LabelValue = event.Num{Values: []float64{2, 2, 2, 2}}
	s.put(l)
	if r := s.merged(profiles.ByPrediction, "").Quality.Regression; r.N != 4 || r.AbsE.Float64() != 4 || r.SqE.Float64() != 6 {
		t.Fatalf("%+v", r)
	}
	s2 := newSite(t, 2)
	b = rows(0, 3)
	b.Task, b.Score = event.Multiclass, event.Num{}
	b.Pred = event.Dict{Values: []string{"cat", "dog"}, Codes: []int32{0, 1, 1}}
	s2.put(b)
	l = labelRows(upTo(3), truth)
	l.Task, l.Label = event.Multiclass, event.Dict{Values: []string{"cat", "bird"}, Codes: []int32{0, 0, 1}}
	s2.put(l)
	q := s2.merged(profiles.ByPrediction, "").Quality
	if q.Correct != 1 || q.Confusion[[2]string{"dog", "bird"}] != 1 {
		t.Fatalf("%+v", q)
	}
}

// A record that cannot be decoded stops nobody.
func TestBrokenRecordIsSkipped(t *testing.T) {
	s := newSite(t, 1)
	s.put(rows(0, 10))
	if _, err := s.log.Append(context.Background(), 0, []byte("this is not a frame, and longer than forty bytes")); err != nil {
		t.Fatal(err)
	}
	s.put(rows(10, 20))
	waitFor(t, s, 20)
}

// waitFor returns once so many predictions are counted, also while a step fails
// and is tried again.
func waitFor(t *testing.T, s *site, predictions int64) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		p, err := s.store.Merged(context.Background(), profiles.Query{Set: profiles.ByPrediction, Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		if p != nil && p.Predictions == predictions {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("stands still: %+v", s.proc.Status())
		}
	}
}

func TestLostQueueIsNoticed(t *testing.T) {
	s := newSite(t, 1)
	s.put(rows(0, 10))
	s.wait()
	s.proc.Close()
	empty, err := segment.Open(segment.Config{Dir: t.TempDir(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	_, err = Open(Config{Log: empty, Profiles: s.store, JoinDir: filepath.Join(s.dir, "join")})
	if !errors.Is(err, ErrBehind) {
		t.Fatal("opened over a lost queue:", err)
	}
}

// One record stamped by a clock that was years ahead takes nobody's place.
func TestAWrongClockLosesNoPending(t *testing.T) {
	s := newSite(t, 1)
	s.put(rows(0, 100))
	ahead := rows(100, 110)
	ahead.Arrived = ahead.Time[0] + 5*365*24*time.Hour.Milliseconds()
	s.put(ahead)
	s.wait()
	s.put(rows(110, 120))
	s.put(labelRows(upTo(120), truth))
	if p := s.merged(profiles.ByPrediction, ""); p.Quality == nil || p.Quality.Labels != 120 {
		t.Fatalf("%+v", p.Quality)
	}
}

func TestRollupKeepsTheNumbers(t *testing.T) {
	s := newSite(t, 2)
	s.put(rows(0, 5000))
	s.put(labelRows(upTo(5000), truth))
	s.wait()
	moved, err := s.store.Rollup(profiles.ByPrediction, start+1000*1000, 1<<20)
	if err != nil || moved == 0 {
		t.Fatal(moved, err)
	}
	after := s.merged(profiles.ByPrediction, "")
	check(t, after, 5000, want(5000, truth, every))
	s.put(labelRows(upTo(10), func(int) string { return "1" })) // corrections reach rolled-up windows
	p := s.merged(profiles.ByPrediction, "")
	if p.Quality.Labels != 5000 {
		t.Fatal(p.Quality.Labels)
	}
}
