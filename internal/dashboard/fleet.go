package dashboard

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// The table of all models. Its numbers are those that the rules see: the
// latest published series, a handful of queries for any number of models. A
// model that publishes nothing now shows the last day that it was active,
// from its profiles.

type modelRow struct {
	Name         string    `json:"name"`
	Title        string    `json:"title"`
	Version      string    `json:"version"`
	Task         string    `json:"task"`
	State        string    `json:"state"`
	Strip        []string  `json:"strip"`
	Headline     *headline `json:"headline"`
	Change       num       `json:"change"`
	P95MS        num       `json:"p95_ms"`
	ErrorRate    num       `json:"error_rate"`
	Drifted      *int      `json:"drifted"`
	Features     int       `json:"features"`
	LabelDelayMS *int64    `json:"label_delay_ms"`
}

type headline struct {
	Metric string `json:"metric"`
	Title  words  `json:"title"`
	Value  num    `json:"value"`
	Unit   string `json:"unit"`
}

// rowNumbers are the figures of a row.
type rowNumbers struct {
	headline, before num // before is that of a day ago
	p95, errors      num
	driftShare       num
	live             bool // it published in the last minutes
}

// rowMemo is what a model's profiles say of its last day.
type rowMemo struct {
	age     uint64
	expires time.Time
	rowNumbers
	last int64 // begin of the latest window; 0 when there is none
}

// fleet is what all rows share, for fleetLife.
type fleet struct {
	at      time.Time
	numbers map[string]rowNumbers
	spans   map[string][]alertSpan // that ended in the last day, by model
}

type alertSpan struct {
	from, to int64
	severity string
}

const (
	fleetLife  = 2 * time.Second
	rowLife    = 5 * time.Second // of what a changing model's profiles say
	stripSlots = 48
	maxSpans   = 20_000
)

// headlineOf is the metric that stands for a model.
func headlineOf(t event.Task) string {
	switch t {
	case event.Binary, event.Multiclass:
		return "accuracy"
	case event.Regression:
		return "mae"
	case event.Ranking:
		return "ndcg_at_10"
	}
	return ""
}

func (s *Server) forgetFleet() {
	s.fleetMu.Lock()
	s.fleet = nil
	s.fleetMu.Unlock()
}

// shared gives the fleet's figures; while one request computes them the
// others wait.
func (s *Server) shared(ctx context.Context) (*fleet, error) {
	s.fleetMu.Lock()
	defer s.fleetMu.Unlock()
	now := s.cfg.Now()
	if f := s.fleet; f != nil && now.Sub(f.at) < fleetLife && !now.Before(f.at) {
		return f, nil
	}
	numbers, err := s.publishedNumbers(ctx, now)
	if err != nil {
		return nil, err
	}
	spans, err := s.endedSpans(now.UnixMilli())
	if err != nil {
		return nil, err
	}
	s.fleet = &fleet{at: now, numbers: numbers, spans: spans}
	return s.fleet, nil
}

func (s *Server) endedSpans(now int64) (map[string][]alertSpan, error) {
	list, err := s.cfg.Alerts.History(now-dayMS, now+1, alert.Filter{State: alert.Resolved, Limit: maxSpans})
	if err != nil {
		return nil, err
	}
	out := map[string][]alertSpan{}
	for i := range list {
		t := &list[i]
		out[t.Model] = append(out[t.Model], alertSpan{t.Time - t.Duration, t.Time, t.Severity})
	}
	return out, nil
}

const (
	publishedExpr = `{__name__=~"model_(accuracy|mae|response_time|error_rate|data_drift)",segment=""}`
	dayAgoExpr    = `{__name__=~"model_(accuracy|mae)",segment=""} offset 1d`
)

