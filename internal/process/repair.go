package process

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/store/join"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// ErrWhole says that there is nothing to give up.
var ErrWhole = errors.New("nothing was given up")

// CutJoin gives up what cannot be read of a partition's pending predictions:
// their labels will find nothing. For a stopped server.
func CutJoin(store *profiles.Store, joinDir string, partition int) ([]join.Lost, error) {
	state, err := store.State(partition)
	if err != nil {
		return nil, err
	}
	var extent join.State
	if len(state.Join) > 0 {
		if err := json.Unmarshal(state.Join, &extent); err != nil {
			return nil, fmt.Errorf("process: join state of partition %d: %w", partition, err)
		}
	}
	c := Config{JoinDir: joinDir}
	kept, lost, err := join.Cut(c.joinDir(partition), extent)
	if err != nil {
		return nil, err
	}
	if len(lost) == 0 {
		return nil, fmt.Errorf("the join files of partition %d are whole: %w", partition, ErrWhole)
	}
	if state.Join, err = json.Marshal(kept); err != nil {
		return nil, err
	}
	return lost, store.SetState(partition, state)
}

// Forward gives up the records that the log let go of before the state had
// them, which is how an older state meets a newer log: processing goes on at
// the first that is there. For a stopped server.
func Forward(log queue.Log, store *profiles.Store, partition int) (from, to queue.Offset, err error) {
	first, _, err := log.Bounds(partition)
	if err != nil {
		return 0, 0, err
	}
	state, err := store.State(partition)
	if err != nil {
		return 0, 0, err
	}
	from = queue.Offset(state.Next)
	if first <= from {
		return from, from, fmt.Errorf("the queue has all of partition %d from offset %d on: %w", partition, from, ErrWhole)
	}
	state.Next = uint64(first)
	return from, first, store.SetState(partition, state)
}
