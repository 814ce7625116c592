package dashboard

import (
	"math"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
	"github.com/leewayhq/leeway/internal/profile"
)

type tile struct {
	Key          string      `json:"key"`
	Title        words       `json:"title"`
	Unit         string      `json:"unit"`
	Value        num         `json:"value"`
	State        string      `json:"state"`
	Reason       *reason     `json:"reason"`
	Change       num         `json:"change"`
	Low          num         `json:"low"`
	High         num         `json:"high"`
	N            *int64      `json:"n"`
	Spark        []num       `json:"spark"`
	SparkCompare []num       `json:"spark_compare"`
	Limits       *limitsJSON `json:"limits"`
}

// reason is a code that the page has a sentence for, and what the sentence
// needs.
type reason struct {
	Code   string         `json:"code"`
	Params map[string]any `json:"params"`
}

// qualityKeys are the tiles of a task, the headline first.
func qualityKeys(t event.Task) []string {
	switch t {
	case event.Binary:
		return []string{"accuracy", "precision", "recall", "f1_score", "auc_roc"}
	case event.Multiclass:
		return []string{"accuracy", "precision", "recall", "f1_score", "balanced_accuracy"}
	case event.Regression:
		return []string{"mae", "rmse", "mape", "r2", "me"}
	case event.Ranking:
		return []string{"ndcg_at_10", "mrr", "hit_rate_at_10", "precision_at_10", "recall_at_10"}
	}
	return nil
}

// result is the quality of a bucket, worked out once.
func (b *bucket) result(t event.Task) *measure.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quality == nil || b.quality.Task != t {
		p := b.p
		if p == nil {
			p = &profile.Profile{}
		}
		res := measure.Quality(p, t)
		b.quality = &res
	}
	return b.quality
}

func qualityIn(p *profile.Profile, t event.Task) measure.Result {
	if p == nil {
		p = &profile.Profile{}
	}
	return measure.Quality(p, t)
}

// leastCompared is how many labels the earlier value needs: a change from a
// handful of rows is no change.
const leastCompared = 30

func (v *view) qualityTiles() []tile {
	now, past := qualityIn(v.total, v.task), qualityIn(v.past, v.task)
	out := []tile{}
	for _, key := range qualityKeys(v.task) {
		value, ok := now.Get(key)
		if !ok {
			continue
		}
		t := v.tile(key, value)
		if before, ok := past.Get(key); ok && before.Defined && value.Defined && v.shift > 0 && before.N >= leastCompared {
			t.Change = num(value.Value - before.Value)
		}
		t.Spark = v.qualityValues(v.fine, key)
		if v.shift > 0 {
			t.SparkCompare = v.qualityValues(v.before, key)
		}
		out = append(out, t)
	}
	return out
}

// qualityValues is a metric in each bucket.
func (v *view) qualityValues(list []*bucket, key string) []num {
	out := make([]num, len(list))
	for i, b := range list {
		out[i] = none
		if b.p == nil {
			continue
		}
		if x, ok := b.result(v.task).Get(key); ok && x.Defined {
			out[i] = num(x.Value)
		}
	}
	return out
}

// tile is a value with its state.
func (v *view) tile(key string, value measure.Value) tile {
	m, l := v.s.metric[key], v.rules.of(key, v.m.Name)
	t := tile{
		Key: key, Title: words(m.Title), Unit: string(m.Unit), Value: none, Change: none, Low: none, High: none,
		N: &value.N, Spark: []num{}, Limits: l.json(),
	}
	if value.Defined {
		t.Value = num(value.Value)
		if value.HasInterval {
			t.Low, t.High = num(value.Low), num(value.High)
		}
	}
	t.State, t.Reason = v.state(&m, value, l)
	return t
}

// state is that of the worst alert on the metric, else of the value by its
// limits where their rule runs.
func (v *view) state(m *catalogue.Metric, value measure.Value, l *limits) (string, *reason) {
	alerted := ""
	if v.live {
		for _, a := range v.alerts {
			if a.Metric == m.Key && a.Labels["segment"] == v.sp.segment && a.State != alert.Resolved {
				alerted = worse(alerted, v.s.stateOf(a))
			}
		}
	}
	var why *reason
	if !value.Defined {
		why = whyNot(value.Reason)
	} else if least := leastSamples(m, l); value.N < int64(least) {
		why = &reason{"too_few_samples", map[string]any{"n": value.N, "min": least}}
	}
	switch {
	case alerted != "":
		return alerted, why
	case why != nil:
		return stateNoData, why
	case l == nil || !l.enabled:
		return stateOK, nil
	}
	return l.judge(num(value.Value)), nil
}

// leastSamples is the number of rows below which a value says nothing. Values
// of hosts rest on no rows.
func leastSamples(m *catalogue.Metric, l *limits) int {
	switch {
	case m.Group != catalogue.Quality:
		return 0
	case l != nil:
		return l.minSamples
	}
	return m.MinSamples
}

// whyNot gives the page's code for why a number does not exist.
func whyNot(code string) *reason {
	switch code {
	case measure.NoPredictions, "":
		code = reasonNoData
	case measure.NeedsClassScores, measure.TooManyClasses:
		code = "not_applicable"
	case measure.NoLabels, measure.NoPositives, measure.OneClass, measure.NoScores, reasonNoData:
	default:
		return &reason{"undefined", map[string]any{"reason": code}}
	}
	return &reason{code, map[string]any{}}
}

// Service figures of a bucket or a sum.

func (v *view) throughput(p *profile.Profile, from, to int64) num {
	to = min(to, v.now)
	if to <= from || v.m.FirstEvent == 0 || to <= v.m.FirstEvent {
		return none
	}
	if p == nil {
		return 0
	}
	return num(float64(p.Predictions) * 1000 / float64(to-max(from, min(v.m.FirstEvent, to-1))))
}

// service is the figures that every model has, by key of the catalogue.
func (v *view) service(key string, p *profile.Profile, from, to int64) num {
	switch {
	case key == "throughput":
		return v.throughput(p, from, to)
	case p == nil:
		return none
	case key == "response_time":
		return p95Of(p)
	}
	return errorRateOf(p)
}

func (v *view) serviceValues(list []*bucket, key string) []num {
	out := make([]num, len(list))
	for i, b := range list {
		out[i] = v.service(key, b.p, b.start, b.start+b.line.width)
	}
	return out
}

func measured(x num, n int64) measure.Value {
	if !x.ok() {
		return measure.Value{Reason: reasonNoData}
	}
	return measure.Value{Value: float64(x), Defined: true, N: n}
}

func meanOf(list []num) num {
	total, n := 0.0, 0
	for _, x := range list {
		if x.ok() {
			total, n = total+float64(x), n+1
		}
	}
	if n == 0 {
		return num(math.NaN())
	}
	return num(total / float64(n))
}

func lastOf(list []num) num {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].ok() {
			return list[i]
		}
	}
	return none
}
