package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/catalogue"
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// maxDrawn is how many features get pictures, the worst first; the others are
// in the tables.
const maxDrawn = 300

// WriteHTML writes the report as one page that needs nothing besides itself: no
// font, script, picture or style is fetched, and its policy forbids to. lang is
// en or zh.
func (r *Report) WriteHTML(w io.Writer, lang string) error {
	l := newLanguage(lang, zoneOf(r.Zone))
	t, err := template.New("page").Funcs(l.functions()).Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, &page{Report: r, l: l})
}

// page is what the template reads.
type page struct {
	*Report
	l language
}

func (l language) functions() template.FuncMap {
	return template.FuncMap{
		"effect": effectText,
		"t":      l.T, "lang": func() string { return l.name }, "metric": l.metric, "reason": l.reason,
		"style":  func() template.CSS { return template.CSS(pageStyle) },
		"script": func() template.JS { return template.JS(pageScript) },
		"num":    num, "percent": percent, "p": pValue, "at": func(t *time.Time) string { return l.moment(*t) },
		"n":     func(v any) string { return l.count(v) },
		"mark":  l.mark,
		"small": func(c Column) template.HTML { return drawSmall(&c) },
		"picture": func(c Column) template.HTML {
			if len(c.Categories) > 0 {
				return drawCategories(l, c.Categories)
			}
			return drawHistogram(l, c.Name, c.Histogram)
		},
		"histogram": func(h *Histogram) template.HTML { return drawHistogram(l, "", h) },
		"cut":       func(s string) string { return cutText(s, 60) },
	}
}

func (l language) count(v any) string {
	switch v := v.(type) {
	case int:
		return group(int64(v))
	case int64:
		return group(v)
	}
	return fmt.Sprint(v)
}

// mark is a state's shape, which says it without its colour.
func (l language) mark(grade string) template.HTML {
	shape := map[string]string{
		measure.Drifted:      `<path class="m-critical" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="m-cut" d="M5.5 5.5l5 5m0-5l-5 5"/>`,
		measure.Shifted:      `<path class="m-warning" d="M8 1.2l7 13.3H1z"/><path class="m-bang" d="M8 6v4m0 1.6v1.2"/>`,
		measure.Stable:       `<circle class="m-ok" cx="8" cy="8" r="7"/><path class="m-cut" d="M4.8 8.2l2.3 2.4 4.2-4.8"/>`,
		measure.Insufficient: `<circle class="m-none" cx="8" cy="8" r="6.3"/>`,
	}[grade]
	return template.HTML(`<svg class="mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">` + shape + `</svg>`)
}

// State is the grade of the whole: that of its worst part.
func (p *page) State() string {
	s := &p.Summary
	switch {
	case s.Drifted > 0 || len(p.Failed()) > 0:
		return measure.Drifted
	case s.Shifted > 0:
		return measure.Shifted
	case s.Judged > 0:
		return measure.Stable
	}
	return measure.Insufficient
}

// Sentences are the answer before the evidence.
func (p *page) Sentences() (out []string) {
	s, l := &p.Summary, p.l
	judged := group(int64(s.Judged))
	switch {
	case s.Judged == 0:
		out = append(out, l.T("say_none", group(p.Judged.MinRows)))
	case s.Drifted > 0:
		out = append(out, l.T("say_drifted", group(int64(s.Drifted)), judged))
		var worst []string
		for _, f := range p.Features {
			if f.Drifted && len(worst) < 3 {
				worst = append(worst, cutText(f.Name, 40))
			}
		}
		sep := ", "
		if l.at == 1 {
			sep = "、"
		}
		out = append(out, l.T("say_worst", strings.Join(worst, sep)))
	case s.Shifted > 0:
		out = append(out, l.T("say_shifted", group(int64(s.Shifted)), judged))
	default:
		out = append(out, l.T("say_stable", judged))
	}
	if s.New > 0 {
		out = append(out, l.T("say_new", group(int64(s.New))))
	}
	if q := p.sayQuality(); q != "" {
		out = append(out, q)
	}
	if failed := len(p.Failed()); failed > 0 {
		out = append(out, l.T("say_failed", group(int64(failed)), group(int64(len(p.Conditions)))))
	}
	return out
}

// headline is the metric that stands for the quality of a task.
func (r *Report) headline() string {
	if r.Task == "regression" {
		return "mae"
	}
	return "accuracy"
}

