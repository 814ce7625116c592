package estimate

import (
	"math"

	"github.com/leewayhq/leeway/internal/measure"
)

// Row is one labelled prediction of a binary model.
type Row struct {
	Score             float64
	Predicted, Actual bool // positive
}

// Reference is what labelled rows taught: how probable a positive is at a
// score, and how much each metric scatters. It is made once and only read.
type Reference struct {
	Rows       int64 // labelled rows with a score
	Calibrated bool  // false: the scores are taken as probabilities
	curve      curve
	place      func(score float64) float64 // where scores are read; nil is as they are
	spread     map[string]spread
}

// spread is the standard deviation of a metric of one row, and the share of
// rows that the metric is about.
type spread struct{ sd, share float64 }

// FromRows learns from labelled rows in their order; a row whose score is not
// finite is left out. The reason is empty when there is a reference.
func FromRows(rows []Row) (r *Reference, reason string) {
	var kept []scored
	var c confusion
	for _, row := range rows {
		if math.IsNaN(row.Score) || math.IsInf(row.Score, 0) {
			continue
		}
		kept = append(kept, scored{row.Score, row.Actual})
		c.add(row.Predicted, row.Actual)
	}
	cells := cellsOf(kept)
	if reason := learnable(cells); reason != "" {
		return nil, reason
	}
	return newReference(cells, c, needsCalibration(kept)), ""
}

func learnable(cells []measure.Scored) string {
	var pos, neg int64
	for _, c := range cells {
		pos, neg = pos+c.Pos, neg+c.Neg
	}
	switch {
	case pos+neg == 0:
		return NoReference
	case pos+neg < MinReference:
		return SmallReference
	case pos == 0 || neg == 0:
		return OneClassOnly
	}
	return ""
}

func newReference(cells []measure.Scored, c confusion, calibrate bool) *Reference {
	r := &Reference{Calibrated: calibrate, spread: c.spreads()}
	for _, cell := range cells {
		r.Rows += cell.Pos + cell.Neg
	}
	if calibrate {
		r.curve = isotonic(cells)
	}
	r.spread["auc_roc"] = aucSpread(cells)
	r.spread["average_precision"] = precisionSpread(cells)
	return r
}

// Probability is that of a positive at a score.
func (r *Reference) Probability(score float64) float64 {
	if r.place != nil {
		score = r.place(score)
	}
	if r.Calibrated {
		return r.curve.at(score)
	}
	return math.Min(1, math.Max(0, score))
}

// SamplingError is the standard error of a metric over n rows like the
// reference's; NaN where the reference gives none.
func (r *Reference) SamplingError(key string, n int64) float64 {
	s, ok := r.spread[key]
	if !ok || !(s.share > 0) || n <= 0 {
		return math.NaN()
	}
	return s.sd / math.Sqrt(float64(n)*s.share)
}

// confusion is the realised outcome of the reference.
type confusion struct{ tp, fp, fn, tn int64 }

func (c *confusion) add(predicted, actual bool) {
	switch {
	case predicted && actual:
		c.tp++
	case predicted:
		c.fp++
	case actual:
		c.fn++
	default:
		c.tn++
	}
}

// spreads are those of the metrics that are a share of rows being right; F1 is
// the share of TP among TP, FP and FN, times what makes F1 of it.
func (c *confusion) spreads() map[string]spread {
	tp, fp, fn, tn := float64(c.tp), float64(c.fp), float64(c.fn), float64(c.tn)
	all := tp + fp + fn + tn
	of := func(hits, rows, scale float64) spread {
		p := hits / rows
		return spread{sd: scale * math.Sqrt(p*(1-p)), share: rows / all}
	}
	out := map[string]spread{}
	for key, s := range map[string]spread{
		"accuracy":    of(tp+tn, all, 1),
		"precision":   of(tp, tp+fp, 1),
		"recall":      of(tp, tp+fn, 1),
		"specificity": of(tn, tn+fp, 1),
		"f1_score":    of(tp, tp+fp+fn, (tp+fp+fn)/(tp+(fp+fn)/2)),
	} {
		if !math.IsNaN(s.sd) {
			out[key] = s
		}
	}
	return out
}

// aucSpread is the spread, over the rarer class, of the share of the other
// class that a row is ranked right against (AUC as Mann-Whitney's U). Rows of
// one score are taken in random order, as a sort leaves them: their ranks
// spread evenly over the tie.
func aucSpread(cells []measure.Scored) spread {
	var pos, neg float64
	for _, c := range cells {
		pos, neg = pos+float64(c.Pos), neg+float64(c.Neg)
	}
	rare, other := pos, neg
	flip := pos > neg
	if flip {
		rare, other = neg, pos
	}
	var below, sum, squares float64
	for _, c := range cells {
		mine, ties := float64(c.Pos), float64(c.Neg)
		if flip {
			mine, ties = ties, mine
		}
		at := (below + ties/2) / other
		sum += mine * at
		// ties+1 places between the others, each as likely.
		squares += mine * (at*at + ties*(ties+2)/12/other/other)
		below += ties
	}
	mean := sum / rare
	return spread{sd: math.Sqrt(math.Max(0, squares/rare-mean*mean)), share: rare / (pos + neg)}
}

// precisionSpread is the standard deviation of the influence of one row on the
// average precision (delta method; NannyML resamples the reference instead).
func precisionSpread(cells []measure.Scored) spread {
	ap, ok := measure.AveragePrecision(cells)
	if !ok {
		return spread{}
	}
	var n, pos float64
	for _, c := range cells {
		n, pos = n+float64(c.Pos+c.Neg), pos+float64(c.Pos)
	}
	// From the lowest score up: rows and positives at or above it.
	above, hits := n, pos
	var gain, loss, squares float64 // sums over positives at or below
	for _, c := range cells {
		precision := hits / above
		gain += float64(c.Pos) / above
		loss += float64(c.Pos) * precision / above
		ifPos := n / pos * (precision - ap + gain - loss)
		ifNeg := n / pos * -loss
		squares += float64(c.Pos)*ifPos*ifPos + float64(c.Neg)*ifNeg*ifNeg
		above -= float64(c.Pos + c.Neg)
		hits -= float64(c.Pos)
	}
	return spread{sd: math.Sqrt(squares / n), share: 1}
}
