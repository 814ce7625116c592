package estimate

import (
	"cmp"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/measure"
)

// The rule by which a calibrator is used, as NannyML has it.
const (
	splits     = 10
	splitSeed  = 42
	errorBins  = 10
	perfectAUC = 0.999
)

// scored is one labelled row.
type scored struct {
	score    float64
	positive bool
}

// CalibrationError is the expected calibration error: the mean distance, over
// bins with the same number of rows by ascending probability, between the mean
// probability and the share of positives, each bin by its rows. With 2*bins
// rows or fewer there are half as many bins as rows. ok is false below four rows.
func CalibrationError(probability []float64, positive []bool, bins int) (ece float64, ok bool) {
	rows := make([]scored, len(probability))
	for i, p := range probability {
		rows[i] = scored{p, positive[i]}
	}
	return calibrationError(rows, bins)
}

// calibrationError sorts rows. Where a bin ends between rows of one
// probability, these count as equally positive on both sides, so that the
// order of ties has no say.
func calibrationError(rows []scored, bins int) (ece float64, ok bool) {
	n := len(rows)
	if n <= 2*bins {
		bins = n / 2
	}
	if bins < 2 {
		return 0, false
	}
	slices.SortFunc(rows, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	width := n / bins
	var gap float64 // expected less actual positives in the bin
	for i := 0; i < n; {
		ties, positives := 1, count(rows[i])
		for ; i+ties < n && rows[i+ties].score == rows[i].score; ties++ {
			positives += count(rows[i+ties])
		}
		each := rows[i].score - positives/float64(ties)
		for range ties {
			gap += each
			// Bins of that width as far as they reach; the last takes the rest.
			if i++; i == n || i%width == 0 && n-i >= width {
				ece += math.Abs(gap) / float64(n)
				gap = 0
			}
		}
	}
	return ece, true
}

func count(r scored) float64 {
	if r.positive {
		return 1
	}
	return 0
}

// needsCalibration tells whether the isotonic curve lowers the calibration
// error of rows that it has not seen: ten stratified shuffles, each fitted on
// nine tenths, their tests pooled. Not for one class or an almost perfect model.
func needsCalibration(rows []scored) bool {
	var byClass [2][]int32
	for i, r := range rows {
		class := 0
		if r.positive {
			class = 1
		}
		byClass[class] = append(byClass[class], int32(i))
	}
	if len(byClass[0]) < 2 || len(byClass[1]) < 2 || len(rows) < MinReference {
		return false
	}
	if a, _ := measure.AUC(cellsOf(rows)); a.Value > perfectAUC {
		return false
	}
	cells, cellOf := placed(rows)
	t := newTwister(splitSeed)
	var raw, calibrated []scored
	for range splits {
		train, test := t.split(byClass[0], byClass[1])
		c := isotonic(counted(cells, cellOf, rows, train))
		for _, at := range test {
			r := rows[at]
			raw = append(raw, r)
			calibrated = append(calibrated, scored{c.at(r.score), r.positive})
		}
	}
	before, ok := calibrationError(raw, errorBins)
	after, _ := calibrationError(calibrated, errorBins)
	return ok && before > after
}

// placed is the scores of rows, ascending and once each, as empty cells, and
// for each row the place of its own.
func placed(rows []scored) (cells []measure.Scored, cellOf []int32) {
	order := make([]int32, len(rows))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int { return cmp.Compare(rows[i].score, rows[j].score) })
	cellOf = make([]int32, len(rows))
	for _, i := range order {
		if n := len(cells); n == 0 || cells[n-1].Score != rows[i].score {
			cells = append(cells, measure.Scored{Score: rows[i].score})
		}
		cellOf[i] = int32(len(cells) - 1)
	}
	return cells, cellOf
}

// counted is the cells with the rows of a list in them.
func counted(cells []measure.Scored, cellOf []int32, rows []scored, list []int32) []measure.Scored {
	out := slices.Clone(cells)
	for _, i := range list {
		if c := &out[cellOf[i]]; rows[i].positive {
			c.Pos++
		} else {
			c.Neg++
		}
	}
	return out
}

// cellsOf counts rows by ascending score.
func cellsOf(rows []scored) []measure.Scored {
	cells, cellOf := placed(rows)
	all := make([]int32, len(rows))
	for i := range all {
		all[i] = int32(i)
	}
	return counted(cells, cellOf, rows, all)
}
