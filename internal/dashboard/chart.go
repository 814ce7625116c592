package dashboard

import (
	"cmp"
	"slices"
	"time"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/event"
)

type chart struct {
	Time        []int64       `json:"time"`
	Series      []chartSeries `json:"series"`
	Limits      []chartLimit  `json:"limits"`
	PendingFrom stamp         `json:"pending_from"`
	Events      []chartEvent  `json:"events"`
}

type chartSeries struct {
	Key     string `json:"key"`
	Title   words  `json:"title"`
	Unit    string `json:"unit"`
	Values  []num  `json:"values"`
	Low     []num  `json:"low"`
	High    []num  `json:"high"`
	Compare []num  `json:"compare"`
	Axis    string `json:"axis,omitempty"`
}

type chartLimit struct {
	Metric   string  `json:"metric"`
	Level    string  `json:"level"`
	Value    float64 `json:"value"`
	Operator string  `json:"operator"`
}

type chartEvent struct {
	Kind     string `json:"kind"`
	From     int64  `json:"from"`
	To       stamp  `json:"to"`
	Label    string `json:"label"`
	Severity string `json:"severity"`
}

// chartKeys are the lines of the quality chart, the headline first.
func chartKeys(t event.Task) []string {
	switch t {
	case event.Binary, event.Multiclass:
		return []string{"accuracy", "precision", "recall"}
	case event.Regression:
		return []string{"mae", "rmse"}
	case event.Ranking:
		return []string{"ndcg_at_10", "mrr", "hit_rate_at_10"}
	}
	return nil
}

func (v *view) chart() chart {
	c := chart{Time: v.grid.times(), Series: []chartSeries{}, Limits: []chartLimit{}, Events: []chartEvent{}, PendingFrom: stamp(v.pendingFrom())}
	for i, key := range chartKeys(v.task) {
		m := v.s.metric[key]
		line := chartSeries{Key: key, Title: words(m.Title), Unit: string(m.Unit), Values: v.qualityValues(v.fine, key)}
		if i == 0 {
			line.Low, line.High = v.band(key)
		}
		if v.shift > 0 {
			line.Compare = v.qualityValues(v.before, key)
		}
		c.Series = append(c.Series, line)
		if l := v.rules.of(key, v.m.Name); l != nil && l.enabled {
			c.Limits = append(c.Limits, l.lines(key)...)
		}
	}
	return c
}

func (l *limits) lines(key string) (out []chartLimit) {
	if l.warning != nil {
		out = append(out, chartLimit{key, stateWarning, *l.warning, string(l.op)})
	}
	if l.critical != nil {
		out = append(out, chartLimit{key, stateCritical, *l.critical, string(l.op)})
	}
	return out
}

// band is the interval of a metric in each bucket.
func (v *view) band(key string) (low, high []num) {
	low, high = make([]num, len(v.fine)), make([]num, len(v.fine))
	for i, b := range v.fine {
		low[i], high[i] = none, none
		if b.p == nil {
			continue
		}
		if x, ok := b.result(v.task).Get(key); ok && x.HasInterval {
			low[i], high[i] = num(x.Low), num(x.High)
		}
	}
	return low, high
}

// labelled is the share of a range's coverage that a bucket must have to count
// as labelled.
const labelled = 0.8

// labelledUntil is the end of the last bucket whose labels have come, as far
// as labels come at all; 0 when there is none.
func (v *view) labelledUntil() int64 {
	if v.total == nil || v.total.Quality == nil || v.total.Quality.Labels <= 0 {
		return 0
	}
	usual := float64(v.total.Quality.Labels) / float64(max(v.total.Predictions, 1))
	for i := len(v.fine) - 1; i >= 0; i-- {
		p := v.fine[i].p
		if p == nil || p.Quality == nil || p.Predictions <= 0 {
			continue
		}
		if float64(p.Quality.Labels) >= labelled*usual*float64(p.Predictions) {
			return v.grid.end(i)
		}
	}
	return 0
}

// pendingFrom is where predictions begin whose labels are still to come; 0
// when there are none.
func (v *view) pendingFrom() int64 {
	until := v.labelledUntil()
	if until == 0 && (v.total == nil || v.total.Predictions == 0) {
		return 0
	}
	for i, b := range v.fine {
		if b.p != nil && b.p.Predictions > 0 && v.grid.at(i) >= until {
			return v.grid.at(i)
		}
	}
	return 0
}

// maxEvents bounds the lane below the chart.
const maxEvents = 200

// events are what happened to the model within the range.
func (v *view) events() ([]chartEvent, error) {
	out := []chartEvent{}
	for _, ver := range v.m.Versions {
		if ver.FirstSeen >= v.sp.from && ver.FirstSeen < v.sp.to {
			out = append(out, chartEvent{Kind: "deployment", From: ver.FirstSeen, Label: ver.Name})
		}
	}
	for _, a := range v.alerts {
		if a.State == alert.Firing && a.Model != "" && a.FiringSince < v.sp.to {
			out = append(out, chartEvent{Kind: "alert", From: a.FiringSince, Label: v.s.alertOf(a).Title.En, Severity: a.Severity})
		}
	}
	ended, err := v.s.cfg.Alerts.History(v.sp.from, v.sp.to, alert.Filter{State: alert.Resolved, Model: v.m.Name, Limit: maxEvents})
	if err != nil {
		return nil, err
	}
	for i := range ended {
		t := transitionOf(&ended[i])
		out = append(out, chartEvent{Kind: "alert", From: t.Time - t.DurationMS, To: stamp(t.Time), Label: t.Title.En, Severity: t.Severity})
	}
	slices.SortFunc(out, func(a, b chartEvent) int { return cmp.Compare(b.From, a.From) })
	out = out[:min(len(out), maxEvents)]
	slices.Reverse(out)
	return out, nil
}

type alertsPart struct {
	Items   []alertJSON `json:"items"`
	PerHour []alertHour `json:"per_hour"`
	Started int         `json:"started"`
}

type alertHour struct {
	Time     int64 `json:"time"`
	Warning  int   `json:"warning"`
	Critical int   `json:"critical"`
}

const (
	maxItems   = 50
	maxColumns = 200
)

// alertsPart lists the alerts of now, those of the model first, and counts
// what began within the range, of all models.
func (v *view) alertsPart(all []*alert.Alert) (alertsPart, error) {
	part := alertsPart{Items: []alertJSON{}, PerHour: []alertHour{}}
	mine := slices.Clone(all)
	slices.SortStableFunc(mine, func(a, b *alert.Alert) int { return cmp.Compare(v.farFrom(a), v.farFrom(b)) })
	for _, a := range mine {
		if len(part.Items) == maxItems {
			break
		}
		if !a.Inhibited {
			part.Items = append(part.Items, v.s.alertOf(a))
		}
	}
	from := floorTo(v.sp.from, hourMS)
	width := ceilTo((v.sp.to-from)/maxColumns+1, hourMS)
	counts, err := v.s.cfg.Alerts.Counts(max(0, from), max(0, v.sp.to), time.Duration(width)*time.Millisecond, alert.Filter{})
	if err != nil {
		return part, err
	}
	for _, c := range counts {
		part.PerHour = append(part.PerHour, alertHour{c.From, c.Warning + c.Other, c.Critical})
		part.Started += c.Critical + c.Warning + c.Other
	}
	return part, nil
}

func (v *view) farFrom(a *alert.Alert) int {
	if a.Model == v.m.Name {
		return 0
	}
	return 1
}
