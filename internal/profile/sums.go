package profile

// FixedSum is an exact, order-free, invertible sum of terms of 0..63, in units
// of 2^-56.
type FixedSum struct {
	hi int64
	lo uint64
}

// Float64 is the sum, rounded once.
func (s FixedSum) Float64() float64 { return 0 }

// ExactSum is the exact sum of any finite float64s, in any order, and can take
// each of them back.
type ExactSum struct {
	base  int     // exponent limb of limbs[0]
	limbs []int64 // base 2^32
}

// Add adds v sign times; v must be finite.
func (s *ExactSum) Add(v float64, sign int64) {}

// Float64 is the sum, rounded once.
func (s *ExactSum) Float64() float64 { return 0 }
