package measure

import (
	"math"

	"github.com/leewayhq/leeway/internal/measure/twosample"
)

// judge grades columns together. A column is stable without a significant
// difference after Benjamini-Hochberg control over all of them; significant
// ones are shifted, and drifted when the effect reaches the limit. Columns
// below the minimum support say so and do not take part. The presets of other
// tools look at one column at a time and know only stable and drifted.
type judge struct {
	opt   DriftOptions
	usual map[string]float64 // limits of NannyML's preset
	table map[string]*twosample.Method
	heard []testimony
}

// testimony is what is left of a column when it was heard.
type testimony struct {
	FeatureDrift
	p      float64 // of the verdict; NaN without one
	effect float64 // what Limit is compared with
	left   bool    // the method does not apply
}

func newJudge(opt DriftOptions) *judge {
	table := map[string]*twosample.Method{}
	for _, m := range twosample.Methods() {
		table[m.Name] = &m
	}
	return &judge{opt: opt.withDefaults(), usual: opt.Usual.Features, table: table}
}

func (j *judge) hear(c column) {
	choice := j.choose(&c)
	f := FeatureDrift{Name: c.name, Kind: c.kind, Method: choice.method.Name, N: c.n, RefN: c.m, Value: math.NaN(), Limit: choice.limit, Grade: Insufficient}
	t := testimony{p: math.NaN(), effect: math.NaN()}
	r, applies := choice.column.result(choice.method)
	if t.left = !applies; applies {
		f.Value, f.Bound, f.Reason = r.Value, r.Bound, r.Reason
		f.Defined = !math.IsNaN(f.Value)
	}
	if !math.IsNaN(r.P) {
		f.PValue = &r.P
	}
	if !c.empty() {
		f.Unseen = float64(c.unseen()) / float64(c.n)
	}
	if min(c.n, c.m) >= max(j.opt.MinRows, 1) {
		t.p = c.verdictP()
		f.UnseenSignificant = c.unseen() > 0 && c.unseenP() <= j.opt.Q
		if f.Defined {
			t.effect = choice.effect(&f, &r)
		}
		if f.PValue == nil && applies {
			p := t.p
			f.PValue = &p
		}
	}
	t.FeatureDrift = f
	j.heard = append(j.heard, t)
}

func (j *judge) verdicts() []FeatureDrift {
	ps := make([]float64, len(j.heard))
	for i := range j.heard {
		ps[i] = j.heard[i].p
	}
	significant := BenjaminiHochberg(ps, j.opt.Q)
	out := make([]FeatureDrift, 0, len(j.heard))
	for i := range j.heard {
		t := &j.heard[i]
		if t.left {
			continue
		}
		t.grade(significant[i], j.opt.Preset == PresetLeeway)
		out = append(out, t.FeatureDrift)
	}
	return out
}

func (t *testimony) grade(significant, apart bool) {
	reached := t.effect >= t.Limit
	switch {
	case math.IsNaN(t.p):
	case !apart && (math.IsNaN(t.effect) || math.IsNaN(t.Limit)): // nothing to judge by
	case apart && significant && !reached:
		t.Grade = Shifted
	case reached && (significant || !apart):
		t.Grade = Drifted
	default:
		t.Grade = Stable
	}
	t.Drifted = t.Grade == Drifted
}
