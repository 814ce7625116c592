package model

import (
	"strings"
	"testing"
	"time"
)

func TestReferenceMoves(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) int64 {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixMilli()
	}
	// The clocks went forward on 29 March 2026.
	from, to := at("2026-03-30 12:00"), at("2026-03-30 13:00")
	for text, want := range map[string][2]int64{
		"previous":           {at("2026-03-30 11:00"), from},
		"1d":                 {at("2026-03-29 12:00"), at("2026-03-29 13:00")},
		"1w":                 {at("2026-03-23 12:00"), at("2026-03-23 13:00")},
		"24h":                {at("2026-03-29 12:00"), at("2026-03-29 13:00")},
		"48h":                {at("2026-03-28 11:00"), at("2026-03-28 12:00")},
		"90m":                {at("2026-03-30 10:30"), at("2026-03-30 11:30")},
		"yesterday":          {at("2026-03-29 00:00"), at("2026-03-30 00:00")},
		"same_day_last_week": {at("2026-03-23 00:00"), at("2026-03-24 00:00")},
		"version:2":          {from, to},
	} {
		ref, err := ParseReference(text)
		if err != nil {
			t.Fatal(err)
		}
		if ref.String() != text || !ref.Moves() {
			t.Errorf("%s: %+v", text, ref)
		}
		if r := ref.At(from, to, zone); r.From != want[0] || r.To != want[1] {
			t.Errorf("%s: %s to %s", text, time.UnixMilli(r.From).In(zone), time.UnixMilli(r.To).In(zone))
		}
	}
	for _, text := range []string{"", "range", "7", "0d", "1y", "-1d", "999999d", "tomorrow"} {
		if _, err := ParseReference(text); err == nil || !strings.Contains(err.Error(), "same_day_last_week") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"import", "first_day"} {
		if ref, err := ParseReference(text); err != nil || ref.Moves() || ref.String() != text {
			t.Errorf("%s: %+v %v", text, ref, err)
		}
	}
}

func TestReferenceIsDeclared(t *testing.T) {
	now := time.UnixMilli(1000)
	r, err := Open(Config{Dir: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	declare := func(text string) (Model, error) { return r.Declare("m", Declaration{Reference: &text}) }
	m, err := declare("7d")
	if err != nil || m.Reference != (Reference{Source: ReferenceEarlier, Back: "7d", Set: 1000}) {
		t.Fatalf("%+v %v", m.Reference, err)
	}
	now = time.UnixMilli(2000)
	if m, err = declare("7d"); err != nil || m.Reference.Set != 1000 {
		t.Errorf("the same again: %+v %v", m.Reference, err)
	}
	if m, err = declare("version:b"); err != nil || m.Reference.Version != "b" || m.Reference.Set != 2000 {
		t.Errorf("%+v %v", m.Reference, err)
	}
	if _, err = declare("nonsense"); err == nil {
		t.Error("nonsense was taken")
	}
	if m, err = declare(""); err != nil || m.Reference != (Reference{}) {
		t.Errorf("%+v %v", m.Reference, err)
	}
}
