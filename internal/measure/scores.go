package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// scores is the scores of labelled rows by class, in ascending cells, whose
// bounds are equal where the scores of a cell are.
type scores struct {
	cells    []Scored
	lo, hi   []float64
	pos, neg int64
}

func scoresOf(pos, neg *profile.ScoreSet) *scores {
	const usual = 512
	x := &scores{cells: make([]Scored, 0, usual), lo: make([]float64, 0, usual), hi: make([]float64, 0, usual)}
	profile.ScoreCells(pos, neg, func(lo, hi float64, p, n int64) {
		x.cells = append(x.cells, Scored{lo + (hi-lo)/2, p, n})
		x.lo, x.hi = append(x.lo, lo), append(x.hi, hi)
		x.pos += p
		x.neg += n
	})
	return x
}

func (x *scores) n() int64 { return x.pos + x.neg }

func (x *scores) sure(i int) bool { return x.lo[i] == x.hi[i] }

// within tells whether a cell is one of probabilities.
func (x *scores) within(i int) bool { return x.lo[i] >= 0 && x.hi[i] <= 1 }

// missing says why a metric of scores has no value; empty when it has one.
func (x *scores) missing(labels int64, twoClasses bool) string {
	switch {
	case x.n() <= 0 && labels <= 0:
		return NoLabels
	case x.n() <= 0:
		return NoScores
	case twoClasses && (x.pos <= 0 || x.neg <= 0):
		return OneClass
	}
	return ""
}

// area is the ROC AUC. Pairs within one cell are in doubt unless their scores
// are known to be equal; each can be wrong by a half.
func (x *scores) area(labels int64) Value {
	if reason := x.missing(labels, true); reason != "" {
		return undefined(reason, max(0, x.n()))
	}
	a, _ := AUC(x.cells)
	v := defined(a.Value, x.n())
	if a.HasInterval {
		v = v.between(a.Low, a.High, "delong")
	}
	var doubt float64
	for i, c := range x.cells {
		if !x.sure(i) {
			doubt += float64(c.Pos) * float64(c.Neg)
		}
	}
	v.Bound = doubt / (2 * float64(x.pos) * float64(x.neg))
	return v
}

// averagePrecision has the interval of Boyd, Eng and Page (2013), normal on the
// logit scale.
func (x *scores) averagePrecision(labels int64) Value {
	if reason := x.missing(labels, false); reason != "" {
		return undefined(reason, 0)
	}
	ap, ok := AveragePrecision(x.cells)
	if !ok {
		return undefined(NoPositives, x.n())
	}
	v := defined(ap, x.n())
	if ap > 0 && ap < 1 {
		v = logitInterval(v, math.Sqrt(ap*(1-ap)/float64(x.pos)), "logit")
	}
	v.Bound = x.doubtOfAP(ap)
	return v
}

// logitInterval is that of a value of 0..1 with a standard error, normal on the
// logit scale, which keeps it in 0..1.
func logitInterval(v Value, se float64, method string) Value {
	p := v.Value
	if !(p > 0 && p < 1) || math.IsNaN(se) || math.IsInf(se, 0) {
		return v
	}
	half := z95 * se / (p * (1 - p))
	l := math.Log(p / (1 - p))
	return v.between(1/(1+math.Exp(half-l)), 1/(1+math.Exp(-half-l)), method)
}

// doubtOfAP is how far the average precision can be from ap: within a cell in
// doubt the positives may stand before all negatives or behind them.
func (x *scores) doubtOfAP(ap float64) float64 {
	var best, worst float64
	var tp, n int64
	for i := len(x.cells) - 1; i >= 0; i-- {
		c := x.cells[i]
		if c.Pos > 0 {
			if x.sure(i) {
				share := float64(c.Pos) * float64(tp+c.Pos) / float64(n+c.Pos+c.Neg)
				best, worst = best+share, worst+share
			} else {
				best += precisions(tp, n, c.Pos)
				worst += precisions(tp, n+c.Neg, c.Pos)
			}
		}
		tp += c.Pos
		n += c.Pos + c.Neg
	}
	pos := float64(x.pos)
	return max(0, best/pos-ap, ap-worst/pos)
}

// precisions is the sum of (tp+j)/(n+j) for j of 1..count.
func precisions(tp, n, count int64) float64 {
	if count <= 16 {
		sum := 0.0
		for j := int64(1); j <= count; j++ {
			sum += float64(tp+j) / float64(n+j)
		}
		return sum
	}
	return float64(count) - float64(n-tp)*(harmonic(n+count)-harmonic(n))
}

// harmonic is the sum of 1/j for j of 1..n, less Euler's constant past 32,
// where its expansion is good to 1e-9.
func harmonic(n int64) float64 {
	if n > 32 {
		m := float64(n) + 0.5
		return math.Log(m) + 1/(24*m*m) + 0.57721566490153286
	}
	sum := 0.0
	for j := int64(1); j <= n; j++ {
		sum += 1 / float64(j)
	}
	return sum
}

// kolmogorov is the greatest distance between the distributions of scores of
// both classes, which is also that of the true from the false positive rate at
// the best threshold; its interval is that of the difference of these two
// there (Newcombe 1998), and so a little too narrow.
func (x *scores) kolmogorov(labels int64) Value {
	if reason := x.missing(labels, true); reason != "" {
		return undefined(reason, max(0, x.n()))
	}
	p, n := float64(x.pos), float64(x.neg)
	var bp, bn, atP, atN int64
	var d, best, most float64
	for i, c := range x.cells {
		if !x.sure(i) { // between its bounds the cell may go either way first
			most = max(most, math.Abs(d+float64(c.Pos)/p), math.Abs(d-float64(c.Neg)/n))
		}
		bp, bn = bp+c.Pos, bn+c.Neg
		d = float64(bp)/p - float64(bn)/n
		if math.Abs(d) > best {
			best, atP, atN = math.Abs(d), bp, bn
		}
	}
	v := defined(best, x.n())
	low, high := newcombe(share{atP, x.pos}, share{atN, x.neg})
	if float64(atP)/p < float64(atN)/n {
		low, high = -high, -low
	}
	v = v.between(max(0, low), min(1, high), "newcombe")
	v.Bound = max(0, most-best)
	return v
}

// lift is how much more often the positives are among the tenth of rows with
// the highest scores than among all. Rows tied at its edge count in proportion.
// The share of the positives found there is a proportion; its interval is
// Wilson's.
func (x *scores) lift(labels int64) Value {
	if reason := x.missing(labels, false); reason != "" {
		return undefined(reason, 0)
	}
	if x.pos <= 0 {
		return undefined(NoPositives, x.n())
	}
	rows := math.Ceil(float64(x.n()) / 10)
	found, doubt, left := 0.0, 0.0, rows
	for i := len(x.cells) - 1; i >= 0 && left > 0; i-- {
		c := x.cells[i]
		all := float64(c.Pos + c.Neg)
		if all <= left {
			found, left = found+float64(c.Pos), left-all
			continue
		}
		mine := float64(c.Pos) * left / all
		if !x.sure(i) {
			doubt = max(min(float64(c.Pos), left)-mine, mine-max(0, left-float64(c.Neg)))
		}
		found, left = found+mine, 0
	}
	scale := float64(x.n()) / rows
	v := defined(found/float64(x.pos)*scale, x.n())
	low, high := wilson(found/float64(x.pos), float64(x.pos))
	v = v.between(low*scale, high*scale, "wilson")
	v.Bound = doubt / float64(x.pos) * scale
	return v
}
