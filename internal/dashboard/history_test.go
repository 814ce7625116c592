package dashboard

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

const (
	historyRows     = 100
	historyFeatures = 20
)

// history commits windows for many models: of the first every hour of so many
// days and every minute of the last, of the others every hour of two days.
func (s *site) history(models, days int) {
	s.t.Helper()
	folder, rng := profile.NewFolder(0), rand.New(rand.NewPCG(1, 2))
	end := time.Now().Truncate(time.Hour)
	for i := range models {
		name := fmt.Sprintf("m%03d", i)
		back := 2
		if i == 0 {
			back = days
		}
		for t := end.AddDate(0, 0, -back); t.Before(end.Add(-24 * time.Hour)); t = t.Add(time.Hour) {
			s.window(folder, rng, name, t)
		}
		step := time.Hour
		if i == 0 {
			step = time.Minute
		}
		for t := end.Add(-24 * time.Hour); t.Before(end); t = t.Add(step) {
			s.window(folder, rng, name, t)
		}
	}
	if _, err := s.store.Rollup(profiles.ByPrediction, end.Add(-25*time.Hour).UnixMilli(), 1_000_000); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) window(folder *profile.Folder, rng *rand.Rand, name string, at time.Time) {
	s.t.Helper()
	b := &event.Batch{Header: event.Header{Kind: event.Predictions, Model: name}, Rows: historyRows}
	b.Pred = event.Dict{Values: []string{"0", "1"}, Codes: make([]int32, historyRows)}
	b.Score, b.Latency = event.Num{Values: make([]float64, historyRows)}, event.Num{Values: make([]float64, historyRows)}
	b.Time = make([]int64, historyRows)
	for r := range historyRows {
		b.Time[r] = at.UnixMilli() + int64(r)
		b.Score.Values[r], b.Latency.Values[r] = rng.Float64(), 20+10*rng.NormFloat64()
		if b.Score.Values[r] > 0.5 {
			b.Pred.Codes[r] = 1
		}
	}
	for f := range historyFeatures {
		n := event.Num{Name: fmt.Sprintf("f%02d", f), Values: make([]float64, historyRows)}
		for r := range n.Values {
			n.Values[r] = rng.NormFloat64()
		}
		b.Nums = append(b.Nums, n)
	}
	if _, err := s.reg.Observe(b); err != nil {
		s.t.Fatal(err)
	}
	w := folder.Open(false)
	folder.Add(w, b, nil)
	for r := range historyRows {
		truth := rng.Float64() < b.Score.Values[r]
		w.Quality().Add(&profile.Outcome{Task: event.Binary, PredPositive: b.Pred.Codes[r] == 1, LabelPositive: truth, Score: b.Score.Values[r]}, 1)
	}
	delta := profiles.Delta{Key: profiles.Key{Set: profiles.ByPrediction, Model: name, Start: at.UnixMilli()}, Profile: folder.Close(w)}
	if err := s.store.Commit(&profiles.Step{Partition: 1000, Deltas: []profiles.Delta{delta}}); err != nil {
		s.t.Fatal(err)
	}
	s.srv.Changed([]profiles.Delta{delta})
}
