package process

import (
	"strings"

	"github.com/leewayhq/leeway/internal/event"
)

// names gives short numbers to the strings that join entries refer to. It only
// grows; the new ones of a step are committed with it.
type names struct {
	list  []string
	ids   map[string]uint32
	metas map[uint32]*meta
}

// meta is what an entry's Meta stands for.
type meta struct {
	Model, Version string
	Task           event.Task
	Positive       string
	positive       uint32            // name of the positive class
	classes        map[uint32]uint32 // what a label's class stands for, where that was asked
}

func newNames(list []string) *names {
	n := &names{list: list, ids: make(map[string]uint32, len(list)), metas: map[uint32]*meta{}}
	for i, s := range list {
		n.ids[s] = uint32(i)
	}
	return n
}

// id finds or gives a string's number. s may be a view of borrowed memory.
func (n *names) id(s string) uint32 {
	id, ok := n.ids[s]
	if !ok {
		s = strings.Clone(s)
		id = uint32(len(n.list))
		n.list = append(n.list, s)
		n.ids[s] = id
	}
	return id
}

const metaMark = "\x00meta\x00"

func (n *names) metaID(model, version string, task event.Task, positive string) uint32 {
	return n.id(strings.Join([]string{metaMark, model, version, string('0' + rune(task)), positive}, "\x00"))
}

func (n *names) meta(id uint32) *meta {
	if m := n.metas[id]; m != nil {
		return m
	}
	parts := strings.Split(strings.TrimPrefix(n.list[id], metaMark+"\x00"), "\x00")
	m := &meta{Model: parts[0], Version: parts[1], Task: event.Task(parts[2][0] - '0'), Positive: parts[3], classes: map[uint32]uint32{}}
	m.positive = n.id(m.Positive)
	n.metas[id] = m
	return m
}
