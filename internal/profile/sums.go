package profile

import (
	"math"
	"math/big"
	"math/bits"
)

// fixedScale is 2^56: a term of log loss is at most 36.05 and so fits 63 bits.
const fixedScale = 1 << 56

// FixedSum is an exact, order-free, invertible sum of terms of 0..63, in units
// of 2^-56.
type FixedSum struct {
	hi int64
	lo uint64
}

func (s *FixedSum) add(v float64, sign int64) {
	term := sign * int64(v*fixedScale+0.5)
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(term), 0)
	s.hi += term>>63 + int64(carry)
}

func (s *FixedSum) merge(o FixedSum) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, o.lo, 0)
	s.hi += o.hi + int64(carry)
}

// Float64 is the sum, rounded once.
func (s FixedSum) Float64() float64 {
	total := new(big.Int).Lsh(big.NewInt(s.hi), 64)
	total.Add(total, new(big.Int).SetUint64(s.lo))
	return scaled(total, -56)
}

// scaled is the float64 nearest to n * 2^exp.
func scaled(n *big.Int, exp int) float64 {
	f := new(big.Float).SetInt(n)
	v, _ := f.SetMantExp(f, exp).Float64()
	return v
}

// ExactSum is the exact sum of any finite float64s, in any order, and can take
// each of them back. It is a number in base 2^32 whose digits carry late: a
// digit is 64 bits wide and takes 2^30 additions before it must.
type ExactSum struct {
	base  int     // the power of limbs[0], in digits above 2^exactBias
	limbs []int64 // least first
	late  int64   // additions since digits last carried
}

const (
	exactBias   = -1088 // below the least subnormal, a multiple of 32
	exactDigits = 70    // up to 2^1024 and 2^60 additions of it
	carryAfter  = 1 << 30
)

// Add adds v sign times; sign is 1 or -1 and v finite.
func (s *ExactSum) Add(v float64, sign int64) {
	if v == 0 {
		return
	}
	raw := math.Float64bits(v)
	exp, mant := int(raw>>52&0x7ff), raw&(1<<52-1)
	if exp == 0 {
		exp = 1
	} else {
		mant |= 1 << 52
	}
	if raw>>63 != 0 {
		sign = -sign
	}
	at := exp - 1075 - exactBias
	digit, shift := at>>5, uint(at&31)
	low := mant << shift
	l := s.room(digit)
	l[0] += sign * int64(low&math.MaxUint32)
	l[1] += sign * int64(low>>32)
	l[2] += sign * int64(mant>>1>>(63-shift))
	if s.late++; s.late >= carryAfter {
		s.carry()
	}
}

// room is the three digits from the given one.
func (s *ExactSum) room(digit int) []int64 {
	if at := digit - s.base; at >= 0 && at+3 <= len(s.limbs) {
		return s.limbs[at : at+3]
	}
	s.stretch(digit, digit+3)
	return s.limbs[digit-s.base:][:3]
}

// stretch makes digits from..to-1 part of the number.
func (s *ExactSum) stretch(from, to int) {
	if len(s.limbs) > 0 {
		from, to = min(from, s.base), max(to, s.base+len(s.limbs))
	}
	limbs := make([]int64, to-from)
	if len(s.limbs) > 0 {
		copy(limbs[s.base-from:], s.limbs)
	}
	s.base, s.limbs = from, limbs
}

// carry brings all digits but the highest into 0..2^32-1.
func (s *ExactSum) carry() {
	s.late = 0
	var carry int64
	for i := range s.limbs {
		sum := s.limbs[i] + carry
		if i == len(s.limbs)-1 {
			s.limbs[i] = sum
			break
		}
		s.limbs[i], carry = sum&math.MaxUint32, sum>>32
	}
	if top := len(s.limbs) - 1; top >= 0 && s.limbs[top]>>31 != 0 && s.limbs[top]>>31 != -1 {
		s.limbs = append(s.limbs, 0)
		s.limbs[top], s.limbs[top+1] = s.limbs[top]&math.MaxUint32, s.limbs[top]>>32
	}
}

func (s *ExactSum) merge(o *ExactSum) {
	if len(o.limbs) == 0 {
		return
	}
	s.stretch(o.base, o.base+len(o.limbs))
	for i, digit := range o.limbs {
		s.limbs[o.base-s.base+i] += digit
	}
	if s.late += o.late + 1; s.late >= carryAfter {
		s.carry()
	}
}

// digits is the sum's only form as sign and magnitude: base 2^32, no zero at
// either end.
func (s *ExactSum) digits() (negative bool, base int, magnitude []uint32) {
	c := ExactSum{base: s.base, limbs: append(make([]int64, 0, len(s.limbs)+1), s.limbs...)}
	c.carry()
	if n := len(c.limbs); n > 0 && c.limbs[n-1] < 0 {
		negative = true
		for i := range c.limbs {
			c.limbs[i] = -c.limbs[i]
		}
		c.carry()
	}
	for len(c.limbs) > 0 && c.limbs[len(c.limbs)-1] == 0 {
		c.limbs = c.limbs[:len(c.limbs)-1]
	}
	for len(c.limbs) > 0 && c.limbs[0] == 0 {
		c.base, c.limbs = c.base+1, c.limbs[1:]
	}
	magnitude = make([]uint32, len(c.limbs))
	for i, digit := range c.limbs {
		magnitude[i] = uint32(digit)
	}
	return negative, c.base, magnitude
}

// set is the inverse of digits.
func (s *ExactSum) set(negative bool, base int, magnitude []uint32) {
	*s = ExactSum{base: base}
	if len(magnitude) == 0 {
		return
	}
	s.limbs = make([]int64, len(magnitude))
	for i, digit := range magnitude {
		s.limbs[i] = int64(digit)
		if negative {
			s.limbs[i] = -s.limbs[i]
		}
	}
	s.late = 1
}

func (s *ExactSum) isZero() bool {
	_, _, magnitude := s.digits()
	return len(magnitude) == 0
}

// integer is the sum in units of 2^exactBias.
func (s *ExactSum) integer() *big.Int {
	negative, base, magnitude := s.digits()
	n := new(big.Int)
	for i := len(magnitude) - 1; i >= 0; i-- {
		n.Lsh(n, 32).Or(n, big.NewInt(int64(magnitude[i])))
	}
	n.Lsh(n, uint(32*max(base, 0)))
	if negative {
		n.Neg(n)
	}
	return n
}

// Float64 is the sum, rounded once.
func (s *ExactSum) Float64() float64 { return scaled(s.integer(), exactBias) }
