package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/leewayhq/leeway/internal/collect/logs/logtest"
	"github.com/leewayhq/leeway/internal/event"
)

// script prints a file as journalctl prints the journal: an entry's cursor is
// the number of its line.
const script = `#!/bin/sh
after=0 follow= last=
for a in "$@"; do case "$a" in
--after-cursor=*) after="${a#*=}" ;;
-f) follow=-f ;;
1) last=1 ;;
esac; done
[ -n "$last" ] && exec tail -n 1 "%[1]s"
exec tail -n +$((after+1)) $follow "%[1]s"
`

type fakeJournal struct {
	t         *testing.T
	dir, path string
	command   string
	lines     int
	beginning bool
}

func newFake(t *testing.T) *fakeJournal {
	f := &fakeJournal{t: t, dir: t.TempDir(), beginning: true}
	f.path, f.command = filepath.Join(f.dir, "journal"), filepath.Join(f.dir, "journalctl")
	if err := os.WriteFile(f.command, fmt.Appendf(nil, script, f.path), 0o700); err != nil {
		t.Fatal(err)
	}
	f.add(map[string]any{"MESSAGE": "before"})
	return f
}

func (f *fakeJournal) add(e map[string]any) {
	f.t.Helper()
	f.lines++
	e["__CURSOR"], e["__REALTIME_TIMESTAMP"] = fmt.Sprint(f.lines), fmt.Sprint(1_777_636_800_000_000+f.lines)
	b, err := json.Marshal(e)
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.Write(append(b, '\n')); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fakeJournal) begin(put func(context.Context, *event.Batch) error) func() {
	f.t.Helper()
	j, err := Open(Config{Dir: f.dir, Command: f.command, Put: put, Beginning: f.beginning})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { j.Run(ctx) })
	stop := sync.OnceFunc(func() { cancel(); running.Wait() })
	f.t.Cleanup(stop)
	return stop
}

func TestConformance(t *testing.T) {
	logtest.Run(t, func(t *testing.T) *logtest.Source {
		f := newFake(t)
		// Only what comes: the start must know the end before the first line.
		if err := os.WriteFile(filepath.Join(f.dir, cursorName), []byte(`{"version":1,"cursor":"1"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return &logtest.Source{
			Keeps: true, Once: true, Start: f.begin,
			Send: func(lines ...string) error {
				for _, line := range lines {
					f.add(map[string]any{"MESSAGE": line, "PRIORITY": "6"})
				}
				return nil
			},
		}
	})
}

func TestEntries(t *testing.T) {
	f := newFake(t)
	f.add(map[string]any{"MESSAGE": []int{104, 105, 255}, "PRIORITY": "3", "SYSLOG_IDENTIFIER": "sshd", "_SYSTEMD_UNIT": "ssh.service", "_BOOT_ID": "x", "MY_FIELD": "7"})
	f.add(map[string]any{"MESSAGE": `{"level":"warn","msg":"inner","n":1}`, "PRIORITY": "6", "_COMM": "app"})
	d := logtest.NewDoor(t)
	f.begin(d.Put)
	got := d.Wait(3)
	if l := got[1]; l.Message != "hi\ufffd" || l.Level != "error" || l.Service != "sshd" || l.Fields["unit"] != "ssh.service" || l.Fields["my_field"] != "7" || len(l.Fields) != 2 {
		t.Errorf("%+v", l)
	}
	if l := got[2]; l.Message != "inner" || l.Level != "warning" || l.Service != "app" || l.Time != 1_777_636_800_000 {
		t.Errorf("%+v", l)
	}
}

func TestOnlyWhatComes(t *testing.T) {
	f := newFake(t)
	f.beginning = false
	d := logtest.NewDoor(t)
	f.begin(d.Put)
	logtest.Wait(t, "the end is noted", func() bool {
		b, err := os.ReadFile(filepath.Join(f.dir, cursorName))
		return err == nil && strings.Contains(string(b), `"cursor":"1"`)
	})
	f.add(map[string]any{"MESSAGE": "after"})
	if l := d.Wait(1)[0]; l.Message != "after" {
		t.Errorf("%+v", l)
	}
}

func TestNoJournalctl(t *testing.T) {
	f := newFake(t)
	f.command = filepath.Join(f.dir, "missing")
	j, err := Open(Config{Dir: f.dir, Command: f.command, Put: logtest.NewDoor(t).Put})
	if err != nil {
		t.Fatal(err)
	}
	j.Run(t.Context()) // it returns
}

func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"__CURSOR":"1","MESSAGE":[1,2],"PRIORITY":"3"}`))
	j, err := Open(Config{Dir: f.TempDir(), Put: func(context.Context, *event.Batch) error { return nil }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, b []byte) { j.entry(b) })
}
