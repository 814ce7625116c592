//go:build linux

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/procfs"
)

// machine is where the kernel's files are. They are opened anew for each
// reading, so that a /proc that comes later is found.
type machine struct {
	root, proc, sys string
	elsewhere       bool
}

// linuxSensors are those that read /proc and /sys.
func linuxSensors(cfg *Config) []*sensor {
	m := &machine{
		root: cfg.Root, proc: filepath.Join(cfg.Root, "proc"), sys: filepath.Join(cfg.Root, "sys"),
		elsewhere: elsewhere(cfg),
	}
	room := func() *places { return &places{most: cfg.MaxSets} }
	fileSystems := &fileSystems{machine: m, places: room()}
	disks := &disks{machine: m, places: room()}
	interfaces := &interfaces{machine: m, places: room()}
	temperatures := &temperatures{machine: m, places: room()}
	groups := &containers{machine: m, places: room()}
	all := []*sensor{
		{name: "cpu_modes", part: partCPU, read: (&cpuModes{machine: m}).read},
		{name: "memory_parts", part: partMemory, read: (&memoryParts{machine: m}).read},
		{name: "file_systems", part: partDisk, read: fileSystems.read, places: fileSystems.places},
		{name: "disk_io", part: partDiskIO, read: disks.read, places: disks.places},
		{name: "interfaces", part: partNetwork, read: interfaces.read, places: interfaces.places},
		{name: "file_table", part: partFiles, read: m.readFileTable},
		{name: "pressure", part: partPressure, read: (&pressure{machine: m}).read},
		{name: "temperature", part: partTemperature, read: temperatures.read, places: temperatures.places},
		{name: "containers", part: partContainers, read: groups.read, places: groups.places},
	}
	if len(cfg.Processes) > 0 {
		all = append(all, &sensor{name: "processes", read: newProcesses(m, cfg.Processes).read})
	}
	return all
}

func (m *machine) procfs() (procfs.FS, error) {
	f, err := procfs.NewFS(m.proc)
	if err != nil {
		return f, errNotThere
	}
	return f, nil
}

// cpuModes tells what all CPUs together spent their time on.
type cpuModes struct {
	*machine
	meter meter
}

func (c *cpuModes) read(_ context.Context, now time.Time) ([]value, error) {
	f, err := c.procfs()
	if err != nil {
		return nil, err
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, there(err)
	}
	c.meter.begin(now)
	t := stat.CPUTotal
	modes := []value{ // guest time is in user and nice already
		number("cpu_mode", t.User, "mode", "user"), number("cpu_mode", t.Nice, "mode", "nice"),
		number("cpu_mode", t.System, "mode", "system"), number("cpu_mode", t.Iowait, "mode", "iowait"),
		number("cpu_mode", t.IRQ+t.SoftIRQ, "mode", "interrupts"), number("cpu_mode", t.Steal, "mode", "steal"),
		number("cpu_mode", t.Idle, "mode", "idle"),
	}
	total := 0.0
	known := true
	for i := range modes {
		grown, ok := c.meter.grown(modes[i].id(), modes[i].value)
		// Idle and waiting times are known to step back by a tick now and then.
		modes[i].value = max(0, grown)
		total += modes[i].value
		known = known && (ok || grown < 0 && c.meter.seconds > 0)
	}
	cores := len(stat.CPU)
	out := []value{number("cpu_count", float64(cores))}
	if l, err := f.LoadAvg(); err == nil && cores > 0 {
		out = append(out, number("load_per_cpu", l.Load5/float64(cores)))
	}
	if !known || total <= 0 || len(c.meter.last) == 0 {
		return out, nil
	}
	for _, v := range modes {
		v.value /= total
		out = append(out, v)
	}
	return out, nil
}

// memoryParts tells how memory and swap are used.
type memoryParts struct {
	*machine
	meter meter
}

func (p *memoryParts) read(_ context.Context, now time.Time) ([]value, error) {
	f, err := p.procfs()
	if err != nil {
		return nil, err
	}
	m, err := f.Meminfo()
	if err != nil {
		return nil, there(err)
	}
	var out []value
	add := func(state string, bytes *uint64) {
		if bytes != nil {
			out = append(out, number("memory_bytes", float64(*bytes), "state", state))
		}
	}
	add("total", m.MemTotalBytes)
	add("available", m.MemAvailableBytes)
	add("free", m.MemFreeBytes)
	add("cached", m.CachedBytes)
	add("buffers", m.BuffersBytes)
	add("shared", m.ShmemBytes)
	if total, free := m.SwapTotalBytes, m.SwapFreeBytes; total != nil && free != nil && *total > 0 {
		out = append(out,
			number("swap_usage", 1-float64(*free)/float64(*total)),
			number("swap_bytes", float64(*total), "state", "total"), number("swap_bytes", float64(*free), "state", "free"))
	}
	return append(out, p.traffic(now)...), nil
}

// traffic is what goes between memory and swap. /proc/vmstat counts pages.
func (p *memoryParts) traffic(now time.Time) (out []value) {
	counts, err := readPairs(filepath.Join(p.proc, "vmstat"))
	if err != nil {
		return nil
	}
	p.meter.begin(now)
	for counter, key := range map[string]string{"pswpin": "swap_in", "pswpout": "swap_out"} {
		if n, ok := counts[counter]; ok {
			out = p.meter.addRate(out, number(key, n), float64(os.Getpagesize()))
		}
	}
	if n, ok := counts["oom_kill"]; ok {
		out = append(out, number("oom_kills", n))
	}
	return out
}

// readFileTable tells how many files are open on the whole machine.
func (m *machine) readFileTable(context.Context, time.Time) ([]value, error) {
	f, err := m.procfs()
	if err != nil {
		return nil, err
	}
	n, err := f.SysctlInts("fs.file-nr")
	if err != nil {
		return nil, there(err)
	}
	if len(n) != 3 || n[2] <= 0 {
		return nil, errors.New("fs/file-nr has not three numbers")
	}
	open := float64(n[0] - n[1])
	return []value{number("files_open", open), number("files_usage", open/float64(n[2]))}, nil
}

// pressure tells the share of time in which tasks waited for a resource: some
// of them, or all at once (full). The kernel calls this PSI.
type pressure struct {
	*machine
	meter meter
}

func (p *pressure) read(_ context.Context, now time.Time) (out []value, _ error) {
	f, err := p.procfs()
	if err != nil {
		return nil, err
	}
	p.meter.begin(now)
	const micro = 1e-6
	for _, resource := range []string{"cpu", "memory", "io"} {
		s, err := f.PSIStatsForResource(resource)
		if err != nil {
			return nil, there(err)
		}
		if s.Some != nil {
			out = p.meter.addRate(out, number(resource+"_pressure", float64(s.Some.Total)), micro)
		}
		// Of the CPU "full" is zero for the whole machine by definition.
		if s.Full != nil && resource != "cpu" {
			out = p.meter.addRate(out, number(resource+"_pressure_full", float64(s.Full.Total)), micro)
		}
	}
	for i := range out {
		out[i].value = min(1, out[i].value) // both clocks are not read at one instant
	}
	return out, nil
}
