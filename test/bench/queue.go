package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/leewayhq/leeway/internal/queue/segment"
)

// queues measures the durable log against write and fdatasync of the same
// bytes, one after the other.
func queues(r *report) error {
	for _, size := range []int{4 << 10, 256 << 10, 2 << 20} {
		n := r.scale(max(64, min(2000, (256<<20)/size)))
		floor, err := syncedWrites(size, n)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s records", bytesText(float64(size)))
		kib := float64(size) / 1024
		speed := func(c cost) string { return fmt.Sprintf("%.0f MB/s wall", float64(size)/c.wall*1e3) }
		r.cost("floor: write and fdatasync of "+name, "KiB", floor.scale(1/kib)).Ratio = speed(floor)
		for _, writers := range []int{1, 8} {
			c, err := appends(size, n, writers)
			if err != nil {
				return err
			}
			l := r.cost(fmt.Sprintf("append of %s, %d writers", name, writers), "KiB", c.scale(1/kib)).over(floor.cpu/kib, "write")
			l.Ratio += fmt.Sprintf(", %s = %.2g x the disk", speed(c), floor.wall/c.wall)
		}
	}
	return nil
}

// syncedWrites is the disk's own rate: one record, one sync.
func syncedWrites(size, n int) (cost, error) {
	f, err := os.CreateTemp("", "leeway-bench-")
	if err != nil {
		return cost{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	data := make([]byte, size)
	return once(n, func() error {
		for range n {
			if _, err := f.Write(data); err != nil {
				return err
			}
			if err := unix.Fdatasync(int(f.Fd())); err != nil {
				return err
			}
		}
		return nil
	})
}

func appends(size, n, writers int) (cost, error) {
	dir, err := os.MkdirTemp("", "leeway-bench-")
	if err != nil {
		return cost{}, err
	}
	defer os.RemoveAll(dir)
	log, err := segment.Open(segment.Config{Dir: filepath.Join(dir, "queue"), Partitions: 1})
	if err != nil {
		return cost{}, err
	}
	defer log.Close()
	data := make([]byte, size)
	var failed sync.Map
	c, _ := once(n, func() error {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := w; i < n; i += writers {
					if _, err := log.Append(context.Background(), 0, data); err != nil {
						failed.Store("err", err)
						return
					}
				}
			})
		}
		wg.Wait()
		return nil
	})
	if err, bad := failed.Load("err"); bad {
		return c, err.(error)
	}
	return c, nil
}
