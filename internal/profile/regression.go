package profile

import (
	"math"
	"math/big"
)

// Regression is sums over labelled rows of a regression model; e is predicted
// value less label, y the label, p the predicted value.
type Regression struct {
	N       int64
	Invalid int64 // rows whose error, its square or that of its ratio is not finite; in nothing else
	NonZero int64 // rows whose y is not 0
	LogN    int64 // rows whose y and p are above -1

	E, AbsE, SqE   ExactSum
	Y, SqY, AbsY   ExactSum
	AbsEY          ExactSum // |e y|
	AbsPct, SqPct  ExactSum // |e/y| over the NonZero rows, and its square
	SqLog, QuadLog ExactSum // (log(1+p) - log(1+y))² over the LogN rows, and its square

	SymPct, SqSymPct FixedSum // 2|e|/(|y|+|p|), 0 where both are 0, and its square

	Errors ScoreSet // e
	Labels ScoreSet // y
	Losses Losses   // e by p
}

// terms are what one row adds.
type terms struct{ e, y, pct, log, symPct float64 }

func termsOf(pred, y float64) (t terms, ok bool) {
	t = terms{e: pred - y, y: y, log: math.NaN()}
	abs := math.Abs(t.e)
	if y != 0 {
		t.pct = abs / math.Abs(y)
	}
	if !finite(t.e*t.e) || !finite(y*y) || !finite(t.pct*t.pct) {
		return t, false
	}
	if abs > 0 {
		t.symPct = min(2, 2*abs/(math.Abs(y)+math.Abs(pred)))
	}
	if y > -1 && pred > -1 {
		t.log = math.Log1p(t.e / (1 + y))
	}
	return t, true
}

func (r *Regression) add(pred, y float64, sign int64) {
	t, ok := termsOf(pred, y)
	if !ok {
		r.Invalid += sign
		return
	}
	r.N += sign
	abs := math.Abs(t.e)
	r.E.Add(t.e, sign)
	r.AbsE.Add(abs, sign)
	r.SqE.Add(t.e*t.e, sign)
	r.Y.Add(y, sign)
	r.AbsY.Add(math.Abs(y), sign)
	// The square's rounding is added too: R² subtracts large sums of it.
	square := y * y
	r.SqY.Add(square, sign)
	r.SqY.Add(math.FMA(y, y, -square), sign)
	r.AbsEY.Add(abs*math.Abs(y), sign)
	if y != 0 {
		r.NonZero += sign
		r.AbsPct.Add(t.pct, sign)
		r.SqPct.Add(t.pct*t.pct, sign)
	}
	if finite(t.log) {
		square := t.log * t.log
		r.LogN += sign
		r.SqLog.Add(square, sign)
		r.QuadLog.Add(square*square, sign)
	}
	r.SymPct.add(t.symPct, sign)
	r.SqSymPct.add(t.symPct*t.symPct, sign)
	r.Errors.kind, r.Labels.kind = ofNumbers, ofNumbers
	r.Errors.Add(t.e, sign)
	r.Labels.Add(y, sign)
	r.Losses.add(pred, t.e, abs, sign)
}

func (r *Regression) counts() []*int64 { return []*int64{&r.N, &r.Invalid, &r.NonZero, &r.LogN} }

func (r *Regression) sums() []*ExactSum {
	return []*ExactSum{&r.E, &r.AbsE, &r.SqE, &r.Y, &r.SqY, &r.AbsY, &r.AbsEY, &r.AbsPct, &r.SqPct, &r.SqLog, &r.QuadLog}
}

func (r *Regression) sets() []*ScoreSet { return []*ScoreSet{&r.Errors, &r.Labels} }

func (r *Regression) shares() []*FixedSum { return []*FixedSum{&r.SymPct, &r.SqSymPct} }

// Merge adds o to r. Errors and labels are kept if both kept theirs and the net
// count is at most limit.
func (r *Regression) Merge(o *Regression, limit int) {
	counts, sums, shares := o.counts(), o.sums(), o.shares()
	for i, n := range r.counts() {
		*n += *counts[i]
	}
	for i, s := range r.sums() {
		s.merge(sums[i])
	}
	for i, s := range r.shares() {
		s.merge(*shares[i])
	}
	theirs := o.sets()
	for i, set := range r.sets() {
		set.kind = ofNumbers
		set.Merge(theirs[i], limit)
	}
	r.Losses.merge(&o.Losses)
}

func (r *Regression) settle(limit int) {
	for _, set := range r.sets() {
		set.kind = ofNumbers
		set.settle()
		if set.n > int64(limit) {
			set.toGrid()
		}
	}
}

func (r *Regression) isEmpty() bool {
	for _, s := range r.sums() {
		if !s.isZero() {
			return false
		}
	}
	for _, n := range r.counts() {
		if *n != 0 {
			return false
		}
	}
	return r.SymPct == FixedSum{} && r.SqSymPct == FixedSum{} && r.Errors.isEmpty() && r.Labels.isEmpty() && r.Losses.isEmpty()
}

// TotalSquares is the sum of (y - mean of y)², of which R² is made; NaN when
// there is no row. It is rounded once.
func (r *Regression) TotalSquares() float64 {
	if r.N <= 0 {
		return math.NaN()
	}
	// In units u of 2^exactBias, SqY is in u and the square of Y in u².
	n := big.NewInt(r.N)
	sum := r.Y.integer()
	left := new(big.Int).Lsh(r.SqY.integer(), -exactBias)
	left.Mul(left, n).Sub(left, sum.Mul(sum, sum))
	f := new(big.Float).SetInt(left)
	f.SetMantExp(f, 2*exactBias)
	f.Quo(f.SetPrec(max(f.Prec(), 64)), new(big.Float).SetInt(n))
	v, _ := f.Float64()
	return v
}
