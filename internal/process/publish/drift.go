package publish

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/measure/estimate"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// drift is when a model's drift was computed last, and its series.
type drift struct {
	at      time.Time
	handles map[[2]string]*series.Series

	usualAt time.Time // when usual was read
	usual   []int64   // rows of this hour on the days before

	learnt estimate.Memo

	jointAt time.Time // when the rows were compared as wholes
}

// driftOf finds or makes a model's.
func (p *Publisher) driftOf(name string) *drift {
	d := p.drifts[name]
	if d == nil {
		d = &drift{handles: map[[2]string]*series.Series{}}
		p.drifts[name] = d
	}
	return d
}

func (p *Publisher) driftDue(name string, now time.Time) bool {
	return now.Sub(p.driftOf(name).at) >= p.cfg.DriftInterval
}

// driftSamples compares a model's last hour with its reference.
func (p *Publisher) driftSamples(ctx context.Context, name string, now time.Time) ([]series.Sample, error) {
	d := p.drifts[name]
	d.at = now
	m, err := p.cfg.Registry.Get(name)
	if err != nil {
		return nil, err
	}
	q := profiles.Query{Set: profiles.ByPrediction, Model: name, From: now.Add(-p.cfg.DriftWindow).UnixMilli()}
	ref, source, err := p.cfg.References.At(ctx, &m, q.From, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	cur, err := p.cfg.Profiles.Merged(ctx, q)
	if err != nil {
		return nil, err
	}
	var out []series.Sample
	put := func(series_, feature string, v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, series.Sample{Series: d.handle(p.cfg.Series, name, series_, feature), T: now.UnixMilli(), V: v})
		}
	}
	learnFrom := ref
	if source.Moves() {
		if learnFrom, err = p.cfg.References.Get(ctx, &m); err != nil {
			return nil, err
		}
	}
	if err := p.estimateSamples(ctx, &dataOf{name, cur, learnFrom, now}, event.Task(m.Task), put); err != nil || cur == nil {
		return out, err
	}
	if c := measure.Coverage(cur); c.Defined {
		put("model_label_coverage", "", c.Value)
	}
	if err := p.dataSamples(ctx, &dataOf{name, cur, ref, now}, put); err != nil {
		return nil, err
	}
	if source.Source == model.ReferenceVersion { // the others are compared with it
		q.Except = &source.Version
		if cur, err = p.cfg.Profiles.Merged(ctx, q); err != nil {
			return out, err
		}
	}
	if ref == nil || cur == nil {
		return out, nil
	}
	if err := p.jointSamples(ctx, name, source, now, put); err != nil {
		return nil, err
	}
	// The same word is another number by another method, so its name is with
	// every point.
	putBy := func(series_ string, f *measure.FeatureDrift) {
		if !math.IsNaN(f.Value) && !math.IsInf(f.Value, 0) {
			out = append(out, series.Sample{Series: d.handleBy(p.cfg.Series, name, series_, f), T: now.UnixMilli(), V: f.Value})
		}
	}
	list := measure.Drift(cur, ref, p.cfg.Drift)
	for i := range list {
		if f := &list[i]; f.Defined && f.Grade != measure.Insufficient {
			putBy("model_feature_drift", f)
		}
	}
	if share := measure.DriftShare(list); share.Defined {
		put("model_data_drift", "", share.Value)
	}
	predictions := measure.PredictionDrift(cur, ref, p.cfg.Drift)
	for i := range predictions {
		putBy("model_prediction_drift", &predictions[i])
	}
	return out, nil
}

func (d *drift) handle(store *series.Store, subject, name, feature string) *series.Series {
	h := d.handles[[2]string{name, feature}]
	if h == nil {
		ls := []string{"__name__", name, "model", subject, "version", "", "segment", ""}
		if feature != "" {
			ls = append(ls, "feature", feature)
		}
		h = store.Series(labels.FromStrings(ls...))
		d.handles[[2]string{name, feature}] = h
	}
	return h
}

// handleBy is the series of one column's drift by one method.
func (d *drift) handleBy(store *series.Store, subject, name string, f *measure.FeatureDrift) *series.Series {
	key := [2]string{name, f.Name + "\x00" + f.Method}
	h := d.handles[key]
	if h == nil {
		h = store.Series(labels.FromStrings("__name__", name, "model", subject, "version", "", "segment", "", "feature", f.Name, "method", f.Method))
		d.handles[key] = h
	}
	return h
}
