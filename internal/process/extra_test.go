package process

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// lcg is the generator of test/parity/quality.py.
type lcg uint32

func (g *lcg) next() float64 {
	*g = *g*1664525 + 1013904223
	return float64(*g) / (1 << 32)
}

// spoken is a row and its label, as batches of one row each.
type spoken struct{ row, label *event.Batch }

func header(kind event.Kind, task event.Task, id int, at int64) *event.Batch {
	b := &event.Batch{Header: event.Header{Kind: kind, Task: task, Model: "m"}, Rows: 1, Time: []int64{at}}
	b.ID.Append("id-" + strconv.Itoa(id))
	return b
}

// animals are the rows of quality_multiclass.json, 20 a minute.
func animals() (all []spoken) {
	names := []string{"ant", "bee", "cat", "dog", "elk"}
	draw := lcg(7)
	for i := range 1000 {
		at := start + int64(i)*3000
		row, label := header(event.Predictions, event.Multiclass, i, at), header(event.Labels, event.Multiclass, i, at+3600_000)
		u := draw.next()
		truth := int(u * u * 5)
		scores, sum, best := make([]float64, 5), 0.0, 0
		for c := range scores {
			scores[c] = draw.next()
			if c == truth {
				scores[c] += 0.5
			}
			sum += scores[c]
		}
		for c, name := range names {
			if scores[c] /= sum; scores[c] > scores[best] {
				best = c
			}
			row.Scores = append(row.Scores, event.Num{Name: name, Values: []float64{scores[c]}})
		}
		row.Pred = event.Dict{Codes: []int32{0}, Values: []string{names[best]}}
		row.Segments = []event.Dict{{Name: "odd", Codes: []int32{int32(i % 2)}, Values: []string{"no", "yes"}}}
		label.Label = event.Dict{Codes: []int32{0}, Values: []string{names[truth]}}
		all = append(all, spoken{row, label})
	}
	return all
}

func hashes(n int) (items []uint64) {
	for i := range n {
		items = append(items, event.HashItem([]byte("item-"+strconv.Itoa(i))))
	}
	return items
}

// wanted makes a label of gains by place, of which none is written for 0.
func wanted(b *event.Batch, items []uint64, gains []float64) {
	type one struct {
		item uint64
		gain float64
	}
	var list []one
	for i, g := range gains {
		if g > 0 {
			list = append(list, one{items[i], g})
		}
	}
	slices.SortFunc(list, func(a, b one) int {
		if a.item < b.item {
			return -1
		}
		return 1
	})
	items, gains = nil, nil
	for _, o := range list {
		items, gains = append(items, o.item), append(gains, o.gain)
	}
	b.Relevant.Put(0, items, gains)
}

// queries are those of quality_ranking.json.
func queries() (all []spoken) {
	draw := lcg(11)
	items := hashes(30)
	for i := range 200 {
		at := start + int64(i)*3000
		row, label := header(event.Predictions, event.Ranking, i, at), header(event.Labels, event.Ranking, i, at+3600_000)
		row.Items.Put(0, items, nil)
		row.Segments = []event.Dict{{Name: "odd", Codes: []int32{int32(i % 2)}, Values: []string{"no", "yes"}}}
		var gains []float64
		for range 30 {
			gains = append(gains, float64(max(0, int(draw.next()*8)-4)))
		}
		wanted(label, items, gains)
		all = append(all, spoken{row, label})
	}
	return all
}

