package dashboard

import (
	"testing"
	"time"
)

func TestTimesAreReadInManyForms(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := clock{now: time.Date(2026, 3, 29, 12, 34, 56, 0, zone), zone: zone} // clocks went forward in the night
	for text, want := range map[string]string{
		"1774000000":                "2026-03-20T10:46:40+01:00",
		"1774000000.5":              "2026-03-20T10:46:40.5+01:00",
		"1774000000500":             "2026-03-20T10:46:40.5+01:00",
		"0":                         "1970-01-01T01:00:00+01:00",
		"-86400":                    "1969-12-31T01:00:00+01:00",
		"2026-03-20":                "2026-03-20T00:00:00+01:00",
		"2026-03-20 10:46:40":       "2026-03-20T10:46:40+01:00",
		"2026-03-20T10:46":          "2026-03-20T10:46:00+01:00",
		"2026-03-20T10:46:40Z":      "2026-03-20T11:46:40+01:00",
		"2026-03-20T10:46:40-05:00": "2026-03-20T16:46:40+01:00",
		"now":                       "2026-03-29T12:34:56+02:00",
		"now-6h":                    "2026-03-29T06:34:56+02:00",
		"now-1h30m":                 "2026-03-29T11:04:56+02:00",
		"now+1d":                    "2026-03-30T12:34:56+02:00",
		"now-1d":                    "2026-03-28T12:34:56+01:00", // a day of the calendar, 23 hours
		"now/d":                     "2026-03-29T00:00:00+01:00",
		"now-1M/M":                  "2026-03-01T00:00:00+01:00", // there is no 29th of February
		"now/w":                     "2026-03-23T00:00:00+01:00",
	} {
		got, err := c.parse(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if s := time.UnixMilli(got).In(zone).Format(time.RFC3339Nano); s != want {
			t.Errorf("%s is %s, want %s", text, s, want)
		}
	}
	if got, err := c.parse("now/d", true); err != nil || time.UnixMilli(got).In(zone).Format(time.RFC3339) != "2026-03-30T00:00:00+02:00" {
		t.Errorf("the end of the day is %v, %v", got, err)
	}
	for _, text := range []string{"", "yesterday", "now-", "now-6", "now-6x", "now/x", "2026-13-01", "1e300", "NaN", "inf", "now-999999999999999999h"} {
		if got, err := c.parse(text, false); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

func TestStepsAreCutInTheZone(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 29, 12, 34, 56, 0, zone).UnixMilli()
	for text, want := range map[string][2]string{
		"15m": {"2026-03-29T12:30:00+02:00", "2026-03-29T12:45:00+02:00"},
		"1h":  {"2026-03-29T12:00:00+02:00", "2026-03-29T13:00:00+02:00"},
		"1d":  {"2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		"1w":  {"2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		"1M":  {"2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
		"3M":  {"2026-01-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
		"12M": {"2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"},
	} {
		s, err := parseStep(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		from := s.floor(at, zone)
		to := s.next(from, zone)
		got := [2]string{time.UnixMilli(from).In(zone).Format(time.RFC3339), time.UnixMilli(to).In(zone).Format(time.RFC3339)}
		if got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
		if s.floor(to, zone) != to || s.floor(to-1, zone) != from {
			t.Errorf("%s: the steps do not meet at %s", text, got[1])
		}
	}
	for _, text := range []string{"", "0h", "1y", "h", "-1h", "1M1d", "1.5h", "99999999999h"} {
		if s, err := parseStep(text); err == nil {
			t.Errorf("%q is taken for %+v", text, s)
		}
	}
}

func TestChartStepBoundsThePoints(t *testing.T) {
	for _, length := range []int64{1, minuteMS, hourMS, 6 * hourMS, dayMS, 30 * dayMS, 365 * dayMS, maxRangeMS} {
		w := chartStep(length, chartPoints, minuteMS)
		if g := gridOf(12_345_678, 12_345_678+length, w); g.n < 1 || g.n > chartPoints+1 || w%minuteMS != 0 {
			t.Errorf("%d ms are cut into %d steps of %d", length, g.n, w)
		}
	}
}
