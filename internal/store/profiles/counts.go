package profiles

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/leewayhq/leeway/internal/profile"
)

// Rows is how many rows lie in the query's windows. It reads no more than the
// first bytes of each.
func (s *Store) Rows(ctx context.Context, q Query) (rows int64, err error) {
	err = s.Scan(ctx, q, func(w *Window) error {
		p, err := profile.Peek(w.Bytes)
		if err == nil {
			rows += p.Rows()
		}
		return err
	})
	return rows, err
}

// Newest is the event time, unix ms, of a model's last row in a set.
func (s *Store) Newest(set Set, model string) (ms int64, ok bool, err error) {
	q := Query{Set: set, Model: model, From: before1970}
	for _, l := range []level{minutes, hours} {
		last, found, err := s.newestOf(&q, l)
		if err != nil {
			return 0, false, err
		}
		if found && (!ok || last > ms) {
			ms, ok = last, true
		}
	}
	return ms, ok, nil
}

// newestOf goes back over windows without rows: labels or duplicates alone
// have made those.
func (s *Store) newestOf(q *Query, l level) (ms int64, ok bool, err error) {
	from, to := q.bounds(l)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return 0, false, err
	}
	minute := int64(0)
	for more := it.Last(); more; more = it.Prev() {
		k, _, err := parseKey(it.Key())
		if err != nil {
			return 0, false, errors.Join(err, it.Close())
		}
		if ok && k.Start != minute {
			break // versions of one window stand side by side
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return 0, false, errors.Join(err, it.Close())
		}
		p, err := profile.Peek(value)
		if err != nil {
			return 0, false, errors.Join(err, it.Close())
		}
		if p.Rows() > 0 && (!ok || p.LastTime > ms) {
			ms, ok, minute = p.LastTime, true, k.Start
		}
	}
	return ms, ok, it.Close()
}

// RowsOfDaysBefore is the rows of a query's range, shifted back by whole days:
// by one to times days, or by as many as the range is long. Ranges that begin
// before the model's first window tell nothing and are left out.
func (s *Store) RowsOfDaysBefore(ctx context.Context, q Query, times int) ([]int64, error) {
	first, _, ok, err := s.Extent(q.Set, q.Model)
	if err != nil || !ok {
		return nil, err
	}
	step := max(1, (q.To-q.From+dayMS-1)/dayMS) * dayMS
	var out []int64
	for range times {
		q.From, q.To = q.From-step, q.To-step
		if q.From < first {
			break
		}
		rows, err := s.Rows(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, rows)
	}
	return out, nil
}
