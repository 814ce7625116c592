package measure

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
)

// Segment is the profile of one "field=value".
type Segment struct {
	Name    string
	Profile *profile.Profile
}

// Field is the part of the name before the value.
func (s *Segment) Field() string {
	field, _, _ := strings.Cut(s.Name, "=")
	return field
}

// SegmentQuality is how one segment differs from all other rows.
type SegmentQuality struct {
	Name  string
	Value Value // in the segment
	Rest  Value // in all rows but the segment's
	Share float64
	// Difference is Value less Rest, with a 95 % interval and p-value; nil while
	// a side is below the minimum support.
	Difference *Difference
	// Significant is after Benjamini-Hochberg control over all segments.
	Significant bool
	// Impact is by how much the whole would be better if the segment were as
	// good as the rest: its share times what it is worse by.
	Impact float64
}

// Difference is of two numbers, the second taken from the first.
type Difference struct {
	Value, Low, High float64
	P                float64
}

// CutOptions say how segments are compared. The zero value is the usual way.
type CutOptions struct {
	Task     event.Task
	Metric   string // of SegmentMetrics; empty is the first
	Positive string // the positive class, for positive_rate
	Q        float64
	MinRows  int64
}

func (o CutOptions) withDefaults() CutOptions {
	o.Q = cmp.Or(o.Q, defaultQ)
	o.MinRows = cmp.Or(o.MinRows, int64(defaultMinRows))
	return o
}

// CompareSegments compares each segment with the rest of total, the worst
// first: those whose difference is significant before the others, and among
// them the one that takes most from the whole.
func CompareSegments(total *profile.Profile, segments []Segment, opt CutOptions) ([]SegmentQuality, error) {
	metric, err := findSplittable(opt.Metric, opt.Task)
	if err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	whole := metric.of(total, opt.Positive)
	out := make([]SegmentQuality, len(segments))
	ps := make([]float64, len(segments))
	for i := range segments {
		part := metric.of(segments[i].Profile, opt.Positive)
		out[i], ps[i] = compareSegment(part, whole.minus(part), opt.MinRows)
		out[i].Name = segments[i].Name
		if d := out[i].Difference; d != nil {
			out[i].Impact = out[i].Share * worseBy(d.Value, metric.higher)
		}
	}
	for i, significant := range BenjaminiHochberg(ps, opt.Q) {
		out[i].Significant = significant
	}
	slices.SortStableFunc(out, func(a, b SegmentQuality) int {
		if a.Significant != b.Significant {
			return cmp.Compare(boolean(b.Significant), boolean(a.Significant))
		}
		return cmp.Or(cmp.Compare(b.Impact, a.Impact), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func compareSegment(part, rest sums, minRows int64) (SegmentQuality, float64) {
	s := SegmentQuality{Value: part.value(), Rest: rest.value()}
	if all := part.n + rest.n; all > 0 {
		s.Share = float64(part.n) / float64(all)
	}
	if min(part.n, rest.n) < max(minRows, 1) {
		return s, math.NaN()
	}
	var d Difference
	d.Value, d.Low, d.High, d.P = differ(part, rest)
	s.Difference = &d
	return s, d.P
}

func worseBy(diff float64, higher bool) float64 {
	if higher {
		return -diff
	}
	return diff
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// SegmentShift is what one segment adds to the change of a metric from one
// period to another (Kitagawa 1955): Within by having become better or worse
// itself, Mix by having become a larger or smaller part of the rows.
type SegmentShift struct {
	Name                    string
	Before, After           Value
	ShareBefore, ShareAfter float64
	Within, Mix             float64
}

// Shift is the change of a metric and the segments of one field that carry it.
type Shift struct {
	Field         string
	Before, After Value
	Change        float64
	// Segments add up to Change; those that took most from the metric first. The
	// rows without a value of the field are the segment "field=".
	Segments []SegmentShift
}

// ShiftOf cuts the change of a metric from before to after by the segments of
// one field. ok is false when either period has no row to measure.
func ShiftOf(field string, before, after Cut, opt CutOptions) (s Shift, ok bool, err error) {
	metric, err := findSplittable(opt.Metric, opt.Task)
	if err != nil {
		return Shift{}, false, err
	}
	was, is := before.sums(field, metric, opt), after.sums(field, metric, opt)
	all0, all1 := was[""], is[""]
	if all0.n <= 0 || all1.n <= 0 {
		return Shift{}, false, nil
	}
	s = Shift{Field: field, Before: all0.value(), After: all1.value(), Change: all1.mean() - all0.mean()}
	middle := (all0.mean() + all1.mean()) / 2
	for name := range names(was, is) {
		s.Segments = append(s.Segments, shiftOf(name, [2]sums{was[name], all0}, [2]sums{is[name], all1}, middle))
	}
	slices.SortFunc(s.Segments, func(a, b SegmentShift) int {
		x, y := worseBy(a.Within+a.Mix, metric.higher), worseBy(b.Within+b.Mix, metric.higher)
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a.Name, b.Name))
	})
	return s, true, nil
}

// Cut is a period's profile and those of its segments.
type Cut struct {
	Total    *profile.Profile
	Segments []Segment
}

// sums are those of the field's segments by name; under "" that of all rows,
// under "field=" of those that no segment has.
func (c *Cut) sums(field string, metric splittable, opt CutOptions) map[string]sums {
	total := metric.of(orEmpty(c.Total), opt.Positive)
	out := map[string]sums{"": total}
	rest := total
	for i := range c.Segments {
		if s := &c.Segments[i]; s.Field() == field {
			part := metric.of(s.Profile, opt.Positive)
			out[s.Name] = part
			rest = rest.minus(part)
		}
	}
	if rest.n > 0 {
		out[field+"="] = rest
	}
	return out
}

func names(a, b map[string]sums) map[string]bool {
	all := map[string]bool{}
	for _, m := range []map[string]sums{a, b} {
		for name := range m {
			if name != "" {
				all[name] = true
			}
		}
	}
	return all
}

// shiftOf takes a segment and all rows of both periods. The mix is measured
// against the middle of both periods, so that a share moved between two equal
// segments counts for nothing.
func shiftOf(name string, was, is [2]sums, middle float64) SegmentShift {
	s := SegmentShift{Name: name, Before: was[0].value(), After: is[0].value()}
	s.ShareBefore = float64(was[0].n) / float64(was[1].n)
	s.ShareAfter = float64(is[0].n) / float64(is[1].n)
	m0, m1 := middle, middle
	switch {
	case was[0].n > 0 && is[0].n > 0:
		m0, m1 = was[0].mean(), is[0].mean()
	case was[0].n > 0: // gone: all of it is mix
		m0 = was[0].mean()
		m1 = m0
	case is[0].n > 0: // new
		m1 = is[0].mean()
		m0 = m1
	}
	s.Within = (m1 - m0) * (s.ShareBefore + s.ShareAfter) / 2
	s.Mix = (s.ShareAfter - s.ShareBefore) * ((m0+m1)/2 - middle)
	return s
}
