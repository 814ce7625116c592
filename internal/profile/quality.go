package profile

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/event"
	"github.com/zeebo/xxh3"
)

// MaxConfusion is how many pairs of classes are counted by name.
const MaxConfusion = 10_000

// logLossClip is the float64 epsilon, with which scikit-learn keeps a
// probability of 0 from an infinite loss.
const logLossClip = 2.220446049250313e-16

// Quality is everything that depends on a label. All of it is invertible, so
// that a corrected label takes its first contribution back without a trace; in
// a delta, counts may be negative. What cannot be undone is the step of the
// scores from values to the grid: a take-back travels in one delta with the
// label that replaces it, so that the count of a window never falls.
type Quality struct {
	Labels int64

	TP, FP, FN, TN int64 // binary, at the model's own decision

	// Multiclass: predicted class, label. Correct counts the hits whether their
	// cell is kept or not; ConfusionOther is the rows of cells not kept.
	Confusion      map[[2]string]int64
	ConfusionOther int64
	Correct        int64

	Pos, Neg   ScoreSet // scores of labelled rows by their true class
	ProbLabels int64    // labelled rows with a score in 0..1, which these sum:
	Brier      FixedSum // (score - label)²
	LogLoss    FixedSum // natural log, clipped as scikit-learn does for float64

	Regression *Regression
}

// Outcome is a prediction and its label.
type Outcome struct {
	Task                        event.Task
	PredPositive, LabelPositive bool    // binary
	Pred, Label                 string  // multiclass
	Score                       float64 // binary: of the positive class; NaN when there is none
	PredValue, LabelValue       float64 // regression
}

// Add counts an outcome; sign -1 takes it back. An outcome of an unknown task
// only counts as a label.
func (q *Quality) Add(o *Outcome, sign int64) {
	q.Labels += sign
	switch o.Task {
	case event.Binary:
		q.addBinary(o, sign)
	case event.Multiclass:
		q.addConfusion([2]string{o.Pred, o.Label}, sign)
		if o.Pred == o.Label {
			q.Correct += sign
		}
		if len(q.Confusion) >= 2*MaxConfusion {
			q.trim()
		}
	case event.Regression:
		if q.Regression == nil {
			q.Regression = &Regression{}
		}
		q.Regression.add(o.PredValue, o.LabelValue, sign)
	}
}

func (q *Quality) addBinary(o *Outcome, sign int64) {
	s := o.Score
	miss, p := s, 1-s // distance from the truth, and what the truth was given
	if o.LabelPositive {
		miss, p = 1-s, s
		if o.PredPositive {
			q.TP += sign
		} else {
			q.FN += sign
		}
		q.Pos.Add(s, sign)
	} else {
		if o.PredPositive {
			q.FP += sign
		} else {
			q.TN += sign
		}
		q.Neg.Add(s, sign)
	}
	if s >= 0 && s <= 1 {
		q.ProbLabels += sign
		q.Brier.add(miss*miss, sign)
		q.LogLoss.add(-math.Log(clamp(p, logLossClip, 1-logLossClip)), sign)
	}
}

// addConfusion keeps no cell at zero and copies the names of a new one, which
// may lie in a batch's memory.
func (q *Quality) addConfusion(at [2]string, n int64) {
	if n == 0 {
		return
	}
	if q.Confusion == nil {
		q.Confusion = make(map[[2]string]int64)
	}
	switch had, ok := q.Confusion[at]; {
	case !ok:
		q.Confusion[[2]string{strings.Clone(at[0]), strings.Clone(at[1])}] = n
	case had+n == 0:
		delete(q.Confusion, at)
	default:
		q.Confusion[at] = had + n
	}
}

// trim drops the cells past the cap, those with the greatest hash.
func (q *Quality) trim() {
	if len(q.Confusion) <= MaxConfusion {
		return
	}
	hashes := make([]uint64, 0, len(q.Confusion))
	for at := range q.Confusion {
		hashes = append(hashes, pairHash(at))
	}
	slices.Sort(hashes)
	last := hashes[MaxConfusion-1]
	for at, n := range q.Confusion {
		if pairHash(at) > last {
			q.ConfusionOther += n
			delete(q.Confusion, at)
		}
	}
}

