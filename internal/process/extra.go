package process

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/join"
	"github.com/zeebo/xxh3"
)

// The extra bytes of an entry, by their first one; all little-endian.
//
//	1: the scores of classes: uint32 name, float64 score, for each
//	2: a ranking: uint16 places, uint64 an item; then, if a label was seen, what
//	   appendRelevant writes
const (
	extraScores  = 1
	extraRanking = 2
)

// maxScores is how many scores of a row the join keeps. Past it those of the
// classes with the least XXH3 hash stay, which a profile would keep as well.
const maxScores = 64

const scoreBytes = 12

// scored is a column of scores and the name of its class.
type scored struct {
	name   uint32
	hash   uint64
	column *event.Num
}

// scoresOf lists the columns of scores that labels will ask for, by hash.
func (w *worker) scoresOf(b *event.Batch) []scored {
	if b.Task != event.Multiclass || len(b.Scores) == 0 {
		return nil
	}
	list := make([]scored, len(b.Scores))
	for i := range b.Scores {
		c := &b.Scores[i]
		list[i] = scored{w.names.id(c.Name), xxh3.HashString(c.Name), c}
	}
	slices.SortFunc(list, func(a, b scored) int { return cmp.Compare(a.hash, b.hash) })
	return list
}

// appendScores writes the scores of a row; nothing where there is none.
func (g *grouping) appendScores(to []byte, row int) []byte {
	le := binary.LittleEndian
	to = append(to, extraScores)
	for i := range g.scores {
		s := &g.scores[i]
		if s.column.Null(row) || math.IsNaN(s.column.Values[row]) {
			continue
		}
		to = le.AppendUint32(to, s.name)
		to = le.AppendUint64(to, math.Float64bits(s.column.Values[row]))
		if len(to) >= maxScores*scoreBytes {
			break
		}
	}
	if len(to) == 1 {
		return to[:0]
	}
	return to
}

// classScores gives an outcome the scores of classes that its entry has. They
// are valid until the next outcome.
func (w *worker) classScores(o *profile.Outcome, extra []byte) {
	if len(extra) == 0 || extra[0] != extraScores {
		return
	}
	le := binary.LittleEndian
	names, values := w.scoredNames[:0], w.scoredValues[:0]
	for extra = extra[1:]; len(extra) >= scoreBytes; extra = extra[scoreBytes:] {
		names = append(names, w.names.list[le.Uint32(extra)])
		values = append(values, math.Float64frombits(le.Uint64(extra[4:])))
	}
	w.scoredNames, w.scoredValues = names, values
	o.ScoredClasses, o.ClassScores = names, values
}

func appendRanking(to []byte, items []uint64) []byte {
	le := binary.LittleEndian
	items = items[:min(len(items), event.MaxItems)]
	to = le.AppendUint16(append(to, extraRanking), uint16(len(items)))
	for _, item := range items {
		to = le.AppendUint64(to, item)
	}
	return to
}

// rankingOf cuts extra bytes into items, 8 bytes each, and what was wanted.
func rankingOf(extra []byte) (items, relevant []byte) {
	end := 3 + 8*int(binary.LittleEndian.Uint16(extra[1:]))
	return extra[3:end], extra[end:]
}

// withRelevant puts what was wanted behind the items, in place of what stood
// there; empty is nothing. Scores stay as they are unless the label is one of a
// ranking, which says nothing about them.
func withRelevant(extra []byte, relevant string) []byte {
	switch {
	case len(extra) > 0 && extra[0] == extraRanking:
		items, _ := rankingOf(extra)
		extra = extra[:3+len(items)]
	case relevant != "":
		extra = appendRanking(extra[:0], nil)
	}
	return append(extra, relevant...)
}

// The first byte of what was wanted: whether all relevances are 1.
const (
	allWanted = 1
	withGains = 2
)

// relevantOf writes what was wanted, which ascends by hash, in its one form:
// equal labels are equal strings. Gains, float64, stand behind the items.
func relevantOf(items []uint64, gains []float64) string {
	le := binary.LittleEndian
	n := min(len(items), event.MaxRelevant)
	plain := !slices.ContainsFunc(gains, func(g float64) bool { return g != 1 })
	to := append(make([]byte, 0, 1+16*n), allWanted)
	for _, item := range items[:n] {
		to = le.AppendUint64(to, item)
	}
	if plain {
		return string(to)
	}
	to[0] = withGains
	for _, g := range gains[:n] {
		to = le.AppendUint64(to, math.Float64bits(g))
	}
	return string(to)
}

// gainsOf reads what relevantOf wrote.
func gainsOf(relevant string) (items []uint64, gains []float64) {
	rest, n := []byte(relevant[1:]), (len(relevant)-1)/8
	le := binary.LittleEndian
	word := func(i int) uint64 { return le.Uint64(rest[8*i:]) }
	if relevant[0] == withGains {
		n /= 2
	}
	for i := range n {
		items = append(items, word(i))
		if relevant[0] == withGains {
			gains = append(gains, math.Float64frombits(word(n+i)))
		} else {
			gains = append(gains, 1)
		}
	}
	return items, gains
}

// settleQuery is settleLabel for the answer to a query.
func (w *worker) settleQuery(e *join.Entry, l label, k windowKey, sign int64) {
	q := w.queryOf(e.Extra, l.relevant)
	w.window(k).Quality().AddQuery(q, sign)
	for _, s := range e.Segments {
		k.segment = s + 1
		w.window(k).Quality().AddQuery(q, sign)
	}
}

// queryOf puts an answer and what was wanted side by side. An item counts at its
// first place. The query is valid until the next.
func (w *worker) queryOf(extra []byte, relevant string) *profile.Query {
	q := &w.query
	q.Relevance, q.Missed = q.Relevance[:0], q.Missed[:0]
	wanted, gains := gainsOf(relevant)
	w.placed = append(w.placed[:0], make([]bool, len(wanted))...)
	ranked, _ := rankingOf(extra)
	for ; len(ranked) >= 8; ranked = ranked[8:] {
		i, ok := slices.BinarySearch(wanted, binary.LittleEndian.Uint64(ranked))
		gain := 0.0
		if ok && !w.placed[i] {
			gain, w.placed[i] = gains[i], true
		}
		q.Relevance = append(q.Relevance, gain)
	}
	for i, gain := range gains {
		if !w.placed[i] {
			q.Missed = append(q.Missed, gain)
		}
	}
	return q
}
