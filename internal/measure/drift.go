package measure

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/profile"
)

// Methods of drift by their plain names, which mean Leeway's own definitions:
//
//	psi          population stability index over the reference's deciles (numbers)
//	             or categories, unseen categories as one bin; half a row of smoothing
//	ks           two-sample Kolmogorov-Smirnov distance; numbers only
//	chi2         contingency chi-square over categories, Yates for 2x2; categories only
//	js           Jensen-Shannon distance in bits over the bins of psi, no smoothing
//	wasserstein  W1 in the feature's own unit; numbers only
const (
	MethodPSI         = "psi"
	MethodKS          = "ks"
	MethodChiSquare   = "chi2"
	MethodJS          = "js"
	MethodWasserstein = "wasserstein"
)

// Methods lists the names that DriftOptions.Method accepts.
func Methods() []string {
	return []string{MethodPSI, MethodKS, MethodChiSquare, MethodJS, MethodWasserstein}
}

// The kinds of features.
const (
	KindNumeric     = "numeric"
	KindCategorical = "categorical"
)

// The grades of a column.
const (
	Stable       = "stable"       // no significant difference
	Shifted      = "shifted"      // significant, but below the limit
	Drifted      = "drifted"      // significant, and at or above the limit
	Insufficient = "insufficient" // too few rows for a verdict
)

// DriftOptions says how drift is judged. The zero value is Leeway's own way.
type DriftOptions struct {
	Method string // empty is psi
	// Limits of the effect by method, inclusive. What is missing has 0.1. The
	// effect of wasserstein is W1 over the reference's standard deviation; chi2
	// has none of its own and is judged by its psi.
	Limits map[string]float64
	// Q is the false discovery rate over the columns of one window; 0 is 0.01.
	Q float64
	// MinRows is the support that each side needs for a verdict; 0 is 30.
	MinRows int64
}

const (
	defaultLimit   = 0.1
	defaultQ       = 0.01
	defaultMinRows = 30
)

// Validate reports what is wrong with the options.
func (o DriftOptions) Validate() []error {
	var errs []error
	if o.Method != "" && !slices.Contains(Methods(), o.Method) {
		errs = append(errs, fmt.Errorf("drift method %q is not one of %v", o.Method, Methods()))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Limits)) {
		if v := o.Limits[name]; !slices.Contains(Methods(), name) {
			errs = append(errs, fmt.Errorf("drift limit of unknown method %q", name))
		} else if !(v >= 0) || math.IsInf(v, 1) {
			errs = append(errs, fmt.Errorf("drift limit of %s is %v, not a number of 0 or more", name, v))
		}
	}
	if !(o.Q >= 0 && o.Q < 1) {
		errs = append(errs, fmt.Errorf("false discovery rate %v is not within 0 and 1", o.Q))
	}
	if o.MinRows < 0 {
		errs = append(errs, fmt.Errorf("minimum support %d is negative", o.MinRows))
	}
	return errs
}

func (o DriftOptions) withDefaults() DriftOptions {
	if o.Method == "" {
		o.Method = MethodPSI
	}
	if o.Q == 0 {
		o.Q = defaultQ
	}
	if o.MinRows == 0 {
		o.MinRows = defaultMinRows
	}
	return o
}

func (o DriftOptions) limit() float64 {
	method := o.Method
	if method == MethodChiSquare {
		method = MethodPSI
	}
	if v, ok := o.Limits[method]; ok {
		return v
	}
	return defaultLimit
}

// FeatureDrift is how far one column has moved from the reference.
type FeatureDrift struct {
	Name   string
	Kind   string
	Method string
	// Value is the method's number; Defined is false when a side has no rows,
	// and Value is NaN then.
	Value   float64
	Defined bool
	// PValue is that of the method for ks and chi2, else that of the verdict.
	PValue  *float64
	Drifted bool
	Grade   string
	N, RefN int64
	// Unseen is the share of rows in categories that the reference never had;
	// UnseenSignificant tells that it is no accident, whatever the distance says.
	Unseen            float64
	UnseenSignificant bool
	// Bound is how far a ks can be from that of the unrounded values; the edges
	// of psi and js are edges of the grid, so that they are exact for it.
	Bound float64
}

// Drift compares the features of two profiles, by name; those that only the
// current one has are left out, and so are those to which the method does not
// apply. The verdict is over all of them at once.
func Drift(cur, ref *profile.Profile, opt DriftOptions) []FeatureDrift {
	opt = opt.withDefaults()
	var cols []column
	for _, name := range slices.Sorted(maps.Keys(ref.Features)) {
		now := cur.Features[name]
		if now == nil {
			now = &profile.Feature{}
		}
		cols = append(cols, featureColumn(name, now, ref.Features[name]))
	}
	return judge(cols, opt)
}

// PredictionDrift compares what two profiles predicted, the most telling
// first: "value" of a regression model, else "score", else "class". The first
// is the headline.
func PredictionDrift(cur, ref *profile.Profile, opt DriftOptions) []FeatureDrift {
	var cols []column
	if ref.Values != nil && ref.Values.N > 0 {
		cols = append(cols, numericColumn("value", orEmpty(cur.Values), ref.Values))
	}
	if ref.Scores != nil && ref.Scores.N() > 0 {
		cols = append(cols, scoreColumn("score", orEmpty(cur.Scores), ref.Scores))
	}
	if ref.Classes != nil && ref.Classes.N > 0 {
		cols = append(cols, categoryColumn("class", orEmpty(cur.Classes), ref.Classes))
	}
	return judge(cols, opt.withDefaults())
}

func orEmpty[T any](v *T) *T {
	if v == nil {
		return new(T)
	}
	return v
}

// DriftShare is the share of drifted columns among those with a verdict.
func DriftShare(list []FeatureDrift) Value {
	var drifted, judged int64
	for _, f := range list {
		if f.Grade != Insufficient {
			judged++
		}
		if f.Drifted {
			drifted++
		}
	}
	if judged == 0 {
		return undefined(Insufficient, 0)
	}
	return defined(float64(drifted)/float64(judged), judged)
}
