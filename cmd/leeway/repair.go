package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/leewayhq/leeway/internal/queue"
	"github.com/leewayhq/leeway/internal/queue/segment"
)

const repairUsage = `[--data DIR] queue-skip PARTITION OFFSET

Gives up records of the queue that are damaged, for good, so that processing
goes on behind them. The server must be stopped. PARTITION and OFFSET are those
at which /readyz says that the partition stands still. What can be read is
never given up.`

func repair(_ context.Context, std stdio, args []string) error {
	var f serverFlags
	fs := flags(std, "repair", repairUsage)
	fs.StringVar(&f.data, "data", "", "data `folder` (default ./leeway-data)")
	fs.StringVar(&f.config, "config", "", "configuration `file` (optional)")
	if err := parse(fs, std, args, 3); err != nil {
		return err
	}
	partition, err := strconv.Atoi(fs.Arg(1))
	offset, offsetErr := strconv.ParseUint(fs.Arg(2), 10, 64)
	if fs.Arg(0) != "queue-skip" || err != nil || offsetErr != nil {
		fs.Usage()
		return errUsage
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	dir := filepath.Join(cfg.Data, "queue")
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("there is no queue to repair: %w", err)
	}
	log, err := segment.Open(segment.Config{Dir: dir})
	if err != nil {
		return err
	}
	return errors.Join(skip(std, log, partition, queue.Offset(offset)), log.Close())
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
