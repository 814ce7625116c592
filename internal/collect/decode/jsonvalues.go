package decode

import (
	"bytes"
	"math"
)

// set puts a scalar of the row itself.
func (p *jsonRows) set(t *topKey, v *value) {
	if v.kind == isNull {
		return
	}
	switch t.role {
	case roleNone:
		p.warn(t.name, CodeUnknown, "not a field of this kind of row")
	case roleID:
		p.setIDValue(v)
	case roleTime:
		p.setTimeValue(t.name, v)
	case rolePrediction:
		p.setScalar(&p.pred, t.name, v)
	case roleLabel:
		p.setScalar(&p.label, t.name, v)
	case roleScore:
		if p.wants(t.name, v, isNumber) {
			p.setScore(&p.score, t.name, v.num)
		}
	case roleLatency:
		if p.wants(t.name, v, isNumber) {
			p.setLatency(v.num)
		}
	case roleVersion:
		if s, ok := p.wantsText(t.name, v); ok {
			p.setName(&p.version, t.name, s)
		}
	case roleError:
		p.setErrorValue(t.name, v)
	case roleItems, roleRelevant:
		p.wants(t.name, v, isArray)
	default:
		p.wants(t.name, v, isObject)
	}
}

func (p *jsonRows) wants(field string, v *value, k kind) bool {
	if v.kind != k {
		p.fault(field, CodeType, k.String()+" was expected, this is "+v.kind.String())
	}
	return v.kind == k
}

func (p *jsonRows) wantsText(field string, v *value) ([]byte, bool) {
	s, ok := v.text(p.text)
	if !ok {
		p.fault(field, CodeType, "a string was expected, this is "+v.kind.String())
	}
	return s, ok
}

func (p *jsonRows) setIDValue(v *value) {
	if id, ok := v.id(p.text); ok {
		p.setID(id)
		return
	}
	p.fault("id", CodeType, "a string or an integer was expected, this is "+v.kind.String())
}

// id is strings, and integers as they are written: 64 bits do not fit a float64.
func (v *value) id(buf []byte) (id []byte, ok bool) {
	switch {
	case v.kind == isString:
		return v.str, true
	case v.kind == isNumber && !bytes.ContainsAny(v.raw, ".eE"):
		return v.raw, true
	case v.kind == isNumber:
		return appendNumber(buf[:0], v.num), true
	}
	return nil, false
}

func (p *jsonRows) setTimeValue(field string, v *value) {
	switch v.kind {
	case isString:
		p.setTime(p.clock.text(v.str))
	case isNumber:
		p.setTime(unixNumber(v.num))
	default:
		p.fault(field, CodeType, "a time is a string or a number, this is "+v.kind.String())
	}
}

func (p *jsonRows) setScalar(c *scalarCol, field string, v *value) {
	if v.kind == isNumber {
		p.setScalarNum(c, field, v.num)
		return
	}
	s, ok := v.text(p.text)
	if !ok {
		p.fault(field, CodeType, "a string, a number or a boolean was expected, this is "+v.kind.String())
		return
	}
	p.setScalarText(c, field, s)
}

// setErrorValue takes what failed; false is no failure.
func (p *jsonRows) setErrorValue(field string, v *value) {
	if v.kind == isFalse {
		return
	}
	if s, ok := p.wantsText(field, v); ok {
		p.setError(s)
	}
}

func (p *jsonRows) setFeature(s *slot, v *value) {
	p.said = true
	switch v.kind {
	case isNull:
	case isNumber:
		if math.IsInf(v.num, 0) {
			p.fault("features."+s.name, CodeRange, "too large for a number of 64 bits")
			return
		}
		s.num.put(p.n, v.num)
	case isString:
		if len(v.str) > p.o.Limits.String {
			p.fault("features."+s.name, CodeTooLong, "the string is too long")
			return
		}
		s.cat.put(p.n, v.str)
	case isTrue, isFalse:
		text, _ := v.text(p.text)
		s.cat.put(p.n, text)
	default:
		p.fault("features."+s.name, CodeType, "a number, a string, a boolean or null was expected, this is "+v.kind.String())
	}
}
