package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// durationUnits, longest first. A year is 365 days; all are of fixed length.
var durationUnits = [...]struct {
	name string
	unit time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour},
	{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// ParseDuration reads durations such as 30d, 2y, 1h30m, 1.5h and 250ms: one or
// more numbers with units, longest unit first, each once. 0 needs no unit.
func ParseDuration(text string) (time.Duration, error) {
	wrong := func() error {
		return fmt.Errorf("%q is not a duration such as 30s, 10m, 1h30m, 7d or 2y", text)
	}
	if text == "0" {
		return 0, nil
	}
	rest, next, total := text, 0, 0.0
	for rest != "" {
		number, unit, tail := cutNumber(rest)
		i := next
		for i < len(durationUnits) && durationUnits[i].name != unit {
			i++
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil || i == len(durationUnits) {
			return 0, wrong()
		}
		total += value * float64(durationUnits[i].unit)
		rest, next = tail, i+1
	}
	if text == "" || total > float64(100*365*24*time.Hour) {
		return 0, wrong()
	}
	return time.Duration(math.Round(total)), nil
}

// cutNumber splits "1h30m" into "1", "h", "30m".
func cutNumber(s string) (number, unit, rest string) {
	digit := func(r rune) bool { return (r >= '0' && r <= '9') || r == '.' }
	i := strings.IndexFunc(s, func(r rune) bool { return !digit(r) })
	if i < 0 {
		return s, "", ""
	}
	j := strings.IndexFunc(s[i:], digit)
	if j < 0 {
		return s[:i], s[i:], ""
	}
	return s[:i], s[i : i+j], s[i+j:]
}

// FormatDuration writes what ParseDuration reads, as short as it goes.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0"
	}
	var b strings.Builder
	for _, u := range durationUnits {
		if u.name == "w" && d%u.unit != 0 {
			continue // 15d reads better than 2w1d
		}
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.unit
		}
	}
	return b.String()
}

var sizeUnits = [...]struct {
	name string
	unit float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// ParseSize reads a number of bytes: 67108864, 64MiB, 1.5 GB.
func ParseSize(text string) (int64, error) {
	number, unit := text, 1.0
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = strings.TrimRight(rest, " "), u.unit
			break
		}
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(number, "_", ""), 64)
	bytes := value * unit
	if err != nil || strings.Trim(number, "0123456789._") != "" || bytes != math.Trunc(bytes) || bytes > 1<<60 {
		return 0, fmt.Errorf("%q is not a size such as 512KiB, 64MiB or 20GiB", text)
	}
	return int64(bytes), nil
}

// FormatSize writes what ParseSize reads, in the largest unit that divides it.
func FormatSize(n int64) string {
	for _, u := range sizeUnits[:4] {
		if unit := int64(u.unit); n >= unit && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
