// Package store keeps what Leeway knows; each kind of store is a folder below.
//
// Here is what the databases on Pebble share, wherever they stand: what becomes
// of them on a full disk. Pebble takes a failed write of its log as the end,
// since it cannot tell any more what is on the disk. So Disk holds each write
// back until there is space again, while the door refuses new data and what is
// stored can still be read. What fails all the same ends the process with one
// clear line (Log.Fatal): what was acknowledged is on the disk, and the next
// start finds it.
package store

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Log is what one Pebble database says; its chatter is for debugging only.
type Log struct {
	*slog.Logger
	Dir string
	// Fatal ends the process; it must not return, for Pebble cannot go on and its
	// locks are held. Several goroutines may call it at once. Nil panics.
	Fatal func(error)
}

// Infof implements pebble.Logger.
func (l Log) Infof(format string, args ...any) {
	l.Debug(fmt.Sprintf(format, args...), "part", "pebble", "dir", l.Dir)
}

// Errorf implements pebble.Logger.
func (l Log) Errorf(format string, args ...any) {
	l.Error(fmt.Sprintf(format, args...), "part", "pebble", "dir", l.Dir)
}

// ErrDiskFull is the class of the end of a database on a full disk.
var ErrDiskFull = errors.New("the disk is full")

// Fatalf implements pebble.Logger.
func (l Log) Fatalf(format string, args ...any) {
	err := fmt.Errorf("the database in %s cannot go on: %s", l.Dir, fmt.Sprintf(format, args...))
	for _, a := range args {
		if cause, ok := a.(error); ok && vfs.IsNoSpaceError(cause) {
			err = fmt.Errorf("%w, that of %s: free space and start again; nothing that was acknowledged is lost (%v)", ErrDiskFull, l.Dir, cause)
		}
	}
	if l.Fatal != nil {
		l.Fatal(err)
	}
	panic(err)
}
