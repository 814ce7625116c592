package measure

import (
	"fmt"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// RankingPlaces is how many places of a ranking the metrics of the catalogue are
// about.
const RankingPlaces = 10

// Ranking is how good the answers to queries are in their first k places; ok is
// false when k is none of profile.Cutoffs. All are means over the queries that
// have a relevant item, with normal intervals, of the hit rate Wilson's. Gain
// of NDCG is the relevance itself and its discount log2(1 + place), as in
// scikit-learn; an average precision is over min(k, relevant items).
func Ranking(q *profile.Quality, k int) (metrics []Metric, ok bool) {
	cutoffs := profile.Cutoffs()
	i := slices.Index(cutoffs[:], k)
	if i < 0 {
		return nil, false
	}
	none, r := NoLabels, q.Ranking
	if r == nil {
		r = &profile.Ranking{}
	} else if r.Queries <= 0 && r.Empty > 0 {
		none = NoRelevant
	}
	at := &r.At[i]
	of := func(key string, s profile.MeanSum) Metric {
		if r.Queries <= 0 {
			return Metric{key, undefined(none, 0)}
		}
		n := float64(r.Queries)
		v := positive(meanError(s.Sum.Float64()/n, s.Squares.Float64()/n, r.Queries))
		v.High = math.Min(1, v.High)
		return Metric{key, v}
	}
	return []Metric{
		of(fmt.Sprint("ndcg_at_", k), at.NDCG),
		of(fmt.Sprint("map_at_", k), at.AP),
		of("mrr", r.Reciprocal),
		{fmt.Sprint("hit_rate_at_", k), proportion(at.Hits, r.Queries, none)},
		of(fmt.Sprint("precision_at_", k), at.Precision),
		of(fmt.Sprint("recall_at_", k), at.Recall),
	}, true
}
