package host

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/shirou/gopsutil/v4/common"
	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	psnet "github.com/shirou/gopsutil/v4/net"
)

// sensor is one source of values. It is read by one goroutine.
type sensor struct {
	name    string
	part    string // empty: it is always on
	read    func(ctx context.Context, now time.Time) ([]value, error)
	places  *places // nil where the label sets are fixed
	failing bool
}

// value is one number; with holds the names and values of its further labels.
type value struct {
	key   string // the series' name without its prefix
	value float64
	with  []string
}

func number(key string, v float64, with ...string) value { return value{key, v, with} }

// id tells the series of a sensor apart.
func (v *value) id() string { return v.key + "\xff" + strings.Join(v.with, "\xff") }

func (v *value) labels(b *labels.ScratchBuilder, host string) labels.Labels {
	b.Reset()
	b.Add(labels.MetricName, prefix+v.key)
	b.Add("host", host)
	for i := 0; i+1 < len(v.with); i += 2 {
		b.Add(v.with[i], strings.ToValidUTF8(v.with[i+1], "?"))
	}
	b.Sort()
	return b.Labels()
}

// sensors are those of this kind of machine.
func sensors(cfg *Config) []*sensor {
	all := []*sensor{
		{name: "cpu", part: partCPU, read: new(cpuShare).read},
		{name: "memory", part: partMemory, read: readMemory},
		{name: "disk", part: partDisk, read: func(ctx context.Context, _ time.Time) ([]value, error) { return readDisk(ctx, cfg.DataDir) }},
		{name: "network", part: partNetwork, read: (&traffic{elsewhere: elsewhere(cfg)}).read},
	}
	if runtime.GOOS != "windows" {
		all = append(all, &sensor{name: "load", part: partLoad, read: readLoad})
	}
	if runtime.GOOS == "linux" {
		all = append(all, &sensor{name: "files", part: partFiles, read: readFiles})
	}
	for _, s := range all {
		s.read = below(cfg, s.read)
	}
	return append(all, linuxSensors(cfg)...)
}

// elsewhere tells whether the machine that is measured is mounted below a
// folder, so that what this process sees of itself is not what is meant.
func elsewhere(cfg *Config) bool { return filepath.Clean(cfg.Root) != "/" }

// below makes the portable sensors look below the root.
func below(cfg *Config, read func(context.Context, time.Time) ([]value, error)) func(context.Context, time.Time) ([]value, error) {
	if !elsewhere(cfg) {
		return read
	}
	paths := common.EnvMap{
		common.HostProcEnvKey: filepath.Join(cfg.Root, "proc"),
		common.HostSysEnvKey:  filepath.Join(cfg.Root, "sys"),
	}
	return func(ctx context.Context, now time.Time) ([]value, error) {
		return read(context.WithValue(ctx, common.EnvKey, paths), now)
	}
}

// cpuShare tells how busy all CPUs together were since the reading before.
type cpuShare struct{ last cpu.TimesStat }

func (c *cpuShare) read(ctx context.Context, _ time.Time) ([]value, error) {
	all, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("no CPU times")
	}
	share, ok := busyShare(c.last, all[0])
	c.last = all[0]
	if !ok {
		return nil, nil
	}
	return []value{number("cpu_usage", share)}, nil
}

// busyShare is false where no CPU time has passed, or none was read before.
func busyShare(before, after cpu.TimesStat) (float64, bool) {
	total, idle := spent(after)
	total0, idle0 := spent(before)
	if total0 == 0 || total <= total0 {
		return 0, false
	}
	// Idle time is known to step back by a tick now and then.
	return min(1, max(0, 1-(idle-idle0)/(total-total0))), true
}

// spent is all CPU time and the idle part of it. Guest time is left out: Linux
// counts it as user time already.
func spent(t cpu.TimesStat) (total, idle float64) {
	idle = t.Idle + t.Iowait
	return t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal + idle, idle
}

func readMemory(ctx context.Context, _ time.Time) ([]value, error) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return nil, err
	}
	if m.Total == 0 {
		return nil, errors.New("no memory is reported")
	}
	// Available counts caches that can be given back, which Free does not.
	return []value{number("memory_usage", 1-float64(m.Available)/float64(m.Total))}, nil
}

// readDisk takes the share as df does: of what an ordinary user can fill.
func readDisk(ctx context.Context, folder string) ([]value, error) {
	d, err := disk.UsageWithContext(ctx, folder)
	if err != nil {
		return nil, err
	}
	if d.Used+d.Free == 0 {
		return nil, errors.New("the file system reports no size")
	}
	return []value{number("disk_usage", float64(d.Used)/float64(d.Used+d.Free))}, nil
}

func readLoad(ctx context.Context, _ time.Time) ([]value, error) {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return nil, err
	}
	return []value{
		number("load1", l.Load1), number("load5", l.Load5), number("load15", l.Load15),
	}, nil
}

// readFiles counts the open files of this process.
func readFiles(context.Context, time.Time) ([]value, error) {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	return []value{number("open_files", float64(len(open)-1))}, nil // one of them is the folder itself
}

// traffic tells the bytes a second since the reading before.
type traffic struct {
	elsewhere bool // of another network than this process's
	last      map[string]psnet.IOCountersStat
	at        time.Time
}

func (n *traffic) read(ctx context.Context, now time.Time) ([]value, error) {
	all, err := psnet.IOCountersWithContext(ctx, true)
	if err != nil {
		return nil, err
	}
	loopback := map[string]bool{"lo": true}
	if !n.elsewhere {
		if loopback, err = loopbacks(); err != nil {
			return nil, err
		}
	}
	current := make(map[string]psnet.IOCountersStat, len(all))
	for _, c := range all {
		if !loopback[c.Name] {
			current[c.Name] = c
		}
	}
	return n.rates(current, now), nil
}

func loopbacks() (map[string]bool, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			found[i.Name] = true
		}
	}
	return found, nil
}

// rates compares each interface with itself: one that came, went or was reset
// adds nothing, rather than all that it ever carried.
func (n *traffic) rates(current map[string]psnet.IOCountersStat, now time.Time) []value {
	last, seconds := n.last, now.Sub(n.at).Seconds()
	n.last, n.at = current, now
	if last == nil || seconds <= 0 {
		return nil
	}
	var in, out uint64
	for name, c := range current {
		before, known := last[name]
		if !known || c.BytesRecv < before.BytesRecv || c.BytesSent < before.BytesSent {
			continue
		}
		in += c.BytesRecv - before.BytesRecv
		out += c.BytesSent - before.BytesSent
	}
	return []value{number("network_in", float64(in)/seconds), number("network_out", float64(out)/seconds)}
}
