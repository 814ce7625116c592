package scrape

import (
	"context"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/leewayhq/leeway/internal/event/sample"
)

// appendable gives each scrape an appender that ends at the door.
type appendable struct{ s *Scraper }

// AppenderV2 implements storage.AppendableV2.
func (a appendable) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &appender{s: a.s, ctx: ctx}
}

// appender gathers one scrape.
type appender struct {
	s     *Scraper
	ctx   context.Context
	build sample.Builder
}

// Append implements storage.AppenderV2. Errors about the time of one sample
// leave it out; any other ends the scrape, as with Prometheus. The reference
// tells the scrape loop the series of a target apart, and Append that the labels
// were looked at.
func (a *appender) Append(ref storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options) (storage.SeriesRef, error) {
	limits, now := &a.s.cfg.Samples, a.s.cfg.Now()
	if ref == 0 {
		if wrong := limits.Series(ls); wrong != nil {
			a.s.metrics.rejected.WithLabelValues(wrong.Reason).Inc()
			return 0, wrong
		}
		ref = storage.SeriesRef(max(ls.Hash(), 1))
	}
	if wrong := limits.Time(t, now); wrong != nil {
		a.s.metrics.rejected.WithLabelValues(wrong.Reason).Inc()
		return 0, storage.ErrOutOfBounds
	}
	if h == nil && fh == nil {
		a.build.Float(ls, t, v)
	} else {
		fine, wrong := limits.Histogram(h, fh)
		if wrong != nil {
			a.s.metrics.rejected.WithLabelValues(wrong.Reason).Inc()
			return 0, wrong
		}
		if err := a.build.Histogram(ls, t, fine); err != nil {
			return 0, err
		}
	}
	for i := range opts.Exemplars {
		a.exemplar(ls, &opts.Exemplars[i])
	}
	return ref, nil
}

func (a *appender) exemplar(ls labels.Labels, e *exemplar.Exemplar) {
	if wrong := a.s.cfg.Samples.Exemplar(e, a.s.cfg.Now()); wrong != nil {
		a.s.metrics.rejected.WithLabelValues(wrong.Reason).Inc()
		return
	}
	a.build.Exemplar(ls, e)
}

// Commit makes the scrape durable.
func (a *appender) Commit() error {
	n := a.build.Rows()
	if n == 0 {
		return nil
	}
	if err := a.s.cfg.Put(a.ctx, a.build.Batch()); err != nil {
		a.s.metrics.lost.Add(float64(n))
		return err
	}
	a.s.metrics.taken.Add(float64(n))
	return nil
}

// Rollback forgets the scrape.
func (a *appender) Rollback() error {
	a.build = sample.Builder{}
	return nil
}
