// Package logtest is the suite that every source of log lines passes: each line
// once, in order, over a queue that is full, an answer that is lost and a
// restart, and nothing that arrives harms what follows it.
package logtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
	"github.com/leewayhq/leeway/internal/event"
)

// Source is one source under test. Every test opens its own.
type Source struct {
	// Start starts it; what it returns stops it and waits.
	Start func(put func(context.Context, *event.Batch) error) (stop func())
	// Send gives it lines, in order. It returns an error when their sender would
	// be told to send them again.
	Send func(lines ...string) error
	// Keeps says that lines which are sent while it is stopped are not lost.
	Keeps bool
	// Once says that a line whose answer was lost is not counted twice.
	Once bool
}

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) *Source) {
	t.Run("InOrder", func(t *testing.T) { inOrder(t, open(t)) })
	t.Run("QueueFull", func(t *testing.T) { queueFull(t, open(t)) })
	t.Run("Restart", func(t *testing.T) { restart(t, open(t)) })
	t.Run("AnswerLost", func(t *testing.T) { answerLost(t, open(t)) })
	t.Run("Hostile", func(t *testing.T) { hostile(t, open(t)) })
}

// Door takes batches as the door does, counts each batch id once as the
// processor does, and holds every batch to what the archive may expect.
type Door struct {
	t *testing.T

	mu     sync.Mutex
	refuse error // given instead of taking anything
	lose   error // given after the next batch was taken
	seen   map[string]bool
	lines  []Line
	puts   int
}

// Line is one line that the door took.
type Line struct {
	Time                           int64
	Level, Service, Model, Message string
	Fields                         map[string]any
}

// NewDoor makes a door that takes everything.
func NewDoor(t *testing.T) *Door { return &Door{t: t, seen: map[string]bool{}} }

// Refuse makes the door answer err until it is nil.
func (d *Door) Refuse(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = err
}

// Lose makes the door take the next batch and answer err.
func (d *Door) Lose(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose = err
}

// Puts is how often Put was called.
func (d *Door) Puts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.puts
}

// Put is collect.Door's.
func (d *Door) Put(_ context.Context, b *event.Batch) error {
	frame := b.Split(1)[0].AppendTo(nil)
	got, err := event.Decode(frame)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.puts++
	switch {
	case err != nil:
		d.t.Errorf("a batch that cannot be read: %v", err)
		return err
	case d.refuse != nil:
		return d.refuse
	case got.BatchID == "" || !d.seen[got.BatchID]:
		d.seen[got.BatchID] = true
		d.add(got)
	}
	err, d.lose = d.lose, nil
	return err
}

func (d *Door) add(b *event.Batch) {
	for i := range b.Rows {
		l := Line{Time: b.Time[i], Message: string(b.Message.At(i))}
		for j := range b.Cats {
			v, _ := b.Cats[j].At(i)
			switch b.Cats[j].Name {
			case "level":
				l.Level = strings.Clone(v)
			case "service":
				l.Service = strings.Clone(v)
			case "model":
				l.Model = strings.Clone(v)
			}
			if len(v) > 256 || !utf8.ValidString(v) {
				d.t.Errorf("%s %q is too long or no text", b.Cats[j].Name, v)
			}
		}
		if attrs := b.Attrs.At(i); len(attrs) > 0 {
			if err := json.Unmarshal(attrs, &l.Fields); err != nil || len(attrs) > logs.MaxLine {
				d.t.Errorf("attributes of %d bytes: %v: %.200s", len(attrs), err, attrs)
			}
		}
		if len(l.Message) > logs.MaxLine || !utf8.ValidString(l.Message) {
			d.t.Errorf("a message of %d bytes, or no text", len(l.Message))
		}
		if l.Time < 1_000_000_000_000 {
			d.t.Errorf("the time %d of %.100q", l.Time, l.Message)
		}
		d.lines = append(d.lines, l)
	}
}

// Lines are all that were taken, each batch id once.
func (d *Door) Lines() []Line {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// Wait waits until what is true.
func Wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-tick.C
	}
}

// Wait waits for n lines, and gives them.
func (d *Door) Wait(n int) []Line {
	d.t.Helper()
	Wait(d.t, fmt.Sprintf("%d lines", n), func() bool { return len(d.Lines()) >= n })
	return d.Lines()
}

// numbered are lines i to j, each other than the others.
func numbered(i, j int) []string {
	var out []string
	for ; i < j; i++ {
		out = append(out, fmt.Sprintf("line %05d of the suite", i))
	}
	return out
}

