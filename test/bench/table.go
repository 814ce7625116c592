package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const lastFile = "docs/bench/last.txt"

// line is one row of the table.
type line struct {
	Name  string
	Unit  string  // what a cost is of: row, label, request, …
	CPU   float64 // ns a unit; 0 where it is not the point
	Wall  float64
	Ratio string // to the floor
	Value string // instead of costs: a size, a duration
	Goal  string
	OK    bool
}

// report collects the lines of one section.
type report struct {
	short bool
	core  int
	match string // of the names, where a section has many
	lines []line
}

// scale is n, or less in a trial.
func (r *report) scale(n int) int {
	if r.short {
		return max(n/20, 1)
	}
	return n
}

// cost adds a line of a cost, with an optional floor and goal.
func (r *report) cost(name, unit string, c cost) *line {
	r.lines = append(r.lines, line{Name: name, Unit: unit, CPU: c.cpu, Wall: c.wall})
	return &r.lines[len(r.lines)-1]
}

// value adds a line of something else than a cost.
func (r *report) value(name, value string) *line {
	r.lines = append(r.lines, line{Name: name, Value: value})
	return &r.lines[len(r.lines)-1]
}

// over states the ratio to a floor in the same unit.
func (l *line) over(floor float64, name string) *line {
	l.Ratio = fmt.Sprintf("%.3g x %s", l.CPU/floor, name)
	return l
}

func (l *line) goal(text string, ok bool) *line {
	l.Goal, l.OK = text, ok
	return l
}

// atMost is a goal for the CPU time of a unit.
func (l *line) atMost(ns float64, text string) *line { return l.goal(text, l.CPU <= ns) }

// table is the whole of a run.
type table struct {
	head []string
	rows []row
}

// row is a line in words.
type row struct{ section, name, cpu, wall, rate, ratio, goal, reached, before string }

func (r *row) cells() []string {
	return []string{r.name, r.cpu, r.wall, r.rate, r.ratio, r.goal, r.reached, r.before}
}

var titles = row{name: "what", cpu: "CPU", wall: "wall", rate: "a second and core", ratio: "ratio to floor", goal: "goal", reached: "reached", before: "CPU before"}

func (t *table) add(section string, lines []line) {
	for i := range lines {
		l := &lines[i]
		r := row{section: section, name: l.Name, ratio: l.Ratio, goal: l.Goal, cpu: l.Value}
		if l.CPU > 0 {
			r.cpu, r.wall, r.rate = nanos(l.CPU)+"/"+l.Unit, nanos(l.Wall), rate(1e9/l.CPU)
		}
		if l.Goal != "" {
			r.reached = map[bool]string{true: "yes", false: "NO"}[l.OK]
		}
		t.rows = append(t.rows, r)
	}
}

func nanos(ns float64) string {
	switch {
	case ns < 1e4:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e7:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	}
	return fmt.Sprintf("%.3g ms", ns/1e6)
}

func rate(perSecond float64) string {
	switch {
	case perSecond >= 1e9:
		return fmt.Sprintf("%.3g G", perSecond/1e9)
	case perSecond >= 1e6:
		return fmt.Sprintf("%.3g M", perSecond/1e6)
	case perSecond >= 1e4:
		return fmt.Sprintf("%.3g k", perSecond/1e3)
	}
	return strconv.FormatFloat(perSecond, 'g', 4, 64)
}

func bytesText(n float64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.3g MiB", n/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.3g KiB", n/(1<<10))
	}
	return fmt.Sprintf("%.3g B", n)
}

// compare shows beside each line what it was last time.
func (t *table) compare(last *table) {
	before := map[string]string{}
	for _, r := range last.rows {
		before[r.section+"\x00"+r.name] = r.cpu
	}
	for i := range t.rows {
		t.rows[i].before = before[t.rows[i].section+"\x00"+t.rows[i].name]
	}
}

// text is the table as it is printed and kept.
func (t *table) text() string {
	width := make([]int, len(titles.cells()))
	for _, r := range append([]row{titles}, t.rows...) {
		for i, c := range r.cells() {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, h := range t.head {
		fmt.Fprintln(&b, h)
	}
	section := ""
	write := func(r *row) {
		var l strings.Builder
		for i, c := range r.cells() {
			l.WriteString(c + strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+2))
		}
		fmt.Fprintln(&b, strings.TrimRight(l.String(), " "))
	}
	write(&titles)
	for i := range t.rows {
		if t.rows[i].section != section {
			section = t.rows[i].section
			fmt.Fprintf(&b, "\n# %s\n", section)
		}
		write(&t.rows[i])
	}
	return b.String()
}

// readTable reads a kept table; a missing one is empty.
func readTable(name string) (*table, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &table{}, nil
	}
	if err != nil {
		return nil, err
	}
	t := &table{}
	section := ""
	for _, l := range strings.Split(string(text), "\n") {
		if s, ok := strings.CutPrefix(l, "# "); ok {
			section = s
		} else if section != "" && l != "" {
			t.rows = append(t.rows, parseRow(section, l))
		}
	}
	return t, nil
}

// parseRow reads what compare needs. Columns are two spaces apart at least.
func parseRow(section, l string) row {
	r := row{section: section}
	name, rest, _ := strings.Cut(l, "  ")
	r.name = name
	r.cpu, _, _ = strings.Cut(strings.TrimLeft(rest, " "), "  ")
	return r
}

// save keeps the table. Sections that were not run keep their old lines out:
// a table is of one run.
func (t *table) save(name string, _ *table) error {
	t.head = append([]string{"make bench, " + time.Now().UTC().Format("2006-01-02")}, t.head...)
	for i := range t.rows {
		t.rows[i].before = ""
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(t.text()), 0o644)
}
