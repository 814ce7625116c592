package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/leewayhq/leeway/internal/config"
	"github.com/leewayhq/leeway/internal/process"
	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

const repairUsage = `[--data DIR] queue-skip PARTITION OFFSET | queue-forward PARTITION | join-cut PARTITION

Gives up what is lost, for good, so that the rest goes on. The server must be
stopped. What can be read is never given up, and what is given up is printed.

  queue-skip     damaged records of the queue: PARTITION and OFFSET are those at
                 which /readyz says that the partition stands still
  queue-forward  records that the queue no longer has and the state does not
                 have yet ("were trimmed away"): the state is older
  join-cut       of a damaged file of predictions that wait for their label, all
                 from the first damaged byte on; a copy of the file stays`

// repairs are the words of repair, and how many follow each.
var repairs = map[string]struct {
	words int
	run   func(std stdio, cfg *config.Config, partition int, offset queue.Offset) error
}{
	"queue-skip":    {2, queueSkip},
	"queue-forward": {1, queueForward},
	"join-cut":      {1, joinCut},
}

func repair(_ context.Context, std stdio, args []string) error {
	var f serverFlags
	fs := flags(std, "repair", repairUsage)
	fs.StringVar(&f.data, "data", "", "data `folder` (default ./leeway-data)")
	fs.StringVar(&f.config, "config", "", "configuration `file` (optional)")
	if err := parseSome(fs, args); err != nil {
		return err
	}
	r, known := repairs[fs.Arg(0)]
	partition, err := strconv.Atoi(fs.Arg(1))
	var offset uint64
	if err == nil && r.words == 2 {
		offset, err = strconv.ParseUint(fs.Arg(2), 10, 64)
	}
	if !known || err != nil || partition < 0 || fs.NArg() != 1+r.words {
		fs.Usage()
		return errUsage
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	return r.run(std, cfg, partition, queue.Offset(offset))
}

func queueSkip(std stdio, cfg *config.Config, partition int, offset queue.Offset) error {
	log, err := openedQueue(cfg)
	if err != nil {
		return err
	}
	return errors.Join(skip(std, log, partition, offset), log.Close())
}

func queueForward(std stdio, cfg *config.Config, partition int, _ queue.Offset) error {
	log, err := openedQueue(cfg)
	if err != nil {
		return err
	}
	state, err := openedState(cfg)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	from, to, err := process.Forward(log, state, partition)
	if err == nil {
		_, err = fmt.Fprintf(std.out, "given up offsets %d to below %d of partition %d, which the queue no longer has; processing goes on at %d\n", from, to, partition, to)
	}
	return errors.Join(err, state.Close(), log.Close())
}

func joinCut(std stdio, cfg *config.Config, partition int, _ queue.Offset) error {
	state, err := openedState(cfg)
	if err != nil {
		return err
	}
	lost, err := process.CutJoin(state, filepath.Join(cfg.Data, "join"), partition)
	for _, l := range lost {
		fmt.Fprintf(std.out, "given up %s from byte %d on: at most %d entries, whose labels will find nothing", l.File, l.Byte, l.Slots)
		if l.Kept != "" {
			fmt.Fprintf(std.out, "; the file as it was is %s", l.Kept)
		}
		fmt.Fprintln(std.out)
	}
	return errors.Join(err, state.Close())
}

// openedQueue opens the queue where there is one; Open alone would make it.
func openedQueue(cfg *config.Config) (*segment.Log, error) {
	dir := filepath.Join(cfg.Data, "queue")
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("there is no queue to repair: %w", err)
	}
	return segment.Open(segment.Config{Dir: dir})
}

func openedState(cfg *config.Config) (*profiles.Store, error) {
	dir := filepath.Join(cfg.Data, "state")
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("there is no state to repair: %w", err)
	}
	return profiles.Open(profiles.Config{Dir: dir})
}

// skip says what is lost before it is given up.
func skip(std stdio, log *segment.Log, partition int, offset queue.Offset) error {
	over, cancel := context.WithCancel(context.Background())
	cancel() // what is durable is read all the same, and nothing is waited for
	var lost *queue.CorruptError
	if _, err := log.Read(over, partition, offset, 1); !errors.As(err, &lost) {
		if err == nil || errors.Is(err, context.Canceled) {
			err = fmt.Errorf("partition %d has no damage at offset %d: nothing was given up", partition, offset)
		}
		return err
	}
	fmt.Fprintf(std.out, "damaged  %v\n", lost)
	next, err := log.SkipCorrupt(partition, offset)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "given up offsets %d to below %d of partition %d; processing goes on at %d\n", lost.From, lost.To, partition, next)
	return err
}
