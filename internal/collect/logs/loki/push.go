package loki

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
)

// push is one push on its way to lines.
type push struct {
	parser     *logs.Parser
	maxLines   int
	maxStreams int
	streams    int
	lines      []logs.Line
}

type label struct{ name, value string }

// services are the labels that name who speaks, the best first.
var services = []string{"service_name", "service", "app", "application", "container", "job"}

// entry is one line of a stream.
type entry struct {
	time     int64 // unix ms
	line     string
	metadata []label
}

func (p *push) stream() error {
	if p.streams++; p.streams > p.maxStreams {
		return &decode.LimitError{What: "streams in one push", Limit: int64(p.maxStreams)}
	}
	return nil
}

// add makes a line of an entry. The time and the level that its sender gave go
// before those in its text.
func (p *push) add(labels []label, e *entry) error {
	if len(p.lines) >= p.maxLines {
		return &decode.LimitError{What: "lines in one push", Limit: int64(p.maxLines)}
	}
	l := logs.Line{Time: e.time}
	service := serviceOf(labels)
	for _, kv := range slices.Concat(labels, e.metadata) {
		switch {
		case kv.name == "level" || kv.name == "detected_level" || kv.name == "severity":
			if l.Level == "" && kv.value != "unknown" {
				l.Level = kv.value
			}
		case kv.name == "model" && l.Model == "":
			l.Model = kv.value
		case kv.name == service:
			l.Service = kv.value
		default:
			l.Set(kv.name, kv.value)
		}
	}
	p.parser.Parse(e.line, &l)
	if e.time != 0 {
		l.Time = e.time
	}
	p.lines = append(p.lines, l)
	return nil
}

func serviceOf(labels []label) string {
	for _, name := range services {
		if slices.ContainsFunc(labels, func(kv label) bool { return kv.name == name }) {
			return name
		}
	}
	return ""
}

// json reads {"streams": [{"stream": {…}, "values": [["ns", "line", {…}]]}]}.
func (p *push) json(body []byte) error {
	var in struct {
		Streams []struct {
			Stream map[string]string   `json:"stream"`
			Values [][]json.RawMessage `json:"values"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return badBody("the body is not a push as Loki's documentation describes it: " + err.Error())
	}
	for i, s := range in.Streams {
		if err := p.stream(); err != nil {
			return err
		}
		labels := sorted(s.Stream)
		for j, v := range s.Values {
			e, err := jsonEntry(v)
			if err != nil {
				return badBody(fmt.Sprintf("streams[%d].values[%d]: %v", i, j, err))
			}
			if err := p.add(labels, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func jsonEntry(v []json.RawMessage) (*entry, error) {
	if len(v) < 2 || len(v) > 3 {
		return nil, fmt.Errorf("%d members; an entry is [time, line] or [time, line, metadata]", len(v))
	}
	var at string
	e := new(entry)
	if err := json.Unmarshal(v[0], &at); err != nil {
		return nil, fmt.Errorf("the time is not a string of nanoseconds")
	}
	ns, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the time is not a string of nanoseconds")
	}
	e.time = ns / 1e6
	if err := json.Unmarshal(v[1], &e.line); err != nil {
		return nil, fmt.Errorf("the line is not a string")
	}
	if len(v) == 3 {
		var m map[string]string
		if err := json.Unmarshal(v[2], &m); err != nil {
			return nil, fmt.Errorf("the metadata are not texts by name")
		}
		e.metadata = sorted(m)
	}
	return e, nil
}

func sorted(m map[string]string) []label {
	out := make([]label, 0, len(m))
	for k, v := range m {
		out = append(out, label{k, v})
	}
	slices.SortFunc(out, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return out
}

// The fields of Loki's push messages, by number.
//
//	PushRequest  {1: streams}
//	Stream       {1: labels, 2: entries, 3: hash}
//	Entry        {1: Timestamp{1: seconds, 2: nanos}, 2: line, 3: metadata, 4: parsed}
//	Label        {1: name, 2: value}
func (p *push) proto(body []byte) error {
	return fields(body, func(num protowire.Number, v []byte, _ uint64) error {
		if num != 1 {
			return nil
		}
		if err := p.stream(); err != nil {
			return err
		}
		return p.protoStream(v)
	})
}

func (p *push) protoStream(b []byte) error {
	var labels []label
	var entries [][]byte // the labels may come last
	err := fields(b, func(num protowire.Number, v []byte, _ uint64) (err error) {
		switch num {
		case 1:
			labels, err = parseLabels(string(v))
		case 2:
			if len(p.lines)+len(entries) >= p.maxLines {
				return &decode.LimitError{What: "lines in one push", Limit: int64(p.maxLines)}
			}
			entries = append(entries, v)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, raw := range entries {
		e, err := protoEntry(raw)
		if err != nil {
			return err
		}
		if err := p.add(labels, e); err != nil {
			return err
		}
	}
	return nil
}

func protoEntry(b []byte) (*entry, error) {
	e := new(entry)
	err := fields(b, func(num protowire.Number, v []byte, _ uint64) error {
		switch num {
		case 1:
			return fields(v, func(num protowire.Number, _ []byte, n uint64) error {
				switch num {
				case 1:
					e.time += clampMillis(int64(n), 1000)
				case 2:
					e.time += int64(int32(n)) / 1e6
				}
				return nil
			})
		case 2:
			e.line = string(v)
		case 3:
			var kv label
			if err := fields(v, func(num protowire.Number, v []byte, _ uint64) error {
				switch num {
				case 1:
					kv.name = string(v)
				case 2:
					kv.value = string(v)
				}
				return nil
			}); err != nil {
				return err
			}
			if len(e.metadata) < logs.MaxFields {
				e.metadata = append(e.metadata, kv)
			}
		}
		return nil
	})
	return e, err
}

// clampMillis keeps seconds that no clock shows from wrapping around.
func clampMillis(v, factor int64) int64 {
	const most = 1 << 40
	return min(max(v, -most), most) * factor
}

// fields calls fn for each field of a message: v is of those with a length, n
// of varints; others are passed over.
func fields(b []byte, fn func(num protowire.Number, v []byte, n uint64) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badBody("the body is not a readable protobuf message")
		}
		b = b[n:]
		var v []byte
		var x uint64
		switch typ {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			x, n = protowire.ConsumeVarint(b)
		default:
			if n = protowire.ConsumeFieldValue(num, typ, b); n >= 0 {
				b = b[n:]
				continue
			}
		}
		if n < 0 {
			return badBody("the body is not a readable protobuf message")
		}
		b = b[n:]
		if err := fn(num, v, x); err != nil {
			return err
		}
	}
	return nil
}

// parseLabels reads {name="value", other="value"}.
func parseLabels(s string) ([]label, error) {
	bad := func() ([]label, error) {
		return nil, badBody(fmt.Sprintf("%.100q is not a set of labels such as {app=\"web\"}", s))
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "{")
	if !ok {
		return bad()
	}
	var out []label
	for {
		rest = strings.TrimLeft(rest, " ,")
		if rest == "}" {
			return out, nil
		}
		name, value, ok := strings.Cut(rest, "=")
		if !ok || len(out) >= logs.MaxFields {
			return bad()
		}
		quoted, err := strconv.QuotedPrefix(value)
		if err != nil {
			return bad()
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return bad()
		}
		out = append(out, label{strings.Trim(name, " \""), text})
		rest = value[len(quoted):]
	}
}
