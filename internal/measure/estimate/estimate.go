// Package estimate tells how good a model is while its labels are still out.
//
// For classes it is confidence-based performance estimation (CBPE): from
// labelled rows of a reference, an isotonic calibrator learns how probable a
// positive is at a score; over rows without labels the probabilities add up to
// the confusion matrix that is to be expected. For numbers it is the error
// that the reference had at the same predicted values (loss.go).
//
// Both see a change of what comes in and are blind to a change of what it
// means: when the same score stands for another probability than in the
// reference (concept drift), the estimate stays where it was. That is what the
// gap to the realised quality shows once labels come.
//
// Rows give the numbers that NannyML gives; profiles, which keep scores on a
// grid, come close to them without a row being kept (the tests hold how close).
// The package is pure: nothing that is passed in is changed.
package estimate

import (
	"math"

	"github.com/leewayhq/leeway/internal/measure"
)

// Method is the name of the estimate's definition, as it stands with each number.
const Method = "cbpe@nannyml"

// Reasons why there is no estimate, beside those of measure.
const (
	NoReference    = "no_reference"        // no labelled reference with scores
	SmallReference = "small_reference"     // fewer than MinReference labelled rows
	NoDecision     = "no_decision"         // scores, but not what the model decided
	NotAnEstimate  = "not_for_this_task"   // the task has no estimator
	OneClassOnly   = "reference_one_class" // the reference has no positive, or no negative
)

// MinReference is the fewest labelled reference rows that an estimate is made from.
const MinReference = 30

// bandErrors is the half width of a band in sampling errors.
const bandErrors = 3

// Metric is an estimate. Low and High are the value less and plus three
// sampling errors, within the range of the metric: the noise of a window of
// this size, not the doubt about the calibrator.
type Metric struct {
	Key string
	measure.Value
	SamplingError float64 // NaN when the reference gives none
}

// Result is the estimated quality of some rows.
type Result struct {
	N              int64   // rows with a score, or with a predicted value
	TP, FP, FN, TN float64 // expected, of classes; they add up to N
	Outside        float64 // share of predicted values beyond all of the reference
	Metrics        []Metric
}

// Get finds a metric by its key.
func (r *Result) Get(key string) (Metric, bool) {
	for _, m := range r.Metrics {
		if m.Key == key {
			return m, true
		}
	}
	return Metric{}, false
}

// Limits are the mean of a realised metric over chunks of the reference, less
// and plus three standard deviations (ddof 0), within [low, high]: outside of
// them a metric is not what it used to be. NaN is left out; ok is false when
// nothing is left.
func Limits(realised []float64, low, high float64) (lower, upper float64, ok bool) {
	var n, sum float64
	for _, v := range realised {
		if !math.IsNaN(v) {
			n, sum = n+1, sum+v
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN(), false
	}
	mean, squares := sum/n, 0.0
	for _, v := range realised {
		if !math.IsNaN(v) {
			squares += (v - mean) * (v - mean)
		}
	}
	sd := math.Sqrt(squares / n)
	return math.Max(low, mean-bandErrors*sd), math.Min(high, mean+bandErrors*sd), true
}
