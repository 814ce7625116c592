package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type curveAnswer struct {
	Model     string         `json:"model"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	Dataset   string         `json:"dataset"`
	Kind      string         `json:"kind"`
	Class     string         `json:"class"`
	Positives int64          `json:"positives"`
	Negatives int64          `json:"negatives"`
	Coverage  num            `json:"coverage"`
	Reason    string         `json:"reason,omitempty"`
	Summary   curveSummary   `json:"summary"`
	Points    []curvePointAt `json:"points"`
}

// curveSummary is the number that stands for the curve.
type curveSummary struct {
	Key   string    `json:"key"`
	Value valueJSON `json:"value"`
}

type curvePointAt struct {
	X         num   `json:"x"`
	Y         num   `json:"y"`
	Low       *num  `json:"low,omitempty"`
	High      *num  `json:"high,omitempty"`
	Threshold *num  `json:"threshold,omitempty"`
	N         int64 `json:"n"`
	Bound     num   `json:"bound,omitempty"`
}

// getCurves draws a curve of the scores of a range, of production or, where
// there is none, of the rows that were sent as reference.
func (s *Server) getCurves(r *http.Request) (any, error) {
	m, err := s.modelOf(r)
	if err != nil {
		return nil, err
	}
	set, extent, err := setOf(r)
	if err != nil {
		return nil, err
	}
	kind := firstOf(r.URL.Query().Get("kind"), measure.CurveROC)
	if kinds := measure.CurveKinds(); !slices.Contains(kinds, kind) {
		return nil, badParam("kind", kind, "one of "+strings.Join(kinds, ", "))
	}
	sp, _, err := s.spanOf(r, &m, extent)
	if err != nil {
		return nil, err
	}
	p, dataset, err := s.lightOf(r.Context(), &m, &sp, set)
	if err != nil {
		return nil, err
	}
	pos, neg, class, err := scoresOf(&m, p.Quality, r.URL.Query().Get("class"))
	if err != nil {
		return nil, err
	}
	out := curveOf(measure.CurveOf(pos, neg, kind), measure.Coverage(p))
	out.Model, out.From, out.To, out.Dataset, out.Class = m.Name, s.rfc3339(sp.from), s.rfc3339(sp.to), dataset, class
	return out, nil
}

// lightOf is all windows of a range in one; never nil.
func (s *Server) lightOf(ctx context.Context, m *model.Model, sp *span, set string) (*profile.Profile, string, error) {
	if set != setReference {
		p, err := s.light(ctx, sp.query(profiles.ByPrediction, m.Name))
		if err != nil || p != nil || set == setProduction {
			return orEmptyProfile(p), setProduction, err
		}
	}
	if sp.segment != "" {
		return &profile.Profile{}, setReference, nil // the reference has no segments
	}
	p, err := s.light(ctx, sp.query(profiles.ByReference, m.Name))
	return orEmptyProfile(p), setReference, err
}

// light is the sum of a query's windows without features; nil when there are none.
func (s *Server) light(ctx context.Context, q profiles.Query) (*profile.Profile, error) {
	var total profiles.Adder
	err := s.cfg.Profiles.Scan(ctx, q, func(w *profiles.Window) error {
		p, err := decode(w.Bytes, false)
		if err == nil {
			total.Add(p)
		}
		return err
	})
	return total.Total(), err
}

func orEmptyProfile(p *profile.Profile) *profile.Profile {
	if p == nil {
		p = &profile.Profile{}
	}
	return p
}

// scoresOf is the scores of both sides: of a binary model those of its classes,
// of a model with several those of one class and of all others.
func scoresOf(m *model.Model, q *profile.Quality, class string) (pos, neg *profile.ScoreSet, name string, err error) {
	if q == nil {
		q = &profile.Quality{}
	}
	switch event.Task(m.Task) {
	case event.Binary:
		if class != "" && class != m.Positive {
			return nil, nil, "", badParam("class", class, "the positive class, or nothing")
		}
		return &q.Pos, &q.Neg, m.Positive, nil
	case event.Multiclass:
		if class == "" {
			return nil, nil, "", badParam("class", class, "a class of the model, of which the curve is against all others")
		}
		if q.Classes != nil && q.Classes.Of[class] != nil {
			of := q.Classes.Of[class]
			return &of.Pos, &of.Neg, class, nil
		}
		return &profile.ScoreSet{}, &profile.ScoreSet{}, class, nil
	}
	return nil, nil, "", access.Problem{
		Status: http.StatusBadRequest, Code: "no_curves", Params: map[string]any{"model": m.Name, "task": m.Task.String()},
		Detail: "only models that decide between classes have curves",
	}
}

func curveOf(c measure.Curve, coverage measure.Value) curveAnswer {
	out := curveAnswer{
		Kind: c.Kind, Positives: c.Pos, Negatives: c.Neg, Coverage: none, Reason: c.Reason,
		Summary: curveSummary{c.Summary.Key, valueOf(c.Summary.Value)}, Points: make([]curvePointAt, 0, len(c.Points)),
	}
	if coverage.Defined {
		out.Coverage = num(coverage.Value)
	}
	for _, p := range c.Points {
		at := curvePointAt{X: num(p.X), Y: num(p.Y), N: p.N, Bound: num(p.Bound)}
		if p.HasInterval {
			low, high := num(p.Low), num(p.High)
			at.Low, at.High = &low, &high
		}
		if t := num(p.Threshold); t.ok() {
			at.Threshold = &t
		}
		out.Points = append(out.Points, at)
	}
	return out
}