func (s *Server) publishedNumbers(ctx context.Context, now time.Time) (map[string]rowNumbers, error) {
	latest, err := s.cfg.Series.Query(ctx, publishedExpr, now)
	if err != nil {
		return nil, err
	}
	before, err := s.cfg.Series.Query(ctx, dayAgoExpr, now)
	if err != nil {
		return nil, err
	}
	values, old := byModel(latest), byModel(before)
	out := make(map[string]rowNumbers, len(values))
	for name, v := range values {
		out[name] = rowNumbers{
			headline: v.any("model_accuracy", "model_mae"), before: old[name].any("model_accuracy", "model_mae"),
			p95: v.any("model_response_time"), errors: v.any("model_error_rate"), driftShare: v.any("model_data_drift"), live: true,
		}
	}
	return out, nil
}

// published is one model's values by name of series.
type published map[string]num

func (p published) any(names ...string) num {
	for _, name := range names {
		if v, ok := p[name]; ok {
			return v
		}
	}
	return none
}

// byModel takes the series of the whole model; where there are only those of
// its versions, their mean, and of throughput the sum.
func byModel(v promql.Vector) map[string]published {
	out := map[string]published{}
	count := map[[2]string]int{} // -1: the whole was there
	for i := range v {
		name, series := v[i].Metric.Get("model"), v[i].Metric.Get("__name__")
		if name == "" || math.IsNaN(v[i].F) {
			continue
		}
		if out[name] == nil {
			out[name] = published{}
		}
		k := [2]string{name, series}
		switch {
		case v[i].Metric.Get("version") == "":
			out[name][series], count[k] = num(v[i].F), -1
		case count[k] >= 0:
			n, so := num(count[k]), out[name][series]
			count[k]++
			if series == "model_throughput" {
				out[name][series] = so + num(v[i].F)
			} else {
				out[name][series] = (so*n + num(v[i].F)) / (n + 1)
			}
		}
	}
	return out
}

// lastDay is what a model's profiles say of the last day that it was active.
func (s *Server) lastDay(ctx context.Context, m *model.Model) (*rowMemo, error) {
	age, now := s.cache.ageOf(m.Name), s.cfg.Now()
	s.mu.Lock()
	memo := s.rowOf[m.Name]
	s.mu.Unlock()
	if memo != nil && memo.fresh(age, now, s.cfg.Told) {
		return memo, nil
	}
	memo = &rowMemo{age: age, expires: now.Add(rowLife), rowNumbers: rowNumbers{headline: none, before: none, p95: none, errors: none, driftShare: none}}
	_, last, ok, err := s.cfg.Profiles.Extent(profiles.ByPrediction, m.Name)
	if err != nil {
		return nil, err
	}
	if ok {
		memo.last = last
		if err := s.readLastDay(ctx, m, memo); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rowOf[m.Name] = memo
	return memo, nil
}

// fresh tells whether a memo may be used. One that says that nothing happened
// lately is wrong as soon as something does.
func (m *rowMemo) fresh(age uint64, now time.Time, told bool) bool {
	if m.age == age && told {
		return true
	}
	return now.Before(m.expires) && (m.age == age || m.last > now.UnixMilli()-dayMS)
}

func (s *Server) readLastDay(ctx context.Context, m *model.Model, memo *rowMemo) error {
	to := floorTo(memo.last, hourMS) + hourMS
	list, err := s.cache.get(ctx, line{set: profiles.ByPrediction, model: m.Name, width: hourMS}, to-2*dayMS, to)
	if err != nil {
		return err
	}
	memo.before = headlineIn(m, addUp(list[:24]))
	p := addUp(list[24:])
	memo.headline = headlineIn(m, p)
	if p != nil {
		memo.p95, memo.errors = p95Of(p), errorRateOf(p)
	}
	return nil
}

func headlineIn(m *model.Model, p *profile.Profile) num {
	if p == nil {
		return none
	}
	v, ok := measure.Quality(p, event.Task(m.Task)).Get(headlineOf(event.Task(m.Task)))
	if !ok || !v.Defined {
		return none
	}
	return num(v.Value)
}

func p95Of(p *profile.Profile) num { return latencyOf(p, 0.95) }

func latencyOf(p *profile.Profile, q float64) num {
	if p.Latency == nil || p.Latency.N == 0 {
		return none
	}
	return num(p.Latency.Quantile(q))
}

func errorRateOf(p *profile.Profile) num {
	if p.Predictions <= 0 {
		return none
	}
	return num(float64(p.Errors) / float64(p.Predictions))
}

// modelRows is the table, the worst first.
func (s *Server) modelRows(ctx context.Context, models []model.Model, alerts []*alert.Alert) ([]modelRow, error) {
	f, err := s.shared(ctx)
	if err != nil {
		return nil, err
	}
	own := map[string][]*alert.Alert{}
	for _, a := range alerts {
		own[a.Model] = append(own[a.Model], a)
	}
	rows := make([]modelRow, 0, len(models))
	for i := range models {
		row, err := s.modelRow(ctx, &models[i], f, own[models[i].Name])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b modelRow) int {
		return cmp.Or(cmp.Compare(rank(b.State), rank(a.State)), cmp.Compare(a.Name, b.Name))
	})
	return rows, nil
}

