package decode

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// The setters of the row in hand, for the formats that come row by row.

func (b *rows) setID(s []byte) {
	if len(s) == 0 {
		return
	}
	if len(s) > b.o.Limits.IDBytes {
		b.fault("id", CodeTooLong, fmt.Sprintf("longer than %d bytes", b.o.Limits.IDBytes))
		return
	}
	b.hasID = true
	b.id.put(b.n, s)
}

func (b *rows) setTime(ms int64, err error) {
	if err != nil {
		b.fault("time", CodeTime, err.Error())
		return
	}
	b.at = ms
}

// setName puts a short string: a version, a segment, a level.
func (b *rows) setName(c *catCol, field string, s []byte) {
	if s = cleanBytes(s); len(s) == 0 {
		return
	}
	if len(s) > b.o.Limits.String {
		b.fault(field, CodeTooLong, fmt.Sprintf("longer than %d bytes", b.o.Limits.String))
		return
	}
	c.put(b.n, s)
}

// setError puts what failed; too long a text is cut, since the row matters more.
func (b *rows) setError(s []byte) {
	if len(s) == 0 {
		return
	}
	if limit := b.o.Limits.String; len(s) > limit {
		s = truncate(s, limit)
		b.warn("error", CodeTruncated, fmt.Sprintf("cut to %d bytes", limit))
	}
	b.said = true
	b.failed.put(b.n, s)
}

// truncate cuts at a rune's border.
func truncate(s []byte, limit int) []byte {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// setScore puts a probability.
func (b *rows) setScore(c *numCol, field string, v float64) {
	if !(v >= 0 && v <= 1) {
		b.fault(field, CodeRange, "a score is a probability from 0 to 1")
		return
	}
	b.said = true
	c.put(b.n, v)
}

func (b *rows) setLatency(v float64) {
	if !(v >= 0) || math.IsInf(v, 0) {
		b.fault("latency_ms", CodeRange, "a latency is a number of milliseconds from 0")
		return
	}
	b.said = true
	b.latency.put(b.n, v)
}

func (b *rows) setScalarNum(c *scalarCol, field string, v float64) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		b.fault(field, CodeRange, "not a finite number")
		return
	}
	c.putNum(b.n, v)
	b.scalarSet(c)
}

func (b *rows) setScalarText(c *scalarCol, field string, s []byte) {
	if s = cleanBytes(s); len(s) == 0 {
		return
	}
	if len(s) > b.o.Limits.String {
		b.fault(field, CodeTooLong, fmt.Sprintf("longer than %d bytes", b.o.Limits.String))
		return
	}
	c.putString(b.n, s)
	b.scalarSet(c)
}

func (b *rows) scalarSet(c *scalarCol) {
	b.said = true
	b.hasLabel = b.hasLabel || c == &b.label
}
