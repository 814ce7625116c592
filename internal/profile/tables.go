package profile

import (
	"math"
	"unsafe"
)

// dense counts values by unordered cell. Neighbours in a column go to the two
// halves in turn: a count that was just stored is slow to load again.
type dense struct{ a, b [gridCells]uint32 }

// scoreTable counts scores of 0..1 by tableIndex.
type scoreTable struct{ counts [tableCells]int32 }

const (
	tableBase  = 0x8000                     // key of score 0
	tableCells = scoreMax - 2*tableBase + 1 // to the key of score 1
	denseBytes = int(unsafe.Sizeof(dense{}))
	scoreBytes = int(unsafe.Sizeof(scoreTable{}))
)

// tableIndex is scoreKey(s) - tableBase for s in 0..1, without a branch: which
// side of a half a score lies on is what no processor can guess.
func tableIndex(s float64) uint32 {
	other := 1 - s
	upper := uint64(int64(math.Float64bits(s-0.5))>>63) ^ math.MaxUint64 // all ones from a half up
	bits := math.Float64bits(s)&^upper | math.Float64bits(other)&upper
	raw := math.Float32bits(float32(math.Float64frombits(bits))) << 1 >> 17
	mirror := uint32(upper)
	return (raw ^ mirror) + mirror&(tableCells)
}

// tables is a budget of dense tables; all that wait in it are zero.
type tables struct {
	left   int // bytes
	dense  []*dense
	scores []*scoreTable
}

// takeDense is nil when the budget is spent.
func (t *tables) takeDense() *dense {
	if n := len(t.dense); n > 0 {
		d := t.dense[n-1]
		t.dense = t.dense[:n-1]
		return d
	}
	if t.left < denseBytes {
		return nil
	}
	t.left -= denseBytes
	return new(dense)
}

func (t *tables) giveDense(d *dense) { t.dense = append(t.dense, d) }

// takeScores is never nil: past the budget, and without a pool, the table is
// the collector's.
func (t *tables) takeScores() *scoreTable {
	if t == nil {
		return new(scoreTable)
	}
	if n := len(t.scores); n > 0 {
		s := t.scores[n-1]
		t.scores = t.scores[:n-1]
		return s
	}
	t.left -= scoreBytes
	return new(scoreTable)
}

func (t *tables) giveScores(s *scoreTable) {
	if t == nil {
		return
	}
	if t.left < 0 {
		t.left += scoreBytes
		return
	}
	t.scores = append(t.scores, s)
}

// drain is the table's cells, which it leaves zero.
func (t *scoreTable) drain() []cell {
	var out []cell
	for at := 0; at < tableCells; at += 8 {
		line := t.counts[at:min(at+8, tableCells)]
		var any int32
		for _, n := range line {
			any |= n
		}
		if any == 0 {
			continue
		}
		for i, n := range line {
			if n != 0 {
				out = append(out, cell{tableBase + uint32(at+i), int64(n)})
				line[i] = 0
			}
		}
	}
	return out
}

// fold counts scores of 0..1 and hands the others to s.
func (t *scoreTable) fold(values []float64, s *ScoreSet) {
	s.n += int64(len(values))
	for _, x := range values {
		if x >= 0 && x <= 1 {
			t.counts[tableIndex(x)]++
			continue
		}
		s.n--
		s.Add(x, 1)
	}
}