func pairHash(at [2]string) uint64 { return xxh3.HashStringSeed(at[1], xxh3.HashString(at[0])) }

// ScoreLabels is the number of labelled rows with a score.
func (q *Quality) ScoreLabels() int64 { return q.Pos.N() + q.Neg.N() }

// Merge adds o to q. The scores of both classes are kept if all were and their
// joint net count is at most limit.
func (q *Quality) Merge(o *Quality, limit int) {
	q.Labels += o.Labels
	q.TP += o.TP
	q.FP += o.FP
	q.FN += o.FN
	q.TN += o.TN
	q.ConfusionOther += o.ConfusionOther
	q.Correct += o.Correct
	for at, n := range o.Confusion {
		q.addConfusion(at, n)
	}
	q.Pos.add(&o.Pos)
	q.Neg.add(&o.Neg)
	q.settle(limit)
	q.ProbLabels += o.ProbLabels
	q.Brier.merge(o.Brier)
	q.LogLoss.merge(o.LogLoss)
	if o.Regression != nil {
		if q.Regression == nil {
			q.Regression = &Regression{}
		}
		q.Regression.merge(o.Regression)
	}
}

// settle ends additions and applies the caps, and the rule of Merge to the
// scores.
func (q *Quality) settle(limit int) {
	q.trim()
	q.Pos.settle()
	q.Neg.settle()
	if q.Pos.gridded || q.Neg.gridded || q.ScoreLabels() > int64(limit) {
		q.Pos.toGrid()
		q.Neg.toGrid()
	}
}

// isEmpty tells whether all counts are zero, as when everything was taken back.
func (q *Quality) isEmpty() bool {
	return q.Labels == 0 && q.TP == 0 && q.FP == 0 && q.FN == 0 && q.TN == 0 &&
		len(q.Confusion) == 0 && q.ConfusionOther == 0 && q.Correct == 0 &&
		q.Pos.isEmpty() && q.Neg.isEmpty() && q.ProbLabels == 0 &&
		q.Brier == FixedSum{} && q.LogLoss == FixedSum{} && (q.Regression == nil || q.Regression.isEmpty())
}

func (s *ScoreSet) isEmpty() bool {
	s.settle()
	return s.n == 0 && len(s.values) == 0 && len(s.cells) == 0
}

// Regression is sums over labelled rows of a regression model; e is predicted
// value less label, y the label.
type Regression struct {
	N       int64
	Invalid int64 // rows whose error, its square or its ratio is not finite; in no sum
	NonZero int64 // rows whose y is not 0

	E, AbsE, SqE ExactSum
	Y, SqY, AbsY ExactSum
	AbsPct       ExactSum // |e/y| over the NonZero rows
}

func (r *Regression) add(pred, y float64, sign int64) {
	e := pred - y
	ratio := 0.0
	if y != 0 {
		ratio = math.Abs(e / y)
	}
	if !finite(e*e) || !finite(y*y) || !finite(ratio) {
		r.Invalid += sign
		return
	}
	r.N += sign
	if y != 0 {
		r.NonZero += sign
	}
	r.E.Add(e, sign)
	r.AbsE.Add(math.Abs(e), sign)
	r.SqE.Add(e*e, sign)
	r.Y.Add(y, sign)
	r.AbsY.Add(math.Abs(y), sign)
	// The square's rounding is added too: R² subtracts large sums of it.
	square := y * y
	r.SqY.Add(square, sign)
	r.SqY.Add(math.FMA(y, y, -square), sign)
	r.AbsPct.Add(ratio, sign)
}

func (r *Regression) sums() []*ExactSum {
	return []*ExactSum{&r.E, &r.AbsE, &r.SqE, &r.Y, &r.SqY, &r.AbsY, &r.AbsPct}
}

func (r *Regression) merge(o *Regression) {
	r.N += o.N
	r.Invalid += o.Invalid
	r.NonZero += o.NonZero
	theirs := o.sums()
	for i, s := range r.sums() {
		s.merge(theirs[i])
	}
}

func (r *Regression) isEmpty() bool {
	for _, s := range r.sums() {
		if !s.isZero() {
			return false
		}
	}
	return r.N == 0 && r.Invalid == 0 && r.NonZero == 0
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
