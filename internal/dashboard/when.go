package dashboard

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Times of the API are read in many forms: unix milliseconds, unix seconds,
// RFC 3339, dates and times without a zone (read in the site's), and now-6h,
// now/d. Answers give RFC 3339 in the site's zone, the overview milliseconds.

const (
	minuteMS = int64(60_000)
	hourMS   = 60 * minuteMS
	dayMS    = 24 * hourMS
)

// The times that are taken: years 1 to 9999.
const (
	firstMS = -62_135_596_800_000
	lastMS  = 253_402_300_799_999
)

var errTime = errors.New("a time such as 2021-06-01, 2021-06-01T12:00:00Z, now-6h or unix milliseconds")

var naiveLayouts = []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// clock reads times.
type clock struct {
	now  time.Time
	zone *time.Location
}

// parse gives unix milliseconds. up rounds now/d to the end of its unit.
func (c clock) parse(text string, up bool) (int64, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "now") {
		return c.relative(text[3:], up)
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if math.Abs(n) < 1e11 { // seconds until the year 5138
			n *= 1000
		}
		return bounded(n)
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return bounded(float64(t.UnixMilli()))
	}
	for _, layout := range naiveLayouts {
		if t, err := time.ParseInLocation(layout, text, c.zone); err == nil {
			return bounded(float64(t.UnixMilli()))
		}
	}
	return 0, errTime
}

func bounded(ms float64) (int64, error) {
	if !(ms >= firstMS && ms <= lastMS) {
		return 0, errTime
	}
	return int64(ms), nil
}

var relativeForm = regexp.MustCompile(`^(?:([+-])([0-9a-zA-Z]+))?(?:/([mhdwM]))?$`)

func (c clock) relative(text string, up bool) (int64, error) {
	m := relativeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, errTime
	}
	t := c.now.In(c.zone)
	if m[2] != "" {
		s, err := parseStep(m[2])
		if err != nil {
			return 0, errTime
		}
		sign := 1
		if m[1] == "-" {
			sign = -1
		}
		t = t.AddDate(0, sign*s.months, sign*s.days).Add(time.Duration(sign) * s.fixed)
	}
	if m[3] != "" {
		s, _ := parseStep("1" + m[3])
		begin := s.floor(t.UnixMilli(), c.zone)
		if up {
			return bounded(float64(s.next(begin, c.zone)))
		}
		return bounded(float64(begin))
	}
	return bounded(float64(t.UnixMilli()))
}

// step is a length of time: fixed, or days or months of the site's calendar.
// Exactly one is set.
type step struct {
	fixed  time.Duration
	days   int
	months int
}

var stepPart = regexp.MustCompile(`^([0-9]+)(ms|[smhdwM])`)

// parseStep reads 1h, 1h30m, 7d, 1w, 1M.
func parseStep(text string) (step, error) {
	bad := fmt.Errorf("step %q is not a duration such as 1h, 1d, 1w or 1M", text)
	var s step
	for rest := text; rest != ""; {
		m := stepPart.FindStringSubmatch(rest)
		if m == nil {
			return step{}, bad
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 1_000_000_000 {
			return step{}, bad
		}
		rest = rest[len(m[0]):]
		switch m[2] {
		case "d":
			s.days += n
		case "w":
			s.days += 7 * n
		case "M":
			s.months += n
		default:
			unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]]
			s.fixed += time.Duration(n) * unit
		}
	}
	kinds := 0
	for _, set := range []bool{s.fixed > 0, s.days > 0, s.months > 0} {
		if set {
			kinds++
		}
	}
	if kinds == 2 && s.months == 0 { // 1d12h is 36 hours
		s.fixed, s.days, kinds = s.fixed+time.Duration(s.days)*24*time.Hour, 0, 1
	}
	if kinds != 1 || s.days > 1_000_000 || s.months > 100_000 || s.fixed > 1_000_000*time.Hour {
		return step{}, bad
	}
	return s, nil
}

// floor is the beginning of the step that holds ms. Weeks begin on Monday, and
// many days or months are counted from the first of January 1970.
func (s step) floor(ms int64, zone *time.Location) int64 {
	t := time.UnixMilli(ms).In(zone)
	switch {
	case s.months > 0:
		n := t.Year()*12 + int(t.Month()) - 1
		n -= mod(n-1970*12, s.months)
		return time.Date(n/12, time.Month(n%12+1), 1, 0, 0, 0, 0, zone).UnixMilli()
	case s.days > 0:
		day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).UnixMilli() / dayMS
		if s.days%7 == 0 {
			day -= int64(mod(int(day)+3, s.days)) // 1970-01-01 was a Thursday
		} else {
			day -= int64(mod(int(day), s.days))
		}
		y, m, d := time.UnixMilli(day * dayMS).UTC().Date()
		return time.Date(y, m, d, 0, 0, 0, 0, zone).UnixMilli()
	}
	return floorTo(ms, s.fixed.Milliseconds())
}

// next is the beginning of the step after the one that begins at ms.
func (s step) next(ms int64, zone *time.Location) int64 {
	t := time.UnixMilli(ms).In(zone)
	return t.AddDate(0, s.months, s.days).Add(s.fixed).UnixMilli()
}

func mod(a, b int) int { return ((a % b) + b) % b }

func floorTo(ms, width int64) int64 {
	r := ms % width
	if r < 0 {
		r += width
	}
	return ms - r
}

func ceilTo(ms, width int64) int64 { return floorTo(ms+width-1, width) }

// rfc3339 writes a time of an answer.
func (s *Server) rfc3339(ms int64) string {
	return time.UnixMilli(ms).In(s.cfg.Zone).Format(time.RFC3339Nano)
}

// chartSteps are what a chart may be cut by; each divides a day or is days.
var chartSteps = []int64{
	minuteMS, 2 * minuteMS, 5 * minuteMS, 10 * minuteMS, 15 * minuteMS, 20 * minuteMS, 30 * minuteMS,
	hourMS, 2 * hourMS, 3 * hourMS, 4 * hourMS, 6 * hourMS, 12 * hourMS, dayMS, 7 * dayMS,
}

// chartStep is the least step, not below least, that cuts a range into at most
// so many points.
func chartStep(length int64, points int, least int64) int64 {
	for _, w := range chartSteps {
		if w >= least && length/w+1 <= int64(points) {
			return w
		}
	}
	return ceilTo(length/int64(points-1)+1, 7*dayMS)
}
