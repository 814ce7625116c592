// Package journal follows systemd's journal through journalctl.
//
// One goroutine, Run's, starts journalctl behind the last cursor and takes what
// it prints. Before lines go to the door their batch id and their last cursor
// are on disk; after it the cursor moves. So a start after a crash asks for the
// same entries and sends them under the same batch id, which counts once. A
// second goroutine reads the command's output and ends with it. Where there is
// no journalctl, Run says so and returns.
package journal

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/event"
)

// Config says what is followed. Zeros are the defaults.
type Config struct {
	Dir   string   // of the cursor; it exists
	Units []string // of systemd; empty is all
	// Beginning reads what the journal holds at the first start; without it only
	// what comes is read.
	Beginning  bool
	Command    string // journalctl
	Put        func(context.Context, *event.Batch) error
	Parse      logs.ParseConfig
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// Journal follows the journal.
type Journal struct {
	cfg    Config
	sink   *logs.Sink
	parser *logs.Parser
	kept   cursor
	dirty  bool
	starts prometheus.Counter
}

// cursor is the file cursor.json, docs/formats/logs.md.
type cursor struct {
	Version int      `json:"version"`
	Cursor  string   `json:"cursor"`
	Pending *pending `json:"pending,omitempty"`
}

// pending are entries that the door may or may not have taken.
type pending struct {
	ID string `json:"id"`
	To string `json:"to"` // the cursor of the last of them
}

const cursorName = "cursor.json"

// Open reads the cursor.
func Open(cfg Config) (*Journal, error) {
	if cfg.Command == "" {
		cfg.Command = "journalctl"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	if cfg.Dir == "" {
		return nil, errors.New("journal: Dir is missing")
	}
	sink, err := logs.NewSink(logs.SinkConfig{Source: "journal", Put: cfg.Put, Now: cfg.Now, Registerer: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	parser, err := logs.NewParser(cfg.Parse)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{cfg: cfg, sink: sink, parser: parser}
	j.starts = prometheus.NewCounter(prometheus.CounterOpts{Name: "leeway_logs_journal_starts_total", Help: "Times that journalctl was started."})
	cfg.Registerer.MustRegister(j.starts)
	body, err := os.ReadFile(filepath.Join(cfg.Dir, cursorName))
	if errors.Is(err, os.ErrNotExist) {
		return j, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &j.kept)
	}
	if err == nil && j.kept.Version != 1 {
		err = fmt.Errorf("version %d", j.kept.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %s cannot be used (%w): move it away to begin anew", filepath.Join(cfg.Dir, cursorName), err)
	}
	return j, nil
}

// longPause is the longest time between two starts of a command that fails.
const longPause = time.Minute

// Run follows until ctx ends.
func (j *Journal) Run(ctx context.Context) {
	if _, err := exec.LookPath(j.cfg.Command); err != nil {
		j.cfg.Logger.Warn("the journal is not followed: there is no journalctl on this machine", "command", j.cfg.Command, "err", err)
		return
	}
	pause := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		if err := j.follow(ctx); err != nil && ctx.Err() == nil {
			j.cfg.Logger.Warn("journalctl ended and is started again", "err", err, "in", pause)
		}
		if time.Since(began) > longPause {
			pause = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
	if j.dirty {
		j.save()
	}
}

// follow runs journalctl until it or ctx ends.
func (j *Journal) follow(ctx context.Context) error {
	if j.kept.Pending != nil {
		if err := j.resume(ctx); err != nil {
			return err
		}
	}
	if j.kept.Cursor == "" && !j.cfg.Beginning {
		if err := j.startAtEnd(ctx); err != nil {
			return err
		}
	}
	return j.run(ctx, []string{"-f", "--no-tail"}, j.take)
}

// entry is one entry of the journal, or what is wrong with one.
type entry struct {
	cursor string
	line   logs.Line
}

// run starts the command and hands its entries to take.
func (j *Journal) run(ctx context.Context, args []string, take func(context.Context, <-chan entry) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args = append([]string{"-o", "json", "--no-pager", "--quiet"}, args...)
	if j.kept.Cursor != "" {
		args = append(args, "--after-cursor="+j.kept.Cursor)
	}
	for _, u := range j.cfg.Units {
		args = append(args, "--unit="+u)
	}
	cmd := exec.CommandContext(ctx, j.cfg.Command, args...)
	cmd.WaitDelay = time.Second
	var complaint tailBuffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	j.starts.Inc()
	entries := make(chan entry, batchLines)
	go j.read(ctx, out, entries)
	err = take(ctx, entries)
	cancel()
	for range entries { // the reader ends when the command has
	}
	if werr := cmd.Wait(); err == nil && werr != nil {
		err = fmt.Errorf("%w: %s", werr, complaint.b)
	}
	return err
}

// tailBuffer keeps the first kilobyte of what a command complains about.
type tailBuffer struct{ b []byte }

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.b = append(t.b, p[:min(len(p), 1024-len(t.b))]...)
	return len(p), nil
}

const (
	batchLines = 1000
	maxEntry   = 1 << 20 // bytes of an entry as JSON
)

func (j *Journal) read(ctx context.Context, from io.Reader, to chan<- entry) {
	defer close(to)
	r := bufio.NewReaderSize(from, maxEntry)
	for {
		b, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			j.sink.Drop("too_large", 1)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
			continue
		}
		if err != nil {
			return // half an entry comes again
		}
		e, ok := j.entry(b)
		if !ok {
			j.sink.Drop("malformed", 1)
			continue
		}
		select {
		case to <- e:
		case <-ctx.Done():
			return
		}
	}
}

// take sends what there is, together.
func (j *Journal) take(ctx context.Context, entries <-chan entry) error {
	for {
		if j.dirty && len(entries) == 0 {
			j.save()
		}
		e, ok := <-entries
		if !ok {
			return nil
		}
		batch := []entry{e}
		for len(batch) < batchLines && len(entries) > 0 {
			batch = append(batch, <-entries)
		}
		to := batch[len(batch)-1].cursor
		j.kept.Pending = &pending{ID: "journal-" + rand.Text(), To: to}
		if !j.save() {
			j.kept.Pending = nil
			return errors.New("the cursor was not saved")
		}
		if err := j.deliver(ctx, batch); err != nil {
			return err
		}
	}
}

func (j *Journal) deliver(ctx context.Context, batch []entry) error {
	lines := make([]logs.Line, len(batch))
	for i := range batch {
		lines[i] = batch[i].line
	}
	err := j.sink.Deliver(ctx, lines, j.kept.Pending.ID)
	if errors.Is(err, decode.ErrTooLarge) {
		j.sink.Drop("too_large", len(lines))
		err = nil
	}
	if err != nil {
		return err
	}
	j.kept.Cursor, j.kept.Pending, j.dirty = j.kept.Pending.To, nil, true
	return nil
}

// resume sends the entries that were in doubt when the process ended.
func (j *Journal) resume(ctx context.Context) error {
	return j.run(ctx, nil, func(ctx context.Context, entries <-chan entry) error {
		var batch []entry
		for e := range entries {
			if batch = append(batch, e); e.cursor == j.kept.Pending.To {
				return j.deliver(ctx, batch)
			}
			if len(batch) > 2*batchLines {
				break
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		j.cfg.Logger.Warn("the journal has let go of entries that were in doubt", "cursor", j.kept.Pending.To)
		j.kept.Pending, j.dirty = nil, true
		return nil
	})
}

// startAtEnd notes where the journal ends, so that what comes while the server
// is down is not passed over.
func (j *Journal) startAtEnd(ctx context.Context) error {
	return j.run(ctx, []string{"-n", "1"}, func(_ context.Context, entries <-chan entry) error {
		for e := range entries {
			j.kept.Cursor = e.cursor
		}
		j.save()
		return nil
	})
}

func (j *Journal) save() bool {
	j.kept.Version = 1
	body, err := json.Marshal(&j.kept)
	if err == nil {
		err = replace(filepath.Join(j.cfg.Dir, cursorName), body)
	}
	if err != nil {
		j.cfg.Logger.Error("the journal's cursor was not saved", "err", err)
		return false
	}
	j.dirty = false
	return true
}

// replace puts a file in another's place; it is on disk when it returns nil.
func replace(path string, body []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

var priorities = map[string]string{"0": "emergency", "1": "alert", "2": "critical", "3": "error", "4": "warning", "5": "notice", "6": "info", "7": "debug"}

// fieldNames are the journal's own fields that are kept, by their names here.
// Fields that a program adds keep their names in lower case; the rest of the
// journal's own is left out.
var fieldNames = map[string]string{
	"_SYSTEMD_UNIT": "unit", "_HOSTNAME": "host", "_PID": "process", "_TRANSPORT": "transport", "_COMM": "command",
	"CONTAINER_NAME": "container", "_SYSTEMD_USER_UNIT": "user_unit",
}

// entry reads one entry as journalctl -o json prints it.
func (j *Journal) entry(b []byte) (entry, bool) {
	var in map[string]json.RawMessage
	if json.Unmarshal(b, &in) != nil {
		return entry{}, false
	}
	e := entry{cursor: value(in["__CURSOR"])}
	if e.cursor == "" {
		return entry{}, false
	}
	l := &e.line
	var micros int64
	if json.Unmarshal([]byte(value(in["__REALTIME_TIMESTAMP"])), &micros) == nil {
		l.Time = micros / 1000
	}
	l.Level = priorities[value(in["PRIORITY"])]
	if l.Service = value(in["SYSLOG_IDENTIFIER"]); l.Service == "" {
		l.Service = value(in["_COMM"])
	}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		switch short, known := fieldNames[key]; {
		case known:
			l.Set(short, value(in[key]))
		case key == "MESSAGE", key == "PRIORITY", strings.HasPrefix(key, "_"), strings.HasPrefix(key, "SYSLOG_"):
		default:
			l.Set(strings.ToLower(key), value(in[key]))
		}
	}
	// All that a program prints is info to the journal: its own word goes first.
	at, level := l.Time, l.Level
	if level == "info" {
		l.Level = ""
	}
	j.parser.Parse(value(in["MESSAGE"]), l)
	if at != 0 {
		l.Time = at
	}
	if l.Level == "" {
		l.Level = level
	}
	return e, true
}

// value reads a string, the first of several, or bytes that are no text.
func value(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return ""
	}
	if json.Unmarshal(many[0], &s) == nil {
		return s
	}
	var numbers []uint8
	var wide []uint16
	if json.Unmarshal(raw, &wide) != nil {
		return ""
	}
	for _, n := range wide {
		numbers = append(numbers, uint8(n))
	}
	return strings.ToValidUTF8(string(numbers), "\ufffd")
}
