package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect"
)

// The parts of a machine, as Config.Parts names them.
const (
	partCPU         = "cpu"
	partLoad        = "load"
	partMemory      = "memory"
	partDisk        = "disk"
	partDiskIO      = "disk_io"
	partNetwork     = "network"
	partFiles       = "files"
	partPressure    = "pressure"
	partTemperature = "temperature"
	partContainers  = "containers"
)

// Parts lists all parts of a machine that can be measured.
func Parts() []string {
	return []string{partCPU, partLoad, partMemory, partDisk, partDiskIO, partNetwork, partFiles, partPressure, partTemperature, partContainers}
}

const (
	maxProcesses = 100    // matches that a configuration can have
	maxSetsLimit = 10_000 // of Config.MaxSets
)

// Process says which processes are measured together, under one name.
type Process struct {
	Name string // the label
	// Match is a regular expression on the command line, its words joined by
	// spaces. Empty: the processes whose own name is Name.
	Match string
}

// Config says what is read, how often, and where it goes.
type Config struct {
	// Interval is the time between readings: 5 s if zero.
	Interval time.Duration
	// Parts are what is measured: all if empty.
	Parts []string
	// Processes are measured beside the parts.
	Processes []Process
	// MaxSets bounds the label sets of each sensor: the disks, interfaces,
	// containers it names. 100 if zero. What is there first has its place.
	MaxSets int
	// DataDir is a folder on the disk that is watched: "." if empty.
	DataDir string
	// Root is where the machine's own root is mounted, for a collector in a
	// container: "/" if empty. /proc and /sys are looked for below it.
	Root string
	// Host is the label of all readings: the machine's own name if empty.
	Host string
	// Emit takes each batch; required. It must not keep the slice.
	Emit func(context.Context, []collect.Reading)

	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

func (c Config) withDefaults() Config {
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if len(c.Parts) == 0 {
		c.Parts = Parts()
	}
	if c.MaxSets == 0 {
		c.MaxSets = 100
	}
	if c.DataDir == "" {
		c.DataDir = "."
	}
	if c.Root == "" {
		c.Root = "/"
	}
	if c.Host == "" {
		c.Host = Name()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Name is what the machine calls itself.
func Name() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// Validate reports every problem at once. Zero fields are fine.
func (c Config) Validate() error {
	c = c.withDefaults()
	var problems []error
	if c.Interval < 100*time.Millisecond {
		// CPU time is counted in steps of 10 ms; below this it is noise.
		problems = append(problems, fmt.Errorf("host: interval: %s is below 100ms", c.Interval))
	}
	for _, p := range c.Parts {
		if !slices.Contains(Parts(), p) {
			problems = append(problems, fmt.Errorf("host: collectors: there is no %q; there is %s", p, strings.Join(Parts(), ", ")))
		}
	}
	if c.MaxSets < 1 || c.MaxSets > maxSetsLimit {
		problems = append(problems, fmt.Errorf("host: max_sets: %d is not between 1 and %d", c.MaxSets, maxSetsLimit))
	}
	problems = append(problems, checkProcesses(c.Processes)...)
	if c.Emit == nil {
		problems = append(problems, errors.New("host: emit: must be set"))
	}
	return errors.Join(problems...)
}

func checkProcesses(all []Process) (problems []error) {
	if len(all) > maxProcesses {
		problems = append(problems, fmt.Errorf("host: processes: %d entries, at most %d", len(all), maxProcesses))
	}
	seen := map[string]bool{}
	for i, p := range all {
		switch {
		case p.Name == "":
			problems = append(problems, fmt.Errorf("host: processes[%d].name: must be set", i))
		case seen[p.Name]:
			problems = append(problems, fmt.Errorf("host: processes[%d].name: %q stands twice", i, p.Name))
		}
		seen[p.Name] = true
		if _, err := regexp.Compile(p.Match); err != nil {
			problems = append(problems, fmt.Errorf("host: processes[%d].match: %w", i, err))
		}
	}
	return problems
}
