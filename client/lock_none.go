//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package client

import (
	"errors"
	"os"
)

// lockFile has no lock to take here, and without one two processes could send
// the same folder.
func lockFile(*os.File, bool) error { return errors.ErrUnsupported }
