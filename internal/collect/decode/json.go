package decode

import (
	"bytes"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// jsonRows reads objects into rows. It guesses that a row has the keys of the
// row before, in their order, so that a key costs one comparison.
type jsonRows struct {
	scanner
	*rows
	top     []topKey
	byKey   map[string]int
	order   []int32
	had     [roles]int // the row that last had a role, plus 1; aliases share one
	text    []byte
	attrBuf []byte
	prefill int // bytes that may still be set aside for rows to come
}

// topKey is a key of the row itself.
type topKey struct {
	name   string
	key    string // "name":
	role   role
	list   role   // where its value is a list
	member string // the name of the feature, segment or class
	slot   int    // of member
}

// JSON decodes one object, or an array of objects.
func JSON(body []byte, o *Options) (*Result, error) {
	return decodeJSON(body, o, false)
}

// NDJSON decodes one object a line. A line that is no JSON is a rejected row.
func NDJSON(body []byte, o *Options) (*Result, error) {
	return decodeJSON(body, o, true)
}

func decodeJSON(body []byte, o *Options, lines bool) (*Result, error) {
	o, err := o.resolve(body)
	if err != nil {
		return nil, err
	}
	p := &jsonRows{scanner: scanner{buf: body, lines: lines}, rows: newRows(o), byKey: map[string]int{}, prefill: 2*len(body) + 4096}
	if lines {
		err = p.eachLine()
	} else {
		err = p.document()
	}
	if err != nil {
		return nil, err
	}
	return p.result(), nil
}

func (p *jsonRows) syntax() error { return syntaxAt(p.buf, p.errAt, p.why) }

func (p *jsonRows) document() error {
	i := p.space(0)
	if p.peek(i) != '[' {
		if p.peek(i) != '{' {
			p.fail(i, "an object or an array of objects was expected")
			return p.syntax()
		}
		end := p.row(i)
		if end < 0 {
			return p.syntax()
		}
		return p.finish(end, p.end())
	}
	if i = p.space(i + 1); p.peek(i) == ']' {
		return p.finish(i+1, nil)
	}
	for {
		first := i
		if i = p.row(i); i < 0 {
			return p.syntax()
		}
		if err := p.end(); err != nil {
			return err
		}
		p.foresee(i - first)
		var done bool
		if i, done = p.next(i, ']'); i < 0 {
			return p.syntax()
		} else if done {
			return p.finish(i, nil)
		}
	}
}

func (p *jsonRows) finish(i int, err error) error {
	if err != nil {
		return err
	}
	if i = p.space(i); i < len(p.buf) {
		p.fail(i, "there is something after the end of the document")
		return p.syntax()
	}
	return nil
}

func (p *jsonRows) eachLine() error {
	for i := 0; i < len(p.buf); {
		first := p.space(i)
		if p.peek(first) == '\n' {
			i = first + 1
			continue
		}
		if first == len(p.buf) {
			return nil
		}
		i = p.line(first)
		if err := p.end(); err != nil {
			return err
		}
		p.foresee(i - first)
	}
	return nil
}

// line reads the row at i and goes to the next line, whatever the row is.
func (p *jsonRows) line(i int) int {
	end := p.row(i)
	if end >= 0 {
		end = p.space(end)
		if c := p.peek(end); c == '\n' || end == len(p.buf) {
			return end + 1
		}
		p.fail(end, "there is something after the end of the row")
	}
	p.fault("", CodeSyntax, syntaxAt(p.buf[i:], p.errAt-i, p.why).Error())
	if nl := bytes.IndexByte(p.buf[i:], '\n'); nl >= 0 {
		return i + nl + 1
	}
	return len(p.buf)
}

// foresee sets room aside for as many rows as the first one suggests, once,
// and never more than a share of the body's own size.
func (p *jsonRows) foresee(rowBytes int) {
	if p.seq != 1 || p.n != 1 {
		return
	}
	slots := p.features.slots
	want := len(p.buf)/max(rowBytes, 1) + 16
	if want*(8*(len(slots)+8)+len(p.id.data)) > p.prefill {
		return
	}
	for i := range slots {
		if s := &slots[i]; len(s.num.values) > 0 {
			s.num.values = slices.Grow(s.num.values, want)
		} else if len(s.cat.codes) > 0 {
			s.cat.codes = slices.Grow(s.cat.codes, want)
		}
	}
	p.times = slices.Grow(p.times, want)
	p.id.offsets, p.id.data = slices.Grow(p.id.offsets, want), slices.Grow(p.id.data, want*len(p.id.data))
	for _, c := range []*numCol{&p.score, &p.latency, &p.pred.nums, &p.label.nums} {
		if len(c.values) > 0 {
			c.values = slices.Grow(c.values, want)
		}
	}
	for _, c := range []*catCol{&p.version, &p.pred.cats, &p.label.cats} {
		if len(c.codes) > 0 {
			c.codes = slices.Grow(c.codes, want)
		}
	}
}

// row reads one row's value.
func (p *jsonRows) row(i int) int {
	if p.peek(i) != '{' {
		var v value
		end := p.read(i, &v)
		if end >= 0 {
			p.fault("", CodeType, "a row is an object, this is "+v.kind.String())
		}
		return end
	}
	if p.o.Kind == event.Logs {
		return p.logRow(i)
	}
	return p.object(i)
}

// object reads the members of a row.
func (p *jsonRows) object(i int) int {
	if i = p.space(i + 1); p.peek(i) == '}' {
		return i + 1
	}
	for n := 0; ; n++ {
		k := -1
		if n < len(p.order) {
			want := p.top[p.order[n]].key
			if len(want) <= len(p.buf)-i && string(p.buf[i:i+len(want)]) == want && want != "" {
				k = int(p.order[n])
				if i += len(want); p.peek(i) <= ' ' {
					i = p.space(i)
				}
			}
		}
		if k < 0 {
			if k, i = p.topKey(i, n); i < 0 {
				return i
			}
		}
		if i = p.member(k, i); i < 0 {
			return i
		}
		var done bool
		if i, done = p.next(i, '}'); done {
			return i
		}
	}
}

// maxKeys bounds how many distinct unknown keys of a body are remembered.
const maxKeys = 2000

// topKey reads a key that was not guessed and remembers it as the n-th.
func (p *jsonRows) topKey(i, n int) (int, int) {
	name, i := p.key(i)
	if i < 0 {
		return -1, i
	}
	k, ok := p.byKey[string(name)]
	if !ok {
		t := topKey{name: string(name)}
		if len(p.top) >= maxKeys || len(name) > p.o.Limits.Name && len(name) > 64 {
			p.warn(clip(t.name), CodeUnknown, "not a field of this kind of row")
			return unknownKey, i
		}
		if plain(name) {
			t.key = `"` + t.name + `":`
		}
		p.meaning(&t)
		k = len(p.top)
		p.top = append(p.top, t)
		p.byKey[t.name] = k
	}
	if n < len(p.order) {
		p.order[n] = int32(k)
	} else if n == len(p.order) {
		p.order = append(p.order, int32(k))
	}
	return k, i
}

// unknownKey is a key that is not remembered.
const unknownKey = 1 << 30

func (p *jsonRows) meaning(t *topKey) {
	switch {
	case p.o.Kind != event.Labels && t.name == "features":
		t.role = roleFeatures
		return
	case p.o.Kind != event.Labels && t.name == "segments":
		t.role = roleSegments
		return
	case p.o.Kind != event.Labels && t.name == "scores" && len(p.o.Map) == 0:
		t.role = roleScore
		return
	}
	if t.list = p.o.listRole(t.name); t.list != roleNone && len(p.o.Map) == 0 {
		t.role = t.list
		return
	}
	t.slot = -1
	if len(p.o.Map) > 0 {
		t.role, t.member = p.o.column(t.name)
	} else {
		t.role, t.member = p.o.target(t.name)
	}
}

func (b *rows) group(r role) *group {
	switch r {
	case roleFeature:
		return &b.features
	case roleSegment:
		return &b.segments
	case roleClass:
		return &b.classes
	}
	return nil
}

// member reads the value of the row's key k at i.
func (p *jsonRows) member(k, i int) int {
	var v value
	if k == unknownKey {
		return p.read(i, &v)
	}
	t := &p.top[k]
	c, r := p.peek(i), t.role
	isList := t.list != roleNone && (c == '[' || c == '{' && t.list == roleRelevant)
	if isList {
		r = t.list
	}
	if r != roleNone && p.group(r) == nil {
		if p.had[r] == p.seq+1 {
			p.fault(t.name, CodeDuplicate, "named twice in one row")
			return p.read(i, &v)
		}
		p.had[r] = p.seq + 1
	}
	switch {
	case isList:
		return p.listAt(r, i)
	case t.role == roleFeatures && c == '{':
		return p.members(&p.features, i)
	case t.role == roleSegments && c == '{':
		return p.members(&p.segments, i)
	case t.role == roleScore && c == '{':
		return p.members(&p.classes, i)
	}
	if g := p.group(t.role); g != nil {
		if uint(t.slot) >= uint(len(g.slots)) || g.slots[t.slot].name != t.member {
			t.slot = p.slot(g, []byte(t.member)) // new, or a bad row took it back
		}
		return p.slotValue(g, t.slot, i)
	}
	if i = p.read(i, &v); i >= 0 {
		p.set(t, &v)
	}
	return i
}

// members reads a nested object of features, segments or classes.
func (p *jsonRows) members(g *group, i int) int {
	if i = p.space(i + 1); p.peek(i) == '}' {
		return i + 1
	}
	for n := 0; ; n++ {
		k := -1
		if n < len(g.order) {
			want := g.slots[g.order[n]].key
			if len(want) <= len(p.buf)-i && string(p.buf[i:i+len(want)]) == want && want != "" {
				k = int(g.order[n])
				if i += len(want); p.peek(i) <= ' ' {
					i = p.space(i)
				}
			}
		}
		if k < 0 {
			if k, i = p.memberKey(g, i, n); i < 0 {
				return i
			}
		}
		if i = p.slotValue(g, k, i); i < 0 {
			return i
		}
		var done bool
		if i, done = p.next(i, '}'); done {
			return i
		}
	}
}

func (p *jsonRows) memberKey(g *group, i, n int) (int, int) {
	name, i := p.key(i)
	if i < 0 {
		return -1, i
	}
	k := p.slot(g, name)
	switch {
	case k < 0:
	case n < len(g.order):
		g.order[n] = int32(k)
	case n == len(g.order):
		g.order = append(g.order, int32(k))
	}
	return k, i
}

// slotValue reads the value at i into the group's slot k; -1 is no slot.
func (p *jsonRows) slotValue(g *group, k, i int) int {
	if g.role == roleFeature && k >= 0 {
		s := &g.slots[k]
		// The way of nearly all values: a number after a number.
		if c := p.peek(i); (c-'0' <= 9 || c == '-') && s.seen != p.seq+1 {
			v, end := number(p.buf, i)
			if end > 0 && !math.IsInf(v, 0) {
				s.seen, p.wide, p.said = p.seq+1, true, true
				s.num.put(p.n, v)
				return end
			}
		}
	}
	var v value
	if i = p.read(i, &v); i < 0 || k < 0 {
		return i
	}
	s := &g.slots[k]
	if !p.enter(s) {
		return i
	}
	switch g.role {
	case roleFeature:
		p.setFeature(s, &v)
	case roleSegment:
		if text, ok := v.text(p.text); ok {
			p.setName(&s.cat, "segments."+s.name, text)
		} else if v.kind != isNull {
			p.fault("segments."+s.name, CodeType, "a string was expected, this is "+v.kind.String())
		}
	case roleClass:
		if v.kind != isNull && p.wants("score."+s.name, &v, isNumber) {
			p.setScore(&s.num, "score."+s.name, v.num)
		}
	}
	return i
}
