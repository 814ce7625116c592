package publish

import (
	"context"
	"errors"
	"time"

	"github.com/leewayhq/leeway/internal/measure/multivariate"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// jointInterval is how often whole rows are compared. It costs some 10 ms a
// model with 20 features.
const jointInterval = 5 * time.Minute

// jointSamples puts what the features of the last hour do together, from row
// samples; too few rows put nothing.
func (p *Publisher) jointSamples(ctx context.Context, name string, source model.Reference, now time.Time, put func(series, feature string, v float64)) error {
	d := p.drifts[name]
	if now.Sub(d.jointAt) < jointInterval {
		return nil
	}
	d.jointAt = now
	ref, err := p.cfg.Profiles.ReferenceSamples(ctx, name, source)
	if err != nil || len(ref) == 0 {
		return err
	}
	cur, err := p.cfg.Profiles.Sample(ctx, profiles.Query{Set: profiles.ByPrediction, Model: name, From: now.Add(-p.cfg.DriftWindow).UnixMilli(), To: now.UnixMilli() + 1})
	if err != nil {
		return err
	}
	joint, err := multivariate.Compare(ref, cur, false)
	if errors.Is(err, multivariate.ErrTooFew) {
		return nil
	}
	if err != nil {
		return err
	}
	if r := joint.Reconstruction; r != nil {
		put("model_reconstruction_error", "", r.Error.Mean)
		put("model_joint_drift", "", r.Excess())
	}
	return nil
}