func (p *page) sayQuality() string {
	if p.Quality == nil {
		return ""
	}
	key := p.headline()
	cur, ok := p.Quality.Current.Get(key)
	if !ok || cur.Value == nil {
		if e := p.estimated(key); e.Value != nil {
			return p.l.T("say_estimate", p.l.metric(key), num(e.Value))
		}
		return ""
	}
	if ref, ok := p.Quality.Reference.Get(key); ok && ref.Value != nil {
		return p.l.T("say_quality", p.l.metric(key), num(cur.Value), num(ref.Value))
	}
	return p.l.T("say_quality1", p.l.metric(key), num(cur.Value))
}

// estimated is a metric's estimate for the current file.
func (p *page) estimated(key string) Value {
	if p.Quality != nil && p.Quality.Current != nil {
		return find(p.Quality.Current.Estimated, key)
	}
	return Value{}
}

func find(list []Value, key string) Value {
	for _, v := range list {
		if v.Key == key {
			return v
		}
	}
	return Value{}
}

// HasEstimate tells whether there is one.
func (p *page) HasEstimate() bool {
	return p.Quality != nil && p.Quality.Current != nil && len(p.Quality.Current.Estimated) > 0
}

// Tile is one number at the top.
type Tile struct{ Name, Value, Note string }

// Tiles are the numbers that people look for first.
func (p *page) Tiles() []Tile {
	s, l := &p.Summary, p.l
	out := []Tile{{l.T("share_drifted"), percent(s.DataDrift), group(int64(s.Drifted)) + " / " + group(int64(s.Judged))}}
	if p.Quality != nil && p.Quality.Current != nil {
		for _, key := range []string{p.headline(), "auc_roc", "r2"} {
			v, ok := p.Quality.Current.Get(key)
			name := l.metric(key)
			if e := p.estimated(key); !ok && e.Value != nil {
				v, ok, name = e, true, name+" · "+l.T("estimated")
			}
			if !ok {
				continue
			}
			t := Tile{name, num(v.Value), ""}
			if v.Low != nil {
				t.Note = num(v.Low) + " … " + num(v.High)
			} else if v.Value == nil {
				t.Note = l.reason(v.Reason)
			}
			out = append(out, t)
		}
	}
	if s.Prediction != nil {
		out = append(out, Tile{l.T("pred_drift"), num(s.Prediction), p.Prediction[0].Method})
	}
	return append(out, Tile{l.T("worst_missing"), percent(s.MissingRate), p.worstMissing()})
}

func (p *page) worstMissing() string {
	for _, f := range p.Features {
		if c := f.Current; c != nil && p.Summary.MissingRate != nil && c.MissingRate == *p.Summary.MissingRate && c.Missing > 0 {
			return cutText(f.Name, 24)
		}
	}
	return ""
}

// MetricRow compares one metric on both sides.
type MetricRow struct {
	Key, Title, Help  string
	Ref, Cur          string
	RefSpan, CurSpan  string
	Change            string
	Est, EstSpan      string
	Worse, Overlapped bool
}

// Metrics are the quality of both sides, row by row.
func (p *page) Metrics() (out []MetricRow) {
	if p.Quality == nil {
		return nil
	}
	side := p.Quality.Current
	if side == nil || len(side.Metrics) == 0 {
		side = p.Quality.Reference
	}
	if side == nil {
		return nil
	}
	for _, m := range side.Metrics {
		row := MetricRow{Key: m.Key, Title: p.l.metric(m.Key)}
		meta, _ := catalogue.Get(m.Key)
		row.Help = meta.Help.En
		if p.l.at == 1 {
			row.Help = meta.Help.Zh
		}
		ref, _ := p.Quality.Reference.Get(m.Key)
		cur, _ := p.Quality.Current.Get(m.Key)
		row.Ref, row.RefSpan = p.shown(ref)
		row.Cur, row.CurSpan = p.shown(cur)
		row.Est, row.EstSpan = p.shown(p.estimated(m.Key))
		if ref.Value != nil && cur.Value != nil {
			d := *cur.Value - *ref.Value
			row.Change = num(&d)
			if d > 0 {
				row.Change = "+" + row.Change
			}
			row.Worse = meta.Good == catalogue.Higher && d < 0 || meta.Good == catalogue.Lower && d > 0
			row.Overlapped = overlapped(ref, cur)
		}
		out = append(out, row)
	}
	return out
}

