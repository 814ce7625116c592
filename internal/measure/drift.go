package measure

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// Methods that this project names itself; all are in the table of twosample.
const (
	MethodPSI         = "psi"
	MethodKS          = "ks"
	MethodChiSquare   = "chi2"
	MethodJS          = "js"
	MethodWasserstein = "wasserstein"
)

// Methods lists the names that DriftOptions.Method accepts.
func Methods() []string {
	table := twosample.Methods()
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].Name
	}
	return names
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
	// Preset is who judges; empty is PresetLeeway.
	Preset string
	Method string // empty is the preset's own: psi for Leeway
	// Limits by method, inclusive. With Leeway's preset they limit the effect: a
	// test without an effect of its own (chi2, t_test) is judged by its psi, and
	// wasserstein by W1 over the reference's standard deviation. With Evidently's
	// they are its thresholds. What is missing has the table's default, which is
	// 0.1 for an effect.
	Limits map[string]float64
	// Usual is what NannyML's preset compares with. UsualDrift makes it.
	Usual Usual
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
	known := Methods()
	if o.Method != "" && !slices.Contains(known, o.Method) {
		errs = append(errs, fmt.Errorf("drift method %q is not one of %v", o.Method, known))
	}
	if o.Preset != "" && !slices.Contains(Presets(), o.Preset) {
		errs = append(errs, fmt.Errorf("drift preset %q is not one of %v", o.Preset, Presets()))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Limits)) {
		if v := o.Limits[name]; !slices.Contains(known, name) {
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
	if o.Preset == "" {
		o.Preset = PresetLeeway
	}
	if o.Method == "" && o.Preset == PresetLeeway {
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

// FeatureDrift is how far one column has moved from the reference.
type FeatureDrift struct {
	Name   string
	Kind   string
	Method string
	// Value is the method's number; Defined is false when it has none, for the
	// Reason given, and Value is NaN then.
	Value   float64
	Defined bool
	Reason  string
	// PValue is that of the method if it is a test, else that of the verdict.
	PValue  *float64
	Drifted bool
	Grade   string
	N, RefN int64
	// Limit is what made it drifted: of the effect with Leeway's preset, of the
	// value or the p-value with others. NaN when there is none.
	Limit float64
	// Unseen is the share of rows in categories that the reference never had;
	// UnseenSignificant tells that it is no accident, whatever the distance says.
	Unseen            float64
	UnseenSignificant bool
	// Bound is how far Value can be from that of the unrounded values. The edges
	// of psi and js are edges of the grid, so that they are exact for it.
	Bound float64
}

// Drift compares the features of two profiles, by name; those that only the
// current one has are left out, and so are those to which the method does not
// apply. The verdict is over all of them at once.
func Drift(cur, ref *profile.Profile, opt DriftOptions) []FeatureDrift {
	j := newJudge(opt)
	var r reader
	for _, name := range slices.Sorted(maps.Keys(ref.Features)) {
		now := cur.Features[name]
		if now == nil {
			now = &profile.Feature{}
		}
		j.hear(r.feature(name, now, ref.Features[name]))
	}
	return j.verdicts()
}

// PredictionDrift compares what two profiles predicted, the most telling
// first: "value" of a regression model, else "score", else "class". The first
// is the headline.
func PredictionDrift(cur, ref *profile.Profile, opt DriftOptions) []FeatureDrift {
	j := newJudge(opt)
	j.usual = opt.Usual.Predictions
	var r reader
	if ref.Values != nil && ref.Values.N > 0 {
		j.hear(r.numeric("value", orEmpty(cur.Values), ref.Values))
	}
	if ref.Scores != nil && ref.Scores.N() > 0 {
		j.hear(r.scores("score", orEmpty(cur.Scores), ref.Scores))
	}
	if ref.Classes != nil && ref.Classes.N > 0 {
		j.hear(categoryColumn("class", orEmpty(cur.Classes), ref.Classes))
	}
	return j.verdicts()
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
