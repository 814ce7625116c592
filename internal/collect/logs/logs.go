// Package logs holds what all sources of log lines share: a Line, the parsers
// that read time, level and fields out of its text, the joiner that makes one
// line of a stack trace, and the batch in which lines go through the door.
//
// A source is a folder below. It reads lines, hands them to a Sink, and forgets
// them only when Put has returned: what it has not been promised it sends
// again, under the same batch id where it has one. Every line is bounded
// (MaxLine, MaxFields), whatever arrives; what was cut is counted. Nothing in
// this package starts a goroutine or keeps state between lines, but for the
// Joiner, which belongs to its reader.
package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leewayhq/leeway/internal/event"
)

const (
	// MaxLine is the most bytes of a line's text, and of its fields as JSON: what
	// the door takes.
	MaxLine = 64 << 10
	// MaxFields is the most fields of one line.
	MaxFields = 256
	maxName   = 256 // bytes of a service, a model, a level or a field's name
)

// Line is one log line on its way to the door.
type Line struct {
	Time    int64 // unix ms; 0 is the time of arrival
	Level   string
	Service string
	Model   string
	Message string
	Fields  []Field
	Cut     bool // something was over a limit
}

// Field is one attribute; Raw is its value as JSON.
type Field struct {
	Name string
	Raw  string
}

// Set adds a field unless the line has one of this name, or too many.
func (l *Line) Set(name, value string) { l.setRaw(name, "", value) }

// SetRaw is Set for a value that is JSON already.
func (l *Line) SetRaw(name, raw string) { l.setRaw(name, raw, "") }

func (l *Line) setRaw(name, raw, value string) {
	if name == "" || l.has(name) {
		return
	}
	if len(l.Fields) >= MaxFields || len(name) > maxName {
		l.Cut = true
		return
	}
	if raw == "" {
		raw = quote(value)
	}
	l.Fields = append(l.Fields, Field{name, raw})
}

func (l *Line) has(name string) bool {
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return true
		}
	}
	return false
}

// quote writes text as JSON that shows < and & as they are.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // not of a string
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// attrs is the fields as one JSON object, without those for which there is no
// room; empty when there are none.
func (l *Line) attrs() []byte {
	if len(l.Fields) == 0 {
		return nil
	}
	b := make([]byte, 1, 128)
	b[0] = '{'
	for _, f := range l.Fields {
		name := quote(f.Name)
		if len(b)+len(name)+len(f.Raw)+3 > MaxLine {
			l.Cut = true
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), f.Raw...)
	}
	return append(b, '}')
}

// size is about the bytes that the line takes in a batch.
func (l *Line) size() int {
	n := 64 + len(l.Message) + len(l.Level) + len(l.Service) + len(l.Model)
	for _, f := range l.Fields {
		n += len(f.Name) + len(f.Raw) + 4
	}
	return n
}

// Times say which times of lines are believed.
const (
	maxFuture = 10 * time.Minute
	maxPast   = 10 * 365 * 24 * time.Hour
)

// batch puts lines in columns. A time that nobody can believe gives way to the
// time of arrival and stays as a field.
func (s *Sink) batch(lines []Line, batchID string) *event.Batch {
	now := s.cfg.Now()
	b := &event.Batch{Header: event.Header{Kind: event.Logs, BatchID: batchID}, Rows: len(lines)}
	level, service, model := newColumn("level"), newColumn("service"), newColumn("model")
	for i := range lines {
		l := &lines[i]
		b.Time = append(b.Time, s.believe(l, now))
		level.add(Level(l.Level))
		service.add(l.Service)
		model.add(l.Model)
		attrs := l.attrs()
		message := strings.ToValidUTF8(l.Message, "\ufffd")
		if len(message) > MaxLine {
			message, l.Cut = cut(message, MaxLine), true
		}
		b.Message.Append(message)
		b.Attrs.Append(string(attrs))
		if l.Cut {
			s.metrics.cut.Inc()
		}
	}
	for _, c := range []*column{level, service, model} {
		if c.used {
			b.Cats = append(b.Cats, c.dict)
		}
	}
	return b
}

func (s *Sink) believe(l *Line, now time.Time) int64 {
	ms := now.UnixMilli()
	switch {
	case l.Time == 0:
		return ms
	case l.Time > ms+maxFuture.Milliseconds(), l.Time < ms-maxPast.Milliseconds():
		s.metrics.badTimes.Inc()
		l.Set("original_time", time.UnixMilli(l.Time).UTC().Format(time.RFC3339Nano))
		return ms
	}
	return l.Time
}

// cut shortens text to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// column is a categorical column under construction.
type column struct {
	dict  event.Dict
	codes map[string]int32
	used  bool
}

func newColumn(name string) *column {
	return &column{dict: event.Dict{Name: name}, codes: map[string]int32{}}
}

func (c *column) add(v string) {
	if v == "" {
		c.dict.Codes = append(c.dict.Codes, -1)
		return
	}
	code, ok := c.codes[v]
	if !ok {
		code = int32(len(c.dict.Values))
		c.codes[v] = code
		c.dict.Values = append(c.dict.Values, name(v))
	}
	c.used = true
	c.dict.Codes = append(c.dict.Codes, code)
}

// name is a short value as it is kept: bounded, and nothing that controls a
// terminal.
func name(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return cut(s, maxName)
}

// TrimEnd is a line without its line end.
func TrimEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}
