package dashboard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type qualityAnswer struct {
	Model   string          `json:"model"`
	Task    string          `json:"task"`
	From    string          `json:"from"`
	To      string          `json:"to"`
	Windows []windowQuality `json:"windows"`

	Estimator *estimatorJSON `json:"estimator,omitempty"`
}

type windowQuality struct {
	From        string               `json:"from"`
	To          string               `json:"to"`
	Dataset     string               `json:"dataset"`
	Predictions int64                `json:"predictions"`
	Labels      int64                `json:"labels"`
	Coverage    num                  `json:"coverage"`
	Metrics     map[string]valueJSON `json:"metrics"`
	Confusion   *confusionJSON       `json:"confusion"`
	Classes     []classJSON          `json:"classes,omitempty"`
	Estimated   map[string]valueJSON `json:"estimated,omitempty"`
	Gap         map[string]gapJSON   `json:"gap,omitempty"`
}

type confusionJSON struct {
	Classes []string  `json:"classes"`
	Matrix  [][]int64 `json:"matrix"`
	Other   int64     `json:"other,omitempty"`
}

type classJSON struct {
	Name      string    `json:"name"`
	Support   int64     `json:"support"`
	Predicted int64     `json:"predicted"`
	Precision valueJSON `json:"precision"`
	Recall    valueJSON `json:"recall"`
	F1        valueJSON `json:"f1_score"`
	AUC       valueJSON `json:"auc_roc"`
}

// valueJSON is a number, or null and the reason.
type valueJSON struct {
	Value  num    `json:"value"`
	Reason string `json:"reason,omitempty"`
	Low    *num   `json:"low,omitempty"`
	High   *num   `json:"high,omitempty"`
	N      int64  `json:"n"`
	Method string `json:"method,omitempty"`
	Bound  num    `json:"bound,omitempty"`
}

func valueOf(v measure.Value) valueJSON {
	out := valueJSON{Value: none, N: v.N, Reason: v.Reason}
	if !v.Defined {
		return out
	}
	out.Value, out.Method, out.Bound = num(v.Value), v.Method, num(v.Bound)
	if v.HasInterval {
		low, high := num(v.Low), num(v.High)
		out.Low, out.High = &low, &high
	}
	return out
}

// The data sets of a window.
const (
	setProduction = "production"
	setReference  = "reference"
)

// getQuality answers from production; a window without any is answered from
// the rows that were sent as reference, where there are some at that time.
func (s *Server) getQuality(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	set, extent, err := setOf(r)
	if err != nil {
		return nil, err
	}
	options, err := optionsOf(r, &m)
	if err != nil {
		return nil, err
	}
	sp, _, err := s.spanOf(r, &m, extent)
	if err != nil {
		return nil, err
	}
	cut, err := s.cutOf(r, &sp)
	if err != nil {
		return nil, err
	}
	pieces, err := s.qualityPieces(r.Context(), &m, &sp, cut, set)
	if err != nil {
		return nil, err
	}
	estimator, about, err := s.estimator(r, &m)
	if err != nil {
		return nil, err
	}
	windows := make([]windowQuality, 0, len(pieces))
	for _, from := range slices.Sorted(maps.Keys(pieces)) {
		pc := pieces[from]
		p := pc.sum.Total()
		w := qualityOf(&m, p, options)
		w.estimate(estimator, p)
		w.From, w.To, w.Dataset = s.rfc3339(from), s.rfc3339(pc.to), pc.dataset
		windows = append(windows, w)
	}
	return qualityAnswer{
		Model: m.Name, Task: m.Task.String(), From: s.rfc3339(sp.from), To: s.rfc3339(sp.to), Windows: windows,
		Estimator: about,
	}, nil
}

// setOf reads which rows are asked for, and of which windows their extent is.
func setOf(r *http.Request) (set string, extent profiles.Set, err error) {
	set = r.URL.Query().Get("set")
	if set != "" && set != setProduction && set != setReference {
		return "", extent, badParam("set", set, "production or reference")
	}
	if set == setReference {
		return set, profiles.ByReference, nil
	}
	return set, profiles.ByPrediction, nil
}

