package measure

import "math"

// calibrationBins is how many bins of equal width the calibration error is
// taken over.
const calibrationBins = 10

// reliability is the rows whose score lies in one bin.
type reliability struct {
	n, pos   int64
	sum      float64 // of scores
	slack    float64 // how far the sum can be from that of the unrounded scores
	squares  float64 // of score - outcome
	straddle float64 // the sum of |score - outcome| that may belong to a neighbour
}

// reliabilities puts scores of 0..1 into bins of equal width; a score on an
// edge belongs to the bin below it (Naeini, Cooper and Hauskrecht 2015; as
// scikit-learn).
func (x *scores) reliabilities(bins int) []reliability {
	out := make([]reliability, bins)
	step := 1 / float64(bins)
	binOf := func(s float64) int {
		b := max(0, min(bins-1, int(s*float64(bins))))
		for b > 0 && s <= float64(b)*step {
			b--
		}
		for b < bins-1 && s > float64(b+1)*step {
			b++
		}
		return b
	}
	for i, c := range x.cells {
		if !x.within(i) {
			continue
		}
		at := binOf(c.Score)
		b := &out[at]
		p, n := float64(c.Pos), float64(c.Neg)
		b.n += c.Pos + c.Neg
		b.pos += c.Pos
		b.sum += c.Score * (p + n)
		b.squares += p*(1-c.Score)*(1-c.Score) + n*c.Score*c.Score
		b.slack += (x.hi[i] - x.lo[i]) / 2 * (p + n)
		if binOf(x.lo[i]) != at || binOf(x.hi[i]) != at {
			b.straddle += p*(1-x.lo[i]) + n*x.hi[i]
		}
	}
	return out
}

// calibrationError is the expected calibration error over bins of equal width.
// Where each bin's deviation keeps its sign it is a mean over rows, of which
// the interval is that (normal).
func (x *scores) calibrationError(labels int64) Value {
	if reason := x.missing(labels, false); reason != "" {
		return undefined(reason, 0)
	}
	var n int64
	var gap, squares, slack float64
	for _, b := range x.reliabilities(calibrationBins) {
		n += b.n
		gap += math.Abs(b.sum - float64(b.pos))
		squares += b.squares
		slack += b.slack + 2*b.straddle
	}
	if n <= 0 {
		return undefined(NoScores, 0)
	}
	rows := float64(n)
	v := defined(gap/rows, n)
	if variance := squares/rows - v.Value*v.Value; n > 1 && variance >= 0 {
		half := z95 * math.Sqrt(variance/(rows-1))
		v = v.between(max(0, v.Value-half), min(1, v.Value+half), "normal")
	}
	v.Bound = slack / rows
	return v
}
