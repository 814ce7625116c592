package process

import (
	"encoding/binary"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// names gives short numbers to the strings that join entries refer to. It only
// grows; the new ones of a step are committed with it. Classes and segments
// come from clients, so past maxNames new ones are all called otherName;
// versions are bounded by the registry.
type names struct {
	list  []string
	ids   map[string]uint32
	metas map[uint32]*meta
	limit int // maxNames, but for tests
	over  int // how often otherName stood in
}

const (
	maxNames  = 1 << 20
	otherName = "__other__"
)

// meta is what an entry's Meta stands for.
type meta struct {
	Model, Version string
	Task           event.Task
	Positive       string
	positive       uint32          // name of the positive class
	classes        map[uint32]bool // whether a class is positive, where that was asked
}

func newNames(list []string) *names {
	n := &names{list: list, ids: make(map[string]uint32, len(list)), metas: map[uint32]*meta{}, limit: maxNames}
	for i, s := range list {
		n.ids[s] = uint32(i)
	}
	return n
}

// id finds or gives a string's number. s may be a view of borrowed memory.
func (n *names) id(s string) uint32 {
	id, ok := n.ids[s]
	if !ok && len(n.list) >= n.limit && s != otherName {
		n.over++
		return n.id(otherName)
	}
	if !ok {
		id = n.add(s)
	}
	return id
}

func (n *names) add(s string) uint32 {
	s = strings.Clone(s)
	id := uint32(len(n.list))
	n.list = append(n.list, s)
	n.ids[s] = id
	return id
}

const metaMark = "\x00meta"

// metaID writes each part with its length, for any of them may hold any byte.
func (n *names) metaID(h *event.Header, version string) uint32 {
	key := []byte(metaMark)
	key = append(key, byte(h.Task))
	for _, part := range []string{h.Model, version, h.Positive} {
		key = binary.AppendUvarint(key, uint64(len(part)))
		key = append(key, part...)
	}
	if id, ok := n.ids[string(key)]; ok {
		return id
	}
	return n.add(string(key))
}

func (n *names) meta(id uint32) *meta {
	if m := n.metas[id]; m != nil {
		return m
	}
	rest := n.list[id][len(metaMark):]
	m := &meta{Task: event.Task(rest[0]), classes: map[uint32]bool{}}
	rest = rest[1:]
	for _, part := range []*string{&m.Model, &m.Version, &m.Positive} {
		size, n := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
		rest = rest[n:]
		*part, rest = rest[:size], rest[size:]
	}
	m.positive = n.id(m.Positive)
	n.metas[id] = m
	return m
}
