package profile

import (
	"math"
	"slices"
	"testing"
)

// plainAt judges one ranking by the definitions, place by place.
func plainAt(q *Query, k int) (ndcg, ap, precision, recall, hit float64) {
	all := slices.Concat(q.Relevance, q.Missed)
	relevant := 0.0
	for _, v := range all {
		if v > 0 {
			relevant++
		}
	}
	dcg := func(list []float64) (sum float64) {
		for i, v := range list[:min(k, len(list))] {
			sum += v / math.Log2(float64(i+2))
		}
		return sum
	}
	ideal := slices.Clone(all)
	slices.Sort(ideal)
	slices.Reverse(ideal)
	found := 0.0
	for i, v := range q.Relevance[:min(k, len(q.Relevance))] {
		if v > 0 {
			found++
			ap += found / float64(i+1)
		}
	}
	return dcg(q.Relevance) / dcg(ideal), ap / min(float64(k), relevant), found / float64(k), found / relevant, min(1, found)
}

func TestRanking(t *testing.T) {
	r := random(3)
	quality := &Quality{}
	var want [7][5]float64
	reciprocal, queries, empty := 0.0, int64(0), int64(0)
	for range 400 {
		q := randomQuery(r)
		quality.AddQuery(q, 1)
		if countRelevant(q.Relevance)+countRelevant(q.Missed) == 0 {
			empty++
			continue
		}
		queries++
		if i := slices.IndexFunc(q.Relevance, func(v float64) bool { return v > 0 }); i >= 0 {
			reciprocal += 1 / float64(i+1)
		}
		for i, k := range Cutoffs() {
			ndcg, ap, precision, recall, hit := plainAt(q, k)
			for j, v := range []float64{ndcg, ap, precision, recall, hit} {
				want[i][j] += v
			}
		}
	}
	x := quality.Ranking
	if x.Queries != queries || x.Empty != empty || !near(x.Reciprocal.Sum.Float64(), reciprocal, 1e-12) {
		t.Fatalf("%d queries, %d empty, reciprocal ranks %v, want %v", x.Queries, x.Empty, x.Reciprocal.Sum.Float64(), reciprocal)
	}
	for i, k := range Cutoffs() {
		at := x.At[i]
		got := [5]float64{at.NDCG.Sum.Float64(), at.AP.Sum.Float64(), at.Precision.Sum.Float64(), at.Recall.Sum.Float64(), float64(at.Hits)}
		for j := range got {
			if !near(got[j], want[i][j], 1e-12) {
				t.Errorf("at %d, sum %d: %v, want %v", k, j, got[j], want[i][j])
			}
		}
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		before := x.At
		quality.AddQuery(&Query{Relevance: []float64{1, bad}}, 1)
		if x.At != before {
			t.Errorf("a relevance of %v is in the sums", bad)
		}
	}
	if x.Invalid != 3 {
		t.Errorf("%d queries are invalid", x.Invalid)
	}
}

func TestRankingIsTakenBack(t *testing.T) {
	r := random(4)
	q := &Quality{}
	var all []*Query
	for range 200 {
		all = append(all, randomQuery(r))
		q.AddQuery(all[len(all)-1], 1)
	}
	for _, query := range all {
		q.AddQuery(query, -1)
	}
	if !q.isEmpty() {
		t.Errorf("a trace is left: %+v", q.Ranking)
	}
}
