package measure

import "github.com/leewayhq/leeway/internal/profile"

// NoFeatures is the reason of a score without a column.
const NoFeatures = "no_features"

// score is the share of a column's rows that are sound. Unsound are, each row
// for one reason only: missing values beyond the share that the reference is
// missing, infinities, values of the wrong type, numbers out of the
// reference's range, and categories that it never had. A column that is
// constant and varied in the reference is worth nothing.
func score(q *FeatureQuality, ref *profile.Feature) Value {
	if q.Rows == 0 {
		return undefined(NoPredictions, 0)
	}
	usual := 0.0
	if ref != nil {
		usual = rate(ref.Missing(), ref.Rows)
		if q.Variety.Constant && !varietyOf(ref).Constant && ref.Rows >= defaultMinRows {
			return defined(0, q.Rows)
		}
	}
	bad := q.TypeErrors + q.OutOfRange + q.Unseen
	if q.Kind == KindNumeric {
		bad += q.Infinite // of a categorical column they are type errors
	}
	unsound := max(0, q.MissingRate-usual) + rate(bad, q.Rows)
	return defined(max(0, 1-unsound), q.Rows)
}

// DataState is the quality of all of a model's data in one window.
type DataState struct {
	Rows int64
	// Duplicates were refused because their id had been seen; their rate is
	// over all that came.
	Duplicates    int64
	DuplicateRate Value
	MissingRate   Value // over the cells of all columns
	Constant      int   // columns
	AlmostConst   int   // columns
	// Score is the mean of the columns' scores times the share of rows that
	// are not duplicates.
	Score Value
}

// DataStateOf sums up what DataQuality said of a profile.
func DataStateOf(p *profile.Profile, list []FeatureQuality) DataState {
	s := DataState{Rows: p.Rows(), Duplicates: p.Duplicates}
	s.DuplicateRate = proportion(s.Duplicates, s.Rows+s.Duplicates, NoPredictions)
	var missing, cells, n int64
	var sum float64
	for i := range list {
		q := &list[i]
		missing, cells = missing+q.Missing, cells+q.Rows
		if q.Variety.Constant {
			s.Constant++
		}
		if q.Variety.AlmostConstant {
			s.AlmostConst++
		}
		if q.Score.Defined {
			sum, n = sum+q.Score.Value, n+1
		}
	}
	s.MissingRate, s.Score = undefined(NoFeatures, 0), undefined(NoFeatures, 0)
	if cells > 0 {
		s.MissingRate = defined(float64(missing)/float64(cells), cells)
	}
	if n > 0 {
		s.Score = defined(sum/float64(n)*(1-s.DuplicateRate.Value), s.Rows)
	}
	return s
}
