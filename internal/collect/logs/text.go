package logs

import (
	"regexp"
	"strings"
	"time"
)

// Level writes a level as the archive keeps it.
func Level(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "warn", "wrn", "w":
		return "warning"
	case "err", "eror", "severe", "e":
		return "error"
	case "crit":
		return "critical"
	case "emerg":
		return "emergency"
	case "information", "informational", "inf", "i":
		return "info"
	case "dbg", "d":
		return "debug"
	case "ftl":
		return "fatal"
	}
	return name(s)
}

// words are the levels that are looked for in plain text, in capitals or in
// brackets.
var words = map[string]bool{
	"TRACE": true, "DEBUG": true, "INFO": true, "NOTICE": true, "WARN": true, "WARNING": true, "ERROR": true,
	"ERR": true, "CRITICAL": true, "CRIT": true, "FATAL": true, "PANIC": true, "ALERT": true, "EMERG": true, "SEVERE": true,
}

// plain looks for a time at the very beginning and a level among the first
// words of a text. The message stays the whole text.
func (p *Parser) plain(text string, l *Line) {
	head := text[:min(len(text), 200)]
	if i := strings.IndexByte(head, '\n'); i >= 0 {
		head = head[:i]
	}
	if l.Time == 0 {
		l.Time = p.leading(head)
	}
	if l.Level != "" {
		return
	}
	for i, word := range strings.Fields(head) {
		if i == 8 {
			return
		}
		bare := strings.Trim(word, "[]<>():|,-")
		bracketed := len(bare)+2 <= len(word) && (word[0] == '[' || word[0] == '<' || word[0] == '(')
		if words[bare] || bracketed && words[strings.ToUpper(bare)] {
			l.Level = Level(bare)
			return
		}
	}
}

// leading reads a time from the first one, two or three words; 0 is none.
func (p *Parser) leading(head string) int64 {
	rest, end := head, 0
	for range 6 { // "Mon Jan _2 15:04:05 2006" has the most words
		n := strings.IndexByte(rest, ' ')
		if n < 0 {
			n = len(rest)
		}
		end += n
		if s := strings.Trim(head[:end], "[]"); len(s) >= 10 {
			if ms, ok := p.time(strings.TrimSuffix(s, ":")); ok && !isNumber(s) {
				longer := head[:end]
				return p.withClock(longer, head, ms)
			}
		}
		if end >= len(head) {
			return 0
		}
		end++
		rest = head[end:]
	}
	return 0
}

// withClock reads on when the day alone was a time already.
func (p *Parser) withClock(day, head string, ms int64) int64 {
	if len(strings.Trim(day, "[]")) != 10 || len(head) <= len(day) {
		return ms
	}
	rest, _, _ := strings.Cut(head[len(day)+1:], " ")
	if at, ok := p.time(strings.Trim(day+" "+rest, "[]")); ok {
		return at
	}
	return ms
}

func isNumber(s string) bool {
	return strings.Trim(s, "0123456789.") == ""
}

// logfmt reads key=value pairs. At least so many must stand there, and nothing
// else may, but for words without a value.
func (p *Parser) logfmt(text string, l *Line, least int) bool {
	type pair struct{ key, value string }
	var pairs []pair
	rest := strings.TrimSpace(text)
	for rest != "" {
		key, value, after, ok := logfmtPair(rest)
		if !ok || len(pairs) > MaxFields {
			return false
		}
		pairs, rest = append(pairs, pair{key, value}), strings.TrimLeft(after, " \t")
	}
	if len(pairs) < least {
		return false
	}
	for _, kv := range pairs {
		if !p.role(l, kv.key, kv.value) {
			p.value(l, kv.key, kv.value)
		}
	}
	return true
}

// logfmtPair reads one pair at the beginning of s.
func logfmtPair(s string) (key, value, rest string, ok bool) {
	i := 0
	for i < len(s) && isKey(s[i]) {
		i++
	}
	if i == 0 || i > maxName || i == len(s) || s[i] != '=' {
		return "", "", "", false
	}
	key, s = s[:i], s[i+1:]
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t\"")
		switch {
		case end < 0:
			return key, s, "", true
		case s[end] == '"':
			return "", "", "", false
		}
		return key, s[:end], s[end:], true
	}
	value, n, ok := unquote(s)
	if !ok || n < len(s) && s[n] != ' ' && s[n] != '\t' {
		return "", "", "", false
	}
	return key, value, s[n:], true
}

func isKey(c byte) bool {
	return c|0x20-'a' <= 25 || c-'0' <= 9 || c == '_' || c == '.' || c == '-' || c == '/' || c == '@' || c >= 0x80
}

// unquote reads a quoted text with backslashes at the beginning of s, and tells
// how long it is there.
func unquote(s string) (value string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1, true
		case '\\':
			if i++; i == len(s) {
				return "", 0, false
			}
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			default:
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, false
}

// accessLog is the common log format, and the combined one with referer and
// agent; what a server adds after them, such as nginx's request time, follows.
var accessLog = regexp.MustCompile(`^(\S+) (\S+) (\S+) \[([^\]]{10,40})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(?: ([\d.]+))?`)

func (p *Parser) access(text string, l *Line) bool {
	m := accessLog.FindStringSubmatch(text)
	if m == nil || p.cfg.Format == "combined" && m[9] == "" {
		return false
	}
	ms, ok := p.time(m[4])
	if !ok {
		ms, ok = usualTime(m[4], time.UTC)
	}
	if !ok {
		return false
	}
	l.Time, l.Level = ms, "info"
	switch m[6][0] {
	case '4':
		l.Level = "warning"
	case '5':
		l.Level = "error"
	}
	set := func(key, value string) {
		if value != "" && value != "-" {
			l.Set(key, value)
		}
	}
	set("remote_addr", m[1])
	set("user", m[3])
	if request := strings.Fields(m[5]); len(request) == 3 {
		set("method", request[0])
		set("path", request[1])
		set("protocol", request[2])
	}
	for i, key := range [...]string{6: "status", 7: "bytes", 10: "request_time"} {
		if key != "" && plainNumber(m[i]) {
			l.SetRaw(key, m[i])
		}
	}
	set("referer", m[8])
	set("user_agent", m[9])
	return true
}
