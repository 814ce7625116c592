// Package measure turns profiles into numbers: quality, drift and the quality
// of data. It is pure: no state, no clock, no input or output, and nothing is
// changed that is passed in, so everything may be called concurrently on
// profiles that nobody writes.
//
// A number is right or says how wrong it can be. What does not exist (the
// recall of a window without positives) is undefined with a reason, never
// zero. Where a profile keeps its values the numbers are exact; where it keeps
// a grid they carry a bound. Formulas and their sources stand
// beside each function; the plain slices that the kernels take (Scored, and
// Point and Bin of twosample) are what tests compare with other tools.
package measure

// Reason codes of undefined values. The UI translates them.
const (
	NoLabels             = "no_labels"
	NoPredictions        = "no_predictions"
	NoPositives          = "no_positives"
	NoNegatives          = "no_negatives"
	NoPredictedPositives = "no_predicted_positives"
	OneClass             = "one_class"
	NoScores             = "no_scores"
	NeedsClassScores     = "needs_class_scores"
	TooManyClasses       = "too_many_classes"
	ConstantLabels       = "constant_labels"
	ZeroTargets          = "zero_targets"
	NegativeTargets      = "negative_targets"
	NoRelevant           = "no_relevant_items"
	NotFinite            = "not_finite"
)

// Value is one number, or the reason why there is none.
type Value struct {
	Value   float64
	Defined bool
	Reason  string // a code, when not defined
	// Low and High are a 95 % confidence interval, made as Method says.
	Low, High   float64
	HasInterval bool
	N           int64  // rows that the number rests on
	Method      string // how the number or its interval is made, where there is a choice
	// Bound is how far the value can be from that of the unrounded data; 0 when
	// it is exact.
	Bound float64
}

func undefined(reason string, n int64) Value { return Value{Reason: reason, N: n} }

func defined(v float64, n int64) Value { return Value{Value: v, Defined: true, N: n} }

func (v Value) between(low, high float64, method string) Value {
	v.Low, v.High, v.HasInterval, v.Method = low, high, true, method
	return v
}

// proportion is k of n with its Wilson interval; reason says why n can be 0.
func proportion(k, n int64, reason string) Value {
	if n <= 0 {
		return undefined(reason, 0)
	}
	low, high := Wilson(k, n)
	return defined(float64(k)/float64(n), n).between(low, high, "wilson")
}