func (s *Server) modelRow(ctx context.Context, m *model.Model, f *fleet, alerts []*alert.Alert) (modelRow, error) {
	now := s.cfg.Now().UnixMilli()
	n, live := f.numbers[m.Name]
	last := now
	if !live || !n.headline.ok() {
		memo, err := s.lastDay(ctx, m)
		if err != nil {
			return modelRow{}, err
		}
		if n = merged(n, memo.rowNumbers, live); !live {
			last = memo.last
		}
	}
	row := modelRow{
		Name: m.Name, Title: m.Title, Version: latestVersion(m), Task: m.Task.String(),
		Change: n.headline - n.before, P95MS: n.p95, ErrorRate: n.errors, Features: len(m.FeatureKinds()),
		Strip: strip(m, alerts, f.spans[m.Name], now),
	}
	if key := headlineOf(event.Task(m.Task)); key != "" {
		x := s.metric[key]
		row.Headline = &headline{Metric: key, Title: words(x.Title), Value: n.headline, Unit: string(x.Unit)}
	}
	if n.driftShare.ok() {
		drifted := int(math.Round(float64(n.driftShare) * float64(row.Features)))
		row.Drifted = &drifted
	}
	row.State = stateOK
	if last == 0 || now-last > dayMS+hourMS {
		row.State = stateNoData
	}
	for _, a := range alerts {
		row.State = worse(row.State, s.stateOf(a))
	}
	return row, nil
}

// merged fills what the series do not say from the profiles.
func merged(n, fallback rowNumbers, live bool) rowNumbers {
	if !live {
		return fallback
	}
	n.headline, n.before = fallback.headline, fallback.before
	for _, f := range []struct{ to, from *num }{{&n.p95, &fallback.p95}, {&n.errors, &fallback.errors}} {
		if !f.to.ok() {
			*f.to = *f.from
		}
	}
	return n
}

func latestVersion(m *model.Model) string {
	var best model.Version
	for _, v := range m.Versions {
		if v.FirstSeen >= best.FirstSeen {
			best = v
		}
	}
	return best.Name
}

// strip is the worst state in each half hour of the last day, by alerts.
func strip(m *model.Model, current []*alert.Alert, ended []alertSpan, now int64) []string {
	const slot = dayMS / stripSlots
	begin := now - dayMS
	out := make([]string, stripSlots)
	for i := range out {
		out[i] = stateOK
		if m.FirstEvent == 0 || begin+int64(i+1)*slot <= m.FirstEvent {
			out[i] = stateNoData
		}
	}
	paint := func(from, to int64, severity string) {
		state := stateWarning
		if severity == stateCritical {
			state = stateCritical
		}
		for i := max(0, (from-begin)/slot); i < stripSlots && begin+i*slot < to; i++ {
			out[i] = worse(out[i], state)
		}
	}
	for _, a := range current {
		if a.State == alert.Firing {
			paint(a.FiringSince, now, a.Severity)
		}
	}
	for _, e := range ended {
		paint(e.from, e.to, e.severity)
	}
	return out
}