func overlapped(a, b Value) bool {
	return a.Low != nil && b.Low != nil && *a.Low <= *b.High && *b.Low <= *a.High
}

func (p *page) shown(v Value) (value, span string) {
	if v.Value == nil {
		if v.Reason == "" {
			return none, ""
		}
		return none, p.l.reason(v.Reason)
	}
	if v.Low != nil {
		span = num(v.Low) + " … " + num(v.High)
	}
	return num(v.Value), span
}

// HasQuality tells whether either side has labels.
func (p *page) HasQuality() bool { return len(p.Metrics()) > 0 }

// CurrentLabels tells whether the current side has.
func (p *page) CurrentLabels() bool {
	return p.Quality != nil && p.Quality.Current != nil && p.Quality.Current.Labels > 0
}

// Panel is a picture with its title.
type Panel struct {
	Title   string
	Picture template.HTML
	Legend  bool // of current and reference
	Second  bool // and of the estimate
}

// QualityPanels are the curves.
func (p *page) QualityPanels() (out []Panel) {
	if p.Quality == nil {
		return nil
	}
	var ref, cur *Curves
	if s := p.Quality.Reference; s != nil {
		ref = s.Curves
	}
	if s := p.Quality.Current; s != nil {
		cur = s.Curves
	}
	l := p.l
	if ref != nil || cur != nil {
		roc := unit{l.T("roc"), l.T("fpr"), l.T("tpr"), true, both(ref, cur, func(c *Curves) [][2]float64 { return c.ROC })}.draw()
		pr := unit{l.T("pr"), l.metric("recall"), l.metric("precision"), false, both(ref, cur, func(c *Curves) [][2]float64 { return c.PR })}.draw()
		out = append(out, Panel{l.T("roc"), roc.end(), true, false}, Panel{l.T("pr"), pr.end(), true, false}, Panel{l.T("calibration"), drawCalibration(l, ref, cur), true, false})
	}
	if s := p.Quality.Current; s != nil && s.Residuals != nil {
		out = append(out, Panel{l.T("residuals"), drawHistogram(l, l.T("residuals"), s.Residuals), false, false})
	}
	return out
}

func both(ref, cur *Curves, of func(*Curves) [][2]float64) (out []curve) {
	if ref != nil {
		out = append(out, curve{"refline", of(ref)})
	}
	if cur != nil {
		out = append(out, curve{"main", of(cur)})
	}
	return out
}

// ConfusionTable is a matrix with the share of each row.
type ConfusionTable struct {
	Title   string
	Classes []string
	Rows    []ConfusionRow
}

// ConfusionRow is one true class.
type ConfusionRow struct {
	Name  string
	Cells []ConfusionCell
}

// ConfusionCell is a count, its share of the row and a step of the scale.
type ConfusionCell struct {
	N     string
	Share string
	Step  int
}

// maxConfusion is the largest table that is shown.
const maxConfusion = 20

// Confusions are the tables of both sides.
func (p *page) Confusions() (out []ConfusionTable) {
	if p.Quality == nil {
		return nil
	}
	for _, s := range []struct {
		title string
		side  *Side
	}{{p.l.T("reference"), p.Quality.Reference}, {p.l.T("current"), p.Quality.Current}} {
		if s.side == nil || s.side.Confusion == nil || len(s.side.Confusion.Classes) == 0 || len(s.side.Confusion.Classes) > maxConfusion {
			continue
		}
		c := s.side.Confusion
		t := ConfusionTable{Title: s.title, Classes: c.Classes}
		for i, row := range c.Matrix {
			t.Rows = append(t.Rows, confusionRow(c.Classes[i], row))
		}
		out = append(out, t)
	}
	return out
}

func confusionRow(name string, row []int64) ConfusionRow {
	total := int64(0)
	for _, n := range row {
		total += n
	}
	r := ConfusionRow{Name: name}
	for _, n := range row {
		share := 0.0
		if total > 0 {
			share = float64(n) / float64(total)
		}
		r.Cells = append(r.Cells, ConfusionCell{group(n), percent(&share), int(math.Round(share * 6))})
	}
	return r
}