// want holds what arrived to the lines 0 to n, once and in order.
func want(t *testing.T, got []Line, n int) {
	t.Helper()
	var messages []string
	for _, l := range got {
		messages = append(messages, l.Message)
	}
	if w := numbered(0, n); !slices.Equal(messages, w) {
		t.Fatalf("%d lines, want %d; the first: %.300q", len(messages), n, messages)
	}
}

func send(t *testing.T, s *Source, lines ...string) {
	t.Helper()
	if err := s.Send(lines...); err != nil {
		t.Fatal(err)
	}
}

func inOrder(t *testing.T, s *Source) {
	d := NewDoor(t)
	defer s.Start(d.Put)()
	const n = 500
	for i := 0; i < n; i += 50 {
		send(t, s, numbered(i, i+50)...)
	}
	want(t, d.Wait(n), n)
}

func queueFull(t *testing.T, s *Source) {
	d := NewDoor(t)
	d.Refuse(&decode.RetryError{Class: decode.ErrFull, After: time.Second})
	defer s.Start(d.Put)()
	err := s.Send(numbered(0, 10)...)
	Wait(t, "the door refuses", func() bool { return d.Puts() > 0 })
	if got := d.Lines(); len(got) > 0 {
		t.Fatalf("a door that refuses has %d lines", len(got))
	}
	d.Refuse(nil)
	if err != nil { // the sender was told, and sends again
		send(t, s, numbered(0, 10)...)
	}
	want(t, d.Wait(10), 10)
}

func restart(t *testing.T, s *Source) {
	d := NewDoor(t)
	stop := s.Start(d.Put)
	send(t, s, numbered(0, 10)...)
	d.Wait(10)
	stop()
	next := 10
	if s.Keeps {
		send(t, s, numbered(10, 20)...)
		next = 20
	}
	stop = s.Start(d.Put)
	d.Wait(next)
	send(t, s, numbered(next, next+10)...)
	want(t, d.Wait(next+10), next+10)
	stop()
	s.Start(d.Put)()
	want(t, d.Lines(), next+10)
}

// answerLost: the batch is durable, but its source never learns of it.
func answerLost(t *testing.T, s *Source) {
	if !s.Once {
		return // its protocol cannot tell a repeated line from a new one
	}
	d := NewDoor(t)
	stop := s.Start(d.Put)
	d.Lose(errors.New("the answer is lost"))
	err := s.Send(numbered(0, 10)...)
	Wait(t, "the batch is there", func() bool { return d.Puts() > 0 })
	d.Refuse(&decode.RetryError{Class: decode.ErrFull, After: time.Second})
	stop()
	d.Refuse(nil)
	stop = s.Start(d.Put)
	defer stop()
	if err != nil {
		send(t, s, numbered(0, 10)...)
	}
	d.Wait(10)
	send(t, s, numbered(10, 20)...)
	want(t, d.Wait(20), 20)
}

// Hostile are lines that no source may fall over.
func Hostile() []string {
	return []string{
		"", " ", "\x00", "a\x00b", "\xff\xfe\xfd", "\x1b[31mred\x1b[0m", "{", "}", `{"a":`, `{"a":1`, "[]", `"`, `=`, `a=`, `=b`, `a="`,
		`{"time":"9999-99-99"}`, `{"time":1e300,"level":{},"message":[],"model":7}`, `{"level":"` + strings.Repeat("x", 10_000) + `"}`,
		strings.Repeat("[", 20_000), `{"a":` + strings.Repeat("[", 20_000), strings.Repeat("é", 20_000), strings.Repeat("a=b ", 10_000),
		"2099-01-01T00:00:00Z a clock of the future", "1970-01-02 00:00:00 a clock of the past", "<999>1 - - - - - -", "<34>1 2003-10-11T22:14:15.003Z",
		`{` + strings.Repeat(`"k":1,`, 5000) + `"z":2}`, strings.Repeat("x", logs.MaxLine+10), strings.Repeat("y", 3*logs.MaxLine), "\u2028\u2029\u0085", "%s%n%d",
	}
}

func hostile(t *testing.T, s *Source) {
	d := NewDoor(t)
	defer s.Start(d.Put)()
	for _, line := range Hostile() {
		_ = s.Send(line) // to be refused is a good answer
	}
	const last = "a good line after the bad ones"
	send(t, s, last)
	Wait(t, "the good line", func() bool {
		return slices.ContainsFunc(d.Lines(), func(l Line) bool { return l.Message == last })
	})
}
