package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/profile"
)

// The kinds of curves.
const (
	CurveROC         = "roc"         // true positive rate over false positive rate
	CurvePR          = "pr"          // precision over recall
	CurveCalibration = "calibration" // share of positives over mean score, in ten bins
	CurveLift        = "lift"        // lift over the share of rows, by descending score
	CurveGain        = "gain"        // share of the positives over the share of rows
)

// CurveKinds lists them.
func CurveKinds() []string {
	return []string{CurveROC, CurvePR, CurveCalibration, CurveLift, CurveGain}
}

// MaxCurvePoints bounds a curve, however many scores there are.
const MaxCurvePoints = 200

// CurvePoint is one point of a curve. It stands on N rows: those at or above
// the threshold, or those of the bin. Low and High are the 95 % interval of Y
// (Wilson, Y being a proportion or a multiple of one) when HasInterval.
type CurvePoint struct {
	X, Y        float64
	Low, High   float64
	HasInterval bool
	Threshold   float64 // NaN where there is none
	N           int64
	Bound       float64 // of X, as in Value; points at thresholds are exact
}

// Curve is a curve of the scores of two classes.
type Curve struct {
	Kind     string
	Points   []CurvePoint // in the order in which the curve is drawn
	Pos, Neg int64
	Summary  Metric // the number that stands for the curve
	Reason   string // why there are no points
}

// CurveOf draws the curve of the scores of two classes. Points at thresholds
// are exact on the grid as well, since there they lie between cells; how the
// curve runs within a cell is not known. More than MaxCurvePoints are thinned
// by equal steps along the curve; its ends stay.
func CurveOf(pos, neg *profile.ScoreSet, kind string) Curve {
	x := scoresOf(pos, neg)
	c := Curve{Kind: kind, Pos: x.pos, Neg: x.neg, Summary: x.summary(kind)}
	twoClasses := kind == CurveROC
	if c.Reason = x.missing(1, twoClasses); c.Reason != "" {
		return c
	}
	switch kind {
	case CurveCalibration:
		c.Points = x.calibration()
		return c
	case CurveROC:
		c.Points = x.walk(func(tp, fp int64) CurvePoint {
			return x.point(float64(fp)/float64(x.neg), share{tp, x.pos}, 1)
		})
		c.Points = append([]CurvePoint{{Threshold: math.NaN()}}, c.Points...)
	case CurvePR:
		c.Points = x.walk(func(tp, fp int64) CurvePoint {
			return x.point(float64(tp)/float64(x.pos), share{tp, tp + fp}, 1)
		})
	case CurveLift, CurveGain:
		c.Points = x.walk(func(tp, fp int64) CurvePoint {
			part, scale := float64(tp+fp)/float64(x.n()), 1.0
			if kind == CurveLift {
				scale = 1 / part
			}
			return x.point(part, share{tp, x.pos}, scale)
		})
	}
	if kind != CurveROC && x.pos <= 0 {
		c.Points, c.Reason = nil, NoPositives
		return c
	}
	c.Points = thin(c.Points, MaxCurvePoints)
	return c
}

func (x *scores) summary(kind string) Metric {
	switch kind {
	case CurveROC:
		return Metric{"auc_roc", x.area(1)}
	case CurvePR:
		return Metric{"average_precision", x.averagePrecision(1)}
	case CurveCalibration:
		return Metric{"calibration_error", x.calibrationError(1)}
	}
	return Metric{"lift_top_decile", x.lift(1)}
}

// walk makes a point of each threshold, from the highest on.
func (x *scores) walk(of func(tp, fp int64) CurvePoint) []CurvePoint {
	out := make([]CurvePoint, 0, len(x.cells)+1)
	var tp, fp int64
	for i := len(x.cells) - 1; i >= 0; i-- {
		c := x.cells[i]
		if c.Pos+c.Neg <= 0 {
			continue
		}
		tp, fp = tp+c.Pos, fp+c.Neg
		p := of(tp, fp)
		p.Threshold, p.N = x.lo[i], tp+fp
		out = append(out, p)
	}
	return out
}

func (x *scores) point(at float64, y share, scale float64) CurvePoint {
	if y.n <= 0 {
		return CurvePoint{X: at}
	}
	low, high := Wilson(y.k, y.n)
	return CurvePoint{X: at, Y: y.value() * scale, Low: low * scale, High: high * scale, HasInterval: true}
}

func (x *scores) calibration() []CurvePoint {
	var out []CurvePoint
	for _, b := range x.reliabilities(calibrationBins) {
		if b.n <= 0 {
			continue
		}
		p := x.point(b.sum/float64(b.n), share{b.pos, b.n}, 1)
		p.Threshold, p.N, p.Bound = math.NaN(), b.n, b.slack/float64(b.n)
		out = append(out, p)
	}
	return out
}

// thin keeps at most n points: the ends, and others about as far apart along
// the curve.
func thin(points []CurvePoint, n int) []CurvePoint {
	if len(points) <= n {
		return points
	}
	step := 0.0
	for i := 1; i < len(points); i++ {
		step += apart(&points[i-1], &points[i])
	}
	step /= float64(n - 2)
	out := append(make([]CurvePoint, 0, n), points[0])
	gone := 0.0
	for i := 1; i+1 < len(points) && len(out) < n-1; i++ {
		if gone += apart(&points[i-1], &points[i]); gone >= step {
			out = append(out, points[i])
			gone = 0
		}
	}
	return append(out, points[len(points)-1])
}

func apart(a, b *CurvePoint) float64 { return math.Abs(b.X-a.X) + math.Abs(b.Y-a.Y) }