func printed(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../test/parity/expected/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestClassScoresAndRankingsMeetTheirLabels sends rows and labels in every
// order, over restarts and any number of partitions, with labels that are wrong
// at first: the numbers are scikit-learn's, and the bytes are the same.
func TestClassScoresAndRankingsMeetTheirLabels(t *testing.T) {
	var classes struct{ Metrics map[string]float64 }
	printed(t, "quality_multiclass", &classes)
	var ranking map[string]map[string]any
	printed(t, "quality_ranking", &ranking)
	rankings := map[string]float64{}
	for key, v := range ranking["10"] {
		rankings[key] = v.(float64)
	}
	for _, c := range []struct {
		task event.Task
		rows []spoken
		want map[string]float64
	}{{event.Multiclass, animals(), classes.Metrics}, {event.Ranking, queries(), rankings}} {
		var first []byte
		for name, send := range orders(c.rows) {
			t.Run(c.task.String()+" "+name, func(t *testing.T) {
				s := newSite(t, 1+len(name)%3)
				send(s)
				p := s.merged(profiles.ByPrediction, "")
				r := measure.Quality(p, c.task)
				if r.Labels != int64(len(c.rows)) || r.Predictions != int64(len(c.rows)) {
					t.Fatalf("%d predictions, %d labels", r.Predictions, r.Labels)
				}
				for key, w := range c.want {
					if v, _ := r.Get(key); !v.Defined || math.Abs(v.Value-w) > 1e-9*math.Abs(w) {
						t.Errorf("%s is %+v, want %v", key, v, w)
					}
				}
				if half := s.merged(profiles.ByPrediction, "odd=yes"); half.Quality.Labels != r.Labels/2 {
					t.Errorf("%d labels in a segment", half.Quality.Labels)
				}
				p.Arrived, p.Duplicates = 0, 0
				if got := p.AppendTo(nil); first == nil {
					first = got
				} else if !bytes.Equal(got, first) {
					t.Error("other bytes than in another order")
				}
			})
		}
	}
}

func orders(all []spoken) map[string]func(s *site) {
	rnd := rand.New(rand.NewPCG(5, 6))
	each := func(s *site, of func(i int) *event.Batch) {
		for i := range all {
			s.put(of(i))
		}
	}
	row := func(i int) *event.Batch { return all[i].row }
	label := func(i int) *event.Batch { return all[i].label }
	other := func(i int) *event.Batch { // the truth of another row
		wrong := *all[i].label
		of := all[(i+7)%len(all)].label
		wrong.Label, wrong.Relevant = of.Label, of.Relevant
		return &wrong
	}
	return map[string]func(s *site){
		"labels after":  func(s *site) { each(s, row); each(s, label) },
		"labels before": func(s *site) { each(s, label); each(s, row) },
		"corrected":     func(s *site) { each(s, row); each(s, other); each(s, label); each(s, label) },
		"corrected before they meet": func(s *site) {
			each(s, other)
			each(s, label)
			each(s, row)
			each(s, row)
		},
		"restarts": func(s *site) {
			for i := range all {
				s.put(row(i))
				if i%90 == 89 {
					s.close()
					s.open()
				}
				s.put(other(i))
			}
			s.close()
			s.open()
			each(s, label)
		},
		"mixed": func(s *site) {
			for _, k := range rnd.Perm(2 * len(all)) {
				if k%2 == 0 {
					s.put(row(k / 2))
				} else {
					s.put(label(k / 2))
				}
			}
		},
	}
}

// What was wanted and not ranked was missed; an empty label is a query that
// nothing could answer; a label of another kind only counts.
func TestQueriesByHand(t *testing.T) {
	s := newSite(t, 1)
	items := hashes(4)
	ask := func(id int, ranked []uint64, list []uint64, gains []float64) {
		row := header(event.Predictions, event.Ranking, id, start)
		row.Items.Put(0, ranked, nil)
		s.put(row)
		label := header(event.Labels, event.Ranking, id, start)
		wanted(label, list, gains)
		s.put(label)
	}
	ask(1, items[:2], items[1:4], []float64{1, 1, 1}) // one of three, at the second place
	ask(2, nil, items[:1], []float64{1})              // nothing was answered
	ask(3, items[:2], nil, nil)                       // nothing was wanted
	odd := header(event.Predictions, event.Ranking, 4, start)
	odd.Items.Put(0, items[:1], nil)
	s.put(odd)
	class := header(event.Labels, event.Multiclass, 4, start)
	class.Label = event.Dict{Codes: []int32{0}, Values: []string{"x"}}
	s.put(class)
	p := s.merged(profiles.ByPrediction, "")
	if p.Predictions != 4 || p.Quality.Labels != 4 || p.Quality.Ranking.Queries != 2 || p.Quality.Ranking.Empty != 1 {
		t.Fatalf("%d predictions, %+v", p.Predictions, p.Quality.Ranking)
	}
	for key, want := range map[string]float64{"recall_at_10": 1.0 / 6, "mrr": 0.25, "hit_rate_at_10": 0.5, "precision_at_10": 0.05} {
		if v, _ := measure.Quality(p, event.Ranking).Get(key); math.Abs(v.Value-want) > 1e-15 {
			t.Errorf("%s is %v, want %v", key, v.Value, want)
		}
	}
	fits := header(event.Labels, event.Ranking, 4, start) // and is replaced by one that fits
	wanted(fits, items[:1], []float64{1})
	s.put(fits)
	if q := s.merged(profiles.ByPrediction, "").Quality; q.Labels != 4 || q.Ranking.Queries != 3 {
		t.Errorf("%d labels, %+v", q.Labels, q.Ranking)
	}
	if e := s.merged(profiles.ByEvaluation, ""); e.Quality.Labels != 4 || e.Quality.Ranking.Queries != 2 {
		t.Errorf("by evaluation: %+v", e.Quality.Ranking)
	}
}

// A row of more classes than the join keeps loses the same ones however it is
// sent, and the answer is not a number of those that are left.
func TestManyClassesAreCutTheSameWay(t *testing.T) {
	row, label := header(event.Predictions, event.Multiclass, 1, start), header(event.Labels, event.Multiclass, 1, start)
	for c := range 200 {
		n := event.Num{Name: fmt.Sprint("class ", c), Values: []float64{float64(c) / 20000}}
		if c%2 == 0 {
			n.SetNull(0)
		}
		row.Scores = append(row.Scores, n)
	}
	row.Pred = event.Dict{Codes: []int32{0}, Values: []string{"class 199"}}
	label.Label = row.Pred
	var kept [2]*profile.ClassScores
	for i := range kept {
		s := newSite(t, 1)
		s.put(row)
		s.put(label)
		kept[i] = s.merged(profiles.ByPrediction, "").Quality.Classes
		slices.Reverse(row.Scores)
		row.Scores = slices.DeleteFunc(row.Scores, func(n event.Num) bool { return n.Null(0) }) // as another body would
	}
	if kept[0].Rows != 1 || len(kept[0].Of) != profile.MaxScoredClasses || kept[0].Other != maxScores-profile.MaxScoredClasses {
		t.Fatalf("%d rows, %d classes, %d other scores", kept[0].Rows, len(kept[0].Of), kept[0].Other)
	}
	for name := range kept[0].Of {
		if kept[1].Of[name] == nil {
			t.Errorf("%s is kept in one order alone", name)
		}
	}
}
