package app

import (
	"context"
	"time"

	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// upkeep is what is done to the stores every few minutes, beside the path.
type upkeep struct {
	app   *App
	every time.Duration
}

// rollupChunk bounds what one round moves, so that a large import is rolled up
// beside the live stream and not instead of it.
const rollupChunk = 20_000

func (u *upkeep) run(ctx context.Context) {
	t := time.NewTicker(u.every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			u.round(ctx)
		}
	}
}

func (u *upkeep) round(ctx context.Context) {
	a := u.app
	cutoff := time.Now().Add(-a.cfg.Retention.MinuteProfiles).UnixMilli()
	for _, set := range []profiles.Set{profiles.ByPrediction, profiles.ByEvaluation, profiles.ByReference} {
		moved, err := a.profiles.Rollup(set, cutoff, rollupChunk)
		if err != nil {
			a.log.Error("rolling minutes up into hours failed", "err", err)
		} else if moved > 0 {
			a.log.Debug("rolled up", "set", string(rune(set)), "windows", moved)
		}
	}
	for _, m := range a.registry.List() {
		if ctx.Err() != nil {
			return
		}
		u.expire(&m)
	}
	if err := a.archive.Maintain(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("maintaining the log archive failed", "err", err)
	}
	if err := a.profiles.ForgetBatches(time.Now()); err != nil {
		a.log.Error("forgetting old batch ids failed", "err", err)
	}
}

// expire deletes a model's windows past the retention, which is counted back
// from its newest one: history that was imported is not gone on arrival, and a
// model that went quiet keeps its last years until it is deleted.
func (u *upkeep) expire(m *model.Model) {
	a := u.app
	for _, set := range []profiles.Set{profiles.ByPrediction, profiles.ByEvaluation} {
		first, last, ok, err := a.profiles.Extent(set, m.Name)
		cutoff := last - a.cfg.Retention.Profiles.Milliseconds()
		if err == nil && ok && first < cutoff {
			var n int
			n, err = a.profiles.Expire(set, m.Name, cutoff)
			a.log.Info("windows past their retention were deleted", "model", m.Name, "windows", n)
		}
		if err != nil {
			a.log.Error("deleting old windows failed", "model", m.Name, "err", err)
		}
		if set == profiles.ByPrediction && ok {
			u.keepSamples(m, last)
		}
	}
}

func (u *upkeep) keepSamples(m *model.Model, newest int64) {
	r := &u.app.cfg.Retention
	daysFrom := time.Now().Add(-r.MinuteProfiles).UnixMilli()
	if err := u.app.profiles.KeepSamples(m.Name, daysFrom, newest-r.Samples.Milliseconds()); err != nil {
		u.app.log.Error("keeping row samples failed", "model", m.Name, "err", err)
	}
}
