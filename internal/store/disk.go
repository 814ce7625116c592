package store

import (
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// spare is the space that must be free again before writing goes on: Pebble
// tries once more only, and it writes more than the page that had no room.
const spare = 64 << 20

// Disk is a file system on which a write that finds no space waits for it. One
// Disk may be that of many databases.
type Disk struct {
	vfs.FS
	inner    vfs.FS
	dir      string
	log      *slog.Logger
	every    time.Duration // between two looks at the disk
	released chan struct{}
	release  sync.Once
}

// NewDisk is a disk that waits for space in dir, saying so once a minute.
func NewDisk(inner vfs.FS, dir string, log *slog.Logger) *Disk {
	d := &Disk{inner: inner, dir: dir, log: log, every: time.Second, released: make(chan struct{})}
	d.FS = vfs.OnDiskFull(inner, d.wait)
	return d
}

// Release ends the waiting for good: writes fail from now on where there is no
// space. A stop calls it first, or it would wait for the writers for ever.
func (d *Disk) Release() { d.release.Do(func() { close(d.released) }) }

// wait returns when there is space, when Release was called, or when nobody can
// tell how much there is.
func (d *Disk) wait() {
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	var said time.Time
	for start := time.Now(); ; {
		use, err := d.inner.GetDiskUsage(d.dir)
		if err != nil {
			return
		}
		if use.AvailBytes >= spare {
			if !said.IsZero() {
				d.log.Info("there is space again, writing goes on", "dir", d.dir, "waited", time.Since(start).Round(time.Second))
			}
			return
		}
		if time.Since(said) >= time.Minute {
			said = time.Now()
			d.log.Error("the disk is full: writing waits until space is free; nothing that was acknowledged is lost", "dir", d.dir, "free_bytes", use.AvailBytes)
		}
		select {
		case <-d.released:
			return
		case <-tick.C:
		}
	}
}
