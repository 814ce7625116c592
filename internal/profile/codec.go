package profile

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// version is the first byte. Whoever raises it keeps reading the ones before,
// and a fixture of each.
const version = 1

// ErrMalformed is the class of every decoding error.
var ErrMalformed = errors.New("malformed profile")

// Parts of a profile that are there, as bits.
const (
	hasLatency = 1 << iota
	hasScores
	hasClasses
	hasValues
	hasQuality
	hasFeatures
	hasDecided
)

// AppendTo appends the profile's bytes. Profiles that hold the same give the
// same bytes, however they came about, but for the rounding of moments.
func (p *Profile) AppendTo(dst []byte) []byte {
	w := writer{append(dst, version)}
	parts := p.partBits()
	w.byte(parts)
	for _, n := range []int64{p.Predictions, p.Errors, p.NoPrediction, p.Duplicates, p.FirstTime, p.LastTime - p.FirstTime, p.Arrived - p.LastTime} {
		w.varint(n)
	}
	if p.Latency != nil {
		w.latency(p.Latency)
	}
	if p.Scores != nil {
		w.scores(p.Scores)
	}
	if p.Classes != nil {
		w.categories(p.Classes)
	}
	if p.Values != nil {
		w.numeric(p.Values)
	}
	if parts&hasQuality != 0 {
		w.quality(p.Quality)
	}
	if p.Features != nil {
		w.features(p.Features)
	}
	if p.Decided != nil {
		w.decided(p.Decided)
	}
	return w.b
}

func (p *Profile) partBits() byte {
	return flag(p.Latency != nil, hasLatency) | flag(p.Scores != nil, hasScores) |
		flag(p.Classes != nil, hasClasses) | flag(p.Values != nil, hasValues) |
		flag(p.Quality != nil && !p.Quality.isEmpty(), hasQuality) | flag(p.Features != nil, hasFeatures) |
		flag(p.Decided != nil, hasDecided)
}

