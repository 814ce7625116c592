package model

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ReferenceSource says where a model's reference comes from.
type ReferenceSource string

// The sources of a reference. The first four are rows that stay the same; the
// others move with the rows that are compared with them.
const (
	ReferenceNone     ReferenceSource = ""
	ReferenceImport   ReferenceSource = "import"    // rows sent as reference
	ReferenceRange    ReferenceSource = "range"     // a time range of production
	ReferenceFirstDay ReferenceSource = "first_day" // the model's first 24 hours

	ReferencePrevious  ReferenceSource = "previous"           // as much time just before
	ReferenceEarlier   ReferenceSource = "earlier"            // the same time, Back before
	ReferenceYesterday ReferenceSource = "yesterday"          // the whole day before the one in which the compared rows begin
	ReferenceLastWeek  ReferenceSource = "same_day_last_week" // the same, seven days before
	ReferenceVersion   ReferenceSource = "version"            // what another version did in the same time
)

// Reference is what drift is measured against.
type Reference struct {
	Source  ReferenceSource `json:"source"`
	From    int64           `json:"from,omitempty"` // unix ms, of a range
	To      int64           `json:"to,omitempty"`
	Back    string          `json:"back,omitempty"`    // of an earlier time: 1d, 7d, 12h
	Version string          `json:"version,omitempty"` // of another version
	Set     int64           `json:"set,omitempty"`     // when it was chosen, unix ms
}

// Moves tells that the reference depends on the time of what is compared.
func (r Reference) Moves() bool {
	switch r.Source {
	case ReferencePrevious, ReferenceEarlier, ReferenceYesterday, ReferenceLastWeek, ReferenceVersion:
		return true
	}
	return false
}

// At is the reference with its range, for rows in [from, to). Days are those
// of the zone.
func (r Reference) At(from, to int64, zone *time.Location) Reference {
	switch r.Source {
	case ReferencePrevious:
		r.From, r.To = from-(to-from), from
	case ReferenceEarlier:
		days, fixed, err := parseBack(r.Back)
		if err != nil {
			return Reference{} // a file that was changed by hand: no reference
		}
		r.From, r.To = before(from, days, fixed, zone), before(to, days, fixed, zone)
	case ReferenceYesterday:
		r.From, r.To = dayBefore(from, 1, zone)
	case ReferenceLastWeek:
		r.From, r.To = dayBefore(from, 7, zone)
	case ReferenceVersion:
		r.From, r.To = from, to
	}
	return r
}

func before(ms int64, days int, fixed time.Duration, zone *time.Location) int64 {
	return time.UnixMilli(ms).In(zone).AddDate(0, 0, -days).Add(-fixed).UnixMilli()
}

func dayBefore(ms int64, days int, zone *time.Location) (from, to int64) {
	y, m, d := time.UnixMilli(ms).In(zone).Date()
	return time.Date(y, m, d-days, 0, 0, 0, 0, zone).UnixMilli(), time.Date(y, m, d-days+1, 0, 0, 0, 0, zone).UnixMilli()
}

// String is the text that ParseReference reads, but for a range, whose times
// depend on who reads them.
func (r Reference) String() string {
	switch r.Source {
	case ReferenceEarlier:
		return r.Back
	case ReferenceVersion:
		return "version:" + r.Version
	}
	return string(r.Source)
}

var errReference = errors.New("import, first_day, previous, yesterday, same_day_last_week, a time before such as 1d, 7d or 12h, or version:NAME")

// ParseReference reads the name of a reference: import, first_day, previous,
// yesterday, same_day_last_week, version:NAME, or how long before, such as 7d.
func ParseReference(text string) (Reference, error) {
	if name, ok := strings.CutPrefix(text, "version:"); ok {
		return Reference{Source: ReferenceVersion, Version: name}, nil
	}
	switch s := ReferenceSource(text); s {
	case ReferenceImport, ReferenceFirstDay, ReferencePrevious, ReferenceYesterday, ReferenceLastWeek:
		return Reference{Source: s}, nil
	}
	if _, _, err := parseBack(text); err != nil {
		return Reference{}, fmt.Errorf("reference %.100q is not %w", text, errReference)
	}
	return Reference{Source: ReferenceEarlier, Back: text}, nil
}

var backForm = regexp.MustCompile(`^([1-9][0-9]{0,4})([mhdw])$`)

// parseBack reads 30m, 12h, 7d or 1w: days of the calendar, or a fixed time.
func parseBack(text string) (days int, fixed time.Duration, err error) {
	m := backForm.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, fmt.Errorf("%q is not a time such as 1d, 7d or 12h", text)
	}
	n, _ := strconv.Atoi(m[1]) // the form has at most five digits
	switch m[2] {
	case "d":
		return n, 0, nil
	case "w":
		return 7 * n, 0, nil
	case "h":
		return 0, time.Duration(n) * time.Hour, nil
	}
	return 0, time.Duration(n) * time.Minute, nil
}

// declareReference chooses a reference by its name.
func (m *Model) declareReference(text *string, now time.Time) error {
	if text == nil {
		return nil
	}
	if *text == "" {
		m.Reference = Reference{}
		return nil
	}
	ref, err := ParseReference(*text)
	if err != nil {
		return err
	}
	ref.Set = m.Reference.Set
	if ref != m.Reference { // a file says the same at each start
		ref.Set = now.UnixMilli()
		m.Reference = ref
	}
	return nil
}
