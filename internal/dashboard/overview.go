package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/alert"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// The overview is one answer for the whole first page. It is made of two rows
// of merged windows (buckets.go): a fine one without features, for everything
// about quality and service, and a coarse one with features for drift.

const (
	chartPoints = 300
	heatColumns = 48
	maxRangeMS  = 50 * 366 * dayMS
)

type overviewAnswer struct {
	Now           int64              `json:"now"`
	From          int64              `json:"from"`
	To            int64              `json:"to"`
	StepMS        int64              `json:"step_ms"`
	FirstRun      bool               `json:"first_run"`
	Model         *overviewModel     `json:"model"`
	Banner        *banner            `json:"banner"`
	Quality       []tile             `json:"quality"`
	Vitals        []tile             `json:"vitals"`
	Chart         chart              `json:"chart"`
	Alerts        alertsPart         `json:"alerts"`
	Drift         heat               `json:"drift"`
	DataQuality   []dataQualityRow   `json:"data_quality"`
	DataQualLimit *dataQualityLimits `json:"data_quality_limits"`
	System        systemPart         `json:"system"`
	Models        []modelRow         `json:"models"`
}

type overviewModel struct {
	Name    string     `json:"name"`
	Title   string     `json:"title"`
	Version string     `json:"version"`
	Task    string     `json:"task"`
	State   string     `json:"state"`
	Data    extentJSON `json:"data"`
}

// view is one overview being worked out.
type view struct {
	s       *Server
	ctx     context.Context
	m       *model.Model
	task    event.Task
	sp      span
	now     int64
	live    bool  // the range ends now, so that alerts of now speak of it
	shift   int64 // to the range of comparison; 0 is none
	grid    grid
	fine    []*bucket
	before  []*bucket // the range of comparison
	total   *profile.Profile
	past    *profile.Profile
	alerts  []*alert.Alert // of the model, and of hosts
	rules   *rulebook
	headKey string
}

func (s *Server) getOverview(r *http.Request) (any, error) {
	v := &view{s: s, ctx: r.Context(), now: s.cfg.Now().UnixMilli()}
	if err := v.readRange(r); err != nil {
		return nil, err
	}
	models := s.cfg.Registry.List()
	if len(models) == 0 {
		return v.firstRun(), nil
	}
	alerts := s.liveAlerts()
	rows, err := s.modelRows(r.Context(), models, alerts)
	if err != nil {
		return nil, err
	}
	name := firstOf(r.URL.Query().Get("model"), rows[0].Name)
	i := slices.IndexFunc(models, func(m model.Model) bool { return m.Name == name })
	if i < 0 {
		return nil, notFound("model_not_found", fmt.Sprintf("there is no model %q", name), map[string]any{"model": name})
	}
	v.m, v.task = &models[i], event.Task(models[i].Task)
	v.headKey = headlineOf(v.task)
	for _, a := range alerts {
		if a.Model == name || a.Model == "" {
			v.alerts = append(v.alerts, a)
		}
	}
	if err := v.read(r.URL.Query().Get("compare")); err != nil {
		return nil, err
	}
	return v.answer(alerts, rows)
}

func (v *view) readRange(r *http.Request) error {
	q := r.URL.Query()
	v.sp = span{from: v.now - dayMS, to: v.now, versions: versionsOf(q), segment: segmentOf(q.Get("segment"))}
	if err := v.s.readRange(r, &v.sp, q.Get("from") != "", q.Get("to") != ""); err != nil {
		return err
	}
	if v.sp.to-v.sp.from > maxRangeMS || len(v.sp.versions) > 20 {
		return access.Problem{
			Status: http.StatusBadRequest, Code: "bad_range", Params: map[string]any{"from": v.sp.from, "to": v.sp.to},
			Detail: "the overview shows at most 50 years and 20 versions",
		}
	}
	v.live = v.sp.to > v.now-5*minuteMS
	return nil
}

// read gets the fine row and the one that it is compared with.
func (v *view) read(compare string) (err error) {
	length := v.sp.to - v.sp.from
	if err := v.readFine(chartStep(length, chartPoints, minuteMS)); err != nil {
		return err
	}
	if v.grid.width < hourMS && hourly(v.fine) { // minutes were rolled up meanwhile
		if err := v.readFine(chartStep(length, chartPoints, hourMS)); err != nil {
			return err
		}
	}
	switch compare {
	case "off":
	case "prev", "":
		v.shift = int64(v.grid.n) * v.grid.width // whole steps, so that none is in both
	case "day":
		v.shift = ceilTo(dayMS, v.grid.width)
	case "week":
		v.shift = ceilTo(7*dayMS, v.grid.width)
	default:
		return badParam("compare", compare, "off, prev, day or week")
	}
	v.total = v.s.cache.sum(v.fine).p
	if v.shift == 0 {
		return nil
	}
	l := v.fineLine()
	v.before, err = v.s.cache.get(v.ctx, l, v.grid.from-v.shift, v.grid.end(v.grid.n-1)-v.shift)
	v.past = v.s.cache.sum(v.before).p
	return err
}

func (v *view) fineLine() line {
	return line{set: profiles.ByPrediction, model: v.m.Name, segment: v.sp.segment, versions: strings.Join(v.sp.versions, "\x00"), width: v.grid.width}
}

func (v *view) readFine(width int64) (err error) {
	v.grid = gridOf(v.sp.from, v.sp.to, width)
	v.fine, err = v.s.cache.get(v.ctx, v.fineLine(), v.grid.from, v.sp.to)
	return err
}

func (v *view) answer(all []*alert.Alert, rows []modelRow) (any, error) {
	v.rules = v.s.rulebook()
	out := overviewAnswer{
		Now: v.now, From: v.sp.from, To: v.sp.to, StepMS: v.grid.width, Models: rows,
		Quality: v.qualityTiles(), Chart: v.chart(),
	}
	var err error
	if out.Vitals, out.System, err = v.vitals(); err != nil {
		return nil, err
	}
	if out.Alerts, err = v.alertsPart(all); err != nil {
		return nil, err
	}
	if out.Chart.Events, err = v.events(); err != nil {
		return nil, err
	}
	if err := v.features(&out); err != nil {
		return nil, err
	}
	extent, err := v.s.extentOf(v.m.Name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r modelRow) bool { return r.Name == v.m.Name })
	out.Banner = v.banner(&out)
	out.Model = &overviewModel{
		Name: v.m.Name, Title: v.m.Title, Version: rows[i].Version, Task: v.m.Task.String(), State: rows[i].State, Data: extent,
	}
	return out, nil
}

// firstRun is the answer while no model is known.
func (v *view) firstRun() overviewAnswer {
	return overviewAnswer{
		Now: v.now, From: v.sp.from, To: v.sp.to, StepMS: chartStep(v.sp.to-v.sp.from, chartPoints, minuteMS), FirstRun: true,
		Quality: []tile{}, Vitals: []tile{}, DataQuality: []dataQualityRow{}, Models: []modelRow{},
		Chart:  chart{Time: []int64{}, Series: []chartSeries{}, Limits: []chartLimit{}, Events: []chartEvent{}},
		Alerts: alertsPart{Items: []alertJSON{}, PerHour: []alertHour{}},
		Drift:  heat{Method: "psi", Time: []int64{}, Features: []heatRow{}, Warning: none, Critical: none},
		System: systemPart{Time: []int64{}, Charts: []systemChart{}},
	}
}
