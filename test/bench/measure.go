package main

import (
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cost is ns a unit: of CPU, of this whole process, and of wall time.
type cost struct{ cpu, wall float64 }

func (c cost) scale(by float64) cost { return cost{c.cpu * by, c.wall * by} }

func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // cannot fail with these arguments
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// once is what one call costs, by unit.
func once(units int, fn func() error) (cost, error) {
	cpu, wall := cpuTime(), time.Now()
	err := fn()
	n := float64(units)
	return cost{float64(cpuTime()-cpu) / n, float64(time.Since(wall)) / n}, err
}

// probe is something short that is measured many times.
type probe struct {
	units int // that one call of fn handles
	fn    func(i int)
}

const (
	rounds   = 21
	minRound = 4 * time.Millisecond // far above the resolution of the CPU clock
)

// race measures probes in turns, so that each sees the same machine, and gives
// the median of the rounds of each.
func race(probes ...probe) []cost {
	calls := make([]int, len(probes))
	for i, p := range probes {
		calls[i] = 1
		for {
			start := time.Now()
			for n := range calls[i] {
				p.fn(n)
			}
			if time.Since(start) >= minRound {
				break
			}
			calls[i] *= 2
		}
	}
	cpu, wall := make([][]float64, len(probes)), make([][]float64, len(probes))
	for range rounds {
		for i, p := range probes {
			c, _ := once(p.units*calls[i], func() error {
				for n := range calls[i] {
					p.fn(n)
				}
				return nil
			})
			cpu[i], wall[i] = append(cpu[i], c.cpu), append(wall[i], c.wall)
		}
	}
	out := make([]cost, len(probes))
	for i := range out {
		out[i] = cost{median(cpu[i]), median(wall[i])}
	}
	return out
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// startOn starts a process on one core; a core below 0 is any.
func startOn(cmd *exec.Cmd, core int) error {
	if core < 0 {
		return cmd.Start()
	}
	// A child inherits the affinity of the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := cmd.Start()
	if back := unix.SchedSetaffinity(0, &before); err == nil {
		err = back
	}
	return err
}

// unpinned lets this process's later children run on any core but its own.
func otherCore(core int) int {
	var all unix.CPUSet
	for i := range 8 {
		all.Set(i)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if unix.SchedGetaffinity(0, &before) != nil || unix.SchedSetaffinity(0, &all) != nil {
		return core
	}
	var now unix.CPUSet
	_ = unix.SchedGetaffinity(0, &now)
	_ = unix.SchedSetaffinity(0, &before)
	for i := range 8 {
		if i != core && now.IsSet(i) {
			return i
		}
	}
	return core
}
