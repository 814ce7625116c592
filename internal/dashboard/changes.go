package dashboard

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/measure/detector"
	"github.com/leewayhq/leeway/internal/model"
)

type changesAnswer struct {
	Model     string         `json:"model"`
	Metric    string         `json:"metric"`
	Source    string         `json:"source"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	StepMS    int64          `json:"step_ms"`
	Points    int            `json:"points"`
	Detectors []detectorJSON `json:"detectors"`
}

type detectorJSON struct {
	Name         string             `json:"name"`
	Title        words              `json:"title"`
	Kind         string             `json:"kind"`
	Params       map[string]float64 `json:"params"`
	Standardised int                `json:"standardised"`
	Seen         int64              `json:"seen"`
	Skipped      int64              `json:"skipped"`
	Warning      bool               `json:"warning"`
	Changes      []changeJSON       `json:"changes"`
}

// changeJSON is a change: when the detector fired, and when, by least squares,
// the new level began.
type changeJSON struct {
	Detected string    `json:"detected"`
	Since    string    `json:"since"`
	Warned   *string   `json:"warned"`
	Before   levelJSON `json:"before"`
	After    levelJSON `json:"after"`
}

type levelJSON struct {
	Mean num `json:"mean"`
	N    int `json:"n"`
}

// detectAsk is what a request wants of the detectors.
type detectAsk struct {
	rows        []detector.Row
	params      map[string]float64
	standardise int
}

// standardiseBy is how many values give the scale unless the request says.
const standardiseBy = 30

func (s *Server) getChanges(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	ask, err := detectorsOf(r)
	if err != nil {
		return nil, err
	}
	st, err := s.streamOf(r, &m)
	if err != nil {
		return nil, err
	}
	out := changesAnswer{
		Model: m.Name, Metric: st.metric, Source: st.source, From: s.rfc3339(st.from), To: s.rfc3339(st.to),
		StepMS: st.width, Points: len(st.values), Detectors: []detectorJSON{},
	}
	for _, row := range ask.rows {
		d, err := s.detect(r, ask, &row, st)
		if err != nil {
			return nil, err
		}
		out.Detectors = append(out.Detectors, d)
	}
	return out, nil
}

// detectorsOf reads detector, param and standardise.
func detectorsOf(r *http.Request) (detectAsk, error) {
	q := r.URL.Query()
	ask := detectAsk{params: map[string]float64{}, standardise: standardiseBy}
	names := slices.DeleteFunc(slices.Clone(q["detector"]), func(n string) bool { return n == "" })
	if len(names) == 0 {
		names = []string{"adwin"}
	}
	if len(names) > 20 {
		return ask, badParam("detector", strings.Join(names, ","), "at most 20 detectors")
	}
	for _, name := range names {
		row, ok := detector.Get(name)
		switch {
		case name == "all":
			ask.rows = append(ask.rows, ownDetectors()...)
		case !ok:
			return ask, badParam("detector", name, "all, or of "+strings.Join(detector.Names(), ", "))
		default:
			ask.rows = append(ask.rows, row)
		}
	}
	if text := q.Get("standardise"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n == 1 || n > detector.MaxStandardise {
			return ask, badParam("standardise", text, "0 or a number from 2 to 10000")
		}
		ask.standardise = n
	}
	return ask, ask.readParams(q["param"])
}

// ownDetectors are those without another tool's name.
func ownDetectors() []detector.Row {
	return slices.DeleteFunc(detector.Table(), func(r detector.Row) bool { return strings.Contains(r.Name, "@") })
}

func (a *detectAsk) readParams(list []string) error {
	if len(list) > 20 {
		return badParam("param", strings.Join(list, ","), "at most 20 parameters")
	}
	for _, text := range list {
		if text == "" {
			continue
		}
		name, value, ok := strings.Cut(text, ":")
		v, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			return badParam("param", text, "name:number, such as delta:0.01")
		}
		if !slices.ContainsFunc(a.rows, func(r detector.Row) bool { return r.Has(name) }) {
			return badParam("param", text, "a parameter of the detector")
		}
		a.params[name] = v
	}
	return nil
}

// options are those of one detector at one stream: a fall of a series is a
// change too, and fewer errors are none.
func (a *detectAsk) options(row *detector.Row, st *stream) detector.Options {
	o := detector.Options{Params: map[string]float64{}}
	if row.Scaled && st.source != sourceLabels {
		o.Standardise = a.standardise
	}
	if row.Has("two_sided") && st.source != sourceLabels {
		o.Params["two_sided"] = 1
	}
	for name, v := range a.params {
		if row.Has(name) {
			o.Params[name] = v
		}
	}
	return o
}

func (s *Server) detect(r *http.Request, ask detectAsk, row *detector.Row, st *stream) (detectorJSON, error) {
	if row.Kind == detector.Errors && st.source != sourceLabels && len(ask.rows) == 1 {
		return detectorJSON{}, access.Problem{
			Status: http.StatusBadRequest, Code: "bad_parameter", Params: map[string]any{"parameter": "detector", "value": row.Name},
			Detail: row.Name + " reads single errors; ask with source=labels",
		}
	}
	o := ask.options(row, st)
	d, err := detector.New(row.Name, o)
	if err != nil {
		return detectorJSON{}, access.Problem{
			Status: http.StatusBadRequest, Code: "bad_parameter", Params: map[string]any{"parameter": "param"}, Detail: err.Error(),
		}
	}
	out := detectorJSON{
		Name: row.Name, Title: words(row.Title), Kind: string(row.Kind), Params: map[string]float64{},
		Standardised: o.Standardise, Changes: []changeJSON{},
	}
	for _, p := range row.Params {
		out.Params[p.Name] = p.Default
	}
	maps.Copy(out.Params, o.Params)
	if row.Kind == detector.Errors && st.source != sourceLabels {
		out.Skipped = int64(len(st.values)) // one of many: it has nothing to read
		return out, nil
	}
	changes, warned, err := detector.Scan(r.Context(), d, st.values)
	if err != nil {
		return out, err
	}
	out.Seen, out.Skipped, out.Warning = d.Seen(), d.Skipped(), warned
	for i := range changes {
		out.Changes = append(out.Changes, s.changeOf(&changes[i], st))
	}
	return out, nil
}

func (s *Server) changeOf(c *detector.Change, st *stream) changeJSON {
	out := changeJSON{
		Detected: s.rfc3339(st.time(c.At)), Since: s.rfc3339(st.time(c.From)),
		Before: levelJSON{num(c.Before), c.NBefore}, After: levelJSON{num(c.After), c.NAfter},
	}
	if c.NBefore == 0 {
		out.Before.Mean = none
	}
	if c.WarnedAt >= 0 {
		text := s.rfc3339(st.time(c.WarnedAt))
		out.Warned = &text
	}
	return out
}

// featureOf is the feature that a series of features is asked for.
func featureOf(r *http.Request, m *model.Model, by string) (string, error) {
	name := r.URL.Query().Get("feature")
	switch {
	case by == "" && name != "":
		return "", badParam("feature", name, "empty: this metric is not one of features")
	case by == "":
		return "", nil
	case !slices.ContainsFunc(m.Features, func(f model.Feature) bool { return f.Name == name }):
		return "", badParam("feature", cmp.Or(name, "(none)"), "a feature of the model")
	}
	return name, nil
}
