package decode

import (
	"errors"
	"math"
	"strconv"
	"time"
)

var errTime = errors.New("this is not an RFC 3339 time, nor a number of seconds or milliseconds since 1970")

// clock reads times. It remembers the last date, since the rows of a body
// mostly share it.
type clock struct {
	zone *time.Location
	date [10]byte
	day  int64 // of date, unix ms
}

// ParseTime reads one time in any of the forms that rows may use, as unix ms.
// A nil zone is UTC.
func ParseTime(s string, zone *time.Location) (int64, error) {
	if zone == nil {
		zone = time.UTC
	}
	c := clock{zone: zone}
	return c.text([]byte(s))
}

// text reads 2021-06-01T12:30:00Z, with any offset or none, a fraction, a space
// for the T, the date alone, or a number.
func (c *clock) text(s []byte) (int64, error) {
	if len(s) < 10 || s[4] != '-' {
		v, err := strconv.ParseFloat(string(s), 64)
		if err != nil {
			return 0, errTime
		}
		return unixNumber(v)
	}
	if string(s[:10]) != string(c.date[:]) {
		if err := c.setDate(s); err != nil {
			return 0, err
		}
	}
	ms, rest, ok := timeOfDay(s[10:])
	if !ok {
		return 0, errTime
	}
	offset, naive, ok := zoneOffset(rest)
	if !ok {
		return 0, errTime
	}
	at := c.day + ms - offset
	if naive && c.zone != time.UTC {
		at = inZone(at, c.zone)
	}
	return at, nil
}

// inZone is the instant at which the zone's clocks show what UTC's show at ms.
func inZone(ms int64, zone *time.Location) int64 {
	t := time.UnixMilli(ms).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMilli()
}

func (c *clock) setDate(s []byte) error {
	y1, ok1 := two(s, 0)
	y2, ok2 := two(s, 2)
	m, ok3 := two(s, 5)
	d, ok4 := two(s, 8)
	if !(ok1 && ok2 && ok3 && ok4) || s[7] != '-' {
		return errTime
	}
	t := time.Date(y1*100+y2, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if int(t.Month()) != m || t.Day() != d {
		return errors.New("there is no such day")
	}
	copy(c.date[:], s)
	c.day = t.UnixMilli()
	return nil
}

func two(s []byte, i int) (int, bool) {
	if i+2 > len(s) {
		return 0, false
	}
	a, b := s[i]-'0', s[i+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// timeOfDay reads T15:04[:05[.999]]; nothing is midnight.
func timeOfDay(s []byte) (ms int64, rest []byte, ok bool) {
	if len(s) == 0 {
		return 0, nil, true
	}
	h, okh := two(s, 1)
	m, okm := two(s, 4)
	if !okh || !okm || s[0] != 'T' && s[0] != ' ' && s[0] != 't' || s[3] != ':' || h > 23 || m > 59 {
		return 0, nil, false
	}
	ms, rest = int64(h)*3600_000+int64(m)*60_000, s[6:]
	if len(rest) == 0 || rest[0] != ':' {
		return ms, rest, true
	}
	sec, oks := two(rest, 1)
	if !oks || sec > 59 {
		return 0, nil, false
	}
	ms, rest = ms+int64(sec)*1000, rest[3:]
	if len(rest) == 0 || rest[0] != '.' {
		return ms, rest, true
	}
	i, unit := 1, int64(100)
	for ; i < len(rest) && rest[i]-'0' <= 9; i++ {
		ms += int64(rest[i]-'0') * unit
		unit /= 10
	}
	return ms, rest[i:], i > 1
}

// zoneOffset reads Z, +08:00, +0800, +08 or nothing.
func zoneOffset(s []byte) (ms int64, naive, ok bool) {
	if len(s) > 1 && s[0] == ' ' {
		s = s[1:]
	}
	switch {
	case len(s) == 0:
		return 0, true, true
	case len(s) == 1 && (s[0] == 'Z' || s[0] == 'z'), string(s) == "UTC":
		return 0, false, true
	case s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	h, ok := two(s, 1)
	m := 0
	switch rest := s[min(3, len(s)):]; {
	case len(rest) == 0:
	case rest[0] == ':' && len(rest) == 3:
		m, ok = two(rest, 1)
	case len(rest) == 2:
		m, ok = two(rest, 0)
	default:
		return 0, false, false
	}
	ms = int64(h)*3600_000 + int64(m)*60_000
	if s[0] == '-' {
		ms = -ms
	}
	return ms, false, ok && h < 24 && m < 60
}

// unixNumber tells seconds, milli-, micro- and nanoseconds apart by size: the
// borders are 5138 AD in seconds and 1973 in the next unit.
func unixNumber(v float64) (int64, error) {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || a >= 1e20:
		return 0, errTime
	case a < 1e11:
		return int64(math.Round(v * 1e3)), nil // 1.6e9 seconds as a float64 are good to 0.2 µs
	case a < 1e14:
		return int64(math.Floor(v)), nil
	case a < 1e17:
		return int64(math.Floor(v / 1e3)), nil
	default:
		return int64(math.Floor(v / 1e6)), nil
	}
}
