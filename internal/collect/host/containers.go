//go:build linux

package host

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// containers measures the containers and the system services of the machine by
// their control groups of version 2. A container is named by the first twelve
// characters of its id, as docker ps shows it, a service by its unit.
type containers struct {
	*machine
	places *places
	meter  meter
}

// Bounds of the walk through the tree of groups.
const (
	maxGroups = 20_000
	maxDepth  = 12
)

// group is a control group that stands for a container or a service.
type group struct {
	dir, name, kind string
	memory          float64 // working set, bytes
}

func (g *group) id() string { return g.kind + "/" + g.name }

func (c *containers) read(_ context.Context, now time.Time) ([]value, error) {
	root := filepath.Join(c.sys, "fs/cgroup")
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
		return nil, there(err) // version 1, or none
	}
	groups, err := findGroups(root)
	if err != nil {
		return nil, there(err)
	}
	c.meter.begin(now)
	var out []value
	for _, g := range c.seat(groups) {
		out = c.one(out, g)
	}
	return out, nil
}

// seat chooses among too many: newcomers with more memory go first.
func (c *containers) seat(groups []*group) []*group {
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.memory, a.memory), cmp.Compare(a.id(), b.id()))
	})
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.id()
	}
	seated := c.places.seat(ids)
	return slices.DeleteFunc(groups, func(g *group) bool { return !seated[g.id()] })
}

// findGroups walks the tree. A group that stands for something includes all
// below it.
func findGroups(root string) ([]*group, error) {
	var out []*group
	seen := map[string]bool{}
	visited := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == root:
			return err
		case err != nil || !d.IsDir(): // a group that ended meanwhile, or a file
			return nil
		}
		if visited++; visited > maxGroups {
			return fs.SkipAll
		}
		rel, _ := filepath.Rel(root, path)
		if g := groupOf(rel); g != nil {
			if g.dir = path; !seen[g.id()] && g.weigh() {
				seen[g.id()] = true
				out = append(out, g)
			}
			return fs.SkipDir
		}
		if strings.Count(rel, "/")+1 >= maxDepth {
			return fs.SkipDir
		}
		return nil
	})
	return out, err
}

var (
	scopeOf   = regexp.MustCompile(`^(docker|libpod|crio|cri-containerd)-([0-9a-f]{12})[0-9a-f]*\.scope$`)
	longID    = regexp.MustCompile(`^([0-9a-f]{12})[0-9a-f]{52}$`)
	lxcOf     = regexp.MustCompile(`^lxc\.payload\.(.+)$`)
	serviceOf = regexp.MustCompile(`^(.+)\.service$`)
	kinds     = map[string]string{"docker": "docker", "libpod": "podman", "crio": "cri-o", "cri-containerd": "containerd"}
)

// groupOf tells what a group stands for by its place in the tree, or nil.
func groupOf(rel string) *group {
	base := filepath.Base(rel)
	if m := scopeOf.FindStringSubmatch(base); m != nil {
		return &group{name: m[2], kind: kinds[m[1]]}
	}
	if m := longID.FindStringSubmatch(base); m != nil {
		kind := "container"
		for word, name := range map[string]string{"docker": "docker", "kubepods": "kubernetes", "libpod": "podman"} {
			if strings.Contains(rel, word) {
				kind = name
			}
		}
		return &group{name: m[1], kind: kind}
	}
	if m := lxcOf.FindStringSubmatch(base); m != nil {
		return &group{name: m[1], kind: "lxc"}
	}
	if m := serviceOf.FindStringSubmatch(base); m != nil {
		return &group{name: m[1], kind: "service"}
	}
	return nil
}

// weigh reads the working set: memory without the cache that goes first. It is
// false where the group is gone, or no controller measures it.
func (g *group) weigh() bool {
	current, _, err := readNumber(filepath.Join(g.dir, "memory.current"))
	if err != nil {
		_, err := os.Stat(filepath.Join(g.dir, "cpu.stat"))
		return err == nil
	}
	stat, _ := readPairs(filepath.Join(g.dir, "memory.stat"))
	g.memory = max(0, current-stat["inactive_file"])
	return true
}

// one reads a group. What its controllers do not measure is left out.
func (c *containers) one(out []value, g *group) []value {
	with := []string{"container", g.name, "kind", g.kind}
	add := func(key string, v float64) { out = append(out, number(key, v, with...)) }
	if stat, err := readPairs(filepath.Join(g.dir, "cpu.stat")); err == nil {
		out = c.meter.addRate(out, number("container_cpu", stat["usage_usec"], with...), 1e-6)
		periods, known := c.meter.grown(g.id()+"/periods", stat["nr_periods"])
		throttled, ok := c.meter.grown(g.id()+"/throttled", stat["nr_throttled"])
		if known && ok && periods > 0 {
			add("container_cpu_throttled", min(1, throttled/periods))
		}
	}
	if g.memory > 0 {
		add("container_memory_bytes", g.memory)
		if limit, ok, err := readNumber(filepath.Join(g.dir, "memory.max")); err == nil && ok && limit > 0 {
			add("container_memory_usage", g.memory/limit)
		}
	}
	if events, err := readPairs(filepath.Join(g.dir, "memory.events")); err == nil {
		add("container_oom_kills", events["oom_kill"])
	}
	if text, err := readFile(filepath.Join(g.dir, "io.stat")); err == nil && text != "" {
		read, written := ioStat(text)
		out = c.meter.addRate(out, number("container_read", read, with...), 1)
		out = c.meter.addRate(out, number("container_write", written, with...), 1)
	}
	return out
}

// ioStat adds up the devices of "8:0 rbytes=1 wbytes=2 …".
func ioStat(text string) (read, written float64) {
	for field := range strings.FieldsSeq(text) {
		name, count, _ := strings.Cut(field, "=")
		n, err := strconv.ParseFloat(count, 64)
		switch {
		case err != nil:
		case name == "rbytes":
			read += n
		case name == "wbytes":
			written += n
		}
	}
	return read, written
}
