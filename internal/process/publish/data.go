package publish

import (
	"context"
	"maps"
	"time"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
	"github.com/leewayhq/leeway/internal/store/series"
)

// dataOf is what the quality of data is told of: the profile of the drift
// window, which ends now, and the reference, which may be nil.
type dataOf struct {
	model    string
	cur, ref *profile.Profile
	now      time.Time
}

// dataSamples puts the quality of a model's data.
func (p *Publisher) dataSamples(ctx context.Context, d *dataOf, put func(series, feature string, v float64)) error {
	value := func(series string, v measure.Value) {
		if v.Defined {
			put(series, "", v.Value)
		}
	}
	list := measure.DataQuality(d.cur, d.ref)
	for i := range list {
		if f := &list[i]; f.Rows > 0 {
			featureSamples(f, put)
		}
	}
	state := measure.DataStateOf(d.cur, list)
	value("model_data_quality_score", state.Score)
	value("model_duplicate_rate", state.DuplicateRate)
	volume, err := p.volume(ctx, d)
	value("model_row_volume", volume)
	return err
}

func featureSamples(f *measure.FeatureQuality, put func(series, feature string, v float64)) {
	put("model_missing_rate", f.Name, f.MissingRate)
	put("model_type_error_rate", f.Name, float64(f.TypeErrors)/float64(f.Rows))
	switch {
	case f.Compared && f.Kind == measure.KindNumeric:
		n := float64(f.Number.N)
		put("model_outlier_rate", f.Name, f.OutlierRate)
		put("model_outlier_rate_iqr", f.Name, float64(f.OutliersIQR)/n)
		put("model_outlier_rate_zscore", f.Name, float64(f.OutliersZScore)/n)
	case f.Compared:
		put("model_unseen_rate", f.Name, f.UnseenRate)
	}
}

const (
	usualDays = 7                // days before that make a usual hour
	usualLife = 10 * time.Minute // for how long it is taken to be the same
)

// volume compares the rows of the drift window with those of the same hour on
// the days before.
func (p *Publisher) volume(ctx context.Context, d *dataOf) (measure.Value, error) {
	kept := p.drifts[d.model]
	if d.now.Sub(kept.usualAt) >= usualLife {
		usual, err := p.cfg.Profiles.RowsOfDaysBefore(ctx, profiles.Query{
			Set: profiles.ByPrediction, Model: d.model, From: d.now.Add(-p.cfg.DriftWindow).UnixMilli(), To: d.now.UnixMilli(),
		}, usualDays)
		if err != nil {
			return measure.Value{}, err
		}
		kept.usual, kept.usualAt = usual, d.now
	}
	return measure.Volume(d.cur.Rows(), kept.usual), nil
}

// staleAfter is when the age of a model's data is told no more.
const staleAfter = 30 * 24 * time.Hour

// ages are how old the newest row of each model is; those of which nothing
// came for long are left out. It is told of models without traffic too: theirs
// is the age that somebody wants to know.
func (p *Publisher) ages(now time.Time) ([]series.Sample, error) {
	if now.Sub(p.aged) < p.cfg.DriftInterval {
		return nil, nil
	}
	p.aged = now
	var out []series.Sample
	known := map[string]bool{}
	for _, m := range p.cfg.Registry.List() {
		known[m.Name] = true
		newest, ok, err := p.cfg.Profiles.Newest(profiles.ByPrediction, m.Name)
		if err != nil {
			return out, err
		}
		age := measure.Age(newest, now.UnixMilli())
		if !ok || age > float64(staleAfter.Milliseconds()) {
			continue
		}
		d := p.driftOf(m.Name)
		out = append(out, series.Sample{Series: d.handle(p.cfg.Series, m.Name, "model_data_age", ""), T: now.UnixMilli(), V: age})
	}
	maps.DeleteFunc(p.drifts, func(name string, _ *drift) bool { return !known[name] })
	return out, nil
}
