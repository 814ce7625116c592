package series

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Reading is the newest sample of a series.
type Reading struct {
	Labels labels.Labels
	T      int64 // unix ms
	V      float64
	H      *histogram.FloatHistogram // if set, V is not used
}

// ErrTooMany says that more series match than were wanted.
var ErrTooMany = errors.New("series: too many series match")

// Latest gives the newest sample from mint to maxt (unix ms, both included) of
// each series that any of the sets matches, by labels; a series that has ended
// has none.
func (s *Store) Latest(ctx context.Context, mint, maxt int64, most int, sets ...[]*labels.Matcher) (points []Reading, err error) {
	q, err := s.db.Querier(mint, maxt)
	if err != nil {
		return nil, fmt.Errorf("series: %w", err)
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	hints := &storage.SelectHints{Start: mint, End: maxt}
	found := make([]storage.SeriesSet, 0, len(sets))
	for _, matchers := range sets {
		found = append(found, q.Select(ctx, true, hints, matchers...))
	}
	all := storage.NewMergeSeriesSet(found, 0, storage.ChainedSeriesMerge)
	var it chunkenc.Iterator
	for all.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		it = all.At().Iterator(it)
		p, ok, err := last(it)
		if err != nil {
			return nil, fmt.Errorf("series: %w", err)
		}
		if !ok {
			continue
		}
		if len(points) == most {
			return nil, ErrTooMany
		}
		p.Labels = all.At().Labels()
		points = append(points, p)
	}
	if err := all.Err(); err != nil {
		return nil, fmt.Errorf("series: %w", err)
	}
	return points, nil
}

// last is the last sample of an iterator; ok is false when there is none, or
// when it says that the series ended.
func last(it chunkenc.Iterator) (p Reading, ok bool, err error) {
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		switch kind {
		case chunkenc.ValFloat:
			p.T, p.V = it.At()
			p.H, ok = nil, !value.IsStaleNaN(p.V)
		case chunkenc.ValHistogram, chunkenc.ValFloatHistogram:
			p.T, p.H = it.AtFloatHistogram(nil)
			ok = !value.IsStaleNaN(p.H.Sum)
		}
	}
	return p, ok, it.Err()
}
