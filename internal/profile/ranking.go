package profile

import (
	"math"
	"slices"
)

// Cutoffs are the numbers of places k at which a ranking is judged.
func Cutoffs() [7]int { return [...]int{1, 3, 5, 10, 20, 50, 100} }

// Query is the answer to one query and what is known of it: a relevance is 0
// for what was not wanted, else above it.
type Query struct {
	Relevance []float64 // of the items that were ranked, best rank first
	Missed    []float64 // of relevant items that were not among them
}

// MeanSum is the sum of numbers of 0..1 and of their squares.
type MeanSum struct{ Sum, Squares FixedSum }

func (s *MeanSum) add(v float64, sign int64) {
	s.Sum.add(v, sign)
	s.Squares.add(v*v, sign)
}

func (s *MeanSum) merge(o MeanSum) {
	s.Sum.merge(o.Sum)
	s.Squares.merge(o.Squares)
}

// Ranking is sums over queries of which the relevant items are known. A query
// without any is in no sum: nothing could be found.
type Ranking struct {
	Queries    int64
	Empty      int64 // queries without a relevant item
	Invalid    int64 // queries with a relevance that is negative or not finite
	Reciprocal MeanSum
	At         [7]AtCutoff // by Cutoffs
}

// AtCutoff is the sums over the first k places.
type AtCutoff struct {
	Hits                        int64 // queries with a relevant item there
	NDCG, AP, Precision, Recall MeanSum
}

// AddQuery counts the answer to a query; sign -1 takes it back. Relevance is
// binary, above 0 or not, for all but NDCG, whose gain is the relevance itself.
func (q *Quality) AddQuery(query *Query, sign int64) {
	q.Labels += sign
	if q.Ranking == nil {
		q.Ranking = &Ranking{}
	}
	r := q.Ranking
	ideal := slices.Concat(query.Relevance, query.Missed)
	slices.SortFunc(ideal, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	switch relevant := countRelevant(ideal); {
	case slices.ContainsFunc(ideal, func(v float64) bool { return !(v >= 0) || math.IsInf(v, 1) }):
		r.Invalid += sign
	case relevant == 0:
		r.Empty += sign
	default:
		r.Queries += sign
		r.add(query.Relevance, ideal, relevant, sign)
	}
}

func countRelevant(relevance []float64) (n int) {
	for _, v := range relevance {
		if v > 0 {
			n++
		}
	}
	return n
}

func (r *Ranking) add(ranked, ideal []float64, relevant int, sign int64) {
	var found, place int
	var dcg, best, precisions, reciprocal float64
	scale := ideal[0] // keeps the sums finite
	for i, k := range Cutoffs() {
		for ; place < k; place++ {
			discount := 1 / math.Log2(float64(place)+2)
			if place < len(ideal) {
				best += ideal[place] / scale * discount
			}
			if place >= len(ranked) || ranked[place] == 0 {
				continue
			}
			dcg += ranked[place] / scale * discount
			found++
			precisions += float64(found) / float64(place+1)
			if found == 1 {
				reciprocal = 1 / float64(place+1)
			}
		}
		at := &r.At[i]
		if found > 0 {
			at.Hits += sign
		}
		at.NDCG.add(min(1, dcg/best), sign)
		at.AP.add(min(1, precisions/float64(min(k, relevant))), sign)
		at.Precision.add(float64(found)/float64(k), sign)
		at.Recall.add(float64(found)/float64(relevant), sign)
	}
	if found == 0 {
		if i := slices.IndexFunc(ranked[min(place, len(ranked)):], func(v float64) bool { return v > 0 }); i >= 0 {
			reciprocal = 1 / float64(place+i+1)
		}
	}
	r.Reciprocal.add(reciprocal, sign)
}

// sums are all of them, in the order of the bytes.
func (r *Ranking) sums() []*MeanSum {
	all := []*MeanSum{&r.Reciprocal}
	for i := range r.At {
		at := &r.At[i]
		all = append(all, &at.NDCG, &at.AP, &at.Precision, &at.Recall)
	}
	return all
}

// counts are all of them, in the order of the bytes.
func (r *Ranking) counts() []*int64 {
	all := []*int64{&r.Queries, &r.Empty, &r.Invalid}
	for i := range r.At {
		all = append(all, &r.At[i].Hits)
	}
	return all
}

// Merge adds o to r; nothing of it has a limit.
func (r *Ranking) Merge(o *Ranking, _ int) {
	sums, counts := o.sums(), o.counts()
	for i, s := range r.sums() {
		s.merge(*sums[i])
	}
	for i, n := range r.counts() {
		*n += *counts[i]
	}
}
