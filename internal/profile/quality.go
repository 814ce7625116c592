package profile

import "github.com/leewayhq/leeway/internal/event"

// MaxConfusion is how many pairs of classes are counted by name.
const MaxConfusion = 10_000

// Quality is everything that depends on a label. All of it is invertible, so
// that a corrected label takes its first contribution back without a trace; in
// a delta, counts may be negative.
type Quality struct {
	Labels int64

	TP, FP, FN, TN int64 // binary, at the model's own decision

	// Multiclass: predicted class, label. Correct counts the hits whether their
	// cell is kept or not; ConfusionOther those of cells not kept.
	Confusion      map[[2]string]int64
	ConfusionOther int64
	Correct        int64

	Pos, Neg   ScoreSet // scores of labelled rows by their true class
	ProbLabels int64    // labelled rows with a score in 0..1, which these sum:
	Brier      FixedSum // (score - label)²
	LogLoss    FixedSum // natural log, clipped as scikit-learn does for float64

	Regression *Regression
}

// Regression is sums over labelled rows of a regression model; e is predicted
// value less label, y the label.
type Regression struct {
	N       int64
	Invalid int64 // rows whose error or its square is not finite; in no sum
	NonZero int64 // rows whose y is not 0

	E, AbsE, SqE ExactSum
	Y, SqY, AbsY ExactSum
	AbsPct       ExactSum // |e/y| over the NonZero rows
}

// Outcome is a prediction and its label.
type Outcome struct {
	Task                        event.Task
	PredPositive, LabelPositive bool    // binary
	Pred, Label                 string  // multiclass
	Score                       float64 // of the positive class; NaN when there is none
	PredValue, LabelValue       float64 // regression
}

// Add counts an outcome; sign -1 takes it back.
func (q *Quality) Add(o *Outcome, sign int64) {}

// ScoreLabels is the number of labelled rows with a score.
func (q *Quality) ScoreLabels() int64 { return q.Pos.N() + q.Neg.N() }

// Merge adds o to q.
func (q *Quality) Merge(o *Quality, limit int) {}

// TotalSquares is the sum of (y - mean of y)², of which R² is made; NaN when
// there is no row.
func (r *Regression) TotalSquares() float64 { return 0 }
