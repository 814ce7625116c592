package profile

import "math"

// ScoreSet is a multiset of scores with signed counts: a delta may take back
// what an earlier one added.
type ScoreSet struct {
	n       int64        // net
	values  []scoreCount // ascending, none zero, while exact
	cells   []cell       // ascending, none zero, when gridded
	gridded bool
}

type scoreCount struct {
	value float64
	count int64
}

// Add counts a score sign times. NaN is ignored.
func (s *ScoreSet) Add(score float64, sign int64) {}

// Merge adds o to s.
func (s *ScoreSet) Merge(o *ScoreSet, limit int) {}

// N is the net count.
func (s *ScoreSet) N() int64 { return s.n }

// Exact is all scores, ascending, when they were kept.
func (s *ScoreSet) Exact() (values []float64, ok bool) { return nil, !s.gridded }

// Mean is NaN when there is none; on the grid it is that of the cells' middles.
func (s *ScoreSet) Mean() float64 { return math.NaN() }

// Quantile is the score at rank q of 0..1; NaN when there is none.
func (s *ScoreSet) Quantile(q float64) float64 { return math.NaN() }

// QuantileError is the greatest error of a rank, as a share of N.
func (s *ScoreSet) QuantileError() float64 { return 0 }

// CDF is the share of scores that are at most v.
func (s *ScoreSet) CDF(v float64) float64 { return math.NaN() }

// MassOutside is the share of scores below lo or above hi.
func (s *ScoreSet) MassOutside(lo, hi float64) float64 { return math.NaN() }

// Cells calls fn for each interval that holds scores, ascending; lo equals hi
// where scores are kept.
func (s *ScoreSet) Cells(fn func(lo, hi float64, count int64)) {}

// ScorePairs walks two sets by ascending score. Scores of one call are ties:
// equal while both are exact, else of one cell, whose middle is given. The
// error of an AUC made of it is at most half the share of tied pairs.
func ScorePairs(pos, neg *ScoreSet, fn func(score float64, pos, neg int64)) {}