// Decode reads what AppendTo wrote; the profile shares no memory with b. Any
// bytes give a profile that is safe to read and merge, or an error of class
// ErrMalformed.
func Decode(b []byte) (*Profile, error) {
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != version {
		return nil, unknownVersion(v)
	}
	p := r.profile()
	if r.err == nil && r.left() > 0 {
		r.fail("%d bytes after the end", r.left())
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

// Peek reads the counts and times alone of what AppendTo wrote, which costs
// nothing beside Decode; the profile has no parts.
func Peek(b []byte) (*Profile, error) {
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != version {
		return nil, unknownVersion(v)
	}
	p, _ := r.head()
	return p, r.err
}

func unknownVersion(v byte) error {
	return fmt.Errorf("%w: version %d is not known here, the newest is %d", ErrMalformed, v, version)
}

// head is what comes before the parts, and which of them follow.
func (r *reader) head() (p *Profile, bits byte) {
	if bits = r.byte(); bits&^(hasDecided<<1-1) != 0 {
		r.fail("unknown parts %#x", bits)
	}
	p = &Profile{Predictions: r.count(), Errors: r.count(), NoPrediction: r.count(), Duplicates: r.count(), FirstTime: r.varint()}
	p.LastTime = p.FirstTime + r.varint()
	p.Arrived = p.LastTime + r.varint()
	return p, bits
}

func (r *reader) profile() *Profile {
	p, bits := r.head()
	if bits&hasLatency != 0 {
		p.Latency = r.latency()
	}
	if bits&hasScores != 0 {
		p.Scores = r.scores(ofScores)
	}
	if bits&hasClasses != 0 {
		p.Classes = r.categories()
	}
	if bits&hasValues != 0 {
		p.Values = r.numeric()
	}
	if bits&hasQuality != 0 {
		p.Quality = r.quality()
	}
	if bits&hasFeatures != 0 {
		p.Features = r.features()
	}
	if bits&hasDecided != 0 {
		p.Decided = r.decided(p.Scores)
	}
	return p
}

func (w *writer) features(features map[string]*Feature) {
	w.uvarint(uint64(len(features)))
	for _, name := range slices.Sorted(maps.Keys(features)) {
		f := features[name]
		w.string(name)
		w.varint(f.Rows)
		w.byte(flag(f.Num != nil, 1) | flag(f.Cat != nil, 2))
		if f.Num != nil {
			w.numeric(f.Num)
		}
		if f.Cat != nil {
			w.categories(f.Cat)
		}
	}
}

func (r *reader) features() map[string]*Feature {
	n := r.length(3)
	out := make(map[string]*Feature, n)
	last := ""
	for i := range n {
		name := r.string()
		if i > 0 && name <= last {
			r.fail("features out of order")
			return nil
		}
		last = name
		f := &Feature{Rows: r.count()}
		kinds := r.byte()
		if kinds > 3 {
			r.fail("feature of kinds %d", kinds)
		}
		if kinds&1 != 0 {
			f.Num = r.numeric()
		}
		if kinds&2 != 0 {
			f.Cat = r.categories()
		}
		if r.err != nil {
			return nil
		}
		out[name] = f
	}
	return out
}

func (w *writer) latency(l *Latency) {
	w.varint(l.Invalid)
	w.cells(l.cells)
	if l.N > 0 {
		w.float(l.Sum)
		w.float(l.Min)
		w.float(l.Max)
	}
}

func (r *reader) latency() *Latency {
	l := &Latency{Invalid: r.count(), cells: r.numberCells()}
	l.N = totalOf(l.cells)
	if l.N > 0 {
		l.Sum, l.Min, l.Max = r.float(), r.float(), r.float()
		if !(l.Min <= l.Max && l.Min >= 0) || l.Sum != l.Sum {
			r.fail("latency of %v to %v", l.Min, l.Max)
		}
	}
	return l
}

func (w *writer) categories(c *Categories) {
	w.varint(c.Other)
	w.uvarint(uint64(len(c.Counts)))
	for _, value := range slices.Sorted(maps.Keys(c.Counts)) {
		w.string(value)
		w.varint(c.Counts[value])
	}
}

func (r *reader) categories() *Categories {
	c := &Categories{Other: r.count()}
	c.N = c.Other
	n := r.length(2)
	if n > MaxCategories {
		r.fail("%d categories", n)
		return c
	}
	c.Counts = make(map[string]int64, n)
	last := ""
	for i := range n {
		value, count := r.string(), r.count()
		if i > 0 && value <= last || count == 0 {
			r.fail("categories out of order or empty")
		}
		if r.err != nil {
			return c
		}
		last, c.Counts[value] = value, count
		c.N = r.sum(c.N, count)
	}
	return c
}

func (w *writer) numeric(x *Numeric) {
	for _, n := range []int64{x.NaN, x.PosInf, x.NegInf} {
		w.varint(n)
	}
	w.uvarint(uint64(len(x.parts)))
	for i := range x.parts {
		p := &x.parts[i]
		w.uvarint(uint64(p.epoch))
		w.float(p.centre)
		w.byte(flag(p.integral, 1) | flag(p.gridded(), 2))
		if p.gridded() {
			w.cells(p.cells)
		} else {
			w.values(p.values)
		}
	}
	if x.N > 0 {
		for _, v := range []float64{x.Min, x.Max, x.moments.mean, x.moments.meanLo, x.moments.m2} {
			w.float(v)
		}
	}
}

func (r *reader) numeric() *Numeric {
	x := &Numeric{NaN: r.count(), PosInf: r.count(), NegInf: r.count()}
	n := r.length(12)
	for i := range n {
		p := r.part()
		if r.err != nil {
			return x
		}
		if i > 0 && comparePlace(&x.parts[i-1], &p) >= 0 {
			r.fail("parts out of order")
		}
		x.parts = append(x.parts, p)
		x.N = r.sum(x.N, p.n())
	}
	if x.N == 0 {
		return x
	}
	x.Min, x.Max = r.float(), r.float()
	x.moments = moments{n: x.N, mean: r.float(), meanLo: r.float(), m2: r.float()}
	if m := x.moments; !(x.Min <= x.Max) || !finite(x.Min) || !finite(x.Max) || !finite(m.mean) || !finite(m.meanLo) || !(m.m2 >= 0) {
		r.fail("moments")
	}
	return x
}

func (r *reader) part() part {
	p := part{epoch: uint32(r.limited(math.MaxUint32)), centre: r.float()}
	if !finite(p.centre) || p.epoch == 0 && p.centre != 0 {
		r.fail("centre %v of epoch %d", p.centre, p.epoch)
	}
	flags := r.byte()
	if flags > 3 {
		r.fail("part of kind %d", flags)
	}
	p.integral = flags&1 != 0
	if flags&2 != 0 {
		p.cells = r.numberCells()
	} else {
		p.values = r.values()
	}
	if r.err == nil && len(p.cells)+len(p.values) == 0 {
		r.fail("part without values")
	}
	return p
}

func (w *writer) scores(s *ScoreSet) {
	s.settle()
	w.byte(flag(s.gridded, 1))
	if s.gridded {
		w.signedCells(s.cells)
	} else {
		w.scoreValues(s.values)
	}
}

func (r *reader) scores(kind setKind) *ScoreSet {
	s := &ScoreSet{kind: kind}
	switch r.byte() {
	case 0:
		s.values = r.scoreValues()
		for _, v := range s.values {
			s.n = r.sum(s.n, v.count)
		}
	case 1:
		s.gridded, s.cells = true, r.signedCells(kind)
		for _, c := range s.cells {
			s.n = r.sum(s.n, c.count)
		}
	default:
		r.fail("scores of an unknown form")
	}
	return s
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}
