package decode

import (
	"bytes"
	"fmt"
)

// logRow reads a log line: what has a meaning goes to its column, and every
// other member, as it was written, to the line's attributes.
func (p *jsonRows) logRow(i int) int {
	p.attrBuf = append(p.attrBuf[:0], '{')
	if i = p.space(i + 1); p.peek(i) == '}' {
		return i + 1
	}
	seen := [roles]bool{}
	for {
		start := i
		name, at := p.key(i)
		if at < 0 {
			return at
		}
		r := logRole(string(name))
		key := p.buf[start : start+keyLen(p.buf[start:at])]
		var v value
		if i = p.read(at, &v); i < 0 {
			return i
		}
		if r == roleNone || seen[r] || !p.setLog(r, &v) {
			p.attr(key, p.buf[at:i])
		} else {
			seen[r] = true
		}
		var done bool
		if i, done = p.next(i, '}'); done {
			p.endLog()
			return i
		}
	}
}

// keyLen is the length of the quoted key at the start of b, whose end is
// followed by a colon and white space alone.
func keyLen(b []byte) int {
	return bytes.LastIndexByte(b, '"') + 1
}

func (p *jsonRows) attr(key, raw []byte) {
	if len(p.attrBuf) > 1 {
		p.attrBuf = append(p.attrBuf, ',')
	}
	p.attrBuf = append(append(append(p.attrBuf, key...), ':'), raw...)
}

func (p *jsonRows) endLog() {
	if len(p.attrBuf) <= 1 {
		return
	}
	if limit := p.o.Limits.LineBytes; len(p.attrBuf) >= limit {
		p.fault("", CodeTooLong, fmt.Sprintf("the attributes of a line are longer than %d bytes", limit))
		return
	}
	p.said = true
	p.rows.attrs.put(p.n, append(p.attrBuf, '}'))
}

// setLog puts a member that has a meaning. False sends it to the attributes:
// a value of another kind than the meaning has is kept there.
func (p *jsonRows) setLog(r role, v *value) bool {
	switch {
	case v.kind == isNull:
		return true
	case r == roleTime && v.kind == isNumber:
		p.setTime(unixNumber(v.num))
		return true
	case r == roleTime && v.kind == isString:
		p.setTime(p.clock.text(v.str))
		return true
	case r == roleLevel && v.kind == isNumber:
		p.level.put(p.n, []byte(numberedLevel(v.num)))
		return true
	case v.kind != isString:
		return false
	}
	switch r {
	case roleLevel:
		p.setName(&p.level, "level", levelName(v.str))
	case roleService:
		p.setName(&p.service, "service", v.str)
	case roleModel:
		p.setName(&p.model, "model", v.str)
	case roleMessage:
		p.setMessage(v.str)
	}
	return true
}

func (p *jsonRows) setMessage(s []byte) {
	if limit := p.o.Limits.LineBytes; len(s) > limit {
		s = truncate(s, limit)
		p.warn("message", CodeTruncated, fmt.Sprintf("cut to %d bytes", limit))
	}
	p.said = p.said || len(s) > 0
	p.message.put(p.n, s)
}

// levelName writes a level as the archive does, so that a search by level finds
// the lines of every logger.
func levelName(s []byte) []byte {
	s = bytes.ToLower(bytes.TrimSpace(s))
	switch string(s) {
	case "warn":
		return []byte("warning")
	case "err":
		return []byte("error")
	case "crit":
		return []byte("critical")
	}
	return s
}

// numberedLevel is the scale of the loggers that count in tens.
func numberedLevel(v float64) string {
	names := [...]string{"trace", "debug", "info", "warning", "error", "fatal"}
	i := int(min(max(v, 10), 60))/10 - 1
	return names[i]
}
