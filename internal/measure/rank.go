package measure

import "math"

// Scored counts the labelled rows that share one score.
type Scored struct {
	Score    float64
	Pos, Neg int64
}

// AUC is the area under the ROC curve with its 95 % interval (DeLong,
// DeLong and Clarke-Pearson 1988), from counts by strictly ascending score.
// Ties count half. ok is false without a positive or without a negative;
// hasInterval is false when either class has a single row.
func AUC(cells []Scored) (a Area, ok bool) {
	for _, c := range cells {
		a.Pos += c.Pos
		a.Neg += c.Neg
	}
	if a.Pos == 0 || a.Neg == 0 {
		return a, false
	}
	m, n := float64(a.Pos), float64(a.Neg)
	var wins float64 // twice the pairs that are in the right order
	var below int64
	for _, c := range cells {
		wins += float64(c.Pos) * float64(2*below+c.Neg)
		below += c.Neg
		a.TiedPairs += float64(c.Pos) * float64(c.Neg)
	}
	a.Value = wins / (2 * m * n)
	a.interval(cells)
	return a, true
}

// Area is a ROC AUC and how sure it is.
type Area struct {
	Value, Low, High float64
	SE               float64 // DeLong's standard error, where there is an interval
	HasInterval      bool
	Pos, Neg         int64
	// TiedPairs is the number of pairs of a positive and a negative within one
	// cell. Where cells are wider than a score, the true area is within
	// TiedPairs / (2 Pos Neg) of Value.
	TiedPairs float64
}

// Bound is how far the area can be from that of the unrounded scores.
func (a Area) Bound() float64 {
	if a.Pos == 0 || a.Neg == 0 {
		return 0
	}
	return a.TiedPairs / (2 * float64(a.Pos) * float64(a.Neg))
}

func (a *Area) interval(cells []Scored) {
	if a.Pos < 2 || a.Neg < 2 {
		return
	}
	m, n := float64(a.Pos), float64(a.Neg)
	var belowPos, belowNeg int64
	var s10, s01 float64
	for _, c := range cells {
		// The share of negatives that a positive of this score beats, and of
		// positives that beat a negative of it.
		v10 := (float64(belowNeg) + float64(c.Neg)/2) / n
		v01 := (float64(a.Pos-belowPos-c.Pos) + float64(c.Pos)/2) / m
		s10 += float64(c.Pos) * (v10 - a.Value) * (v10 - a.Value)
		s01 += float64(c.Neg) * (v01 - a.Value) * (v01 - a.Value)
		belowPos += c.Pos
		belowNeg += c.Neg
	}
	a.SE = math.Sqrt(s10/(m-1)/m + s01/(n-1)/n)
	half := z95 * a.SE
	a.Low, a.High = math.Max(0, a.Value-half), math.Min(1, a.Value+half)
	a.HasInterval = true
}

// AveragePrecision is the sum of precision times gain in recall over
// descending scores, without interpolation (as scikit-learn). ok is false
// without a positive.
func AveragePrecision(cells []Scored) (ap float64, ok bool) {
	var tp, n, pos int64
	for _, c := range cells {
		pos += c.Pos
	}
	if pos == 0 {
		return 0, false
	}
	for i := len(cells) - 1; i >= 0; i-- {
		c := cells[i]
		tp += c.Pos
		n += c.Pos + c.Neg
		if c.Pos > 0 {
			ap += float64(c.Pos) * float64(tp) / float64(n)
		}
	}
	return ap / float64(pos), true
}
