package segment

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	maxPartitions   = 1024
	minSegmentBytes = 64 << 10
	maxSegmentBytes = 1 << 30 // positions must fit into 32 bits with a record to spare
	maxRecordBytes  = 1 << 30
)

// Config says where the log is and how much it keeps. The zero value of each
// field but Dir takes the default.
type Config struct {
	Dir        string
	Partitions int // 0: as stored, or for a new log one a core and at least two

	SegmentBytes int64         // a segment is closed when it would grow beyond this; 128 MiB
	SegmentAge   time.Duration // or when it is older than this; 1 h

	// Released records are kept for a replay until they are older than
	// RetentionAge or the log is larger than RetentionBytes. Records that are not
	// released are always kept.
	RetentionAge   time.Duration // 24 h
	RetentionBytes int64         // three quarters of MaxBytes

	// MaxBytes caps the files of all partitions. At the cap released segments go
	// first, whatever their age; with none left Append answers queue.ErrFull.
	MaxBytes int64 // the smaller of 20 % of the disk and 20 GiB

	MaxRecordBytes int // 64 MiB

	// TailBytes bounds the memory, over all partitions, in which the newest
	// records wait for the reader. What does not fit is read from the disk.
	TailBytes int64 // 64 MiB

	FS         vfs.FS // the disk
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: the metrics are kept and shown nowhere
}

func (c Config) withDefaults() Config {
	setDefault(&c.SegmentBytes, 128<<20)
	setDefault(&c.SegmentAge, time.Hour)
	setDefault(&c.RetentionAge, 24*time.Hour)
	setDefault(&c.MaxRecordBytes, 64<<20)
	setDefault(&c.TailBytes, 64<<20)
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// withDisk sets the defaults that depend on the disk. The directory must exist.
func (c Config) withDisk() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = 20 << 30
		if u, err := c.FS.GetDiskUsage(c.Dir); err == nil && u.TotalBytes > 0 {
			c.MaxBytes = min(c.MaxBytes, int64(u.TotalBytes/5))
		}
	}
	setDefault(&c.RetentionBytes, c.MaxBytes/4*3)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func defaultPartitions() int { return max(2, runtime.GOMAXPROCS(0)) }

// Validate reports every problem at once. Zero fields are fine.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("queue: "+format, args...))
		}
	}
	d := c.withDefaults()
	check(c.Dir != "", "dir must be set")
	check(c.Partitions >= 0 && c.Partitions <= maxPartitions, "partitions %d: want 1 to %d", c.Partitions, maxPartitions)
	check(d.SegmentBytes >= minSegmentBytes && d.SegmentBytes <= maxSegmentBytes,
		"segment size %d: want %d to %d bytes", d.SegmentBytes, minSegmentBytes, maxSegmentBytes)
	check(d.SegmentAge > 0, "segment age %s: want more than 0", d.SegmentAge)
	check(d.RetentionAge > 0, "retention age %s: want more than 0", d.RetentionAge)
	check(d.RetentionBytes >= 0, "retention size %d: want 0 or more", d.RetentionBytes)
	check(d.MaxBytes >= 0, "maximum size %d: want 0 or more", d.MaxBytes)
	check(d.MaxRecordBytes > 0 && d.MaxRecordBytes <= maxRecordBytes,
		"record size %d: want 1 to %d bytes", d.MaxRecordBytes, maxRecordBytes)
	check(d.TailBytes >= 0, "tail size %d: want 0 or more", d.TailBytes)
	check(d.MaxBytes == 0 || d.MaxBytes >= int64(d.MaxRecordBytes),
		"maximum size %d is below the size of one record, %d", d.MaxBytes, d.MaxRecordBytes)
	return errors.Join(errs...)
}