// optionsOf reads threshold and beta, which only binary models have, and k, which
// only rankings have.
func optionsOf(r *http.Request, m *model.Model) (o measure.Options, err error) {
	q := r.URL.Query()
	if text := q.Get("k"); text != "" {
		cutoffs := profile.Cutoffs()
		if o.Places, err = strconv.Atoi(text); err != nil || !slices.Contains(cutoffs[:], o.Places) {
			return o, badParam("k", text, fmt.Sprintf("one of %v", cutoffs))
		}
		if event.Task(m.Task) != event.Ranking {
			return o, badParam("k", text, "nothing: the model is no ranking")
		}
	}
	for _, name := range []string{"threshold", "beta"} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		if event.Task(m.Task) != event.Binary {
			return o, badParam(name, text, "nothing: the model is not binary")
		}
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
			return o, badParam(name, text, "a number")
		case name == "threshold":
			o.Threshold = &v
		case v <= 0 || v > 100:
			return o, badParam(name, text, "a number above 0 and at most 100")
		default:
			o.Beta = v
		}
	}
	return o, nil
}

// cutter gives the beginning and end of the window that holds a time.
type cutter func(ms int64) (from, to int64)

func (s *Server) cutOf(r *http.Request, sp *span) (cutter, error) {
	text := r.URL.Query().Get("step")
	if text == "" {
		return func(int64) (int64, int64) { return sp.from, sp.to }, nil
	}
	st, err := parseStep(text)
	if err == nil && st.days == 0 && st.months == 0 && st.fixed.Milliseconds() < minuteMS {
		err = errors.New("a step of a minute or more")
	}
	if err != nil {
		return nil, badParam("step", text, "a duration of a minute or more, such as 1h, 1d, 1w or 1M")
	}
	zone := s.cfg.Zone
	begin, end := int64(1), int64(0) // of the last answer: times come in order
	return func(ms int64) (int64, int64) {
		if ms < begin || ms >= end {
			begin = st.floor(ms, zone)
			end = st.next(begin, zone)
		}
		return max(begin, sp.from), min(end, sp.to)
	}, nil
}

// piece is one window of an answer being added up.
type piece struct {
	to      int64
	dataset string
	sum     profiles.Adder
}

func (s *Server) qualityPieces(ctx context.Context, m *model.Model, sp *span, cut cutter, set string) (map[int64]*piece, error) {
	pieces := map[int64]*piece{}
	if set != setReference {
		if err := s.addPieces(ctx, sp.query(profiles.ByPrediction, m.Name), cut, setProduction, pieces); err != nil {
			return nil, err
		}
	}
	if set != setProduction && sp.segment == "" {
		if err := s.addPieces(ctx, sp.query(profiles.ByReference, m.Name), cut, setReference, pieces); err != nil {
			return nil, err
		}
	}
	return pieces, nil
}

// addPieces reads every window once and puts it where it belongs. A place that
// another set has taken is left alone.
func (s *Server) addPieces(ctx context.Context, q profiles.Query, cut cutter, dataset string, pieces map[int64]*piece) error {
	err := s.cfg.Profiles.Scan(ctx, q, func(w *profiles.Window) error {
		from, to := cut(w.Start)
		pc := pieces[from]
		if pc != nil && pc.dataset != dataset {
			return nil
		}
		p, err := decode(w.Bytes, false)
		if err != nil {
			return err
		}
		if pc == nil {
			if len(pieces) == maxWindows {
				return errTooManyWindows
			}
			pc = &piece{to: to, dataset: dataset}
			pieces[from] = pc
		}
		pc.sum.Add(p)
		return nil
	})
	if errors.Is(err, errTooManyWindows) {
		return tooManyWindows()
	}
	return err
}

func qualityOf(m *model.Model, p *profile.Profile, o measure.Options) windowQuality {
	res := measure.QualityWith(p, event.Task(m.Task), o)
	w := windowQuality{
		Predictions: res.Predictions, Labels: res.Labels, Coverage: none, Metrics: map[string]valueJSON{},
	}
	if res.Coverage.Defined {
		w.Coverage = num(res.Coverage.Value)
	}
	for _, x := range res.Metrics {
		w.Metrics[x.Key] = valueOf(x.Value)
	}
	if c := res.Confusion; c != nil {
		w.Confusion = &confusionJSON{Classes: classNames(m, c.Classes), Matrix: c.Matrix, Other: c.Other}
	}
	for _, c := range res.Classes {
		w.Classes = append(w.Classes, classJSON{c.Name, c.Support, c.Predicted, valueOf(c.Precision), valueOf(c.Recall), valueOf(c.F1), valueOf(c.AUC)})
	}
	return w
}

// classNames gives the classes of a binary model their own names.
func classNames(m *model.Model, names []string) []string {
	if event.Task(m.Task) != event.Binary || m.Positive == "" || len(names) != 2 {
		return names
	}
	return []string{m.NegativeClass(), m.Positive}
}
