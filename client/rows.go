package client

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Prediction is what a model said, what it was asked, and how that went. Only
// Model is needed; without an ID no label can be joined to it.
type Prediction struct {
	Model   string
	ID      string
	Time    time.Time // of the prediction; zero is now
	Version string    // of the model
	// Features are numbers, strings, booleans or nil for a missing value.
	Features map[string]any
	// Prediction is the class (string, bool or int) or the value (float64).
	Prediction any
	// Score is the probability of the positive class, Scores that of each class;
	// at most one of them is used.
	Score  *float64
	Scores map[string]float64
	// Items are, of a ranking, the ids of what was answered to the query, best
	// first, in place of a Prediction. An empty list that is not nil is an answer.
	Items []string
	// Segments are the fields by which numbers are also shown apart.
	Segments map[string]string
	Latency  time.Duration // 0 is not known
	Error    string        // why there is no prediction; empty is success
	Label    any           // what is true, if it is known already
}

// Label is what turned out to be true of an earlier prediction. A second label
// for an id corrects the first.
type Label struct {
	Model string
	ID    string
	Label any // a class or a value
	// Relevant is, of a ranking, what was wanted in place of a Label: items and
	// how much, 1 if nothing else is known. An empty map that is not nil is a
	// query for which there was nothing.
	Relevant map[string]float64
	Time     time.Time
}

// LogLine is a line of a service's log.
type LogLine struct {
	Time    time.Time // zero is now
	Level   string    // debug, info, warning, error
	Message string
	Service string
	Model   string         // if it is about one
	Attrs   map[string]any // anything else
}

// Float is for Prediction.Score.
func Float(v float64) *float64 { return &v }

// object writes the members of one JSON object.
type object struct {
	buf []byte
	err error
}

func (p *Prediction) appendTo(dst []byte) ([]byte, error) {
	o := object{buf: append(dst, '{')}
	o.time(p.Time)
	o.text("id", p.ID)
	o.text("version", p.Version)
	if p.Prediction != nil {
		o.key("prediction")
		o.value(p.Prediction)
	}
	switch {
	case p.Score != nil:
		o.key("score")
		o.number(*p.Score)
	case len(p.Scores) > 0:
		o.key("score")
		writeMap(&o, p.Scores, (*object).number)
	}
	if p.Items != nil {
		o.key("items")
		o.list(p.Items)
	}
	if p.Label != nil {
		o.key("label")
		o.value(p.Label)
	}
	if p.Latency > 0 {
		o.key("latency_ms")
		o.number(float64(p.Latency) / float64(time.Millisecond))
	}
	o.text("error", p.Error)
	if len(p.Segments) > 0 {
		o.key("segments")
		writeMap(&o, p.Segments, (*object).quote)
	}
	if len(p.Features) > 0 {
		o.key("features")
		writeMap(&o, p.Features, (*object).value)
	}
	return append(o.buf, '}'), o.err
}

func (l *Label) appendTo(dst []byte) ([]byte, error) {
	o := object{buf: append(dst, '{')}
	o.time(l.Time)
	o.text("id", l.ID)
	if l.Relevant != nil {
		o.key("relevant")
		writeMap(&o, l.Relevant, (*object).number)
		return append(o.buf, '}'), o.err
	}
	o.key("label")
	o.value(l.Label)
	return append(o.buf, '}'), o.err
}

func (l *LogLine) appendTo(dst []byte) ([]byte, error) {
	o := object{buf: append(dst, '{')}
	o.time(l.Time)
	o.text("level", l.Level)
	o.text("message", l.Message)
	o.text("service", l.Service)
	o.text("model", l.Model)
	for name, v := range l.Attrs {
		switch name {
		case "time", "timestamp", "level", "message", "msg", "service", "source", "model":
			name = "attr_" + name // the line's own have the plain names
		}
		o.key(name)
		o.value(v)
	}
	return append(o.buf, '}'), o.err
}

// time is in milliseconds since 1970, so that a row keeps its time while it waits.
func (o *object) time(t time.Time) {
	if t.IsZero() {
		t = time.Now()
	}
	o.buf = strconv.AppendInt(append(o.buf, `"time":`...), t.UnixMilli(), 10)
}

func (o *object) key(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.quote(name)
	o.buf = append(o.buf, ':')
}

// text writes a member unless it is empty.
func (o *object) text(name, s string) {
	if s != "" {
		o.key(name)
		o.quote(s)
	}
}

// quote writes a JSON string.
func (o *object) quote(s string) {
	o.buf = append(o.buf, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		o.buf = append(o.buf, s[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			o.buf = append(o.buf, `\ufffd`...)
		case c == '"' || c == '\\':
			o.buf = append(o.buf, '\\', c)
		default:
			const hex = "0123456789abcdef"
			o.buf = append(o.buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	o.buf = append(append(o.buf, s[start:]...), '"')
}

// number writes a number; what JSON has no word for is null.
func (o *object) number(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		o.buf = append(o.buf, "null"...)
		return
	}
	o.buf = strconv.AppendFloat(o.buf, v, 'g', -1, 64)
}

// short writes a float32 with no more digits than it has.
func (o *object) short(v float32) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		o.number(f)
		return
	}
	o.buf = strconv.AppendFloat(o.buf, float64(v), 'g', -1, 32)
}

func (o *object) value(v any) {
	switch v := v.(type) {
	case nil:
		o.buf = append(o.buf, "null"...)
	case float64:
		o.number(v)
	case float32:
		o.short(v)
	case int:
		o.buf = strconv.AppendInt(o.buf, int64(v), 10)
	case int64:
		o.buf = strconv.AppendInt(o.buf, v, 10)
	case int32:
		o.buf = strconv.AppendInt(o.buf, int64(v), 10)
	case string:
		o.quote(v)
	case bool:
		o.buf = strconv.AppendBool(o.buf, v)
	default:
		o.other(v)
	}
}

// other leaves the rarer types to encoding/json. The methods of a caller's
// type run there, and their panic must not become the caller's.
func (o *object) other(v any) {
	defer func() {
		if r := recover(); r != nil {
			o.err = fmt.Errorf("a value of type %T: %v", v, r)
		}
	}()
	text, err := json.Marshal(v)
	if err != nil {
		o.err = err
		return
	}
	o.buf = append(o.buf, text...)
}

func (o *object) list(items []string) {
	o.buf = append(o.buf, '[')
	for i, s := range items {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.quote(s)
	}
	o.buf = append(o.buf, ']')
}

func writeMap[V any](o *object, m map[string]V, write func(*object, V)) {
	o.buf = append(o.buf, '{')
	for name, v := range m {
		o.key(name)
		write(o, v)
	}
	o.buf = append(o.buf, '}')
}
