//go:build linux

package host

import (
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// fileSystems tells how full each file system of a local disk is, and
// /dev/shm, through which training processes hand their data. Remote ones are
// left out: a server that is away would hold up the reading for ever.
type fileSystems struct {
	*machine
	places *places
}

// localTypes are the kinds of file system that answer without a network.
var localTypes = map[string]bool{
	"ext2": true, "ext3": true, "ext4": true, "xfs": true, "btrfs": true, "zfs": true, "f2fs": true, "jfs": true,
	"reiserfs": true, "bcachefs": true, "vfat": true, "exfat": true, "ntfs3": true, "ubifs": true, "nilfs2": true,
}

func watched(m *procfs.MountInfo) bool {
	switch m.FSType {
	case "overlay": // the root of a container; others are parts of file systems that are there
		return m.MountPoint == "/"
	case "tmpfs":
		return m.MountPoint == "/dev/shm"
	}
	return localTypes[m.FSType]
}

func (f *fileSystems) read(_ context.Context, _ time.Time) ([]value, error) {
	mounts, err := f.mounts()
	if err != nil {
		return nil, there(err)
	}
	var out []value
	for _, at := range seatAll(f.places, mounts) {
		var s unix.Statfs_t
		// One that went since, or that this user must not look at, has no number.
		if err := unix.Statfs(filepath.Join(f.root, at), &s); err != nil || s.Blocks == 0 {
			continue
		}
		block := float64(s.Frsize)
		if block == 0 {
			block = float64(s.Bsize)
		}
		used, free := float64(s.Blocks-s.Bfree)*block, float64(s.Bavail)*block
		if used+free > 0 {
			out = append(out, number("filesystem_usage", used/(used+free), "mountpoint", at))
		}
		out = append(out,
			number("filesystem_bytes", float64(s.Blocks)*block, "mountpoint", at, "state", "total"),
			number("filesystem_bytes", free, "mountpoint", at, "state", "free"))
		if s.Files > 0 {
			out = append(out, number("filesystem_inode_usage", 1-float64(s.Ffree)/float64(s.Files), "mountpoint", at))
		}
	}
	return out, nil
}

// mounts are the file systems by the shortest path at which each is mounted.
func (f *fileSystems) mounts() (map[string]*procfs.MountInfo, error) {
	p, err := f.procfs()
	if err != nil {
		return nil, err
	}
	all, err := func() ([]*procfs.MountInfo, error) {
		if f.elsewhere { // "self" is in the mounts of this container
			return p.GetProcMounts(1)
		}
		return p.GetMounts()
	}()
	if err != nil {
		return nil, err
	}
	byDevice := map[string]*procfs.MountInfo{}
	for _, m := range all {
		if known := byDevice[m.MajorMinorVer]; watched(m) && (known == nil || len(m.MountPoint) < len(known.MountPoint)) {
			byDevice[m.MajorMinorVer] = m
		}
	}
	out := make(map[string]*procfs.MountInfo, len(byDevice))
	for _, m := range byDevice {
		out[m.MountPoint] = m
	}
	return out, nil
}
