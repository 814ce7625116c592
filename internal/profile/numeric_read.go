package profile

import "math"

// Mean is NaN when there is no value.
func (x *Numeric) Mean() float64 { return math.NaN() }

// SD is the standard deviation with n-ddof in the denominator; NaN when that is
// not positive.
func (x *Numeric) SD(ddof int) float64 { return math.NaN() }

// Quantile is the value at rank q of 0..1: between values as numpy's default
// does while they are kept, else within the cell. NaN when there is no value.
func (x *Numeric) Quantile(q float64) float64 { return math.NaN() }

// QuantileError is how far, at most, the rank of a quantile or a value of CDF
// is from the truth, as a share of N; 0 when values are kept.
func (x *Numeric) QuantileError() float64 { return 0 }

// CDF is the share of the finite values that are at most v.
func (x *Numeric) CDF(v float64) float64 { return math.NaN() }

// MassOutside is the share of the finite values below lo or above hi.
func (x *Numeric) MassOutside(lo, hi float64) float64 { return math.NaN() }

// Exact is all values, ascending, when they were kept. They are not to be
// changed.
func (x *Numeric) Exact() (values []float64, ok bool) { return nil, false }

// Cells calls fn for each interval that holds values, ascending; lo equals hi
// where the value is known.
func (x *Numeric) Cells(fn func(lo, hi float64, count int64)) {}

// Pairs walks two summaries side by side in ascending order: at each edge x
// the counts of both that lie above the edge before and at or below this one.
// It is exact where both are exact or share their centre; where they do not,
// b's counts stand on the grid of a.
func Pairs(a, b *Numeric, fn func(x float64, na, nb int64)) {}
