// Command bench measures what a row costs, stage by stage and end to end, and
// prints one table: CPU and wall time a row, rows a second and core, the ratio
// to a physical floor that was measured in the same run, and the goal.
//
// Each section runs in a process of its own that is pinned to one core, so CPU
// time of the process is time of one core, memory is that section's alone, and
// the load generator of the HTTP sections (another process, on another core) is
// not counted. Times are medians of rounds that take turns with their floor.
//
//	go run ./test/bench                 all sections, compared with docs/bench/last.txt
//	go run ./test/bench -only path,http some of them
//	go run ./test/bench -save           and keep the table
//	go run ./test/bench -cpuprofile DIR one CPU profile a section
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
)

// options of one run; sections get them by the environment of flags.
type options struct {
	only, match, section, client, profiles string
	save, short                            bool
	core                                   int
}

// section is one part of the table, run in its own process.
type section struct {
	name string
	run  func(r *report) error
	free bool // not pinned: it starts servers of its own
}

var sections = []section{
	{name: "kernels", run: kernels},
	{name: "formats", run: formats},
	{name: "sizes", run: sizes},
	{name: "join", run: joins},
	{name: "queue", run: queues},
	{name: "path", run: paths},
	{name: "pathlabels", run: pathLabels},
	{name: "models", run: manyModels},
	{name: "features", run: manyFeatures},
	{name: "http", run: overHTTP},
	{name: "webhook", run: webhook, free: true},
	{name: "logs", run: logSearches, free: true},
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "`sections` to run, with commas")
	flag.StringVar(&o.match, "match", "", "of section path, only lines with this `text`")
	flag.StringVar(&o.section, "section", "", "for the run itself: be the process of this section")
	flag.StringVar(&o.client, "client", "", "for the run itself: be the load generator described here")
	flag.StringVar(&o.profiles, "cpuprofile", "", "`folder` for a CPU profile of each section")
	flag.BoolVar(&o.save, "save", false, "keep the table in docs/bench/last.txt")
	flag.BoolVar(&o.short, "short", false, "smaller counts, to try the program out")
	flag.IntVar(&o.core, "core", 0, "the core that sections are pinned to")
	flag.Parse()
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o *options) error {
	switch {
	case o.client != "":
		return runClient(o.client)
	case o.section != "":
		return runSection(o)
	}
	return runAll(o)
}

// runSection measures one section and writes its lines as JSON.
func runSection(o *options) error {
	i := slices.IndexFunc(sections, func(s section) bool { return s.name == o.section })
	if i < 0 {
		return fmt.Errorf("there is no section %q", o.section)
	}
	if o.profiles != "" {
		f, err := os.Create(filepath.Join(o.profiles, o.section+".pprof"))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r := &report{short: o.short, core: o.core, match: o.match}
	if err := sections[i].run(r); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r.lines)
}

func runAll(o *options) error {
	t := table{head: machine(o.core)}
	for _, s := range sections {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		lines, err := inChild(o, s)
		if err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
		t.add(s.name, lines)
	}
	last, err := readTable(lastFile)
	if err != nil {
		return err
	}
	t.compare(last)
	fmt.Print(t.text())
	if o.save {
		return t.save(lastFile, last)
	}
	return nil
}

// inChild runs a section in a process of its own, on one core.
func inChild(o *options, s section) ([]line, error) {
	args := []string{"-section", s.name, "-core", fmt.Sprint(o.core), "-match", o.match}
	if o.short {
		args = append(args, "-short")
	}
	if o.profiles != "" {
		args = append(args, "-cpuprofile", o.profiles)
	}
	cmd, err := ownProcess(args...)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	core := o.core
	if s.free {
		core = -1
	}
	if err := startOn(cmd, core); err != nil {
		return nil, err
	}
	var lines []line
	decodeErr := json.NewDecoder(out).Decode(&lines)
	if err := cmd.Wait(); err != nil {
		return nil, err
	}
	return lines, decodeErr
}

func ownProcess(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(self, args...), nil
}

// machine describes where the figures are from.
func machine(core int) []string {
	cpu := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, l := range strings.Split(string(info), "\n") {
			if name, ok := strings.CutPrefix(l, "model name"); ok {
				cpu = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), ":"))
				break
			}
		}
	}
	load := ""
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = "load average " + strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return []string{fmt.Sprintf("%s, %d cores, %s %s/%s; sections pinned to core %d; %s",
		cpu, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, core, load)}
}
