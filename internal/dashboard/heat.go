package dashboard

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/model"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

// heat is how far each feature is from the reference, step by step.
type heat struct {
	Method   string    `json:"method"`
	Time     []int64   `json:"time"`
	Features []heatRow `json:"features"`
	Warning  num       `json:"warning"`
	Critical num       `json:"critical"`
	Drifted  int       `json:"drifted"`
	Total    int       `json:"total"`
	Reason   string    `json:"reason,omitempty"`
}

type heatRow struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Values  []num  `json:"values"`
	Last    num    `json:"last"`
	State   string `json:"state"`
	Drifted bool   `json:"drifted"` // over the whole range
}

type dataQualityRow struct {
	Feature       string `json:"feature"`
	Missing       num    `json:"missing"`
	MissingState  string `json:"missing_state"`
	Outliers      num    `json:"outliers"`
	OutliersState string `json:"outliers_state"`
}

type dataQualityLimits struct {
	Missing  *limitsJSON `json:"missing"`
	Outliers *limitsJSON `json:"outliers"`
}

const (
	maxFeatures = 50
	leastHeat   = 5 * minuteMS
)

// features fills drift and the quality of data, from the coarse row.
func (v *view) features(out *overviewAnswer) error {
	feature, missing, outliers := v.s.shown(v.rules, "feature_drift", v.m.Name), v.s.shown(v.rules, "missing_rate", v.m.Name), v.s.shown(v.rules, "outlier_rate", v.m.Name)
	out.Drift = heat{Method: measure.MethodPSI, Time: []int64{}, Features: []heatRow{}, Warning: numOf(feature.warning), Critical: numOf(feature.critical)}
	out.DataQuality = []dataQualityRow{}
	out.DataQualLimit = &dataQualityLimits{missing.always(), outliers.always()}
	ref, _, err := v.s.referenceAt(v.ctx, v.m, v.sp.from, v.sp.to)
	if err != nil {
		return err
	}
	g, list, err := v.coarse()
	if err != nil {
		return err
	}
	total := v.s.cache.sum(list)
	if total.p == nil {
		out.Drift.Reason = reasonNoData
		return nil
	}
	drift, quality := total.features(ref)
	out.DataQuality = dataQualityRows(quality, missing, outliers)
	if ref == nil {
		out.Drift.Reason = reasonNoReference
		return nil
	}
	out.Drift.Time = g.times()
	out.Drift.count(drift)
	out.Drift.Features = heatRows(list, drift, ref, feature)
	return nil
}

// always gives limits whether their rule runs or not.
func (l *limits) always() *limitsJSON {
	return &limitsJSON{Operator: string(l.op), Warning: l.warning, Critical: l.critical}
}

// coarse is the row with features.
func (v *view) coarse() (grid, []*bucket, error) {
	least := leastHeat
	if v.grid.width >= hourMS {
		least = hourMS
	}
	g := gridOf(v.sp.from, v.sp.to, chartStep(v.sp.to-v.sp.from, heatColumns, least))
	l := line{set: profiles.ByPrediction, model: v.m.Name, versions: strings.Join(v.compared(), "\x00"), full: true, width: g.width}
	list, err := v.s.cache.get(v.ctx, l, g.from, v.sp.to)
	return g, list, err
}

// compared are the versions that stand against the reference: those that were
// asked for, or all but the one that is the reference.
func (v *view) compared() []string {
	ref := v.s.cfg.References.Source(v.m)
	if ref.Source != model.ReferenceVersion || len(v.sp.versions) > 0 {
		return v.sp.versions
	}
	var others []string
	for _, x := range v.m.Versions {
		if x.Name != ref.Version {
			others = append(others, x.Name)
		}
	}
	return others
}

// driftFrom is the drift of every feature in a bucket, worked out once for a
// reference.
func (b *bucket) driftFrom(ref *profile.Profile) map[string]measure.FeatureDrift {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drift == nil || b.against != ref {
		b.drift, b.against = map[string]measure.FeatureDrift{}, ref
		if b.p != nil {
			for _, f := range measure.Drift(b.p, ref, measure.DriftOptions{}) {
				b.drift[f.Name] = f
			}
		}
	}
	return b.drift
}

// count tells how many features drifted over the whole range.
func (h *heat) count(whole []measure.FeatureDrift) {
	for _, f := range whole {
		if f.Grade != measure.Insufficient {
			h.Total++
		}
		if f.Drifted {
			h.Drifted++
		}
	}
}

// heatRows are the features, those that are farthest now first.
func heatRows(list []*bucket, whole []measure.FeatureDrift, ref *profile.Profile, l *limits) []heatRow {
	rows := []heatRow{}
	for _, f := range whole {
		row := heatRow{Name: f.Name, Kind: f.Kind, Drifted: f.Drifted, Values: make([]num, len(list)), Last: none}
		for i, b := range list {
			row.Values[i] = none
			// Below the support that a verdict needs, PSI is mostly chance.
			if x, ok := b.driftFrom(ref)[f.Name]; ok && x.Defined && x.Grade != measure.Insufficient {
				row.Values[i], row.Last = num(x.Value), num(x.Value)
			}
		}
		row.State = l.judge(row.Last)
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b heatRow) int {
		return cmp.Or(cmp.Compare(orZero(b.Last), orZero(a.Last)), strings.Compare(a.Name, b.Name))
	})
	return rows[:min(len(rows), maxFeatures)]
}

func orZero(n num) num {
	if math.IsNaN(float64(n)) {
		return -1
	}
	return n
}

// dataQualityRows are the features, the worst first.
func dataQualityRows(list []measure.FeatureQuality, missing, outliers *limits) []dataQualityRow {
	out := []dataQualityRow{}
	for _, f := range list {
		row := dataQualityRow{Feature: f.Name, Missing: num(f.MissingRate), Outliers: none}
		if f.Compared && f.Kind == measure.KindNumeric {
			row.Outliers = num(f.OutlierRate)
		}
		row.MissingState, row.OutliersState = missing.judge(row.Missing), outliers.judge(row.Outliers)
		out = append(out, row)
	}
	bad := func(r *dataQualityRow) int { return max(rank(r.MissingState), rank(r.OutliersState)) }
	slices.SortStableFunc(out, func(a, b dataQualityRow) int {
		return cmp.Or(cmp.Compare(bad(&b), bad(&a)), cmp.Compare(max(orZero(b.Missing), orZero(b.Outliers)), max(orZero(a.Missing), orZero(a.Outliers))))
	})
	return out[:min(len(out), maxFeatures)]
}
