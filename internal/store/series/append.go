package series

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Series is a handle on one series of one Store. It remembers where the store
// keeps it, so that a sample of a known series costs no look-up by label; keep
// it as long as the series is written.
type Series struct {
	store  *Store
	labels labels.Labels
	ref    atomic.Uint64 // storage.SeriesRef, 0 until the first sample
}

// Series returns a new handle. The labels, __name__ among them, are checked
// when the first sample arrives.
func (s *Store) Series(ls labels.Labels) *Series { return &Series{store: s, labels: ls} }

// Labels are those that the handle was made with.
func (r *Series) Labels() labels.Labels { return r.labels }

// Sample is one number, or one native histogram, at one time.
type Sample struct {
	Series *Series
	T      int64 // unix milliseconds
	V      float64
	H      *histogram.FloatHistogram // if set, V is not used; the store keeps it, so leave it alone
}

// RefusedError says that part of a batch was not stored. The rest was.
type RefusedError struct {
	Batch   int            // samples given
	Reasons map[string]int // samples refused, by reason
	First   error          // the first refusal, with its labels
}

func (e *RefusedError) Error() string {
	var parts []string
	total := 0
	for _, reason := range slices.Sorted(maps.Keys(e.Reasons)) {
		total += e.Reasons[reason]
		parts = append(parts, fmt.Sprintf("%s %d", reason, e.Reasons[reason]))
	}
	return fmt.Sprintf("series: %d of %d samples refused (%s), first: %v", total, e.Batch, strings.Join(parts, ", "), e.First)
}

func (e *RefusedError) Unwrap() error { return e.First }

// Append stores a batch. With a *RefusedError all samples but the refused ones
// are stored; with any other error none is.
func (s *Store) Append(ctx context.Context, samples []Sample) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("series: append: %w", err)
	}
	now := time.Now()
	b := batch{
		store:  s,
		app:    s.db.AppenderV2(ctx),
		oldest: s.oldest(now).UnixMilli(),
		newest: now.Add(s.cfg.FutureLimit).UnixMilli(),
	}
	for i := range samples {
		if err := b.add(&samples[i]); err != nil {
			return fmt.Errorf("series: append: %w", errors.Join(err, b.app.Rollback()))
		}
	}
	if err := b.app.Commit(); err != nil {
		return fmt.Errorf("series: append: %w", err)
	}
	s.metrics.appended.Add(float64(b.stored))
	return b.refusal(len(samples))
}

// oldest is what Append takes. After a long stop it is counted from the end of
// the time before, so that what is missing there can be written still.
func (s *Store) oldest(now time.Time) time.Time {
	if newest, ok := s.Newest(); ok && newest.Before(now) {
		now = newest
	}
	return now.Add(-s.cfg.OutOfOrderWindow)
}

// batch is one Append on its way.
type batch struct {
	store          *Store
	app            storage.AppenderV2
	oldest, newest int64
	stored         int
	reasons        map[string]int
	first          error
}

// add hands one sample to the appender. It returns an error only where the
// whole batch has to be given up.
func (b *batch) add(p *Sample) error {
	if reason, err := b.check(p); err != nil {
		b.refuse(p, reason, err)
		return nil
	}
	ref := p.Series.ref.Load()
	// A mark of staleness that comes after newer samples is of one who wrote the
	// series before: it must not end it.
	how := storage.AppendV2Options{RejectOutOfOrder: p.H == nil && value.IsStaleNaN(p.V)}
	got, err := b.app.Append(storage.SeriesRef(ref), p.Series.labels, 0, p.T, p.V, nil, p.H, how)
	if err != nil {
		reason := refusalReason(err)
		if reason == "" {
			return fmt.Errorf("%s: %w", p.Series.labels, err)
		}
		b.refuse(p, reason, err)
		return nil
	}
	if uint64(got) != ref {
		p.Series.ref.Store(uint64(got))
	}
	b.stored++
	return nil
}

// check holds what the TSDB itself would let through.
func (b *batch) check(p *Sample) (reason string, err error) {
	if p.Series == nil || p.Series.store != b.store {
		return reasonInvalid, errors.New("the series handle is not from this store")
	}
	if p.T < b.oldest {
		return reasonTooOld, storage.ErrTooOldSample
	}
	if p.T > b.newest {
		return reasonFuture, errors.New("sample is too far in the future")
	}
	if p.H != nil {
		if err := p.H.Validate(); err != nil {
			return reasonInvalid, err
		}
	}
	if p.Series.ref.Load() != 0 {
		return "", nil
	}
	return b.checkNew(p.Series.labels)
}

// checkNew decides over a handle without a reference yet.
func (b *batch) checkNew(ls labels.Labels) (reason string, err error) {
	if err := b.store.checkLabels(ls); err != nil {
		return reasonInvalid, err
	}
	if b.store.db.Head().NumSeries() < uint64(b.store.cfg.MaxSeries) {
		return "", nil
	}
	if known, ok := b.app.(storage.GetRef); ok {
		if ref, _ := known.GetRef(ls, ls.Hash()); ref != 0 {
			return "", nil
		}
	}
	return reasonLimit, fmt.Errorf("%d series are in memory, the limit is %d", b.store.db.Head().NumSeries(), b.store.cfg.MaxSeries)
}

// Admit tells before a sample is on its way whether there is room for its
// series, or whether it is known.
func (s *Store) Admit(ls labels.Labels) error {
	if s.db.Head().NumSeries() < uint64(s.cfg.MaxSeries) {
		return nil
	}
	b := batch{store: s, app: s.db.AppenderV2(context.Background())}
	_, err := b.checkNew(ls)
	return errors.Join(err, b.app.Rollback())
}

func (s *Store) checkLabels(ls labels.Labels) error {
	if ls.Get(model.MetricNameLabel) == "" {
		return errors.New("no metric name")
	}
	if ls.Len() > s.cfg.MaxLabels {
		return fmt.Errorf("%d labels, the limit is %d", ls.Len(), s.cfg.MaxLabels)
	}
	return ls.Validate(func(l labels.Label) error {
		if n := max(len(l.Name), len(l.Value)); n > s.cfg.MaxLabelBytes {
			return fmt.Errorf("a label of %d bytes, the limit is %d", n, s.cfg.MaxLabelBytes)
		}
		if !model.UTF8Validation.IsValidLabelName(l.Name) || !model.LabelValue(l.Value).IsValid() {
			return errors.New("a label is not valid UTF-8, or has no name")
		}
		return nil
	})
}

// refusalReason is empty for an error that is not about the one sample.
func refusalReason(err error) string {
	switch {
	case errors.Is(err, storage.ErrOutOfBounds), errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfOrderSample):
		return reasonTooOld
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return reasonDuplicate
	case errors.Is(err, tsdb.ErrInvalidSample):
		return reasonInvalid
	}
	return ""
}

func (b *batch) refuse(p *Sample, reason string, err error) {
	if b.reasons == nil {
		b.reasons = make(map[string]int)
		b.first = err
		if p.Series != nil {
			b.first = fmt.Errorf("%s at %d: %w", clip(p.Series.labels.String()), p.T, err)
		}
	}
	b.reasons[reason]++
}

func (b *batch) refusal(size int) error {
	if b.reasons == nil {
		return nil
	}
	for reason, n := range b.reasons {
		b.store.metrics.refused.WithLabelValues(reason).Add(float64(n))
	}
	return &RefusedError{Batch: size, Reasons: b.reasons, First: b.first}
}

// clip keeps an oversized label set out of error messages.
func clip(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
