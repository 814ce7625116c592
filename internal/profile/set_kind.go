package profile

import "math"

// setKind is how a signed set puts its numbers on a grid.
type setKind uint8

const (
	ofScores  setKind = iota // scoreKey
	ofClasses                // a quarter of its cells: each class of a model has two sets
	ofNumbers                // gridKey about 0: errors and labels of a regression, of either sign
)

// The grid of classes: keys of scores without their last two bits, from both
// ends towards the middle.
const (
	classShift = 2
	classHalf  = halfKey >> classShift
	classMax   = 2*classHalf + 1
	classBase  = tableBase >> classShift // key of score 0
	classCells = classMax - 2*classBase + 1
)

func classKey(key uint32) uint32 {
	if key <= halfKey {
		return key >> classShift
	}
	return classMax - (scoreMax-key)>>classShift
}

func classSpan(key uint32) span {
	low := min(key, classMax-key) // the same cell, counted from its end
	first, last := low<<classShift, min(low<<classShift|(1<<classShift-1), halfKey)
	first = max(first, 0x7fff-topCell) // the keys before are those of NaN
	if key > classHalf {
		first, last = scoreMax-last, scoreMax-first
	}
	lo, hi := scoreSpan(first), scoreSpan(last)
	return span{lo: lo.lo, hi: hi.hi, sure: lo.lo == hi.hi}
}

func (k setKind) key(v float64) uint32 {
	switch k {
	case ofClasses:
		return classKey(scoreKey(v))
	case ofNumbers:
		return gridKey(v, 0)
	}
	return scoreKey(v)
}

func (k setKind) span(key uint32) span {
	switch k {
	case ofClasses:
		return classSpan(key)
	case ofNumbers:
		lo, hi := keySpan(key)
		return span{lo: max(lo, -math.MaxFloat64), hi: min(hi, math.MaxFloat64), sure: lo == hi}
	}
	return scoreSpan(key)
}

// maxKey bounds what is read.
func (k setKind) maxKey() uint32 {
	switch k {
	case ofClasses:
		return classMax
	case ofNumbers:
		return gridCells - 1
	}
	return scoreMax
}

// holds tells whether a number can have the key.
func (k setKind) holds(key uint32) bool {
	switch k {
	case ofClasses:
		return key <= classMax && key >= (zeroKey-1-topCell)>>classShift && classMax-key >= (zeroKey-1-topCell)>>classShift
	case ofNumbers:
		return validKey(key)
	}
	return key <= halfKey && validKey(key) || key > halfKey && key <= scoreMax && validKey(scoreMax-key)
}

func (k setKind) cellsOf(values []scoreCount) []cell {
	cells := make([]cell, len(values))
	for i, v := range values {
		cells[i] = cell{k.key(v.value), v.count}
	}
	return gather(cells)
}

// size is how many counts a table of the kind has.
func (k setKind) size() int {
	if k == ofNumbers {
		return gridCells
	}
	return classCells
}

// index is the place of a number in a table. The sign of an error is what no
// processor can guess, so it decides by bits.
func (k setKind) index(v float64) (i uint32, ok bool) {
	if k == ofNumbers {
		raw := gridCell(v, 0)
		return uint32(raw ^ (uint16(int16(raw)>>15) | zeroKey)), true
	}
	if !(v >= 0 && v <= 1) {
		return 0, false
	}
	return classKey(tableIndex(v)+tableBase) - classBase, true
}

// drain is the cells of a table.
func (k setKind) drain(table []int32) []cell {
	base := uint32(classBase)
	if k == ofNumbers {
		base = 0
		table[zeroKey] += table[zeroKey-1] // the two cells about zero are one
		table[zeroKey-1] = 0
	}
	var out []cell
	for i, n := range table {
		if n != 0 {
			out = append(out, cell{base + uint32(i), int64(n)})
		}
	}
	return out
}
