package series

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
)

// Delete removes the samples from mint to maxt (unix ms, both included) of the
// series that match, so that imported history can be written again.
func (s *Store) Delete(ctx context.Context, mint, maxt int64, matchers ...*labels.Matcher) error {
	if err := s.db.Delete(ctx, mint, maxt, matchers...); err != nil {
		return fmt.Errorf("series: deleting %v: %w", matchers, err)
	}
	return nil
}
