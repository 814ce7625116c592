package dashboard

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"
)

// A ranking through the whole path: the item that was wanted stands at place
// i%5 + 1, in every fourth query nowhere, and the labels were wrong at first.
func TestQualityOfARanking(t *testing.T) {
	s := newSite(t, nil)
	s.contract = openContract(t)
	s.do("PUT", "/api/v1/models/shop", `{"task":"ranking"}`, http.StatusCreated, nil)
	var predictions, wrong, labels []map[string]any
	at := time.Now().Add(-30 * time.Minute).Truncate(time.Minute).UnixMilli()
	for i := range 400 {
		id := fmt.Sprint("q-", i)
		wanted := fmt.Sprint("item-", i%5)
		if i%4 == 3 {
			wanted = "nowhere"
		}
		predictions = append(predictions, map[string]any{
			"id": id, "time": at + int64(i), "version": fmt.Sprint("v", i%2), "segments": map[string]any{"page": []string{"home", "search"}[i%2]},
			"items": []string{"item-0", "item-1", "item-2", "item-3", "item-4"},
		})
		labels = append(labels, map[string]any{"id": id, "relevant": map[string]any{wanted: 2}})
		wrong = append(wrong, map[string]any{"id": id, "relevant": []string{"item-0", "item-1", fmt.Sprint(i)}})
	}
	s.do("POST", "/api/v1/models/shop/labels", wrong[:200], http.StatusOK, nil)
	s.do("POST", "/api/v1/models/shop/predictions", predictions, http.StatusOK, nil)
	s.do("POST", "/api/v1/models/shop/labels", wrong[200:], http.StatusOK, nil)
	s.do("POST", "/api/v1/models/shop/labels", labels, http.StatusOK, nil)
	s.caughtUp()
	const path = "/api/v1/models/shop/quality"
	var got, three qualityGot
	s.get(path, &got)
	s.get(path+"?k=3", &three)
	found := func(from, to int) (n, reciprocal, gain float64) { // of the 400 queries, those at these places
		for i := range 400 {
			if place := i%5 + 1; i%4 != 3 && place >= from && place <= to {
				n++
				reciprocal += 1 / float64(place) / 400
				gain += 1 / math.Log2(float64(place)+1) / 400
			}
		}
		return n / 400, reciprocal, gain
	}
	all, mrr, ndcg := found(1, 5)
	for key, want := range map[string]float64{"ndcg_at_10": ndcg, "map_at_10": mrr, "mrr": mrr, "hit_rate_at_10": all, "recall_at_10": all, "precision_at_10": all / 10} {
		v := got.Windows[0].Metrics[key]
		if v.Value == nil || math.Abs(*v.Value-want) > 1e-12 {
			t.Errorf("%s: %+v, want %v", key, v, want)
		}
	}
	few, _, gain := found(1, 3)
	for key, want := range map[string]float64{"ndcg_at_3": gain, "hit_rate_at_3": few, "precision_at_3": few / 3, "mrr": mrr} {
		if v := three.Windows[0].Metrics[key]; v.Value == nil || math.Abs(*v.Value-want) > 1e-12 {
			t.Errorf("%s: %+v, want %v", key, v, want)
		}
	}
	for _, bad := range []string{"k=7", "k=ten", "threshold=0.5"} {
		s.problem("GET", path+"?"+bad, nil, http.StatusBadRequest, "bad_parameter")
	}
	var overview overviewGot
	s.get("/api/v1/overview?model=shop", &overview)
	if len(overview.Quality) == 0 || overview.Quality[0].Key != "ndcg_at_10" || !near(overview.Quality[0].Value, ndcg) {
		t.Errorf("the tiles: %+v", overview.Quality)
	}
	if len(overview.Chart.Series) != 3 {
		t.Errorf("%d lines", len(overview.Chart.Series))
	}
	var cut struct {
		Metric   string
		Segments []struct{ Segment string }
	}
	s.get("/api/v1/models/shop/segments", &cut)
	if cut.Metric != "ndcg_at_10" || len(cut.Segments) == 0 {
		t.Errorf("by segment: %+v", cut)
	}
	var versions compareGot
	s.get("/api/v1/models/shop/compare?version=v0&with=v1", &versions)
	if method, _, _ := versions.metric("hit_rate_at_10"); method != "two_proportions" {
		t.Errorf("two versions: %+v", versions)
	}
	s.problem("GET", "/api/v1/models/shop/curves", nil, http.StatusBadRequest, "no_curves")
}
