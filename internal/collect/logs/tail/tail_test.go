package tail_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/collect/logs/logtest"
	"github.com/leewayhq/leeway/internal/collect/logs/tail"
	"github.com/leewayhq/leeway/internal/event"
)

// begin follows files; the result stops.
func begin(t *testing.T, cfg tail.Config) (stop func()) {
	t.Helper()
	if cfg.Poll == 0 {
		cfg.Poll = 5 * time.Millisecond
	}
	tl, err := tail.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { tl.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return stop
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	logtest.Run(t, func(t *testing.T) *logtest.Source {
		dir, state := t.TempDir(), t.TempDir()
		path := filepath.Join(dir, "app.log")
		return &logtest.Source{
			Keeps: true, Once: true,
			Start: func(put func(context.Context, *event.Batch) error) func() {
				return begin(t, tail.Config{Dir: state, Put: put, Files: []tail.FileConfig{{Paths: []string{filepath.Join(dir, "*.log")}, Beginning: true}}})
			},
			Send: func(lines ...string) error {
				write(t, path, strings.Join(lines, "\n")+"\n")
				return nil
			},
		}
	})
}

// site is a folder that is followed.
type site struct {
	t          *testing.T
	dir, state string
	door       *logtest.Door
	cfg        tail.Config
	reg        *prometheus.Registry
}

func newSite(t *testing.T) *site {
	s := &site{t: t, dir: t.TempDir(), state: t.TempDir(), door: logtest.NewDoor(t), reg: prometheus.NewRegistry()}
	s.cfg = tail.Config{
		Dir: s.state, Put: s.door.Put, LeaveAfter: 200 * time.Millisecond, Registerer: s.reg,
		Files: []tail.FileConfig{{Paths: []string{filepath.Join(s.dir, "*.log")}, Beginning: true, Service: "api"}},
	}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) want(messages ...string) {
	s.t.Helper()
	var got []string
	for _, l := range s.door.Wait(len(messages)) {
		got = append(got, l.Message)
	}
	if !slices.Equal(got, messages) {
		s.t.Fatalf("got %q, want %q", got, messages)
	}
}

func TestRenamedFileIsReadToItsEnd(t *testing.T) {
	s := newSite(t)
	old, err := os.Create(s.path("app.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	fmt.Fprintln(old, "one")
	begin(t, s.cfg)
	s.want("one")
	if err := os.Rename(s.path("app.log"), s.path("app.log.1")); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(old, "two") // who has it open writes on
	s.want("one", "two")
	write(t, s.path("app.log"), "three\n")
	s.want("one", "two", "three")
	fmt.Fprint(old, "without an end")
	s.want("one", "two", "three", "without an end")
}

func TestRenamedWhileNobodyLooked(t *testing.T) {
	s := newSite(t)
	write(t, s.path("app.log"), "one\n")
	stop := begin(t, s.cfg)
	s.want("one")
	stop()
	write(t, s.path("app.log"), "two\n")
	if err := os.Rename(s.path("app.log"), s.path("app.log.1")); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("app.log"), "three\n")
	s.cfg.Registerer = prometheus.NewRegistry()
	begin(t, s.cfg)
	s.want("one", "two", "three")
}

func TestTruncatedFileBeginsAnew(t *testing.T) {
	s := newSite(t)
	write(t, s.path("app.log"), "one\ntwo\n")
	begin(t, s.cfg)
	s.want("one", "two")
	// Truncated and longer than before at the next look: the beginning tells.
	if err := os.WriteFile(s.path("app.log"), []byte("a much longer line than before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.want("one", "two", "a much longer line than before")
	if err := os.Truncate(s.path("app.log"), 0); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("app.log"), "x\n")
	s.want("one", "two", "a much longer line than before", "x")
	if err := testutil.GatherAndCompare(s.reg, strings.NewReader("# HELP leeway_logs_file_truncations_total Log files that were truncated and read from their beginning.\n# TYPE leeway_logs_file_truncations_total counter\nleeway_logs_file_truncations_total 2\n"), "leeway_logs_file_truncations_total"); err != nil {
		t.Error(err)
	}
}

func TestPartialLineWaits(t *testing.T) {
	s := newSite(t)
	write(t, s.path("app.log"), "one\nha")
	begin(t, s.cfg)
	s.want("one")
	write(t, s.path("app.log"), "lf\n")
	s.want("one", "half")
}

func TestLongLineIsCutOnce(t *testing.T) {
	s := newSite(t)
	long := strings.Repeat("x", 10*logs.MaxLine)
	write(t, s.path("app.log"), "one\n"+long+"\ntwo\n")
	begin(t, s.cfg)
	s.want("one", long[:logs.MaxLine], "two")
}

func TestOnlyWhatComes(t *testing.T) {
	s := newSite(t)
	s.cfg.Files[0].Beginning = false
	write(t, s.path("app.log"), "old\nhalf of an old")
	stop := begin(t, s.cfg)
	logtest.Wait(t, "the file is followed", func() bool {
		_, err := os.Stat(filepath.Join(s.state, "positions.json"))
		return err == nil
	})
	write(t, s.path("app.log"), " line\nnew\n")
	s.want("new")
	write(t, s.path("later.log"), "a file that came later\n")
	s.want("new", "a file that came later")
	stop()
	write(t, s.path("down.log"), "while it was down\n")
	s.cfg.Registerer = prometheus.NewRegistry()
	begin(t, s.cfg)
	s.want("new", "a file that came later", "while it was down")
}

func TestStackTraceIsOneLine(t *testing.T) {
	s := newSite(t)
	s.cfg.Files[0].Join = logs.JoinConfig{Stack: true, Timeout: 30 * time.Millisecond}
	begin(t, s.cfg)
	trace := "2026-11-01 10:00:00 ERROR failed\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: no"
	write(t, s.path("app.log"), trace+"\nnext\n")
	s.want(trace, "next")
	if l := s.door.Lines()[0]; l.Level != "error" || l.Service != "api" || l.Fields["file"] != s.path("app.log") {
		t.Errorf("%+v", l)
	}
}

func TestManyFilesShareRounds(t *testing.T) {
	s := newSite(t)
	const files, each = 50, 200
	for i := range files {
		var b strings.Builder
		for j := range each {
			fmt.Fprintf(&b, "file %d line %d %s\n", i, j, strings.Repeat("-", 100))
		}
		write(t, s.path(fmt.Sprintf("%d.log", i)), b.String())
	}
	begin(t, s.cfg)
	next := map[string]int{}
	for _, l := range s.door.Wait(files * each) {
		var i, j int
		if _, err := fmt.Sscanf(l.Message, "file %d line %d", &i, &j); err != nil {
			t.Fatal(err)
		}
		if key := fmt.Sprint(i); next[key] != j {
			t.Fatalf("line %d of file %d after %d", j, i, next[key])
		} else {
			next[key]++
		}
	}
	if n := s.door.Puts(); n >= files {
		t.Errorf("%d batches for %d files", n, files)
	}
}

func TestDamagedPositionsAreNotGuessed(t *testing.T) {
	s := newSite(t)
	if err := os.WriteFile(filepath.Join(s.state, "positions.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Open(s.cfg); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("%v", err)
	}
}
