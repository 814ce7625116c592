package logs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
)

// ParseConfig says how the text of lines is read.
type ParseConfig struct {
	// Format is auto, none, json, logfmt, regex, common or combined; empty is
	// auto.
	Format string
	// Pattern is the expression of format regex (RE2). Its named groups time,
	// level, message, service and model have their meaning, others are fields.
	Pattern string
	// TimeLayout is Go's layout of the time; empty knows the usual ones.
	TimeLayout string
	Zone       *time.Location // of times that name none; nil is UTC
}

// Formats are the names that ParseConfig.Format may have.
var Formats = []string{"auto", "none", "json", "logfmt", "regex", "common", "combined"}

// Validate reports every problem.
func (c *ParseConfig) Validate() error {
	var errs []error
	if c.Format != "" && !slices.Contains(Formats, c.Format) {
		errs = append(errs, fmt.Errorf("format: %q is not one of %s", c.Format, strings.Join(Formats, ", ")))
	}
	if (c.Format == "regex") != (c.Pattern != "") {
		errs = append(errs, errors.New("pattern: format regex and a pattern go together"))
	}
	if len(c.Pattern) > maxPattern {
		errs = append(errs, fmt.Errorf("pattern: longer than %d bytes", maxPattern))
	} else if re, err := regexp.Compile(c.Pattern); err != nil {
		errs = append(errs, fmt.Errorf("pattern: %w", err))
	} else if c.Pattern != "" && !slices.ContainsFunc(re.SubexpNames(), func(s string) bool { return s != "" }) {
		errs = append(errs, errors.New("pattern: it has no named group such as (?P<message>.*)"))
	}
	return errors.Join(errs...)
}

const maxPattern = 4 << 10

// Parser reads lines of one format. It keeps nothing between lines and may be
// used by many at once.
type Parser struct {
	cfg     ParseConfig
	pattern *regexp.Regexp
}

// NewParser makes a parser.
func NewParser(cfg ParseConfig) (*Parser, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.Format = cmp.Or(cfg.Format, "auto")
	p := &Parser{cfg: cfg}
	switch cfg.Format {
	case "regex":
		p.pattern = regexp.MustCompile(cfg.Pattern)
	case "common":
		p.pattern = accessLog
	case "combined":
		p.pattern = accessLog
	}
	return p, nil
}

// Parse reads a line's text into l, whose fields from elsewhere stay. Text that
// is not of the format becomes the message; matched is false then. Text over
// MaxLine is not looked into.
func (p *Parser) Parse(text string, l *Line) (matched bool) {
	text = strings.ToValidUTF8(text, "\ufffd")
	l.Message = text
	if len(text) > MaxLine {
		l.Message, l.Cut = cut(text, MaxLine), true
		return false
	}
	switch p.cfg.Format {
	case "none":
		return true
	case "json":
		return p.json(text, l)
	case "logfmt":
		return p.logfmt(text, l, 1)
	case "regex":
		return p.regex(text, l)
	case "common", "combined":
		return p.access(text, l)
	}
	return p.auto(text, l)
}

// auto tries the formats that cannot be mistaken for another, and otherwise
// looks for a time and a level at the beginning of the text.
func (p *Parser) auto(text string, l *Line) bool {
	if strings.HasPrefix(text, "{") && p.json(text, l) {
		return true
	}
	if strings.Contains(text, `] "`) && p.access(text, l) {
		return true
	}
	if p.logfmt(text, l, 2) {
		return true
	}
	p.plain(text, l)
	return true
}

// role gives a named value its place; false sends it to the fields.
func (p *Parser) role(l *Line, key, value string) bool {
	switch strings.ToLower(key) {
	case "time", "timestamp", "ts", "@timestamp", "datetime":
		ms, ok := p.time(value)
		if ok && l.Time == 0 {
			l.Time = ms
		}
		return ok
	case "level", "lvl", "severity", "loglevel", "log.level", "levelname":
		if l.Level != "" && l.Level != value {
			return false
		}
		l.Level = value
	case "message", "msg":
		l.Message = value
	case "service", "service.name", "service_name":
		if l.Service != "" {
			return l.Service == value
		}
		l.Service = value
	case "model":
		if l.Model != "" {
			return l.Model == value
		}
		l.Model = value
	default:
		return false
	}
	return true
}

func (p *Parser) json(text string, l *Line) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil || len(members) == 0 {
		return false
	}
	if _, ok := first(members, "message", "msg"); !ok {
		if s, ok := first(members, "log", "text", "body", "event"); ok {
			l.Message = s
		} else {
			l.Message = text
		}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		raw := members[key]
		var s string
		isText := json.Unmarshal(raw, &s) == nil && raw[0] == '"'
		if !isText {
			s = string(raw)
		}
		if s == "null" && !isText {
			continue
		}
		if raw[0] != '{' && raw[0] != '[' && p.role(l, key, levelOfNumber(key, s, isText)) {
			continue
		}
		if isText && s == l.Message {
			continue
		}
		l.SetRaw(key, strings.ToValidUTF8(compactJSON(raw), "\ufffd"))
	}
	return true
}

func first(members map[string]json.RawMessage, keys ...string) (string, bool) {
	for _, k := range keys {
		var s string
		if raw, ok := members[k]; ok && json.Unmarshal(raw, &s) == nil {
			return s, true
		}
	}
	return "", false
}

// levelOfNumber names a level that is a number, as loggers that count in tens
// write it.
func levelOfNumber(key, s string, isText bool) string {
	if isText || !strings.EqualFold(key, "level") {
		return s
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return [...]string{"trace", "debug", "info", "warning", "error", "fatal"}[int(min(max(v, 10), 60))/10-1]
}

func compactJSON(raw json.RawMessage) string {
	b, err := json.Marshal(raw)
	if err != nil {
		return string(raw)
	}
	return string(b)
}

func (p *Parser) regex(text string, l *Line) bool {
	m := p.pattern.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	for i, key := range p.pattern.SubexpNames() {
		if key != "" && m[i] != "" && !p.role(l, key, m[i]) {
			p.value(l, key, m[i])
		}
	}
	return true
}

// value sets a field, as a number where it is one.
func (p *Parser) value(l *Line, key, value string) {
	if plainNumber(value) {
		l.SetRaw(key, value)
		return
	}
	l.Set(key, value)
}

// plainNumber tells a JSON number of a size that a float64 keeps. A number with
// a leading zero is an id.
func plainNumber(s string) bool {
	if s == "" || len(s) > 15 || !json.Valid([]byte(s)) {
		return false
	}
	return s[0] == '-' && len(s) > 1 || s[0]-'0' <= 9
}

// time reads a time in the configured layout, or in one of the usual ones.
func (p *Parser) time(s string) (int64, bool) {
	zone := p.cfg.Zone
	if zone == nil {
		zone = time.UTC
	}
	if p.cfg.TimeLayout != "" {
		t, err := time.ParseInLocation(p.cfg.TimeLayout, s, zone)
		return t.UnixMilli(), err == nil
	}
	return usualTime(s, zone)
}

func usualTime(s string, zone *time.Location) (int64, bool) {
	if len(s) > 64 {
		return 0, false
	}
	// A comma before the fraction is Python's and Java's.
	if ms, err := decode.ParseTime(strings.Replace(s, ",", ".", 1), zone); err == nil && ms != 0 {
		return ms, true
	}
	for _, layout := range [...]string{"02/Jan/2006:15:04:05 -0700", "2006/01/02 15:04:05", time.RFC1123Z, time.RFC1123, time.ANSIC, time.UnixDate} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}
