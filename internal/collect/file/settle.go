package file

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// status is how far the server has come with what it took.
type status struct {
	Partitions []struct {
		Next uint64 `json:"next"` // the first record that is not in the numbers
		End  uint64 `json:"end"`  // one past the last record on disk
	} `json:"partitions"`
}

// settleTime is how long the server may stand still before the import ends
// without knowing.
const settleTime = 30 * time.Second

// settle returns once the server has processed what it had when settle began.
// It is false where the server does not tell: an older one, or a token that may
// only send.
func (s *sender) settle(ctx context.Context) (bool, error) {
	first, ok := s.status(ctx)
	if !ok {
		return false, ctx.Err()
	}
	ends := make([]uint64, len(first.Partitions))
	for i, p := range first.Partitions {
		ends[i] = p.End
	}
	left, moved := behind(first, ends), s.now()
	for wait := 10 * time.Millisecond; left > 0; wait = min(2*wait, 500*time.Millisecond) {
		if err := s.pause(ctx, wait); err != nil {
			return false, err
		}
		st, ok := s.status(ctx)
		if !ok || len(st.Partitions) != len(ends) {
			return false, ctx.Err()
		}
		if now := behind(st, ends); now < left {
			left, moved = now, s.now()
		}
		if s.now().Sub(moved) > settleTime {
			return false, fmt.Errorf("the server has everything on disk, but its processing has stood still for %v, %d records behind", settleTime, left)
		}
	}
	return true, nil
}

func behind(st *status, ends []uint64) (n uint64) {
	for i, p := range st.Partitions {
		if p.Next < ends[i] {
			n += ends[i] - p.Next
		}
	}
	return n
}

func (s *sender) status(ctx context.Context) (*status, bool) {
	req, err := s.request(ctx, http.MethodGet, "/api/v1/status", nil)
	if err != nil {
		return nil, false
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, false
	}
	defer res.Body.Close()
	st := new(status)
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, st) != nil {
		return nil, false
	}
	return st, true
}
