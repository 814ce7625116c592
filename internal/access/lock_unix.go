//go:build linux || darwin || freebsd || netbsd || openbsd

package access

import (
	"os"
	"syscall"
)

// lock holds other processes (and other Stores of this one) away from path
// until the returned function is called. The kernel releases it when the
// process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
