package syslog

import (
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/collect/logs"
)

// severities and facilities by their numbers, RFC 5424 section 6.2.1.
var (
	severities = [...]string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}
	facilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
)

// parse reads one message. What cannot be read stays in the message.
func parse(s string, now time.Time, zone *time.Location, l *logs.Line) {
	l.Message = s
	pri, rest, ok := priority(s)
	if !ok {
		return
	}
	l.Level = severities[pri&7]
	l.Set("facility", facilities[pri>>3])
	l.Message = rest
	if after, ok := strings.CutPrefix(rest, "1 "); ok && rfc5424(after, l) {
		return
	}
	rfc3164(rest, now, zone, l)
}

// priority reads <0> to <191>.
func priority(s string) (pri int, rest string, ok bool) {
	end := strings.IndexByte(s[:min(len(s), 5)], '>')
	if end < 2 || s[0] != '<' {
		return 0, "", false
	}
	pri, err := strconv.Atoi(s[1:end])
	return pri, s[end+1:], err == nil && pri >= 0 && pri < 192
}

// rfc5424 reads TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG].
func rfc5424(s string, l *logs.Line) bool {
	var words [5]string
	for i := range words {
		word, rest, ok := strings.Cut(s, " ")
		if !ok || word == "" {
			return false
		}
		words[i], s = word, rest
	}
	data := logs.Line{} // so that a half-read message leaves nothing
	s, ok := structured(s, &data)
	if !ok {
		return false
	}
	if words[0] != "-" {
		ms, err := decode.ParseTime(words[0], time.UTC)
		if err != nil {
			return false
		}
		l.Time = ms
	}
	if words[2] != "-" {
		l.Service = words[2]
	}
	for i, name := range [...]string{1: "host", 3: "process", 4: "message_id"} {
		if name != "" && words[i] != "-" {
			l.Set(name, words[i])
		}
	}
	for _, f := range data.Fields {
		l.SetRaw(f.Name, f.Raw)
	}
	l.Message = text(strings.TrimPrefix(s, " "))
	return true
}

// structured reads - or [id name="value" …]…, the fields id.name.
func structured(s string, l *logs.Line) (rest string, ok bool) {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return rest, rest == "" || rest[0] == ' '
	}
	if !strings.HasPrefix(s, "[") {
		return "", false
	}
	for strings.HasPrefix(s, "[") {
		end := strings.IndexAny(s, " ]")
		if end < 2 {
			return "", false
		}
		id := s[1:end]
		for s = s[end:]; strings.HasPrefix(s, " "); {
			name, value, found := strings.Cut(strings.TrimLeft(s, " "), `="`)
			if !found || len(name) > 64 {
				return "", false
			}
			text, n := quoted(value)
			if n < 0 {
				return "", false
			}
			l.Set(id+"."+name, text)
			s = value[n:]
		}
		if s, ok = strings.CutPrefix(s, "]"); !ok {
			return "", false
		}
	}
	return s, s == "" || s[0] == ' '
}

// quoted reads a value to its closing quote; \" \\ and \] stand for themselves.
func quoted(s string) (string, int) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\' || s[i+1] == ']'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", -1
}

// text drops the byte order mark, and the mark before JSON that some write.
func text(s string) string {
	return strings.TrimPrefix(strings.TrimPrefix(s, "\ufeff"), "@cee: ")
}

// rfc3164 reads [TIME] [HOST] TAG[PID]: MSG as far as it goes.
func rfc3164(s string, now time.Time, zone *time.Location, l *logs.Line) {
	at, rest, ok := oldTime(s, now, zone)
	if ok {
		l.Time = at
		if host, after, found := strings.Cut(rest, " "); found && !strings.ContainsAny(host, ":[") {
			l.Set("host", host)
			rest = after
		}
	}
	tag, after, found := strings.Cut(rest, ":")
	if name, pid, has := strings.Cut(tag, "["); found && isTag(name) {
		l.Service = name
		if pid, closed := strings.CutSuffix(pid, "]"); has && closed {
			l.Set("process", pid)
		}
		rest = strings.TrimPrefix(after, " ")
	}
	l.Message = text(rest)
}

func isTag(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@") == ""
}

// oldTime reads Jan _2 15:04:05, whose year is the one that brings it nearest
// to now, or an RFC 3339 time.
func oldTime(s string, now time.Time, zone *time.Location) (ms int64, rest string, ok bool) {
	if len(s) > 15 && s[15] == ' ' {
		if t, err := time.ParseInLocation("Jan _2 15:04:05", s[:15], zone); err == nil {
			year := now.In(zone).Year()
			best := t.AddDate(year, 0, 0)
			for _, y := range []int{year - 1, year + 1} {
				if other := t.AddDate(y, 0, 0); other.Sub(now).Abs() < best.Sub(now).Abs() {
					best = other
				}
			}
			return best.UnixMilli(), s[16:], true
		}
	}
	word, rest, found := strings.Cut(s, " ")
	if !found || len(word) < 19 || len(word) > 40 {
		return 0, s, false
	}
	ms, err := decode.ParseTime(word, zone)
	return ms, rest, err == nil
}
