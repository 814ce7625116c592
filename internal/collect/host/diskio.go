//go:build linux

package host

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/procfs/blockdevice"
)

// disks tells what each whole disk does. Partitions are parts of disks, and
// loops and memory disks are files and memory: they are left out.
type disks struct {
	*machine
	places *places
	meter  meter
}

// sectorBytes is the unit of /proc/diskstats, whatever the disk's own is.
const sectorBytes = 512

func (d *disks) read(_ context.Context, now time.Time) ([]value, error) {
	f, err := blockdevice.NewFS(d.proc, d.sys)
	if err != nil {
		return nil, errNotThere
	}
	stats, err := f.ProcDiskstats()
	if err != nil {
		return nil, there(err)
	}
	whole, err := f.SysBlockDevices()
	if err != nil {
		return nil, there(err)
	}
	names := make(map[string]bool, len(whole))
	for _, name := range whole {
		// "cciss!c0d0" is cciss/c0d0 in /proc.
		names[strings.ReplaceAll(name, "!", "/")] = true
	}
	found := map[string]*blockdevice.Diskstats{}
	for i := range stats {
		if name := stats[i].DeviceName; names[name] && !madeUp(name) {
			found[name] = &stats[i]
		}
	}
	d.meter.begin(now)
	var out []value
	for _, name := range seatAll(d.places, found) {
		out = d.one(out, name, &found[name].IOStats)
	}
	return out, nil
}

func (d *disks) one(out []value, device string, s *blockdevice.IOStats) []value {
	add := func(key string, count uint64, scale float64) {
		out = d.meter.addRate(out, number(key, float64(count), "device", device), scale)
	}
	add("disk_read", s.ReadSectors, sectorBytes)
	add("disk_write", s.WriteSectors, sectorBytes)
	add("disk_reads", s.ReadIOs, 1)
	add("disk_writes", s.WriteIOs, 1)
	before := len(out)
	add("disk_busy", s.IOsTotalTicks, 1e-3) // milliseconds in a second
	if len(out) > before {
		out[before].value = min(1, out[before].value)
	}
	return out
}

func madeUp(device string) bool {
	for _, kind := range []string{"loop", "ram", "zram", "fd", "sr"} {
		if rest, ok := strings.CutPrefix(device, kind); ok && rest != "" && strings.Trim(rest, "0123456789") == "" {
			return true
		}
	}
	return false
}
