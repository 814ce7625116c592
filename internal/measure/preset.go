package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/measure/twosample"
	"github.com/leewayhq/leeway/internal/profile"
)

// The presets: who says what drift is.
const (
	PresetLeeway = "leeway"
	// PresetEvidently chooses a method for each column: for a reference of up to
	// 1,000 rows ks for numbers with more than 5 values, else chi2@evidently, or
	// z@evidently with two values; for a larger one wasserstein@evidently for
	// numbers with more than 5 values, else js@evidently. A distance alerts at
	// 0.1, a p-value below 0.05, and the data set when half of its columns do.
	PresetEvidently = "evidently"
	// PresetNannyML is js@nannyml above the mean of the reference's chunks plus
	// three standard deviations (ddof 0). The chunks are the reference's windows
	// by period.
	PresetNannyML = "nannyml"
)

// Presets lists the names that DriftOptions.Preset accepts.
func Presets() []string { return []string{PresetLeeway, PresetEvidently, PresetNannyML} }

// choice is how one column is judged.
type choice struct {
	column *column
	method *twosample.Method
	limit  float64
	// effect is what reaches the limit or does not.
	effect func(f *FeatureDrift, r *twosample.Result) float64
}

func (j *judge) choose(c *column) choice {
	switch j.opt.Preset {
	case PresetEvidently:
		return j.evidently(c)
	case PresetNannyML:
		return j.nannyml(c)
	}
	m := j.table[j.opt.Method]
	if m == nil { // refused by Validate
		m = j.table[MethodPSI]
	}
	return choice{column: c, method: m, limit: j.effectLimit(m), effect: func(f *FeatureDrift, _ *twosample.Result) float64 {
		return c.effect(m, f.Value)
	}}
}

// effectLimit is the limit of a method's effect.
func (j *judge) effectLimit(m *twosample.Method) float64 {
	name := m.Name
	if m.Effect == twosample.EffectOfPSI {
		name = MethodPSI
	}
	if v, ok := j.opt.Limits[name]; ok {
		return v
	}
	if m.Test {
		return defaultLimit
	}
	return m.Limit
}

const (
	evidentlySmall  = 1000 // rows of a small reference
	evidentlyValues = 5    // up to which numbers are taken as categories
)

func (j *judge) evidently(c *column) choice {
	name := j.opt.Method
	as := c
	if name == "" {
		name, as = evidentlyMethod(c)
	}
	m := j.table[name]
	limit, ok := j.opt.Limits[name]
	if !ok {
		limit = m.Limit
	}
	return choice{column: as, method: m, limit: limit, effect: func(f *FeatureDrift, r *twosample.Result) float64 {
		if !m.Test {
			return f.Value
		}
		return below(r.P, limit)
	}}
}

// below puts a p-value on the side of the limit on which a distance would lie.
func below(p, limit float64) float64 {
	switch {
	case math.IsNaN(p):
		return p
	case p < limit:
		return math.Inf(1)
	}
	return math.Inf(-1)
}

// evidentlyMethod is the method that Evidently chooses, and the column as it
// takes it: numbers with few values are categories.
func evidentlyMethod(c *column) (string, *column) {
	few := int64(0)
	as := c
	switch {
	case c.numbers != nil:
		values, ok := c.numbers.ByValue(evidentlyValues)
		if !ok {
			few = math.MaxInt64
			break
		}
		few = int64(len(values.Every))
		as = &column{name: c.name, kind: KindCategorical, n: c.n, m: c.m, categories: values}
	case c.kind == KindNumeric: // no rows
		few = math.MaxInt64
	case c.categories != nil:
		few = int64(len(c.categories.Every))
	}
	switch {
	case c.m > evidentlySmall && few > evidentlyValues && c.kind == KindNumeric:
		return "wasserstein@evidently", c
	case c.m > evidentlySmall:
		return "js@evidently", c
	case few > evidentlyValues && c.kind == KindNumeric:
		return MethodKS, c
	case few > 2:
		return "chi2@evidently", as
	}
	return "z@evidently", as
}

func (j *judge) nannyml(c *column) choice {
	name := j.opt.Method
	if name == "" {
		name = nannymlMethod
	}
	limit, ok := j.usual[c.name]
	if !ok {
		limit = math.NaN()
	}
	return choice{column: c, method: j.table[name], limit: limit, effect: func(f *FeatureDrift, _ *twosample.Result) float64 {
		if f.Value == limit { // its alerts lie above, not at the limit
			return math.Inf(-1)
		}
		return f.Value
	}}
}

const nannymlMethod = "js@nannyml"

// Usual is the limit of each column for NannyML's preset.
type Usual struct{ Features, Predictions, Labels map[string]float64 }

// UsualDrift makes the limits: over the chunks that a reference is made of, the
// mean of the method's value against all of it and three standard deviations
// (ddof 0). A column without a value in any chunk has no limit. An empty method
// is js@nannyml.
func UsualDrift(chunks []*profile.Profile, ref *profile.Profile, method string) Usual {
	opt := DriftOptions{Preset: PresetNannyML, Method: method}
	limits := func(compare func(cur, ref *profile.Profile, opt DriftOptions) []FeatureDrift) map[string]float64 {
		values := map[string][]float64{}
		for _, chunk := range chunks {
			for _, f := range compare(chunk, ref, opt) {
				if f.Defined {
					values[f.Name] = append(values[f.Name], f.Value)
				}
			}
		}
		out := make(map[string]float64, len(values))
		for name, list := range values {
			out[name] = LimitsOfChunks(list, 0, math.Inf(1)).Upper
		}
		return out
	}
	return Usual{limits(Drift), limits(PredictionDrift), limits(LabelDrift)}
}

// DataSetDrifted is whether the columns together count as drifted by the
// preset's own rule; ok is false when it has none or no column has a verdict.
func DataSetDrifted(list []FeatureDrift, opt DriftOptions) (drifted, ok bool) {
	share := DriftShare(list)
	if opt.Preset != PresetEvidently || !share.Defined {
		return false, false
	}
	return share.Value >= 0.5, true
}
