package measure

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// Outliers lie outside these quantiles of the reference.
const (
	outlierLow  = 0.005
	outlierHigh = 0.995
)

// topCategories is how many categories an answer lists by name.
const topCategories = 20

// FeatureQuality is the state of one column. Counts come with their rate;
// rates are over Rows for Missing, Infinite and TypeErrors, over the finite
// numbers for outliers and OutOfRange, and over the strings for Unseen.
type FeatureQuality struct {
	Name, Kind string
	Rows       int64

	Missing     int64 // null, NaN or empty
	MissingRate float64
	NaN         int64
	Infinite    int64
	TypeErrors  int64 // values of the other kind than the column's

	// Compared tells that there is a reference for what follows.
	Compared       bool
	Outliers       int64 // numbers outside the reference's 0.5 and 99.5 percentiles
	OutlierRate    float64
	OutliersIQR    int64 // further than 1.5 quartile ranges from its quartiles
	OutliersZScore int64 // further than 3 deviations from its mean
	OutOfRange     int64 // numbers below its least or above its greatest
	OutOfRangeRate float64
	Unseen         int64 // strings that it never had
	UnseenRate     float64

	Variety Variety
	// Score is how sound the column is, of 0..1; see score.
	Score Value

	Number   *NumberSummary   // nil without a finite number
	Category *CategorySummary // nil without a string
}

// NumberSummary describes finite numbers.
type NumberSummary struct {
	N         int64
	Mean      float64
	SD        *float64 // of a sample (ddof 1); nil for a single row
	Min, Max  float64
	Quantiles []Quantile
	// QuantileError is how far a rank can be off, as a share; 0 when exact.
	QuantileError float64
}

// Quantile is the value below which a share Q of the numbers lies.
type Quantile struct{ Q, Value float64 }

// CategorySummary describes strings.
type CategorySummary struct {
	N, Distinct int64
	Top         []CategoryCount // the most frequent first, at most 20
	Other       int64           // rows of all categories that Top leaves out
}

// CategoryCount is how often a category came.
type CategoryCount struct {
	Name  string
	Count int64
}

// DataQuality describes every feature of the current profile, by name. The
// reference may be nil.
func DataQuality(cur, ref *profile.Profile) []FeatureQuality {
	out := make([]FeatureQuality, 0, len(cur.Features))
	for _, name := range slices.Sorted(maps.Keys(cur.Features)) {
		var base *profile.Feature
		if ref != nil {
			base = ref.Features[name]
		}
		out = append(out, featureQuality(name, cur.Features[name], base))
	}
	return out
}

func featureQuality(name string, f, ref *profile.Feature) FeatureQuality {
	q := FeatureQuality{Name: name, Kind: kindOf(f), Rows: f.Rows, Missing: f.Missing()}
	if ref != nil {
		q.Kind = kindOf(ref)
	}
	q.MissingRate = rate(q.Missing, q.Rows)
	if f.Num != nil {
		q.NaN, q.Infinite = f.Num.NaN, f.Num.PosInf+f.Num.NegInf
		q.Number = summarise(f.Num)
	}
	if f.Cat != nil {
		q.Category = topOf(f.Cat)
	}
	if q.Kind == KindNumeric {
		q.TypeErrors = orEmpty(f.Cat).N
		q.compareNumbers(f, ref)
	} else {
		num := orEmpty(f.Num)
		q.TypeErrors = num.N + num.PosInf + num.NegInf
		q.compareCategories(f, ref)
	}
	q.Variety = varietyOf(f)
	q.Score = score(&q, ref)
	return q
}

func (q *FeatureQuality) compareNumbers(f, ref *profile.Feature) {
	if f.Num == nil || f.Num.N == 0 || ref == nil || ref.Num == nil || ref.Num.N == 0 {
		return
	}
	q.Compared = true
	x, r := f.Num, ref.Num
	q.Outliers = rows(x, fence{r.Quantile(outlierLow), r.Quantile(outlierHigh)})
	q.OutliersIQR, q.OutliersZScore = rows(x, tukey(r)), rows(x, threeSigma(r))
	if x.Min < r.Min || x.Max > r.Max {
		q.OutOfRange = max(1, rows(x, fence{r.Min, r.Max}))
	}
	q.OutlierRate, q.OutOfRangeRate = rate(q.Outliers, x.N), rate(q.OutOfRange, x.N)
}

// fence is the interval outside of which a number is an outlier.
type fence struct{ lo, hi float64 }

// tukey lies 1.5 quartile ranges beyond the quartiles.
func tukey(r *profile.Numeric) fence {
	lo, hi := r.Quantile(0.25), r.Quantile(0.75)
	return fence{lo - 1.5*(hi-lo), hi + 1.5*(hi-lo)}
}

// threeSigma lies three standard deviations (ddof 0) from the mean.
func threeSigma(r *profile.Numeric) fence {
	mean, sd := r.Mean(), r.SD(0)
	return fence{mean - 3*sd, mean + 3*sd}
}

// rows is how many numbers lie outside a fence.
func rows(x *profile.Numeric, f fence) int64 {
	return int64(math.Round(x.MassOutside(f.lo, f.hi) * float64(x.N)))
}

func (q *FeatureQuality) compareCategories(f, ref *profile.Feature) {
	if f.Cat == nil || f.Cat.N == 0 || ref == nil || ref.Cat == nil || ref.Cat.N == 0 {
		return
	}
	q.Compared = true
	c := categoryColumn("", f.Cat, ref.Cat)
	q.Unseen = c.unseen()
	q.UnseenRate = rate(q.Unseen, f.Cat.N)
}

func rate(k, n int64) float64 {
	if n <= 0 {
		return 0
	}
	return float64(k) / float64(n)
}

func summarise(x *profile.Numeric) *NumberSummary {
	if x.N == 0 {
		return nil
	}
	s := &NumberSummary{N: x.N, Mean: x.Mean(), Min: x.Min, Max: x.Max, QuantileError: x.QuantileError()}
	if sd := x.SD(1); !math.IsNaN(sd) {
		s.SD = &sd
	}
	for _, p := range []float64{0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99} {
		s.Quantiles = append(s.Quantiles, Quantile{p, x.Quantile(p)})
	}
	return s
}

func topOf(c *profile.Categories) *CategorySummary {
	if c.N == 0 {
		return nil
	}
	all := make([]CategoryCount, 0, len(c.Counts))
	for name, n := range c.Counts {
		all = append(all, CategoryCount{name, n})
	}
	slices.SortFunc(all, func(a, b CategoryCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	s := &CategorySummary{N: c.N, Distinct: c.Distinct(), Top: all[:min(len(all), topCategories)], Other: c.N}
	for _, t := range s.Top {
		s.Other -= t.Count
	}
	return s
}
