package profile

import "math"

// The grid of numbers: a value's cell is the upper half of float32(x-centre),
// that is sign, exponent and 7 bits of mantissa, so cells are 1/128 wide
// relative to the distance from the centre. A key orders the cells by value.
const (
	gridCells = 1 << 16
	topCell   = 0x7f80 // of what is too far for float32
	zeroKey   = 0x8000
)

// gridCell is the unordered cell, as kernels count it; NaN and infinities have
// cells from topCell up.
func gridCell(x, centre float64) uint16 {
	return uint16(math.Float32bits(float32(x-centre)) >> 16)
}

// keyOf orders a cell. The two cells about zero are one.
func keyOf(raw uint16) uint32 {
	switch {
	case raw == 0x8000:
		return zeroKey
	case raw&0x8000 != 0:
		return uint32(^raw)
	}
	return zeroKey | uint32(raw)
}

func gridKey(x, centre float64) uint32 { return keyOf(gridCell(x, centre)) }

func validKey(key uint32) bool {
	return key >= 0x7fff-topCell && key <= zeroKey|topCell && key != zeroKey-1
}

// keySpan is the interval of distances from the centre that a key stands for.
func keySpan(key uint32) (lo, hi float64) {
	if key >= zeroKey {
		return distanceSpan(uint16(key - zeroKey))
	}
	lo, hi = distanceSpan(uint16(0x7fff - key))
	return -hi, -lo
}

func distanceSpan(raw uint16) (lo, hi float64) {
	switch raw {
	case 0:
		return 0, 0
	case topCell - 1:
		return float32At(raw), math.MaxFloat32
	case topCell:
		return math.MaxFloat32, math.Inf(1)
	}
	return float32At(raw), float32At(raw + 1)
}

func float32At(raw uint16) float64 {
	return float64(math.Float32frombits(uint32(raw) << 16))
}