// Timelines are the numbers by period.
func (p *page) Timelines() (out []Panel) {
	if len(p.Periods) == 0 {
		return nil
	}
	names := p.PeriodNames()
	if p.Quality != nil {
		for _, key := range []string{p.headline(), "auc_roc", "f1_score", "precision", "recall", "rmse", "r2"} {
			t := timeline{title: p.l.metric(key), names: names}
			found := false
			for i := range p.Periods {
				v, e := metricOf(&p.Periods[i], key), find(p.Periods[i].Estimated, key)
				found = found || v.Value != nil || e.Value != nil
				t.other = append(t.other, e.Value)
				t.values, t.low, t.high = append(t.values, v.Value), append(t.low, v.Low), append(t.high, v.High)
			}
			if ref, ok := p.Quality.Reference.Get(key); ok {
				t.base = ref.Value
			}
			if found {
				out = append(out, Panel{t.title, t.draw(), t.base != nil, p.HasEstimate()})
			}
		}
	}
	drift := timeline{title: p.l.T("share_drifted"), names: names, fromZero: true, inPercent: true}
	missing := timeline{title: p.l.T("worst_missing"), names: names, fromZero: true, inPercent: true}
	rows := timeline{title: p.l.T("support"), names: names, fromZero: true}
	for i := range p.Periods {
		n := float64(p.Periods[i].Rows)
		drift.values = append(drift.values, p.Periods[i].DataDrift)
		missing.values = append(missing.values, p.Periods[i].MissingRate)
		rows.values = append(rows.values, &n)
	}
	out = append(out, Panel{drift.title, drift.draw(), false, false})
	if p.Summary.MissingRate != nil && *p.Summary.MissingRate > 0 {
		out = append(out, Panel{missing.title, missing.draw(), false, false})
	}
	return append(out, Panel{rows.title, rows.draw(), false, false})
}

func metricOf(p *Period, key string) Value {
	return find(p.Metrics, key)
}

// PeriodNames are short names of the periods.
func (p *page) PeriodNames() (out []string) {
	layout := map[string]string{"hour": "01-02 15:04", "day": "01-02", "week": "2006-01-02", "month": "2006-01", "quarter": "2006-01", "year": "2006"}[p.Judged.Period]
	for i := range p.Periods {
		out = append(out, p.Periods[i].From.In(p.l.zone).Format(layout))
	}
	return out
}

// PeriodWord says how long a period is.
func (p *page) PeriodWord() string { return p.l.T("per_" + p.Judged.Period) }

// HeatRow is a feature by period.
type HeatRow struct {
	Name  string
	Cells []HeatCell
	Last  string
}

// HeatCell is a step of the scale; a dot stands at or above the limit.
type HeatCell struct {
	Step int
	Dot  bool
	Tip  string
}

// maxHeat is how many features the table by period has.
const maxHeat = 40

// Heat is the drift of each feature by period, the worst first. Steps are tied
// to the limit: 0.4, 0.7, 1, 1.75, 2.5 and 3.75 times it.
func (p *page) Heat() (out []HeatRow) {
	names := p.PeriodNames()
	for i := range p.Features {
		f := &p.Features[i]
		if len(f.Periods) == 0 || f.Limit == nil || !(*f.Limit > 0) || len(out) == maxHeat {
			continue
		}
		row := HeatRow{Name: f.Name}
		for k, v := range f.Periods {
			row.Cells = append(row.Cells, heatCell(names[k], v, *f.Limit))
			row.Last = num(v)
		}
		out = append(out, row)
	}
	return out
}

func heatCell(name string, v *float64, limit float64) HeatCell {
	c := HeatCell{Tip: name + ": " + num(v)}
	if v == nil {
		c.Step = -1
		return c
	}
	for _, k := range []float64{0.4, 0.7, 1, 1.75, 2.5, 3.75} {
		if *v >= k*limit {
			c.Step++
		}
	}
	c.Dot = *v >= limit
	return c
}

// Drawn tells whether feature i gets pictures.
func (p *page) Drawn(i int) bool { return i < maxDrawn }

// Bar is the width of a feature's value against the limit, in percent: the
// limit stands at a third.
func (p *page) Bar(c Column) float64 {
	if c.Value == nil || c.Limit == nil || !(*c.Limit > 0) {
		return 0
	}
	return math.Round(1000*min(1, *c.Value/(3**c.Limit))) / 10
}

// StateRow is one line of a feature's table.
type StateRow struct{ Name, Ref, Cur string }

