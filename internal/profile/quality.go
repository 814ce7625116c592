package profile

import (
	"math"
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
	Up         ScoreSet // and of those that were predicted positive, of either class
	ProbLabels int64    // labelled rows with a score in 0..1, which these sum:
	Brier      FixedSum // (score - label)²
	LogLoss    FixedSum // natural log, clipped as scikit-learn does for float64

	Classes    *ClassScores // multiclass, where a score of each class was sent
	Regression *Regression
	Ranking    *Ranking
}

// Outcome is a prediction and its label.
type Outcome struct {
	Task                        event.Task
	PredPositive, LabelPositive bool    // binary
	Pred, Label                 string  // multiclass
	Score                       float64 // binary: of the positive class; NaN when there is none
	PredValue, LabelValue       float64 // regression

	// Multiclass: the score of each of ScoredClasses, NaN where there is none.
	// Both may be nil.
	ScoredClasses []string
	ClassScores   []float64
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
		q.addClasses(o, sign)
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
	if o.PredPositive {
		q.Up.Add(s, sign)
	}
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

// Merge adds o to q. The scores are kept if all were and their
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
	q.Up.add(&o.Up)
	q.settle(limit)
	q.ProbLabels += o.ProbLabels
	q.Brier.merge(o.Brier)
	q.LogLoss.merge(o.LogLoss)
	mergePart(&q.Classes, o.Classes, limit)
	mergePart(&q.Regression, o.Regression, limit)
	mergePart(&q.Ranking, o.Ranking, limit)
}

// settle ends additions and applies the caps, and the rule of Merge to the
// scores.
func (q *Quality) settle(limit int) {
	q.trim()
	q.Pos.settle()
	q.Neg.settle()
	q.Up.settle()
	if q.Pos.gridded || q.Neg.gridded || q.Up.gridded || q.ScoreLabels() > int64(limit) {
		q.Pos.toGrid()
		q.Neg.toGrid()
		q.Up.toGrid()
	}
	if q.Classes != nil {
		q.Classes.settle(limit)
	}
	if q.Regression != nil {
		q.Regression.settle(limit)
	}
}

// isEmpty tells whether all counts are zero, as when everything was taken back.
func (q *Quality) isEmpty() bool {
	return q.Labels == 0 && q.TP == 0 && q.FP == 0 && q.FN == 0 && q.TN == 0 &&
		len(q.Confusion) == 0 && q.ConfusionOther == 0 && q.Correct == 0 &&
		q.Pos.isEmpty() && q.Neg.isEmpty() && q.Up.isEmpty() && q.ProbLabels == 0 &&
		q.Brier == FixedSum{} && q.LogLoss == FixedSum{} && (q.Classes == nil || q.Classes.isEmpty()) &&
		(q.Regression == nil || q.Regression.isEmpty()) && (q.Ranking == nil || *q.Ranking == Ranking{})
}

func (s *ScoreSet) isEmpty() bool {
	s.settle()
	return s.n == 0 && len(s.values) == 0 && len(s.cells) == 0
}
