//go:build linux

package host

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// processes measures the processes that the configuration names.
type processes struct {
	*machine
	matches []*match
	meter   meter
}

// match is one name of the configuration and what stood behind it.
type match struct {
	name    string
	command *regexp.Regexp // nil: the process's own name is name
	known   map[string]bool
	began   bool    // there was a reading before
	gone    float64 // processes that ended and were not followed by another yet
	again   float64 // processes that followed one that ended
}

func newProcesses(m *machine, all []Process) *processes {
	p := &processes{machine: m}
	for _, c := range all {
		one := &match{name: c.Name}
		if c.Match != "" {
			one.command = regexp.MustCompile(c.Match) // Validate has tried it
		}
		p.matches = append(p.matches, one)
	}
	return p
}

// maxPids bounds the processes that are looked at.
const maxPids = 100_000

// process is one that matches.
type process struct {
	procfs.Proc
	stat procfs.ProcStat
	id   string // a number is used again, but not with the same start
}

func (p *processes) read(ctx context.Context, now time.Time) ([]value, error) {
	f, err := p.procfs()
	if err != nil {
		return nil, err
	}
	all, err := f.AllProcs()
	if err != nil {
		return nil, there(err)
	}
	found := make([][]process, len(p.matches))
	for i, proc := range all {
		if i >= maxPids || ctx.Err() != nil {
			break
		}
		p.sort(proc, found)
	}
	p.meter.begin(now)
	var out []value
	for i, m := range p.matches {
		out = p.one(out, m, found[i])
	}
	return out, nil
}

// sort adds a process to each match that it has. One that ended meanwhile, or
// that waits to be buried, is not there.
func (p *processes) sort(proc procfs.Proc, found [][]process) {
	stat, err := proc.Stat()
	if err != nil || stat.State == "Z" || stat.State == "X" {
		return
	}
	words, err := proc.CmdLine()
	if err != nil {
		return
	}
	command := strings.Join(words, " ")
	for i, m := range p.matches {
		if m.command == nil && stat.Comm == m.name || m.command != nil && command != "" && m.command.MatchString(command) {
			found[i] = append(found[i], process{proc, stat, strconv.Itoa(proc.PID) + "/" + strconv.FormatUint(stat.Starttime, 10)})
		}
	}
}

func (p *processes) one(out []value, m *match, found []process) []value {
	var cpu, memory, threads, files float64
	readable := true
	for _, proc := range found {
		if used, ok := p.meter.grown(m.name+"/"+proc.id, proc.stat.CPUTime()); ok {
			cpu += used / p.meter.seconds
		}
		memory += float64(proc.stat.ResidentMemory())
		threads += float64(proc.stat.NumThreads)
		n, err := proc.FileDescriptorsLen()
		files += float64(n)
		readable = readable && err == nil // those of other users are not
	}
	first := !m.began
	m.follow(found)
	with := []string{"process", m.name}
	out = append(out, number("process_count", float64(len(found)), with...), number("process_restarts", m.again, with...))
	if len(found) == 0 {
		return out
	}
	if !first {
		out = append(out, number("process_cpu", cpu, with...))
	}
	out = append(out, number("process_memory_bytes", memory, with...), number("process_threads", threads, with...))
	if readable {
		out = append(out, number("process_open_files", files, with...))
	}
	return out
}

// follow counts as restarts the processes that began in the place of ones that
// ended, now or since.
func (m *match) follow(found []process) {
	now := make(map[string]bool, len(found))
	began := 0.0
	for _, proc := range found {
		now[proc.id] = true
		if m.began && !m.known[proc.id] {
			began++
		}
	}
	for id := range m.known {
		if !now[id] {
			m.gone++
		}
	}
	again := min(began, m.gone)
	m.again += again
	m.gone -= again
	m.known, m.began = now, true
}