// States are what is known of a feature's data on both sides.
func (p *page) States(c Column) (out []StateRow) {
	l := p.l
	add := func(name string, of func(*State) string) {
		row := StateRow{l.T(name), none, none}
		if c.Reference != nil {
			row.Ref = of(c.Reference)
		}
		if c.Current != nil {
			row.Cur = of(c.Current)
		}
		if row.Ref != "" || row.Cur != "" {
			out = append(out, row)
		}
	}
	add("support", func(s *State) string { return group(s.Rows) })
	add("missing", func(s *State) string { return percent(&s.MissingRate) })
	add("distinct", func(s *State) string { return group(s.Distinct) })
	if c.Kind == measure.KindCategorical {
		return out
	}
	at := func(q float64) func(*State) string {
		return func(s *State) string {
			for _, p := range s.Quantiles {
				if p[0] == q {
					return plainNum(&p[1])
				}
			}
			return none
		}
	}
	add("mean", func(s *State) string { return num(s.Mean) })
	add("sd", func(s *State) string { return num(s.SD) })
	add("min", func(s *State) string { return plainNum(s.Min) })
	out = append(out, StateRow{"5 %", at(0.05)(orState(c.Reference)), at(0.05)(orState(c.Current))})
	add("median", at(0.5))
	out = append(out, StateRow{"95 %", at(0.95)(orState(c.Reference)), at(0.95)(orState(c.Current))})
	add("max", func(s *State) string { return plainNum(s.Max) })
	return out
}

func orState(s *State) *State {
	if s == nil {
		return &State{}
	}
	return s
}

// Side picks the states of the table of data quality.
func (p *page) Side(s *State) *State { return orState(s) }

// AbsentWord says which file lacks a column.
func (p *page) AbsentWord(c Column) string {
	switch c.Absent {
	case "reference":
		return p.l.T("absent_ref")
	case "current":
		return p.l.T("absent_cur")
	}
	return ""
}

// KindWord and GradeWord are in the page's language.
func (p *page) KindWord(c Column) string { return p.l.T(c.Kind) }

// GradeWord is the verdict.
func (p *page) GradeWord(c Column) string { return p.l.T(c.Grade) }

// OutOfPicture says how many rows a histogram leaves out.
func (p *page) OutOfPicture(c Column) string {
	h := c.Histogram
	if h == nil || h.Below[0]+h.Above[0]+h.Below[1]+h.Above[1] == 0 {
		return ""
	}
	return p.l.T("below_above", group(h.Below[0]+h.Above[0]), group(h.Below[1]+h.Above[1]))
}

// Heading is the title of the page.
func (p *page) Heading() string {
	if p.Title != "" {
		return p.Title
	}
	return p.l.T("title")
}

// Verdict explains how features are judged.
func (p *page) Verdict() string {
	j := &p.Judged
	switch {
	case j.Preset != measure.PresetLeeway:
		return p.l.T("about_"+j.Preset, group(j.MinRows))
	case j.Limit == nil:
		return ""
	}
	return p.l.T("about_verdict", num(&j.Q), j.Method, num(j.Limit), group(j.MinRows))
}

// ConditionText is what was found.
func (p *page) ConditionText(c Condition) string {
	if c.Value == nil {
		return p.l.reason(c.Why)
	}
	return num(c.Value)
}

// Rate is k of n.
func (p *page) Rate(k, n int64) string {
	if n <= 0 {
		return none
	}
	v := float64(k) / float64(n)
	return percent(&v)
}

// AllRejected are the first rows of both files that were left out.
func (p *page) AllRejected() (out []string) {
	for _, f := range []*File{&p.Reference, &p.Current, p.Labels} {
		if f == nil {
			continue
		}
		for _, r := range f.Rejected {
			out = append(out, f.Name+": "+r)
		}
	}
	return out
}

// Made says when, and by what.
func (p *page) Made() string {
	return p.l.T("made", p.l.moment(p.Created), p.l.zone.String()) + " · " + p.Generator
}

// Unique tells a column of strings that names its rows: its drift says nothing.
func (p *page) Unique(c Column) bool {
	s := orState(c.Current)
	present := s.Rows - s.Missing
	return c.Kind == measure.KindCategorical && present >= 30 && float64(s.Distinct) >= 0.9*float64(present)
}

// Constant tells that the current file has one value of the column only.
func (p *page) Constant(c Column) bool { return orState(c.Current).Constant }
